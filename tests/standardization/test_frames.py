"""Which frame of an animation is taken, and what of it is right."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.standardization.samples import encoded, face, frames, sample_media
from traitlens.errors import ConfigError
from traitlens.standardization import (
    FrameConfig,
    Limits,
    Picture,
    Rejection,
    StandardizeConfig,
    standardize,
)
from traitlens.standardization.containers import gif_frame_count
from traitlens.standardization.frames import Chosen, choose_frames

ANIMATED: dict[str, dict[str, Any]] = {
    "GIF": {},
    "PNG": {},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 100, "speed": 10, "subsampling": "4:4:4"},
}


class Drawn:
    """An animation in memory, which breaks off after `sound` frames."""

    def __init__(self, images: Sequence[Image.Image], *, sound: int | None = None) -> None:
        self.images = images
        self.frame_count = len(images)
        self.sound = len(images) if sound is None else sound

    def frames(self, wanted: Sequence[int]) -> Iterator[Image.Image]:
        for number in wanted:
            if number >= self.sound:
                return
            yield self.images[number]


def greys(*values: int) -> list[Image.Image]:
    return [Image.new("RGB", (4, 4), (value,) * 3) for value in values]


def chosen(media: Drawn, *, key: str = "", **options: object) -> Chosen:
    found = choose_frames(media, FrameConfig(**options), key=key, max_pixels=1000)  # type: ignore[arg-type]
    assert isinstance(found, Chosen)
    return found


def animation(count: int, kind: str = "GIF") -> bytes:
    first, *rest = frames(count)
    return encoded(first, kind, save_all=True, append_images=rest, **ANIMATED[kind])


def taken(media: bytes, *, key: str = "", **options: object) -> Picture:
    config = StandardizeConfig(frames=FrameConfig(**options))  # type: ignore[arg-type]
    picture = standardize(media, config, key=key)
    assert isinstance(picture, Picture)
    return picture


def reopened(png: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("kind", list(ANIMATED))
@pytest.mark.parametrize("choice", ["random", "first", "middle", "mean"])
def test_the_picture_is_the_frame_it_says(kind: str, choice: str) -> None:
    picture = taken(animation(6, kind), choice=choice, count=3)
    assert picture.frame_count == 6
    assert len(picture.more) == 2
    expected = np.asarray(frames(6)[picture.frame], int)
    assert np.abs(reopened(picture.png) - expected).mean() < 3


def test_random_frames_are_uniform_and_depend_on_seed_and_key_alone() -> None:
    media = Drawn(greys(*range(5)))
    drawn = Counter(chosen(media, key=str(key)).numbers[0] for key in range(2000))
    assert all(330 <= drawn[number] <= 470 for number in range(5))  # 400 +- 4 sigma
    assert chosen(media, key="a", seed=1) == chosen(media, key="a", seed=1)
    assert len({chosen(media, key="a", seed=seed).numbers for seed in range(20)}) > 1


def test_more_frames_begin_with_the_one_frame() -> None:
    media = Drawn(greys(*range(9)))
    numbers = chosen(media, key="x", count=4).numbers
    assert len(set(numbers)) == 4
    assert numbers[:1] == chosen(media, key="x").numbers


@pytest.mark.parametrize(
    ("choice", "count", "numbers"),
    [
        ("first", 1, (0,)),
        ("first", 3, (0, 3, 6)),
        ("middle", 1, (5,)),
        ("middle", 2, (5, 0)),
        ("middle", 4, (5, 7, 0, 2)),
    ],
)
def test_frames_at_even_distances(choice: str, count: int, numbers: tuple[int, ...]) -> None:
    assert chosen(Drawn(greys(*range(10))), choice=choice, count=count).numbers == numbers


def test_the_mean_frame_is_the_closest_to_the_mean() -> None:
    media = Drawn(greys(0, 200, 90, 110))  # their mean is 100; 90 comes before 110
    assert chosen(media, choice="mean", count=4).numbers == (2, 3, 0, 1)


def test_there_are_no_more_frames_than_there_are() -> None:
    assert len(chosen(Drawn(greys(1, 2)), count=64).numbers) == 2
    assert taken(encoded(face()), count=3).more == ()


@pytest.mark.parametrize("choice", ["random", "first", "middle", "mean"])
def test_a_broken_tail_is_left_out(choice: str) -> None:
    for sound in range(1, 6):
        found = chosen(Drawn(greys(*range(6)), sound=sound), choice=choice, count=2)
        assert max(found.numbers) < sound


def test_a_tail_that_is_not_needed_is_not_looked_at() -> None:
    assert chosen(Drawn(greys(*range(6)), sound=1), choice="first").frame_count == 6


def test_an_animation_without_a_sound_frame_is_broken() -> None:
    found = choose_frames(Drawn(greys(1, 2), sound=0), FrameConfig(), key="", max_pixels=1000)
    assert found == Rejection("broken picture")


def test_frames_that_are_too_much_together_are_rejected() -> None:
    media = Drawn(greys(*range(10)))  # 16 px each
    found = choose_frames(media, FrameConfig(count=10), key="", max_pixels=16)
    assert found == Rejection("too many pixels")


def test_a_gif_cut_off_in_the_middle_gives_a_frame_that_is_there() -> None:
    media = animation(6)
    for key in range(8):
        cut = taken(media[: len(media) * 2 // 3], key=str(key))
        assert np.array_equal(reopened(cut.png), np.asarray(frames(6)[cut.frame]))


def test_a_gif_that_restores_its_background_is_composed() -> None:
    """Frame 2 covers only its own dot: the dot of frame 1 is gone again, and the rest is clear."""
    images = []
    for left in (0, 4, 8):
        dot = Image.new("RGBA", (12, 4), (0, 0, 0, 0))
        dot.paste((255, 0, 0, 255), (left, 0, left + 4, 4))
        images.append(dot)
    media = encoded(images[0], "GIF", save_all=True, append_images=images[1:], disposal=2)
    config = StandardizeConfig(frames=FrameConfig(choice="first", count=3))
    picture = standardize(media, config)
    assert isinstance(picture, Picture)
    for png, expected in zip([picture.png, *picture.more], images, strict=True):
        seen_HWC = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
        assert np.array_equal(seen_HWC[..., 3], np.asarray(expected)[..., 3])
        assert (seen_HWC[seen_HWC[..., 3] > 0][:, 0] == 255).all()


def test_frames_are_counted_without_decoding_them() -> None:
    assert gif_frame_count(animation(7), stop=100) == 7
    assert gif_frame_count(animation(7), stop=5) == 5
    assert gif_frame_count(b"GIF89a", stop=5) == 1


@pytest.mark.parametrize("kind", list(ANIMATED))
def test_an_animation_with_too_many_frames_is_rejected(kind: str) -> None:
    config = StandardizeConfig(limits=Limits(max_frames=5))
    assert standardize(animation(6, kind), config) == Rejection("too many frames")
    assert isinstance(standardize(animation(5, kind), config), Picture)


def test_a_gif_of_a_hundred_thousand_frames_is_rejected_at_once() -> None:
    media = sample_media()["gif/animated"]
    block = media[media.index(b"\x21\xf9") : -1]
    assert standardize(media[:-1] + block * 30_000 + b";", StandardizeConfig()) == Rejection(
        "too many frames"
    )


@pytest.mark.parametrize("options", [{"choice": "last"}, {"count": 0}, {"count": 65}])
def test_a_choice_that_cannot_be_made_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"frames\."):
        FrameConfig(**options)  # type: ignore[arg-type]
