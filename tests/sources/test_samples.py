"""Samples are what their metadata says, in colours, parts and masks, and whole or not there."""

import itertools
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from traitlens.errors import ConfigError, TraitlensError
from traitlens.sources import open_sources, read_traits
from traitlens.sources.dicebear_drawing import (
    Pixels,
    Recipe,
    collection_palettes,
    draw_token,
    rasterize,
)
from traitlens.sources.dicebear_styles import (
    CC0_STYLES,
    CC_BY_STYLES,
    DEMO_STYLES,
    HELD_OUT_STYLES,
    PROFILES,
    STYLES,
    TRAINING_STYLES,
    StyleProfile,
    load_style,
    read_definition,
    style_credit,
    words,
)
from traitlens.sources.palettes import (
    NAMED_COLORS,
    TABLES,
    choose_colors,
    distance,
    oklab,
    rgb_of,
)
from traitlens.sources.samples import SampleConfig, draw_samples

dicebear = pytest.importorskip("dicebear")
pytest.importorskip("resvg_py")

# These three are quick to load: a flat one, one whose parts lie within parts, and one of voxels.
CONFIG = SampleConfig(
    styles=("dylan", "cutouts", "voxel-bot"), tokens=12, size=64, masks=True, workers=1
)
QUICK = SampleConfig(styles=("dylan",), tokens=4, size=32, workers=1)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return draw_samples(tmp_path_factory.mktemp("samples"), CONFIG)


def documents(folder: Path) -> Iterator[tuple[dict[str, Any], Pixels]]:
    """The metadata and the pixels of each token of a collection."""
    for file in sorted((folder / "metadata").iterdir()):
        document = json.loads(file.read_text())
        yield document, np.asarray(Image.open(folder / document["image"]))


def traits_of(document: dict[str, Any]) -> dict[str, str]:
    return {item["trait_type"]: item["value"] for item in document["attributes"]}


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_a_drawn_folder_is_a_collection_that_the_folder_source_reads(samples: list[Path]) -> None:
    collections = open_sources(samples)
    assert [c.info.name for c in collections] == ["dylan", "cutouts", "voxel-bot"]
    assert [c.info.licence for c in collections] == ["CC BY 4.0", "CC0 1.0", "CC0 1.0"]
    for collection in collections:
        tokens = [collection.read(found) for found in collection.found]
        assert [token.token_id for token in tokens] == [str(i) for i in range(1, 13)]
        assert all(isinstance(read_traits(token.metadata), tuple) for token in tokens)


def test_other_processes_draw_the_same_bytes(samples: list[Path], tmp_path: Path) -> None:
    (again,) = draw_samples(
        tmp_path,
        SampleConfig(styles=("dylan",), tokens=12, size=64, masks=True, workers=2),
    )
    assert contents(again) == contents(samples[0])


def test_a_palette_depends_on_the_style_and_the_seed() -> None:
    palettes = [
        collection_palettes(style, seed)["background"]
        for style in ("dylan", "micah", "voxel-bot")
        for seed in (0, 1)
    ]
    assert all(one != other for one, other in itertools.combinations(palettes, 2))


@pytest.mark.parametrize("style", STYLES)
def test_a_palette_has_four_to_eight_colours_that_look_apart(style: str) -> None:
    for palette in collection_palettes(style, 3).values():
        assert 4 <= len(palette) <= 8
        assert min(distance(a, b) for a, b in itertools.combinations(palette, 2)) >= 0.05


def test_another_seed_gives_another_collection_with_other_tokens(tmp_path: Path) -> None:
    (first,) = draw_samples(tmp_path, QUICK)
    (second,) = draw_samples(
        tmp_path, SampleConfig(styles=("dylan",), tokens=4, size=32, workers=1, seed=7)
    )
    assert (first.name, second.name) == ("dylan", "dylan-7")
    assert [traits_of(d) for d, _ in documents(first)] != [
        traits_of(d) for d, _ in documents(second)
    ]


