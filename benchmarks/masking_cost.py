"""What masking and twins add to the drawing of a batch, against a training step.

    OMP_NUM_THREADS=1 python benchmarks/masking_cost.py data/ --scratch scratch/

Times are the processor's, which a busy machine changes little: the median over batches. A step is
that of the tiny model on one thread, without the drawing, which a thread does ahead. `--scratch`
keeps the components and the frames for the next time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from traitlens.models.pixels import PixelConfig
from traitlens.models.tiny import make_tiny
from traitlens.models.torch_encoder import load_model, text_length
from traitlens.models.words import Words
from traitlens.progress import silent
from traitlens.separation import components
from traitlens.store import Dataset
from traitlens.training import FILLS, MaskingConfig, SwapConfig, TrainConfig
from traitlens.training.batch import Views
from traitlens.training.loop import Loop
from traitlens.training.material import Material, gather
from traitlens.training.objectives import Objective
from traitlens.training.optimizing import Precision
from traitlens.training.ranks import joined
from traitlens.training.sampling import Sampler
from traitlens.training.towers import Towers
from traitlens.training.views import draw_views

NOTHING = "nothing, p = 0"
MANY = 99  # more traits than a token has


def main() -> None:
    """Draw batches in each way, take some steps, and print both."""
    options = _parse()
    torch.set_num_threads(1)
    with TemporaryDirectory() as name:
        scratch = options.scratch or Path(name)
        data = Dataset.open(options.data)
        make_tiny("tiny", Path(name) / "tiny", captions=_captions(data), seed=0)
        pixels = PixelConfig.load(Path(name) / "tiny")
        components(data, out=scratch / "components", split="train")
        masks = scratch / "components"
        material = gather(data, pixels, split="train", masks_folder=masks, cache=scratch)
        rows = {way: _drawing(material, config, options) for way, config in _ways(options.p)}
        nothing = rows[NOTHING][0]
        step = _step(material, Path(name), options) - nothing
    table = Table("drawn", "ms a batch", "added", "of a step", "twins a batch")
    for way, (seconds, twins) in rows.items():
        added = seconds - nothing
        table.add_row(
            way, f"{seconds * 1e3:.0f}", f"{added * 1e3:.0f}", f"{added / step:.1%}", f"{twins:.0f}"
        )
    Console().print(table, f"a step without drawing: {step * 1e3:.0f} ms")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--p", type=float, default=0.5)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--steps", type=int, default=6)
    return parser.parse_args()


def _captions(data: Dataset) -> list[str]:
    return [token.caption for token in data.tokens(split="train", images=False)]


def _ways(p: float) -> list[tuple[str, TrainConfig]]:
    ways = [(NOTHING, TrainConfig())]
    ways += [("tags alone", TrainConfig(masking=MaskingConfig(p=p, pixels=False)))]
    ways += [(fill, TrainConfig(masking=MaskingConfig(p=p, fill=fill))) for fill in FILLS]
    for traits, words in ((1, "1 trait"), (4, "1 to 4 traits"), (MANY, "1 to all traits")):
        swaps = SwapConfig(share=0.25, traits=traits)
        ways.append((f"twins of a fourth in {words}, p = 0", TrainConfig(swaps=swaps)))
    return ways


def _drawing(
    material: Material, config: TrainConfig, options: argparse.Namespace
) -> tuple[float, float]:
    """Return the median seconds that a batch takes, and the mean number of twins in it."""
    sampler = Sampler(material, config.sampling)
    seconds, twins = [], []
    for number in range(options.batches):
        rng = np.random.default_rng(number)
        rows = sampler.draw(options.batch_size, rng=rng)

        def draw(rows: np.ndarray = rows, rng: np.random.Generator = rng) -> Views:
            return draw_views(
                material,
                rows,
                masking=config.masking,
                captions=config.captions,
                swaps=config.swaps,
                rng=rng,
            )

        took, views = _timed(draw)
        seconds.append(took)
        twins.append(len(views.swaps_S2))
    return float(np.median(seconds)), float(np.mean(twins))


def _timed(draw: Callable[[], Views]) -> tuple[float, Views]:
    begun = time.process_time()
    views = draw()
    return time.process_time() - begun, views


def _step(material: Material, folder: Path, options: argparse.Namespace) -> float:
    """Return the mean seconds of a step, drawing included."""
    config = TrainConfig(steps=options.steps, batch_size=options.batch_size, precision="fp32")
    model, source = load_model(folder / "tiny")
    with joined() as ranks:
        towers = Towers(
            model,
            Words(source, max_length=text_length(model)),
            PixelConfig.load(source),
            precision=Precision(config.precision, ranks.device),
            device=ranks.device,
        )
        loop = Loop(towers, Objective(config.objective), material, None, config=config, ranks=ranks)
        begun = time.process_time()
        loop.run(
            folder / "work",
            save_every=options.steps + 1,
            mark="",
            workers=0,
            on_point=lambda _: None,
            progress=silent,
        )
    seconds = time.process_time() - begun
    return seconds / int(options.steps)


if __name__ == "__main__":
    main()
