"""One token of a sample collection: its choices, its picture, its traits and its masks.

Axes: H height, W width, C colour channels (RGB).
"""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.sources.dicebear_styles import (
    PROFILES,
    missing_library,
    painted_components,
    varying_components,
    words,
)
from traitlens.sources.palettes import (
    NAMED_COLORS,
    choose_colors,
    draw_palette,
    oklab,
    rarity_weights,
    rgb_of,
)

if TYPE_CHECKING:
    from dicebear import Style

Pixels = NDArray[np.uint8]
Traits = tuple[tuple[str, str], ...]  # (trait_type, value)

BASE_LABEL = "(base)"

_CONTRAST = 0.12  # OKLab distance wanted between any two colours of a token
_SAME_COLOR = 0.06  # OKLab distance within which a pixel still has the named colour
_MIN_SHARE = 0.001  # of the picture that must show a colour for it to be a trait
_MIN_CHANGE = 8  # in 0..255: what a component must add to a pixel to own it


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that the tokens of one collection have in common: its style, odds and palettes."""

    name: str
    style: Style
    seed: int
    size: int
    masks: bool
    palettes: Mapping[str, Mapping[str, float]]  # colour option -> colour name -> weight
    variants: Mapping[str, Mapping[str, float]]  # component -> variant -> weight
    chances: Mapping[str, float]  # component -> chance in [0, 1] that it is drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A finished token; `labels_HW` holds indices into `mask_labels`."""

    image_HWC: Pixels
    traits: Traits
    labels_HW: Pixels | None
    mask_labels: tuple[str, ...]


def collection_palettes(name: str, seed: int) -> dict[str, dict[str, float]]:
    """Return the palette of each colour option of a style, as `seed` has it."""
    return {
        option: draw_palette(table, random.Random(f"{name}/{seed}/palette/{option}"))
        for option, table in PROFILES[name].colors.items()
    }


def make_recipe(name: str, style: Style, *, seed: int, size: int, masks: bool) -> Recipe:
    """Return how the collection of a style and a seed is drawn."""
    components = varying_components(name, style)
    return Recipe(
        name=name,
        style=style,
        seed=seed,
        size=size,
        masks=masks,
        palettes=collection_palettes(name, seed),
        variants={
            key: _weights(variants, random.Random(f"{name}/{seed}/variants/{key}"))
            for key, variants in components.items()
        },
        chances={key: style.components()[key].probability() / 100 for key in components},
    )


def _weights(names: Sequence[str], rng: random.Random) -> dict[str, float]:
    order = rng.sample(names, len(names))
    return dict(zip(order, rarity_weights(len(order)), strict=True))


def draw_token(recipe: Recipe, token_id: int, *, attempt: int = 0) -> Drawing:
    """Return the token `token_id` of a collection; another `attempt` is another token."""
    seed = f"{recipe.name}/{recipe.seed}/{token_id}/{attempt}"
    rng = random.Random(seed)
    colors = choose_colors(recipe.palettes, rng, contrast=_CONTRAST)
    options = {"seed": seed, "size": recipe.size, **_pin(recipe, colors, rng)}
    svg, resolved = _draw(recipe.style, options)
    image_HWC = rasterize(svg)
    variants = _drawn_variants(recipe, options, resolved)
    painted = painted_components(recipe.style, variants)
    profile = PROFILES[recipe.name]
    parts = [(profile.label(key), profile.value(key, variants[key])) for key in painted]
    used = {option: color for option, color in colors.items() if NAMED_COLORS[color] in svg}
    shown = [(profile.label(f"{key}Color"), used[key]) for key in _visible(used, image_HWC)]
    return Drawing(
        image_HWC=image_HWC,
        traits=(*parts, *shown),
        labels_HW=_label_map(recipe.style, options, image_HWC, painted) if recipe.masks else None,
        mask_labels=(BASE_LABEL, *(f"{kind}: {value}" for kind, value in parts)),
    )


def _pin(recipe: Recipe, colors: Mapping[str, str], rng: random.Random) -> dict[str, Any]:
    """Return the options that pin every look of a token; what is left over follows its seed."""
    options: dict[str, Any] = {"animationProbability": 0}
    for component, weights in recipe.variants.items():
        (variant,) = rng.choices(list(weights), weights=list(weights.values()))
        options[f"{component}Variant"] = variant
        options[f"{component}Probability"] = 100 if rng.random() < recipe.chances[component] else 0
    for option, color in colors.items():
        options[f"{option}Color"] = NAMED_COLORS[color]
    return options


