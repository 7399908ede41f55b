"""What the paper states of its setting, and what is done here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from traitlens.models.pixels import PixelConfig
from traitlens.records import SPLITS
from traitlens.reproduction.arms import ZERO_SHOT, Arm
from traitlens.reproduction.bench import Bench
from traitlens.reproduction.identity import collections_of, identify
from traitlens.reproduction.published import SIZES, TOKENS
from traitlens.reproduction.record import Setting
from traitlens.store import Dataset

SILENT = "silent"

_UNKNOWN = "not in the data set's manifest"


def settings(bench: Bench, arms: Sequence[Arm], models: str) -> tuple[Setting, ...]:
    """Return what may differ between the paper's table and ours, from what the runs wrote.

    `models` names the paper's in that table.
    """
    found = [*_about_data(bench.data)]
    if arms:
        found += _about_search(bench, models)
    trained = [arm for arm in arms if arm != ZERO_SHOT]
    for model in bench.models if trained else ():
        masking = next((arm for arm in trained if arm.p), trained[0])
        found += _about_run(bench, model, masking)
    return tuple(found)


def _about_data(data: Dataset) -> Iterator[Setting]:
    config = data.manifest.config
    test, train = SIZES["test"], SIZES["train"]
    counts = collections_of(data)
    yield Setting(
        "data set",
        f"NFT1000: {TOKENS / 1e6:g} M tokens of 1,000 collections; train {train.tokens:,} of "
        f"{train.collections}, test {test.tokens:,} of {test.collections}",
        f"{data.path}, {identify(data).words}: {data.count():,} tokens; "
        + ", ".join(f"{s} {data.count(split=s):,} of {counts[s]}" for s in SPLITS),
    )
    yield Setting("split", "by collection, 80:5:15", _split_words(config.get("split")))
    yield Setting("pictures", "512 px wide", _size_words(config.get("standardize")))
    captions = config.get("captions")
    yield Setting(
        "caption template",
        "a sentence over the attributes, its wording silent",
        f"style {captions['style']}, {_ORDERS[captions['order']]}" if captions else _UNKNOWN,
    )


_ORDERS = {"identifying": "the rarest traits first", "metadata": "in the metadata's order"}


def _split_words(split: dict[str, Any] | None) -> str:
    if not split:
        return _UNKNOWN
    if split["rule"] == "official":
        return "official: the authors' own partition"
    shares = ":".join(map(str, split["shares"]))
    return f"{split['rule']}, {shares}, seed {split['seed']}"


def _size_words(standardize: dict[str, Any] | None) -> str:
    if not standardize:
        return _UNKNOWN
    size = standardize["size"]
    if size["mode"] == "paper":
        return f"{size['width']} px wide"
    return f"{size['mode']}, at most {size['width']} px wide"


def _about_search(bench: Bench, models: str) -> Iterator[Setting]:
    config = bench.config
    cap = "all tokens of the test split"
    if config.max_gallery is not None:
        cap = f"at most {config.max_gallery:,} test tokens of a collection, seed {config.seed}"
    yield Setting("models", models, _model_words(bench))
    yield Setting("gallery", "all tokens of the test split", cap)
    yield Setting("ties", SILENT, "broken at random, in expectation")
    yield Setting("precision of the vectors", SILENT, "float32, by torch")


def _model_words(bench: Bench) -> str:
    names = (
        label if label == checkpoint else f"{label} = {checkpoint}"
        for label, checkpoint in bench.models.items()
    )
    return ", ".join(names)


def _about_run(bench: Bench, model: str, arm: Arm) -> Iterator[Setting]:
    """Yield what a run wrote of itself; those of one model differ in data, p and seed alone."""
    config = bench.summary(model, arm)["config"]
    pixels = PixelConfig.load(bench.run(model, arm, seed=bench.config.seed))

    def here(name: str, paper: str, ours: str) -> Setting:
        return Setting(f"{name}, {model}" if len(bench.models) > 1 else name, paper, ours)

    yield here("resolution of the input", SILENT, f"{pixels.width} x {pixels.height} px")
    yield here("steps, batch", SILENT, f"{config['steps']:,} of {config['batch_size']}")
    yield here("optimizer", SILENT, _optimizer_words(config))
    yield here("precision", SILENT, config["precision"])
    yield here("batches", SILENT, _batch_words(config["sampling"]))
    yield here("loss", "contrastive, as CLIP", _loss_words(config["objective"]["phrases"]))
    yield here("captions in training", "whole", _caption_words(config["captions"]["partial"]))
    yield here("seeds", SILENT, f"{bench.config.seeds}, from {bench.config.seed} on")
    if arm.p:
        yield from _about_masking(here, config["masking"]["fill"])


def _about_masking(here: Callable[[str, str, str], Setting], fill: str) -> Iterator[Setting]:
    yield here(
        "masks",
        "what is equal in pictures that share a trait: 8 rounds of 4 pictures",
        "contrasted with pictures that lack the trait; found on the train split alone",
    )
    yield here(
        "p",
        "the chance that a component's mask is selected",
        "independent for each component of a token; one trait is always kept",
    )
    yield here("fill of a hole", SILENT, _FILLS[fill])
    yield here("traits without a mask", SILENT, "keep their tag")


_FILLS = {
    "other": "the pixels of another token of the batch",
    "mean": "the collection's mean picture",
    "zero": "black",
    "image": "the mean colour of what is left of the picture",
    "blur": "the picture itself, blurred",
    "beneath": "what lies beneath the component",
}


def _optimizer_words(config: dict[str, Any]) -> str:
    return (
        f"AdamW, learning rate {config['learning_rate']:g} (that of the temperature x "
        f"{config['temperature_pace']:g}), weight decay {config['weight_decay']:g}, warm-up over "
        f"{config['warmup']:.0%} of the steps, then cosine to 0"
    )


def _batch_words(sampling: dict[str, Any]) -> str:
    if sampling["mixed"] == 1 and sampling["balance"] == 1:
        return "drawn from all tokens alike"
    return f"from one collection; {sampling['mixed']:.0%} from all of them"


def _loss_words(phrases: float) -> str:
    equal = "contrastive; equal captions are no negatives"
    return f"{equal}; single phrases beside, weight {phrases:g}" if phrases else equal


def _caption_words(partial: float) -> str:
    return f"{partial:.0%} name some traits only" if partial else "whole"
