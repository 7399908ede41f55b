"""What `test_ranks` runs under torchrun: a loop, and then a whole run, in a group of its own.

torchrun --nproc-per-node 2 -m tests.training.two_processes DATA CLIP OUT
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from safetensors.torch import save_file

from tests.training.small_clip import go, small_loop, weights_of
from traitlens import files
from traitlens.store import Dataset
from traitlens.training import (
    CaptionConfig,
    MaskingConfig,
    ObjectiveConfig,
    SwapConfig,
    TrainConfig,
    ValidationConfig,
    train,
)
from traitlens.training.ranks import joined

# Odd numbers of pictures, captions and phrases, so that the parts are of unequal size
CONFIG = TrainConfig(
    steps=3,
    batch_size=7,
    chunk=3,
    learning_rate=1e-3,
    warmup=0.0,
    masking=MaskingConfig(p=0.5),
    swaps=SwapConfig(share=0.5),
    captions=CaptionConfig(partial=0.5, ramp=0.0),
    objective=ObjectiveConfig(phrase_form="sigmoid"),
    validation=ValidationConfig(every=2),
)


def main(data: Dataset, clip: Path, out: Path) -> None:
    with joined() as ranks:
        assert ranks.count == 2
        loop = small_loop(data, clip, config=CONFIG, masks=out / "masks", ranks=ranks)
        go(loop, out / f"work-{ranks.rank}")
        save_file(weights_of(loop), out / f"rank-{ranks.rank}.safetensors")
        report = train(data, out / "run", config=dataclasses.replace(CONFIG, model=str(clip)))
        files.write_json(out / f"report-{ranks.rank}.json", dataclasses.asdict(report))


if __name__ == "__main__":
    main(Dataset.open(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
