"""A gallery in an encoder's space, wherever the vectors lie."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers import ColourEncoder, drawn_dataset
from traitlens.embedding import Gallery, embed_all, embedded
from traitlens.errors import ModelError


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery.of(drawn_dataset(tmp_path / "data", {"robots": 40, "owls": 30}), split=None)


def test_each_collection_has_its_rows(gallery: Gallery) -> None:
    (found,) = embed_all([ColourEncoder()], gallery)
    images, texts = found.of("owls")
    captions = [token.caption for token in gallery.tokens("owls")]
    assert np.array_equal(images, ColourEncoder().encode_images(gallery.pictures(range(40, 70))))
    assert np.array_equal(texts, ColourEncoder().encode_texts(captions))
    assert np.array_equal(found.encode_texts(captions), texts)


def test_large_arrays_lie_in_files_and_hold_the_same(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small,) = embed_all([ColourEncoder()], gallery)
    monkeypatch.setattr(embedded, "IN_MEMORY_BYTES", 1000)
    (large,) = embed_all([ColourEncoder()], gallery)
    assert isinstance(large.images_ND, np.memmap)
    assert isinstance(large.texts_ND, np.memmap)
    assert np.array_equal(large.images_ND, small.images_ND)
    assert np.array_equal(large.texts_ND, small.texts_ND)


def test_what_is_no_encoder_is_refused(gallery: Gallery) -> None:
    with pytest.raises(ModelError, match="'runs/a' is no encoder"):
        embed_all(["runs/a"], gallery)  # type: ignore[list-item]
