"""Train the encoder that ships with the package, from permitted art only, and put it in its place.

    python benchmarks/shipped_encoder.py --pfp ../shared/pfp --work runs/shipped

Everything is kept in --work, and a run that was stopped goes on where it was. The art: four real
collections (nouns, lilnouns, moonbirds, cryptoadz) and DiceBear's CC0 and CC BY styles but the
held-out ones, each with several palettes.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from pathlib import Path

from traitlens import files
from traitlens.cli.console import LiveProgress
from traitlens.construction import build
from traitlens.models import shipped_folder
from traitlens.sources.dicebear_styles import HELD_OUT_STYLES, TRAINING_STYLES, style_credit
from traitlens.sources.samples import SampleConfig, draw_samples
from traitlens.training import (
    CaptionConfig,
    FramingConfig,
    ObjectiveConfig,
    SamplingConfig,
    SwapConfig,
    TrainConfig,
    TrainReport,
    ValidationConfig,
    train,
)

COLLECTIONS = ("nouns", "lilnouns", "moonbirds", "cryptoadz")
SEEDS = (1, 2, 3, 4, 5, 6)  # each gives every style a palette of its own; the demo has seed 0
# What the study found best (benchmarks/masking): twins put together anew of a collection's parts,
# and sub-captions, without a loss over phrases. Beside these, what a searcher does: other words,
# and cropped pictures.
RECIPE = TrainConfig(
    steps=7_000,
    batch_size=192,
    sampling=SamplingConfig(mixed=0.15),
    swaps=SwapConfig(share=1.0, traits=8),
    objective=ObjectiveConfig(swaps=0.0, phrases=0.0),
    captions=CaptionConfig(reworded=0.35),
    framing=FramingConfig(share=0.4),
    validation=ValidationConfig(every=500),
)
SHIPPED_FILES = (
    "config.json",
    "model.safetensors",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "training.json",
    "onnx/text_model_quantized.onnx",
    "onnx/vision_model_quantized.onnx",
)


def main() -> None:
    """Draw, build, train and install."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pfp", type=Path, default=Path("../shared/pfp"))
    parser.add_argument("--work", type=Path, default=Path("runs/shipped"))
    parser.add_argument("--steps", type=int, default=RECIPE.steps)
    options = parser.parse_args()
    config = dataclasses.replace(RECIPE, steps=options.steps)
    with LiveProgress() as progress:
        for seed in SEEDS:
            samples = SampleConfig(styles=TRAINING_STYLES, size=64, seed=seed)
            draw_samples(options.work / "raw", samples, progress=progress)
        sources = [options.pfp / f"{name}.zip" for name in COLLECTIONS] + [options.work / "raw"]
        data = build(sources, options.work / "data", progress=progress)
        report = train(
            data,
            options.work / "run",
            config=config,
            cache=options.work / "cache",
            progress=progress,
        )
    install(options.work / "run", shipped_folder(), report)


def install(run: Path, target: Path, report: TrainReport) -> None:
    """Copy what is shipped of a run into the package, with its attribution."""
    with files.replacing_folder(target) as folder:
        for name in SHIPPED_FILES:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(run / name, folder / name)
        if (target / "README.md").is_file():
            shutil.copyfile(target / "README.md", folder / "README.md")
        files.write_text(folder / "ATTRIBUTION.md", attribution())
    print(f"{target}: {report.parameters:,} parameters after {report.steps} steps")


def attribution() -> str:
    """Return who made the art that the encoder was trained on, and under which licence."""
    lines = [
        "# The art that this encoder was trained on",
        "",
        "None of it is in the weights' folder. Held out: " + ", ".join(HELD_OUT_STYLES) + ".",
        "",
    ]
    lines += [f"- {style_credit(style).attribution}" for style in TRAINING_STYLES]
    lines += [f"- {name}: see the model card" for name in COLLECTIONS]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
