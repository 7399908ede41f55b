"""Where a training run begins."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from traitlens.models.text_towers import join_text_tower
from traitlens.models.tiny import is_preset, make_tiny


def start_model(
    model: str, *, text_tower: str | None, captions: Iterable[str], seed: int, folder: Path
) -> str | Path:
    """Return what `load_model` opens for a run of `model`: a name, or `folder` when it was made.

    A preset is drawn by `seed`, with a vocabulary from `captions`. A `text_tower`, the folder or
    name of a sentence encoder, is joined to the picture tower of `model` and brings its own words.
    """
    if text_tower is not None:
        join_text_tower(model, text_tower, folder, seed=seed)
        return folder
    if not is_preset(model):
        return model
    make_tiny(model, folder, captions=captions, seed=seed)
    return folder