def test_the_corner_has_exactly_the_named_background_colour(samples: list[Path]) -> None:
    for folder in samples:
        for document, image_HWC in documents(folder):
            name = traits_of(document)["Background Color"]
            assert image_HWC[0, 0].tolist() == rgb_of(name).tolist()


def test_hair_is_mostly_of_the_named_hair_colour(samples: list[Path]) -> None:
    for document, image_HWC in documents(samples[0]):
        traits = traits_of(document)
        index = document["mask_labels"].index(f"Hair: {traits['Hair']}")
        labels_HW = np.asarray(Image.open(samples[0] / document["mask"]))
        ((color, _),) = Counter(map(tuple, image_HWC[labels_HW == index])).most_common(1)
        assert color == tuple(rgb_of(traits["Hair Color"]))


def test_every_mask_label_is_a_trait_of_the_token(samples: list[Path]) -> None:
    for folder in samples:
        for document, image_HWC in documents(folder):
            mask = Image.open(folder / document["mask"])
            base, *labels = document["mask_labels"]
            assert base == "(base)"
            assert set(labels) <= {f"{k}: {v}" for k, v in traits_of(document).items()}
            assert mask.mode == "L"
            assert mask.size == image_HWC.shape[1::-1]
            assert int(np.asarray(mask).max()) <= len(labels)


def test_masks_change_neither_pictures_nor_traits(samples: list[Path], tmp_path: Path) -> None:
    (bare,) = draw_samples(tmp_path, SampleConfig(styles=("cutouts",), tokens=12, size=64))
    assert not (bare / "masks").exists()
    for (plain, image_HWC), (masked, other_HWC) in zip(
        documents(bare), documents(samples[1]), strict=True
    ):
        assert plain["attributes"] == masked["attributes"]
        assert "mask" not in plain
        assert np.array_equal(image_HWC, other_HWC)


def rect(x: int, y: int, width: int, height: int, fill: Any) -> dict[str, Any]:
    numbers = {"x": x, "y": y, "width": width, "height": height}
    attributes = {key: str(value) for key, value in numbers.items()} | {"fill": fill}
    return {"type": "element", "name": "rect", "attributes": attributes}


def part(name: str) -> dict[str, Any]:
    return {"type": "component", "name": name}


def component(*elements: dict[str, Any]) -> dict[str, Any]:
    return {
        "width": 16,
        "height": 16,
        "probability": 50,
        "variants": {"plain": {"elements": [*elements]}},
    }


