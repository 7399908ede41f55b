"""Equal inputs get one vector, and what is no encoder is told so."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import ColourEncoder, drawn_token, write_dataset
from traitlens.errors import DatasetError, ModelError
from traitlens.evaluation.encoding import (
    BATCH,
    check_encoder,
    encode_pictures,
    encode_texts,
    read_pictures,
)
from traitlens.models import Vectors
from traitlens.progress import silent


class UnsteadyEncoder(ColourEncoder):
    """Gives the same input other last bits each time, as batched matrix products may."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def _shaken(self, vectors: Vectors) -> Vectors:
        noise = np.random.default_rng(self.seen).normal(size=vectors.shape) * 1e-7
        self.seen += len(vectors)
        return (vectors + noise).astype(np.float32)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return self._shaken(super().encode_texts(texts))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        return self._shaken(super().encode_images(images))


def test_equal_texts_share_one_vector_across_batches() -> None:
    texts = [f"red hat {i % (BATCH + 5)}" for i in range(3 * BATCH)]
    encoder = UnsteadyEncoder()
    vectors = encode_texts(encoder, texts)
    assert encoder.seen == BATCH + 5
    assert vectors.shape == (3 * BATCH, encoder.dimension)
    for i in range(BATCH + 5, 3 * BATCH):
        assert np.array_equal(vectors[i], vectors[i - BATCH - 5])


def test_tokens_of_equal_pixels_share_one_vector(tmp_path: Path) -> None:
    tokens = [drawn_token("robots", number) for number in range(BATCH + 20)]
    twins = [replace(token, token_uid=f"twin of {token.token_uid}") for token in tokens]
    data = write_dataset(tmp_path / "data", {"robots": [*tokens, *twins]})
    stored = list(data.tokens(images=False))
    encoder = UnsteadyEncoder()
    (vectors,) = encode_pictures([encoder], data, stored, progress=silent)
    assert encoder.seen == len({token.pixels_sha256 for token in tokens})
    assert np.array_equal(vectors[: len(tokens)], vectors[len(tokens) :])


def test_each_token_gets_the_vector_of_its_own_picture(tmp_path: Path) -> None:
    tokens = [drawn_token("robots", number) for number in range(BATCH + 20)]
    data = write_dataset(tmp_path / "data", {"robots": tokens})
    stored = list(data.tokens(images=False))[::-1]
    (vectors,) = encode_pictures([ColourEncoder()], data, stored, progress=silent)
    pictures = [picture for batch in read_pictures(data, stored) for picture in batch]
    assert np.array_equal(vectors, ColourEncoder().encode_images(pictures))


def test_progress_counts_up_to_the_distinct_pictures(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "d", {"r": [drawn_token("r", i) for i in range(BATCH + 9)]})
    stored, told = list(data.tokens(images=False)), list[tuple[str, int, int]]()
    encode_pictures([ColourEncoder()], data, stored, progress=lambda *step: told.append(step))
    distinct = len({token.pixels_sha256 for token in stored})
    assert told[-1] == ("encode pictures", distinct, distinct)


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    token = replace(drawn_token("robots", 7), image=b"no picture")
    data = write_dataset(tmp_path / "data", {"robots": [token]})
    with pytest.raises(DatasetError, match="robots/7 cannot be read: unsupported media type"):
        encode_pictures([ColourEncoder()], data, list(data.tokens()), progress=silent)


def test_what_is_no_encoder_is_refused() -> None:
    check_encoder(ColourEncoder())
    with pytest.raises(ModelError, match=r"'runs/a' is no encoder: it has no name"):
        check_encoder("runs/a")


class LongEncoder(ColourEncoder):
    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return 3 * super().encode_texts(texts)


class WideEncoder(ColourEncoder):
    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.full((len(texts), 4), 0.5, np.float32)


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (LongEncoder(), "colours gave a vector of length 3; expected 1"),
        (WideEncoder(), r"vectors of shape \(2, 4\) for 2 inputs; expected \(2, 19\)"),
    ],
)
def test_vectors_that_break_the_protocol_are_refused(encoder: ColourEncoder, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        encode_texts(encoder, ["red", "blue"])


class SilentEncoder(ColourEncoder):
    """Knows nothing: zeros for one text and NaN for the other."""

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        vectors[1] = np.nan
        return vectors


def test_zeros_and_nan_are_scored_rather_than_refused() -> None:
    assert encode_texts(SilentEncoder(), ["red", "blue"]).shape == (2, 19)
