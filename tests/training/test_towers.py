"""Frames and texts reach the towers as an encoder would prepare them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.models.checkpoints import sentence_encoder, siglip
from tests.training.small_clip import IMAGE_PX, small_clip, small_towers
from traitlens.models.pixels import PixelConfig, normalize
from traitlens.models.text_towers import join_text_tower
from traitlens.models.torch_encoder import text_features
from traitlens.training import TrainConfig
from traitlens.training.towers import Towers, scaled

CONFIG = TrainConfig(precision="fp32")


@pytest.fixture(scope="module")
def towers(tmp_path_factory: pytest.TempPathFactory) -> Towers:
    return small_towers(small_clip(tmp_path_factory.mktemp("clip")), config=CONFIG)


def test_pixels_are_scaled_to_the_same_bits_as_an_encoders() -> None:
    config = PixelConfig(height=5, width=4, mean=(0.48, 0.45, 0.4), std=(0.27, 0.26, 0.28))
    frames = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 3), np.uint8)
    found = scaled(torch.from_numpy(frames), config).numpy()
    np.testing.assert_array_equal(found, normalize(frames, config))


def test_frames_of_a_file_that_is_only_read_are_taken(towers: Towers, tmp_path: Path) -> None:
    shape = (2, IMAGE_PX, IMAGE_PX, 3)
    (tmp_path / "frames").write_bytes(bytes(np.prod(shape)))
    frames: Any = np.memmap(tmp_path / "frames", np.uint8, "r", shape=shape)
    assert towers.images(frames).shape == (2, towers.dimension)


@pytest.mark.parametrize("count", [1, 16, 17])
def test_texts_are_filled_up_for_the_tower_and_not_for_the_reader(
    towers: Towers, count: int
) -> None:
    texts = [f"robots with {n} red hat" for n in range(count)]
    ids, mask = map(torch.from_numpy, towers.words.ids(texts))
    wanted = text_features(towers.model, ids, mask)
    torch.testing.assert_close(towers.texts(texts), wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["siglip", "sentences"])
def test_other_kinds_of_dual_encoders_pass_through(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "joined"
    if kind == "siglip":
        siglip(folder)
    else:
        clip = small_clip(tmp_path / "clip")
        join_text_tower(clip, sentence_encoder(tmp_path / "words"), folder)
    towers = small_towers(folder, config=CONFIG)
    frames = np.zeros((2, towers.pixels.height, towers.pixels.width, 3), np.uint8)
    assert towers.images(frames).shape == (2, towers.dimension)
    assert towers.texts(["red hat", "blue hat"]).shape == (2, towers.dimension)