@pytest.fixture
def figure(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A 16 px figure: a body with an eye, and over both a hat with a body-coloured brim.

    The colour `belly` is painted over by the body, and nothing is painted with `spot`.
    """
    body, belly = ({"type": "color", "name": name} for name in ("body", "belly"))
    torso = [rect(4, 8, 4, 4, belly), rect(2, 4, 12, 12, body), part("eye")]
    definition = {
        "meta": {},
        "canvas": {"width": 16, "height": 16, "elements": [part("body"), part("hat")]},
        "colors": {name: {"values": ["#ff0000"]} for name in ("body", "belly", "spot")},
        "components": {
            "body": component(*torso),
            "eye": component(rect(4, 5, 4, 4, "#ffffff")),
            "hat": component(rect(0, 1, 16, 5, "#1c1b1e"), rect(0, 6, 16, 1, body)),
        },
    }
    names = {"background": "White", "body": "Red", "belly": "Mint", "spot": "Black"}
    profile = StyleProfile(colors=dict.fromkeys(names, "clothes"))
    monkeypatch.setitem(PROFILES, "figure", profile)
    return Recipe(
        name="figure",
        style=dicebear.Style(definition),
        seed=0,
        size=16,
        masks=True,
        palettes={option: {name: 1.0} for option, name in names.items()},
        variants={key: {"plain": 1.0} for key in ("body", "eye", "hat")},
        chances={"body": 1.0, "eye": 1.0, "hat": 1.0},
    )


def test_a_mask_is_the_topmost_component_of_each_pixel(figure: Recipe) -> None:
    drawing = draw_token(figure, 1)
    expected_HW = np.zeros((16, 16), dtype=np.uint8)
    expected_HW[4:16, 2:14] = 1
    expected_HW[5:9, 4:8] = 2
    expected_HW[1:6, :] = 3
    expected_HW[6, [0, 1, 4, 5, 6, 7, 14, 15]] = 3  # on bare body the brim cannot be told from it
    assert drawing.mask_labels == ("(base)", "Body: Plain", "Eye: Plain", "Hat: Plain")
    assert drawing.labels_HW is not None
    assert drawing.labels_HW.tolist() == expected_HW.tolist()


def test_a_colour_that_is_covered_or_not_used_is_no_trait(figure: Recipe) -> None:
    """Not even when the picture has the unused colour elsewhere: the hat is black."""
    colors = [trait for trait in draw_token(figure, 1).traits if "Color" in trait[0]]
    assert colors == [("Background Color", "White"), ("Body Color", "Red")]


def test_no_two_tokens_have_the_same_traits(tmp_path: Path) -> None:
    """Among 120 single draws of these 225 faces on a few colours, several pairs are equal."""
    (folder,) = draw_samples(
        tmp_path, SampleConfig(styles=("fun-emoji",), tokens=120, size=16, workers=1)
    )
    assert len({frozenset(traits_of(d).items()) for d, _ in documents(folder)}) == 120


def test_some_looks_are_much_rarer_than_others(tmp_path: Path) -> None:
    (folder,) = draw_samples(
        tmp_path, SampleConfig(styles=("dylan",), tokens=150, size=16, workers=1)
    )
    hair = Counter(traits_of(document)["Hair"] for document, _ in documents(folder))
    assert max(hair.values()) >= 3 * min(hair.values())


def test_a_finished_collection_is_left_alone(tmp_path: Path) -> None:
    (folder,) = draw_samples(tmp_path, QUICK)
    (folder / "images" / "1.png").write_bytes(b"mine")
    calls: list[Any] = []
    draw_samples(tmp_path, QUICK, progress=lambda *call: calls.append(call))
    assert (folder / "images" / "1.png").read_bytes() == b"mine"
    assert not calls


def test_another_config_draws_the_collection_anew(tmp_path: Path) -> None:
    draw_samples(tmp_path, QUICK)
    (folder,) = draw_samples(
        tmp_path, SampleConfig(styles=("dylan",), tokens=2, size=32, workers=1)
    )
    assert sorted(file.name for file in (folder / "images").iterdir()) == ["1.png", "2.png"]


def test_an_interrupted_collection_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(stage: str, done: int, total: int, note: str = "") -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_samples(tmp_path, QUICK, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "dylan").mkdir()
    (tmp_path / "dylan" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not a sample collection"):
        draw_samples(tmp_path, QUICK)
    assert (tmp_path / "dylan" / "notes.txt").read_text() == "mine"


def test_progress_counts_up_to_the_number_of_tokens(tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    config = SampleConfig(styles=("dylan",), tokens=20, size=16, workers=1)
    draw_samples(tmp_path, config, progress=lambda *call: calls.append(call))
    assert [done for _, done, _ in calls] == sorted(done for _, done, _ in calls)
    assert calls[-1] == ("draw dylan", 20, 20)


def test_an_unknown_style_is_named_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="'open-peep'; did you mean 'open-peeps'"):
        SampleConfig(styles=("open-peep",))


@pytest.mark.parametrize(
    "options",
    [
        {"styles": ()},
        {"styles": ("clay", "clay")},
        {"tokens": 0},
        {"size": 8},
        {"seed": -1},
        {"workers": 0},
    ],
)
def test_an_option_out_of_range_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"samples\.{next(iter(options))}"):
        SampleConfig(**options)


def test_a_missing_library_is_named_with_the_command_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "dicebear", None)
    with pytest.raises(TraitlensError, match=r"dicebear; .*pip install 'traitlens\[samples\]'"):
        load_style("dylan")


@pytest.mark.parametrize("style", STYLES)
def test_a_style_is_listed_by_the_licence_that_its_own_metadata_states(style: str) -> None:
    credit = style_credit(style)
    assert credit.licence == ("CC0 1.0" if style in CC0_STYLES else "CC BY 4.0")
    assert credit.creator in credit.attribution
    assert credit.licence_url in credit.attribution


def test_held_out_styles_are_in_the_demo_and_never_in_training() -> None:
    assert set(HELD_OUT_STYLES) <= set(DEMO_STYLES) <= set(CC0_STYLES)
    assert set(TRAINING_STYLES) == {*CC0_STYLES, *CC_BY_STYLES} - set(HELD_OUT_STYLES)
    assert set(PROFILES) == {*CC0_STYLES, *CC_BY_STYLES}


@pytest.mark.parametrize("style", STYLES)
def test_a_profile_names_only_what_its_style_has(style: str) -> None:
    """The library takes a misspelt name in silence."""
    definition, profile = read_definition(style), PROFILES[style]
    parts = {k: c["variants"] for k, c in definition["components"].items() if "extends" not in c}
    looks = {f"{key}.{variant}" for key, variants in parts.items() for variant in variants}
    colors = {*definition["colors"], "background"}
    assert set(profile.colors) <= colors
    assert set(profile.colors.values()) <= set(TABLES)
    assert set(profile.labels) <= {*parts, *(f"{color}Color" for color in colors)}
    assert set(profile.values) <= looks
    assert set(profile.left_out) <= {*parts, *looks}


@pytest.mark.parametrize("style", STYLES)
def test_no_value_is_a_mere_number_or_default(style: str) -> None:
    components = read_definition(style)["components"]
    for key, entry in components.items():
        variants = entry.get("variants", {})
        if len(variants) > 1 or entry.get("probability", 100) < 100:
            values = [PROFILES[style].value(key, variant) for variant in variants]
            assert not [v for v in values if re.fullmatch(r"(Variant ?)?\d+|Default", v)]
            assert len(set(values)) == len(values)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("longHairBangs", "Long Hair Bangs"),
        ("goatee2", "Goatee 2"),
        ("smileLOL", "Smile LOL"),
        ("open-peeps", "Open Peeps"),
    ],
)
def test_identifiers_become_words(name: str, expected: str) -> None:
    assert words(name) == expected


def test_no_two_named_colours_are_the_same_to_the_eye() -> None:
    closest = min(distance(a, b) for a, b in itertools.combinations(NAMED_COLORS, 2))
    assert closest > 0.02


def test_oklab_agrees_with_published_values() -> None:
    """White and pure red, as computed in Ottosson's post."""
    lab = oklab(np.array([[255, 255, 255], [255, 0, 0]], dtype=np.uint8))
    assert lab == pytest.approx(np.array([[1.0, 0.0, 0.0], [0.62796, 0.22486, 0.12585]]), abs=1e-4)


def test_chosen_colours_contrast_where_the_palette_allows_it() -> None:
    palettes = {"skin": {"Tan": 1.0}, "hair": {"Caramel": 9.0, "Mint": 1.0}, "hat": {"Tan": 1.0}}
    for seed in range(20):
        chosen = choose_colors(palettes, random.Random(seed), contrast=0.2)
        assert chosen == {"skin": "Tan", "hair": "Mint", "hat": "Tan"}


@pytest.mark.parametrize("href", ["/etc/hostname", "file:///etc/hostname", "http://example.org"])
def test_a_drawing_that_names_a_file_is_not_opened(href: str) -> None:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><use href="{href}"/></svg>'
    with pytest.raises(AssertionError, match="names a file"):
        rasterize(svg)
