"""The pictures that `standardizing.py` standardizes: drawn or read the same way on every run.

A tenth each are SVG and GIF, a quarter JPEG, the rest PNG. Of the PNG, 45% are pixel art at its
native size (24 to 50 px), 15% the same art enlarged, 40% renders. Sources are 24 to 1,500 px wide.
With a folder of collection zips the pixel art and a part of the renders are real; without, all is
DiceBear art. Photos are synthetic: soft noise of eight octaves, saved as JPEG.
"""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.sources.dicebear_drawing import rasterize
from traitlens.sources.dicebear_styles import DEMO_STYLES, load_style

if TYPE_CHECKING:
    from dicebear import Style

SHARES = {"PNG": 0.55, "JPEG": 0.25, "SVG": 0.10, "GIF": 0.10}
WIDTHS = (128, 256, 350, 512, 600, 800, 1000, 1200, 1500)  # px, of renders
DRAWN_PX = 1500
DRAWN_EACH = 8  # drawings a style; each is used at many widths
PHOTOS = 24
NATIVE_PX = 64  # pictures up to here are pixel art
TURN = 20  # pictures after which the mix repeats, so that every block has all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One picture as it would be found, with its format."""

    name: str
    kind: str
    path: Path

    def read(self) -> bytes:
        return self.path.read_bytes()


def make_corpus(folder: Path, *, pictures: int, pfp: Path | None, seed: int = 0) -> list[Sample]:
    """Write the pictures below `folder`, unless they are there, and return them."""
    kinds = _turn(SHARES)
    samples = []
    for number in range(pictures):
        kind = kinds[number % TURN]
        name = f"{number:05}.{kind.lower()}"
        samples.append(Sample(name=name, kind=kind, path=folder / name))
    if not all(sample.path.exists() for sample in samples):
        folder.mkdir(parents=True, exist_ok=True)
        art = _Art(pfp=pfp, seed=seed)
        for number, sample in enumerate(samples):
            rng = random.Random(f"{seed}/{number}")
            sample.path.write_bytes(art.make(sample.kind, number // TURN, rng))
    return samples


def _turn(shares: dict[str, float]) -> list[str]:
    """Return the formats of `TURN` pictures, well mixed."""
    kinds = [kind for kind, share in shares.items() for _ in range(round(share * TURN))]
    return random.Random(0).sample(kinds, len(kinds))


class _Art:
    """What pictures are made from: pixel art, renders and photos."""

    def __init__(self, *, pfp: Path | None, seed: int) -> None:
        self._styles = [load_style(name) for name in DEMO_STYLES]
        self._renders = [
            Image.fromarray(rasterize(_drawing(style, f"{seed}/{number}", size=DRAWN_PX)))
            for style in self._styles
            for number in range(DRAWN_EACH)
        ]
        self._photos = [_photo(np.random.default_rng([seed, n])) for n in range(PHOTOS)]
        found = list(_from_zips(pfp, seed=seed)) if pfp else []
        self._found_renders = [art for art in found if art.width > NATIVE_PX]
        small = [art for art in found if art.width <= NATIVE_PX]
        self._pixel_art = small or [_as_pixel_art(render) for render in self._renders]

    def make(self, kind: str, turn: int, rng: random.Random) -> bytes:
        """Return the bytes of a picture of a format."""
        if kind == "SVG":
            return self._svg(rng)
        if kind == "GIF":
            return self._gif(rng)
        if kind == "JPEG":
            pool = self._photos if rng.random() < 0.4 else self._renders
            return _encoded(_scaled(pool, rng), "JPEG", quality=rng.choice([80, 88, 95]))
        return _encoded(self._png(rng), "PNG")

    def _png(self, rng: random.Random) -> Image.Image:
        dice = rng.random()
        if dice < 0.6:
            art = rng.choice(self._pixel_art)
            factor = 1 if dice < 0.45 else rng.choice([8, 10, 14, 20, 25])
            return art.resize((factor * art.width, factor * art.height), Image.Resampling.NEAREST)
        if self._found_renders and dice < 0.75:
            return rng.choice(self._found_renders)
        return _scaled(self._renders, rng)

    def _svg(self, rng: random.Random) -> bytes:
        return _drawing(rng.choice(self._styles), str(rng.random())).encode()

    def _gif(self, rng: random.Random) -> bytes:
        """Return a still or an animation of up to 6 frames, pixel art or a render."""
        if rng.random() < 0.5:
            art = rng.choice(self._pixel_art).convert("RGB")
            image = art.resize((10 * art.width, 10 * art.height), Image.Resampling.NEAREST)
        else:
            image = _scaled(self._renders, rng)
            image.thumbnail((600, 600))
        frames = [_shifted(image, step) for step in range(rng.choice([1, 1, 2, 6]))]
        more = {"save_all": True, "append_images": frames[1:], "duration": 100}
        return _encoded(frames[0], "GIF", **(more if len(frames) > 1 else {}))


def _drawing(style: Style, seed: str, **options: int) -> str:
    """Return a drawing as SVG."""
    from dicebear import Avatar

    fixed = {"animationProbability": 0, "backgroundColor": "aaccee"}
    text: str = Avatar(style, {"seed": seed, **fixed, **options}).to_json()["svg"]
    return text


def _scaled(pool: Sequence[Image.Image], rng: random.Random) -> Image.Image:
    image = rng.choice(pool)
    width = rng.choice(WIDTHS)
    height = max(1, round(image.height * width / image.width))
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _from_zips(pfp: Path, *, seed: int, each: int = 40) -> Iterator[Image.Image]:
    """Yield pictures of every collection, `each` of them."""
    for path in sorted(pfp.glob("*.zip")):
        with zipfile.ZipFile(path) as files:
            names = sorted(name for name in files.namelist() if name.startswith("images/"))
            for name in random.Random(f"{seed}/{path.stem}").sample(names, min(each, len(names))):
                yield _opened(files.read(name))


def _as_pixel_art(render: Image.Image) -> Image.Image:
    small = render.convert("RGB").resize((32, 32), Image.Resampling.NEAREST)
    return small.quantize(12).convert("RGB")


def _photo(noise: np.random.Generator) -> Image.Image:
    width = WIDTHS[-1]
    height = round(width * noise.choice([0.75, 1.0, 1.33]))
    light_HWC = np.zeros((height, width, 3), np.float32)
    for octave in range(1, 9):
        light_HWC += 0.62**octave * _soft(noise, 2**octave, width=width, height=height)
    light_HWC = (light_HWC - light_HWC.mean()) / light_HWC.std() * 50 + 120
    return Image.fromarray(light_HWC.clip(0, 255).astype(np.uint8))


def _soft(
    noise: np.random.Generator, cells: int, *, width: int, height: int
) -> NDArray[np.float32]:
    planes = [
        Image.fromarray(noise.normal(size=(cells + 1, cells + 1)).astype(np.float32))
        for _ in range(3)
    ]
    size = (width, height)
    return np.stack([np.asarray(p.resize(size, Image.Resampling.BICUBIC)) for p in planes], -1)


def _shifted(image: Image.Image, step: int) -> Image.Image:
    moved = image.copy()
    moved.paste(image.crop((0, 0, image.width // 2, image.height // 2)), (4 * step, 4 * step))
    return moved


def _opened(media: bytes) -> Image.Image:
    with Image.open(io.BytesIO(media)) as image:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def by_kind(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """Return the numbers of the pictures of each format."""
    return {kind: [n for n, one in enumerate(samples) if one.kind == kind] for kind in SHARES}
