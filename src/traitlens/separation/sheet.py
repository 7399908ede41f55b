"""A sheet of a collection's components, so that a person can judge them.

It shows, from top to bottom: what was found, in one line; the layers from below to above; for some
trait values a token, the same with all else faded, and the recovered component alone; and for some
tokens what one sees where, in colours, with a legend.

Axes: H height, W width, C colour channels, L labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from traitlens import files
from traitlens.records import Token
from traitlens.separation.label_maps import Labels, label_colours, paint_labels
from traitlens.separation.masks import (
    FOLDER,
    SHEET_SUFFIX,
    Component,
    ComponentMasks,
    load_masks,
    read_picture,
)
from traitlens.separation.pixels import Mask
from traitlens.sheets import INK, PAPER, clip, contact_sheet, fit, font_px, width_px
from traitlens.standardization import png_bytes
from traitlens.store import Dataset

_PICTURES_A_VALUE = 3
_CANDIDATES = 4  # tokens a value, of which the one that shows most of it is taken
_PAPER = np.array([255.0, 255.0, 255.0])  # behind transparent pixels
_FADED = np.array([214.0, 190.0, 226.0])  # mauve: rare in art, so that white and grey stand out
_FADE = 0.75  # of the way to mauve
_CHEQUERS = ((204, 204, 208), (184, 184, 190))  # grey, so that white and black both stand out
_CHEQUERS_A_SIDE = 12
_LEAST_CROP = 0.25  # of the picture's width and height: smaller components are not enlarged further
_PICTURE_SHARE = 0.3  # of a token's panel, for its picture, for the map; the rest is the legend
_MARGIN_PX = 8
_FAINT = (128, 122, 112)


@dataclass(frozen=True, slots=True)
class Example:
    """A token's picture and the label map of what one sees in it: int16 (H, W)."""

    token: Token
    picture: Image.Image
    labels_HW: Labels


@dataclass(frozen=True, slots=True)
class _Examples:
    """What is shown: for each value's row some tokens that have it, and some of all tokens."""

    of_value: defaultdict[int, list[Example]] = field(default_factory=lambda: defaultdict(list))
    of_collection: list[Example] = field(default_factory=list)


def write_component_sheet(
    data: Dataset, collection: str, *, folder: Path | None = None, values: int = 33
) -> Path:
    """Write the sheet beside the collection's components, as a PNG, and return where."""
    folder = folder or data.path / FOLDER
    sheet = component_sheet(data, load_masks(folder, collection), values=values)
    path = files.collection_file(folder, collection, SHEET_SUFFIX)
    files.write_bytes(path, png_bytes(sheet))
    return path


def component_sheet(
    data: Dataset,
    masks: ComponentMasks,
    *,
    values: int = 33,
    tokens: int = 6,
    columns: int = 9,
    cell_px: int = 128,
) -> Image.Image:
    """Return a sheet of so many trait values and tokens.

    The values are spread evenly over the trait types, and over common and rare ones, the tokens
    over the collection. `columns` counts pictures, three a value.
    """
    chosen = _spread(masks.components, values)
    examples = _examples(data, masks, chosen, tokens=tokens)
    width = width_px(columns, cell_px=cell_px)
    parts = [
        _text_block([_heading(masks), *layer_lines(masks.components)], width, cell_px=cell_px),
        _values_block(masks, chosen, examples.of_value, columns=columns, cell_px=cell_px),
        *_tokens_block(masks, examples.of_collection, width, cell_px=cell_px),
    ]
    return _stacked(parts, width)


def _stacked(parts: Sequence[Image.Image], width: int) -> Image.Image:
    """Return the parts one below the other."""
    sheet = Image.new("RGB", (width, sum(part.height for part in parts)), PAPER)
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    return sheet


def _spread(components: Sequence[Component], values: int) -> list[int]:
    """Return the rows of at most `values` components, evenly over types, common and rare ones."""
    order = sorted(
        range(len(components)),
        key=lambda row: (components[row].trait.trait_type, -components[row].support, row),
    )
    step = max(1.0, len(order) / max(1, values))
    return [order[int(at * step)] for at in range(min(values, len(order)))]


