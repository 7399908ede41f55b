"""What a model may be called, and which one was meant."""

from __future__ import annotations

from pathlib import Path

from traitlens.config import nearest
from traitlens.errors import ModelError
from traitlens.models.folder import SHIPPED
from traitlens.models.tiny import PRESETS

# The paper's three checkpoints (section 4.1).
PAPER = {
    "clip-vit-b-32": "openai/clip-vit-base-patch32",
    "clip-vit-l-14": "openai/clip-vit-large-patch14",
    "metaclip-l-14": "facebook/metaclip-l14-400m",
}


def hub_name(name: str) -> str:
    """Return what the Hugging Face hub calls the model `name`.

    Raise ModelError, with the name that is spelt most like it, for what cannot be a name there: the
    hub's names are `owner/model`.
    """
    if name in PAPER:
        return PAPER[name]
    if name.count("/") == 1 and not Path(name).is_absolute() and not name.startswith("."):
        return name
    raise ModelError(
        f"there is no model {name!r}{meant(name)}; it may be {', '.join([*PAPER, SHIPPED])}, a "
        f"model to train from scratch ({', '.join(PRESETS)}), a folder, or owner/model on the hub"
    )


def meant(name: str) -> str:
    """Return " (did you mean ...?)" with the nearest name that we know, or nothing."""
    near = nearest(name, [*PAPER, *PAPER.values(), *PRESETS, SHIPPED])
    return f" (did you mean {near}?)" if near and near != name else ""
