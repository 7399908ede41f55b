"""Videos give a frame like any animation; without PyAV they say what is missing."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from tests.standardization.samples import frames, sample_media
from traitlens.standardization import (
    FrameConfig,
    Limits,
    Picture,
    Rejection,
    StandardizeConfig,
    decode,
    standardize,
)

VIDEOS = sorted(name for name in sample_media() if name.startswith(("mp4/", "webm/")))


def taken(media: bytes, **options: object) -> Picture:
    config = StandardizeConfig(frames=FrameConfig(**options))  # type: ignore[arg-type]
    picture = standardize(media, config, key="token")
    assert isinstance(picture, Picture)
    return picture


@pytest.mark.parametrize("name", VIDEOS)
@pytest.mark.parametrize("choice", ["random", "first", "middle", "mean"])
def test_a_frame_of_a_video_is_the_one_it_says(name: str, choice: str) -> None:
    picture = taken(sample_media()[name], choice=choice)
    assert picture.frame_count == 6
    large = frames(6)[picture.frame].resize((96, 96), Image.Resampling.NEAREST)
    seen_HWC = np.asarray(Image.open(io.BytesIO(picture.png)), int)
    assert np.abs(seen_HWC - np.asarray(large)).mean() < 12
    others = [np.asarray(frame.resize((96, 96), 0), int) for frame in frames(6)]
    nearest = int(np.argmin([np.abs(seen_HWC - other).sum() for other in others]))
    assert nearest == picture.frame


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_cut_off_gives_a_frame_that_is_there_or_a_reason(name: str) -> None:
    media = sample_media()[name]
    for share in (0.3, 0.6, 0.9):
        result = standardize(media[: int(share * len(media))], StandardizeConfig())
        assert isinstance(result, Picture | Rejection)


@pytest.mark.parametrize("name", VIDEOS)
def test_limits_hold_for_videos(name: str) -> None:
    media = sample_media()[name]
    assert decode(media, Limits(max_frames=5)) == Rejection("too many frames")
    assert decode(media, Limits(max_pixels=96 * 95)) == Rejection("too many pixels")
    assert decode(media, Limits(max_bytes=500)) == Rejection("media too large")


def test_bytes_that_only_begin_as_a_video_are_rejected() -> None:
    header = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"
    assert decode(header + bytes(500)) == Rejection("broken video")
    assert decode(b"\x1a\x45\xdf\xa3" + bytes(500)) == Rejection("broken video")


def test_without_pyav_a_video_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    header = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"
    assert decode(header) == Rejection("video needs the extra traitlens[video]")
