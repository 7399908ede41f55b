"""Texts as a model wants them: the token ids of its saved tokenizer.

Axes: N texts, L ids of the longest text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from traitlens import files
from traitlens.errors import ModelError

Ids = NDArray[np.int64]


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
        pad = _pad_token(folder)
        self._tokenizer.enable_truncation(max_length)
        self._tokenizer.enable_padding(
            pad_token=pad, pad_id=self._tokenizer.token_to_id(pad) if pad else 0
        )

    def ids(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """Return the token ids and the attention mask (1 = a token, 0 = padding), both (N, L)."""
        encoded = self._tokenizer.encode_batch(list(texts))
        ids_NL = np.array([e.ids for e in encoded], dtype=np.int64)
        mask_NL = np.array([e.attention_mask for e in encoded], dtype=np.int64)
        return ids_NL, mask_NL


def _pad_token(folder: Path) -> str:
    file = folder / "tokenizer_config.json"
    token = files.read_json(file).get("pad_token") if file.is_file() else None
    if isinstance(token, dict):  # older tokenizers spell it out
        token = token.get("content")
    if not isinstance(token, str):
        raise ModelError(f"the tokenizer of {folder} names no pad_token")
    return token
