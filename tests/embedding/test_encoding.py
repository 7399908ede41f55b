"""Equal inputs get one vector, and what is no encoder is told so."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import ColourEncoder, drawn_dataset, drawn_token, write_dataset
from traitlens.embedding import Gallery, check_encoder, encode_texts
from traitlens.embedding.encoding import BATCH, fill_pictures, fill_texts
from traitlens.errors import DatasetError, ModelError
from traitlens.models import Vectors
from traitlens.models.encoder import Encoder


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


def pictures_of(encoder: Encoder, gallery: Gallery, *, start: int = 0) -> Vectors:
    """Return the vectors of a gallery's pictures; rows before `start` stay zero."""
    out = np.zeros((len(gallery), encoder.dimension), np.float32)
    fill_pictures([encoder], gallery, [out], start=start)
    return out


def test_tokens_of_equal_pixels_share_one_vector(tmp_path: Path) -> None:
    tokens = [drawn_token("robots", number) for number in range(BATCH + 20)]
    twins = [replace(token, token_uid=f"twin of {token.token_uid}") for token in tokens]
    data = write_dataset(tmp_path / "data", {"robots": [*tokens, *twins]})
    encoder = UnsteadyEncoder()
    vectors = pictures_of(encoder, Gallery.of(data, split=None))
    assert encoder.seen == len({token.pixels_sha256 for token in tokens})
    assert np.array_equal(vectors[: len(tokens)], vectors[len(tokens) :])


def test_tokens_of_equal_captions_share_one_vector_across_collections(tmp_path: Path) -> None:
    robots = [drawn_token("robots", number) for number in range(BATCH + 20)]
    owls = [replace(drawn_token("owls", i), caption=t.caption) for i, t in enumerate(robots)]
    data = write_dataset(tmp_path / "data", {"robots": robots, "owls": owls})
    gallery, encoder = Gallery.of(data, split=None), UnsteadyEncoder()
    vectors = np.zeros((len(gallery), encoder.dimension), np.float32)
    fill_texts(encoder, gallery, vectors)
    assert encoder.seen == len({token.caption for token in robots})
    assert np.array_equal(vectors[: len(robots)], vectors[len(robots) :])


def test_each_token_gets_the_vectors_of_its_own_picture_and_caption(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": BATCH + 20, "owls": 30})
    gallery, encoder = Gallery.of(data, split=None), ColourEncoder()
    texts = np.zeros((len(gallery), encoder.dimension), np.float32)
    fill_texts(encoder, gallery, texts)
    every = list(data.tokens(images=False))
    assert np.array_equal(texts, encoder.encode_texts([token.caption for token in every]))
    pictures = gallery.pictures(range(len(gallery)))
    assert np.array_equal(pictures_of(encoder, gallery), encoder.encode_images(pictures))


def test_work_that_starts_again_at_a_batch_gives_the_same_rows(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 3 * BATCH, "owls": 30})
    gallery = Gallery.of(data, split=None)
    whole = pictures_of(ColourEncoder(), gallery)
    again = whole.copy()
    again[BATCH:] = 0
    fill_pictures([ColourEncoder()], gallery, [again], start=BATCH)
    assert np.array_equal(again, whole)


def test_progress_counts_up_to_the_tokens(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": BATCH + 9})
    gallery, told = Gallery.of(data, split=None), list[tuple[object, ...]]()
    out = np.zeros((len(gallery), 19), np.float32)
    fill_pictures([ColourEncoder()], gallery, [out], progress=lambda *step: told.append(step))
    assert [done for _, done, _ in told] == [BATCH, BATCH + 9]


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    tokens = [replace(drawn_token("robots", i), image=b"no picture") for i in range(2)]
    data = write_dataset(tmp_path / "data", {"robots": tokens})
    with pytest.raises(DatasetError, match=r"row 0 of robots-00000.parquet cannot be read"):
        pictures_of(ColourEncoder(), Gallery.of(data, split=None))


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


class BrokenEncoder(ColourEncoder):
    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        vectors = super().encode_texts(texts)
        vectors[1:, 3] = np.nan
        return vectors


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (LongEncoder(), "colours gave a vector of length 3 for 'red', and 2 such of 2; expected"),
        (WideEncoder(), r"vectors of shape \(2, 4\) for 2 inputs; expected \(2, 19\)"),
        (BrokenEncoder(), "colours gave a vector with NaN for 'blue', and 1 such of 2"),
    ],
)
def test_vectors_that_break_the_protocol_are_refused(encoder: ColourEncoder, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        encode_texts(encoder, ["red", "blue"])


class SilentEncoder(ColourEncoder):
    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.zeros((len(texts), self.dimension), np.float32)


def test_zeros_are_scored_rather_than_refused() -> None:
    assert not encode_texts(SilentEncoder(), ["red", "blue"]).any()
