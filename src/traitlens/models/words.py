"""Texts as a model wants them: the token ids of its saved tokenizer.

Axes: N texts, L ids of the longest text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from traitlens import files
from traitlens.errors import ModelError

Ids = NDArray[np.int64]

# Trained on texts filled up to one length, without a mask (Zhai et al., arXiv 2303.15343): padding
# is part of their text, and its last place is what they pool.
_FILLED = ("siglip", "siglip2")


class Words:
    """A model's tokenizer: lower-level than `transformers`', and without its import."""

    def __init__(self, folder: Path, *, max_length: int) -> None:
        """Read tokenizer.json; texts are cut at `max_length` ids."""
        from tokenizers import Tokenizer

        file = folder / "tokenizer.json"
        if not file.is_file():
            raise ModelError(f"{folder} is no model: it has no tokenizer.json")
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises bare Exceptions
            raise ModelError(f"{file} is no tokenizer: {error}") from None
        pad, side = _padding(folder)
        self._fills = _kind(folder) in _FILLED
        self._tokenizer.enable_truncation(max_length)
        self._tokenizer.enable_padding(
            direction=side,
            length=max_length if self._fills else None,
            pad_token=pad,
            pad_id=self._tokenizer.token_to_id(pad) if pad else 0,
        )

    def ids(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """Return the token ids and the attention mask (1 = to be seen), both (N, L).

        Padding is masked, but for a model that was trained to see it.
        """
        encoded = self._tokenizer.encode_batch(list(texts))
        ids_NL = np.array([e.ids for e in encoded], dtype=np.int64)
        if self._fills:
            return ids_NL, np.ones_like(ids_NL)
        mask_NL = np.array([e.attention_mask for e in encoded], dtype=np.int64)
        return ids_NL, mask_NL


def _padding(folder: Path) -> tuple[str, Literal["left", "right"]]:
    """Return the token that fills short texts up, and the side on which it stands."""
    described: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):  # the latter counts more
        described |= files.read_json(folder / name) if (folder / name).is_file() else {}
    token = described.get("pad_token")
    if isinstance(token, dict):  # older tokenizers spell it out
        token = token.get("content")
    if not isinstance(token, str):
        raise ModelError(f"the tokenizer of {folder} names no pad_token")
    return token, "left" if described.get("padding_side") == "left" else "right"


def _kind(folder: Path) -> str | None:
    file = folder / "config.json"
    return files.read_json(file).get("model_type") if file.is_file() else None