def _drawn_variants(
    recipe: Recipe, options: Mapping[str, Any], resolved: Mapping[str, Any]
) -> dict[str, str]:
    """Return the variant of each component that was drawn, as it was asked for.

    The library takes a misspelt variant in silence, so its answer is compared with the question.
    """
    drawn = [key for key in recipe.variants if f"{key}Variant" in resolved]
    for component in drawn:
        asked, got = options[f"{component}Variant"], resolved[f"{component}Variant"]
        assert asked == got, f"{component} of {recipe.name}: asked for {asked!r}, got {got!r}"
    return {component: resolved[f"{component}Variant"] for component in drawn}


def _draw(style: Style, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a drawing as SVG, and the choices that went into it."""
    try:
        from dicebear import Avatar
    except ModuleNotFoundError as error:
        raise missing_library(error) from error
    avatar = Avatar(style, dict(options)).to_json()
    return avatar["svg"], avatar["options"]


def rasterize(svg: str) -> Pixels:
    """Return a drawing of ours as RGB pixels of shape (H, W, 3).

    resvg opens the files that an SVG names, so nothing but references within it may stand here.
    """
    try:
        import resvg_py
    except ModuleNotFoundError as error:
        raise missing_library(error) from error
    assert not re.search(r'<image|href="[^#]|url\([^#]', svg), "the drawing names a file"
    png = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)
    rgba = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
    assert rgba[..., 3].min() == 255, "the drawing has no opaque background"
    return np.ascontiguousarray(rgba[..., :3])


def _visible(colors: Mapping[str, str], image_HWC: Pixels) -> list[str]:
    """Return the keys of `colors` whose named colour is seen: others are covered or shaded away."""
    lab_HWC = oklab(image_HWC).astype(np.float32)
    away = {key: lab_HWC - oklab(rgb_of(color)).astype(np.float32) for key, color in colors.items()}
    share = {key: (np.linalg.norm(a, axis=-1) < _SAME_COLOR).mean() for key, a in away.items()}
    return [key for key in colors if share[key] >= _MIN_SHARE]


def _label_map(
    style: Style, options: Mapping[str, Any], image_HWC: Pixels, painted: Sequence[str]
) -> Pixels:
    """Return, for each pixel, 1 + the place in `painted` of its topmost component, or 0.

    The picture is built up again, component by component from the bottom, and each owns the pixels
    that it changes. So a part keeps its pixels from the whole that it is drawn in, and where two
    overlap in one colour the lower keeps the pixel.
    """
    labels_HW = np.zeros(image_HWC.shape[:2], dtype=np.uint8)
    below_HWC = _without(style, options, painted)
    for index in range(1, len(painted) + 1):
        above = painted[index:]
        with_HWC = _without(style, options, above) if above else image_HWC
        change_HW = np.abs(with_HWC.astype(np.int16) - below_HWC).max(axis=-1)
        labels_HW[change_HW >= _MIN_CHANGE] = index
        below_HWC = with_HWC
    return labels_HW


def _without(style: Style, options: Mapping[str, Any], components: Iterable[str]) -> Pixels:
    left_out = {f"{component}Probability": 0 for component in components}
    svg, _ = _draw(style, {**options, **left_out})
    return rasterize(svg)


def save_token(folder: Path, recipe: Recipe, token_id: int, drawing: Drawing) -> None:
    """Write a token's picture, metadata and mask into the folder of its collection."""
    metadata: dict[str, Any] = {
        "name": f"{words(recipe.name)} #{token_id}",
        "image": f"images/{token_id}.png",
        "attributes": [{"trait_type": kind, "value": value} for kind, value in drawing.traits],
    }
    Image.fromarray(drawing.image_HWC).save(folder / "images" / f"{token_id}.png")
    if drawing.labels_HW is not None:
        metadata["mask"] = f"masks/{token_id}.png"
        metadata["mask_labels"] = list(drawing.mask_labels)
        Image.fromarray(drawing.labels_HW).save(folder / "masks" / f"{token_id}.png")
    text = json.dumps(metadata, indent=1, ensure_ascii=False) + "\n"
    (folder / "metadata" / f"{token_id}.json").write_text(text, encoding="utf-8")
