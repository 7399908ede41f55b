"""Frames are decoded once, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import drawn_dataset
from traitlens.models.frames import frames_of
from traitlens.models.pixels import PixelConfig, frame
from traitlens.records import Location
from traitlens.separation.masks import read_picture
from traitlens.standardization import decode as open_picture
from traitlens.store import Dataset

PIXELS = PixelConfig(height=12, width=10)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_dataset(tmp_path_factory.mktemp("frames") / "data", {"robots": 9, "owls": 7})


def locations(data: Dataset) -> list[Location]:
    tokens = data.tokens(split="train", images=False)
    return [token.location for token in tokens if token.location is not None]


def test_frames_are_those_of_the_models_input_in_the_order_asked_for(data: Dataset) -> None:
    made = frames_of(data, locations(data), PIXELS)
    expected = [frame(read_picture(token), PIXELS) for token in data.tokens(split="train")]
    assert (made == np.stack(expected)).all()
    assert not made.flags.writeable


def test_what_is_in_the_cache_is_not_decoded_again(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = frames_of(data, locations(data), PIXELS, cache=tmp_path)
    monkeypatch.setattr("traitlens.models.frames.decode", None)  # to call it would fail
    again = frames_of(data, locations(data), PIXELS, cache=tmp_path)
    assert (made == again).all()


def test_other_tokens_and_other_sizes_have_frames_of_their_own(
    data: Dataset, tmp_path: Path
) -> None:
    frames_of(data, locations(data), PIXELS, cache=tmp_path)
    assert frames_of(data, locations(data)[3:], PIXELS, cache=tmp_path).shape == (12, 12, 10, 3)
    larger = PixelConfig(height=20, width=10)
    assert frames_of(data, locations(data), larger, cache=tmp_path).shape == (15, 20, 10, 3)


def test_another_scale_of_colours_has_the_same_frames(data: Dataset, tmp_path: Path) -> None:
    for mean in (0.5, 0.4):
        frames_of(
            data, locations(data), PixelConfig(height=8, width=8, mean=(mean,) * 3), cache=tmp_path
        )
    assert len(list(tmp_path.iterdir())) == 1


def test_a_stopped_run_leaves_no_frames_and_goes_on_where_it_was(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []

    def stop(stage: str, done: int, total: int, note: str = "") -> None:
        raise KeyboardInterrupt

    def decode(png: bytes) -> Image.Image:
        decoded.append(png)
        return open_picture(png)  # type: ignore[return-value]

    with pytest.raises(KeyboardInterrupt):
        frames_of(data, locations(data), PIXELS, cache=tmp_path, progress=stop)
    assert [path.name[0] for path in tmp_path.iterdir()] == ["."], "only unfinished work"
    monkeypatch.setattr("traitlens.models.frames.decode", decode)
    made = frames_of(data, locations(data), PIXELS, cache=tmp_path)
    assert len(decoded) == 7, "the owls alone"
    assert (made == frames_of(data, locations(data), PIXELS)).all()
    assert [path.name[0] for path in tmp_path.iterdir()] == ["f"]


def test_several_processes_write_the_same_bytes(data: Dataset, tmp_path: Path) -> None:
    alone = frames_of(data, locations(data), PIXELS)
    together = frames_of(data, locations(data), PIXELS, cache=tmp_path, workers=2)
    assert (alone == together).all()


def test_how_far_it_is_is_told(data: Dataset) -> None:
    told = []
    frames_of(
        data,
        locations(data),
        PIXELS,
        progress=lambda stage, done, total, note="": told.append((done, total)),
    )
    assert told == [(8, 15), (15, 15)]