def _examples(
    data: Dataset, masks: ComponentMasks, rows: Sequence[int], *, tokens: int
) -> _Examples:
    """Return tokens that show some components, the best one first, and some of all tokens."""
    rows_of = {masks.components[row].name: row for row in rows}
    found = _Examples()
    step = max(1, masks.read // max(1, tokens))
    for number, token in enumerate(data.tokens(collections=[masks.collection])):
        named = {(trait.trait_type, trait.value) for trait in token.traits} & rows_of.keys()
        wanted = {rows_of[n] for n in named if len(found.of_value[rows_of[n]]) < _CANDIDATES}
        as_it_comes = number % step == step // 2 and len(found.of_collection) < tokens
        if (wanted or as_it_comes) and (token.height, token.width) == (masks.height, masks.width):
            picture = read_picture(token)
            example = Example(token, picture, masks.label_map(token, picture))
            for row in wanted:
                found.of_value[row].append(example)
            if as_it_comes:
                found.of_collection.append(example)
    for row, candidates in found.of_value.items():
        candidates.sort(key=lambda example: -int((example.labels_HW == row).sum()))
    return found


def _heading(masks: ComponentMasks) -> str:
    found, missing = len(masks.components), len(masks.missing)
    looked = masks.read - sum(masks.skipped.values())
    return (
        f"{masks.collection}: {found:,} of {found + missing:,} trait values have a component, "
        f"by {masks.method}, from {looked:,} of {masks.read:,} tokens"
    )


def layer_lines(components: Sequence[Component]) -> list[str]:
    """Return the inferred order of the layers in words, a trait type a line, from below to above.

    A type whose values lie in several layers stands at their median.
    """
    layers: dict[str, list[int]] = defaultdict(list)
    for component in components:
        layers[component.trait.trait_type].append(component.layer)
    if len({layer for of_type in layers.values() for layer in of_type}) < 2:
        return ["which component lies above which is not known"] if components else []
    order = sorted(layers, key=lambda kind: (float(np.median(layers[kind])), kind))
    return [
        "layers, from below to above, with the number of values:",
        *(f"{_span(layers[kind])}: {kind} ({len(layers[kind])})" for kind in order),
    ]


def _span(layers: Sequence[int]) -> str:
    low, high = min(layers), max(layers)
    return str(low) if low == high else f"{low} to {high}"


def _text_block(lines: Sequence[str], width: int, *, cell_px: int) -> Image.Image:
    """Return lines of text, the first one larger."""
    size = font_px(cell_px)
    line_px = round(size * 1.5)
    block = Image.new("RGB", (width, line_px * (len(lines) + 1) + _MARGIN_PX), PAPER)
    draw = ImageDraw.Draw(block)
    for number, line in enumerate(lines):
        font = ImageFont.load_default(size=size if number else round(size * 1.25))
        text = clip(line, font, width_px=width - 2 * _MARGIN_PX)
        top = _MARGIN_PX + number * line_px + (line_px // 4 if number else 0)
        draw.text((_MARGIN_PX, top), text, fill=INK, font=font)
    return block


def _values_block(
    masks: ComponentMasks,
    rows: Sequence[int],
    examples: Mapping[int, Sequence[Example]],
    *,
    columns: int,
    cell_px: int,
) -> Image.Image:
    """Return for each value a token, the same with all else faded, and the component alone."""
    pictures: list[Image.Image | None] = []
    labels: list[str] = []
    ordered = len({component.layer for component in masks.components}) > 1
    for row in rows:
        component = masks.components[row]
        tokens = f"{component.support:,} token{'' if component.support == 1 else 's'}"
        layer = f"\nlayer {component.layer}" if ordered else ""
        for example in examples[row][:1]:
            pictures += [
                example.picture,
                spotlight(example.picture, example.labels_HW == row),
                alone(component, size=(masks.height, masks.width), cell_px=cell_px),
            ]
            labels += [
                f"{component.trait.value}\n{component.trait.trait_type}",
                f"{tokens}\nseen {component.visible:.1%}",
                f"confidence {component.confidence:.2f}{layer}",
            ]
    whole_values = max(1, columns // _PICTURES_A_VALUE) * _PICTURES_A_VALUE
    return contact_sheet(pictures, labels, columns=whole_values, cell_px=cell_px)


def spotlight(picture: Image.Image, seen_HW: Mask) -> Image.Image:
    """Return the picture on white paper, with what is not seen faded to mauve."""
    rgba_HWC = np.asarray(picture.convert("RGBA"), np.float64)
    alpha_HW1 = rgba_HWC[..., 3:] / 255
    plain_HWC = rgba_HWC[..., :3] * alpha_HW1 + _PAPER * (1 - alpha_HW1)
    faded_HWC = plain_HWC.mean(axis=2, keepdims=True) * (1 - _FADE) + _FADED * _FADE
    result_HWC = np.where(seen_HW[..., None], plain_HWC, faded_HWC)
    return Image.fromarray(result_HWC.round().astype(np.uint8))


def alone(component: Component, *, size: tuple[int, int], cell_px: int) -> Image.Image:
    """Return a component's recovered pixels, enlarged, on a chequered square of `cell_px` px.

    `size` is the height and width of the collection's pictures.
    """
    height, width = size
    rgba_PC = np.zeros((height * width, 4), np.uint8)
    rgba_PC[component.region.where_M] = component.region.rgba_M4
    picture = Image.fromarray(rgba_PC.reshape(height, width, 4)).crop(_crop(component, size))
    ground = _chequers(cell_px)
    fitted = fit(picture, cell_px)
    corner = ((cell_px - fitted.width) // 2, (cell_px - fitted.height) // 2)
    ground.paste(fitted, corner, mask=fitted)
    return ground


def _crop(component: Component, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the square around a component: left, upper, right, lower."""
    rows, columns = np.divmod(component.region.where_M, size[1])
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    side = round(max(extent * 1.1, max(size) * _LEAST_CROP))
    left = int(columns.min() + columns.max() + 1 - side) // 2
    upper = int(rows.min() + rows.max() + 1 - side) // 2
    return left, upper, left + side, upper + side


def _chequers(side_px: int) -> Image.Image:
    at = np.arange(side_px) * _CHEQUERS_A_SIDE // side_px
    odd_HW = (at[:, None] + at[None, :]) % 2
    return Image.fromarray(np.array(_CHEQUERS, np.uint8)[odd_HW])


def _tokens_block(
    masks: ComponentMasks, examples: Sequence[Example], width: int, *, cell_px: int
) -> list[Image.Image]:
    """Return rows of tokens, two a row: the picture, its label map in colours, and the legend."""
    panels = [_token_panel(masks, example, width // 2, cell_px=cell_px) for example in examples]
    rows = []
    for start in range(0, len(panels), 2):
        pair = panels[start : start + 2]
        row = Image.new("RGB", (width, pair[0].height), PAPER)
        for place, panel in enumerate(pair):
            row.paste(panel, (place * (width // 2), 0))
        rows.append(row)
    return rows


def _token_panel(
    masks: ComponentMasks, example: Example, width: int, *, cell_px: int
) -> Image.Image:
    """Return a token's picture, what one sees where, and what the colours mean."""
    side = max(1, round(width * _PICTURE_SHARE) - _MARGIN_PX)
    panel = Image.new("RGB", (width, side + 2 * _MARGIN_PX), PAPER)
    entries, painted = _painted(masks, example)
    for place, picture in enumerate((example.picture, painted)):
        filled = _filling(picture, side)
        panel.paste(filled, (_MARGIN_PX + place * (side + _MARGIN_PX), _MARGIN_PX), mask=filled)
    left = 2 * (side + _MARGIN_PX) + _MARGIN_PX
    legend = _legend(entries, size=(max(1, width - left), side), cell_px=cell_px)
    panel.paste(legend, (left, _MARGIN_PX))
    return panel


def _filling(picture: Image.Image, side_px: int) -> Image.Image:
    """Return the picture as RGBA, its longer side of `side_px`; unlike `fit`, by any factor."""
    scale = side_px / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return picture.convert("RGBA").resize(size, method)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of a legend: a trait, its colour when it has a component, and the share it covers."""

    text: str
    colour: tuple[int, ...] | None
    share: float


def _painted(masks: ComponentMasks, example: Example) -> tuple[list[_Entry], Image.Image]:
    """Return the legend's lines, from the lowest layer to the highest, and the map in colours.

    A trait type has the same colour in all tokens, as far as a token has one value of it.
    """
    rows = {component.name: row for row, component in enumerate(masks.components)}
    kinds = sorted({component.trait.trait_type for component in masks.components})
    names = dict.fromkeys((trait.trait_type, trait.value) for trait in example.token.traits)
    drawn = sorted(
        (name for name in names if name in rows),
        key=lambda name: masks.components[rows[name]].layer,
    )
    palette = label_colours(len(kinds) + len(drawn))
    free = list(range(len(kinds), len(palette)))
    colours_LC = np.zeros((len(masks.components), 3), np.uint8)
    taken: set[str] = set()
    entries = []
    for name in drawn:
        at = free.pop(0) if name[0] in taken else kinds.index(name[0])
        taken.add(name[0])
        colours_LC[rows[name]] = palette[at]
        share = float((example.labels_HW == rows[name]).mean())
        entries.append(_Entry(f"{name[1]}, {name[0]}", tuple(palette[at].tolist()), share))
    entries += [_Entry(f"{name[1]}, {name[0]}", None, 0.0) for name in names if name not in rows]
    return entries, paint_labels(example.labels_HW, colours_LC)


def _legend(entries: Sequence[_Entry], *, size: tuple[int, int], cell_px: int) -> Image.Image:
    """Return the lines beside their colours, the highest layer on top as in the picture."""
    legend = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(legend)
    line_px = max(6, min(round(font_px(cell_px) * 1.5), size[1] // max(1, len(entries))))
    font = ImageFont.load_default(size=max(6, round(line_px * 0.68)))
    with_colour = [entry for entry in entries if entry.colour is not None]
    without = [entry for entry in entries if entry.colour is None]
    for number, entry in enumerate([*reversed(with_colour), *without]):
        top = number * line_px
        box = (0, top + 1, round(line_px * 0.8), top + round(line_px * 0.8))
        draw.rectangle(box, fill=entry.colour, outline=_FAINT)
        note = f"{entry.share:.1%}" if entry.colour is not None else "no component"
        text = clip(f"{note}  {entry.text}", font, width_px=size[0] - line_px)
        ink = INK if entry.share > 0 else _FAINT
        draw.text((line_px, top), text, fill=ink, font=font)
    return legend
