"""Collections that share art are one family, however it was recoloured, moved or enlarged."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from tests.helpers import png
from traitlens.split import ALONE, FamilySketch, find_families, sketch
from traitlens.split.families import MAX_COLLECTIONS_OF_A_SHAPE
from traitlens.split.sketches import native_size, shapes_of

SIZE_PX = 24


def parts(seed: int, *, count: int = 3) -> list[np.ndarray]:
    """Return parts drawn at random, (14, 14) numbers of palette colours with some structure."""
    rng = np.random.default_rng(seed)
    return [rng.integers(1, 5, (7, 7)).repeat(2, 0).repeat(2, 1) for _ in range(count)]


def shuffled(part: np.ndarray, seed: int) -> np.ndarray:
    """Return the part with single pixels changed, so that it is no plain enlargement."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(part.shape) < 0.3, rng.integers(1, 5, part.shape), part)


def pictures(
    art: int, *, count: int = 12, palette: int = 0, at: tuple[int, int] = (4, 6)
) -> list[Image.Image]:
    """Return a collection: `art` names its parts, `palette` its colours, `at` where they are."""
    colours = np.random.default_rng(1000 + palette).integers(0, 256, (5, 3)).astype(np.uint8)
    drawn = []
    for number in range(count):
        cells = np.zeros((SIZE_PX, SIZE_PX), int)
        cells[at[0] : at[0] + 14, at[1] : at[1] + 14] = shuffled(parts(art)[number % 3], art)
        drawn.append(Image.fromarray(colours[cells]))
    return drawn


def sketch_of(images: list[Image.Image]) -> FamilySketch:
    return sketch(map(png, images))


def found(**collections: list[Image.Image]) -> dict[str, str]:
    return find_families({name: sketch_of(c) for name, c in collections.items()}).of


def paper_size(image: Image.Image) -> Image.Image:
    return image.resize((512, 512), Image.Resampling.NEAREST)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda image: image, id="as it is"),
        pytest.param(ImageOps.mirror, id="mirrored"),
        pytest.param(paper_size, id="enlarged by no whole factor"),
        pytest.param(lambda image: image.resize((72, 72), 0), id="enlarged by three"),
        pytest.param(lambda image: ImageOps.expand(image, 6, "white"), id="framed"),
    ],
)
def test_the_same_art_in_other_colours_is_one_family(
    change: Callable[[Image.Image], Image.Image],
) -> None:
    changed = [change(image) for image in pictures(1, palette=7, at=(8, 5))]
    of = found(a=pictures(1), b=changed, c=pictures(2))
    assert of == {"a": "a", "b": "a", "c": "c"}


def smooth(art: int, side_px: int) -> list[Image.Image]:
    """Return figures of blots and lines, drawn large and reduced, so that no pixel is plain."""
    rng = np.random.default_rng(art)
    image = Image.new("RGB", (1024, 1024), "white")
    for _ in range(60):
        x, y, width, height = (int(value) for value in rng.integers(40, 800, 4))
        box = (x, y, x + width // 4, y + height // 4)
        ImageDraw.Draw(image).ellipse(box, fill=tuple(rng.integers(0, 256, 3)), width=9)
    return [image.resize((side_px, side_px), Image.Resampling.LANCZOS)] * 2


def test_smooth_art_of_other_sizes_is_one_family() -> None:
    of = found(a=smooth(1, 256), b=smooth(1, 512), c=smooth(2, 256))
    assert of == {"a": "a", "b": "a", "c": "c"}


def test_families_are_joined_through_others() -> None:
    both = pictures(1) + pictures(2)
    of = found(z=pictures(2), m=both, a=pictures(1), other=pictures(3))
    assert of == {"z": "a", "m": "a", "a": "a", "other": "other"}


def test_stripes_and_checks_that_anybody_draws_are_no_evidence() -> None:
    check = Image.fromarray((np.indices((24, 24)).sum(0) % 2 * 255).astype(np.uint8)).convert("RGB")

    def on_checks(art: int) -> list[Image.Image]:
        return [
            Image.composite(image, check, image.convert("L").point(lambda v: 255 * (v != 0)))
            for image in pictures(art)
        ]

    assert len(sketch_of([check] * 4).shapes_S) == 0
    assert found(a=on_checks(1), b=on_checks(2)) == {"a": "a", "b": "b"}


def test_flat_broken_up_and_tiny_pictures_have_no_shapes() -> None:
    assert len(shapes_of(png(Image.new("RGB", (64, 64), "red")))) == 0
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    assert len(shapes_of(png(Image.fromarray(noise)))) == 0
    assert len(shapes_of(png(Image.new("RGB", (1, 1))))) == 0
    assert len(shapes_of(png(Image.new("RGB", (600, 3), "red")))) == 0


def test_a_shape_that_only_one_of_many_pictures_has_is_not_kept() -> None:
    many = pictures(1, count=30)
    odd = pictures(2, count=1)
    assert sketch_of([*many, *odd]).shapes_S.tolist() == sketch_of(many).shapes_S.tolist()


def test_a_black_figure_on_clear_black_is_seen() -> None:
    figure = np.array(pictures(1)[0].convert("L")) > 100
    pixels = np.zeros((SIZE_PX, SIZE_PX, 4), np.uint8)
    pixels[..., 3] = 255 * figure
    plain = Image.fromarray((255 * figure).astype(np.uint8))
    shapes = shapes_of(png(Image.fromarray(pixels))).tolist()
    assert shapes == shapes_of(png(plain)).tolist() != []


@pytest.mark.parametrize("size", [(24, 24), (17, 30)])
@pytest.mark.parametrize("width", [48, 72, 101, 512])
def test_the_native_size_of_an_enlarged_picture_is_found(size: tuple[int, int], width: int) -> None:
    noise = np.random.default_rng(0).integers(0, 2, (size[1], size[0], 3)) * 255
    image = Image.fromarray(noise.astype(np.uint8))
    height = round(width * size[1] / size[0])
    enlarged = np.asarray(image.resize((width, height), Image.Resampling.NEAREST), np.int16)
    found_size = native_size(enlarged)
    assert found_size == size


def test_a_picture_that_was_not_enlarged_has_its_own_size() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 40, 3)).astype(np.int16)
    assert native_size(noise) == (40, 50)


def sharing(shapes: dict[str, list[int]]) -> dict[str, FamilySketch]:
    return {
        name: FamilySketch(pictures=9, shapes_S=np.array(sorted(some), np.uint32))
        for name, some in shapes.items()
    }


def region(start: int, count: int = 8) -> list[int]:
    return list(range(start, start + count))


def test_eight_shared_shapes_join_and_seven_do_not() -> None:
    of = find_families(
        sharing({"a": region(0), "b": region(0), "c": region(100), "d": region(101)})
    ).of
    assert of == {"a": "a", "b": "a", "c": "c", "d": "d"}


def test_a_family_that_grows_needs_more_evidence_to_grow_on() -> None:
    # Nine collections share 30 shapes; the tenth shares 8 with one of them alone, which would do
    # for two lone collections, and the last shares 4 with each.
    family = {f"f{n}": [*region(0, 30), *region(1000 + 100 * n)] for n in range(9)}
    of = find_families(sharing({**family, "one": region(1000), "with all": region(0, 4)})).of
    assert {of[f"f{n}"] for n in range(9)} == {"f0"}
    assert of["one"] == "one"
    assert of["with all"] == "f0"


def test_what_very_many_collections_have_is_nobodys_own() -> None:
    few = {f"c{n:03}": region(0) for n in range(MAX_COLLECTIONS_OF_A_SHAPE)}
    assert set(find_families(sharing(few)).of.values()) == {"c000"}
    many = {**few, "one more": region(0)}
    assert find_families(sharing(many)).of == {name: name for name in many}


def test_given_families_win_over_found_ones_and_found_ones_join_them() -> None:
    shapes = sharing({"a": region(0, 9), "b": region(0, 20), "c": region(9, 11), "d": region(50)})
    families = find_families(shapes, given={"a": "left", "c": "right", "d": "right"})
    # b shares 9 with a, and 11 with the two of the right: 9 against 11 over the root of 2.
    assert families.of == {"a": "left", "b": "left", "c": "right", "d": "right"}
    assert [(link.first, link.second, link.shared_shapes) for link in families.links] == [
        ("b", "c", 11),
        ("a", "b", 9),
    ]
    assert [link.one_family for link in families.links] == [False, True]
    assert families.members() == {"left": ["a", "b"], "right": ["c", "d"]}


def test_a_collection_can_be_declared_alone() -> None:
    shapes = sharing({"a": region(0), "b": region(0), "c": region(0)})
    assert find_families(shapes, given={"b": ALONE}).of == {"a": "a", "b": "b", "c": "a"}


def test_a_collection_that_a_given_family_is_called_after_belongs_to_it() -> None:
    shapes = sharing({"nouns": region(0), "lilnouns": region(50), "alone": region(90)})
    given = {"lilnouns": "nouns"}
    assert find_families(shapes, given=given).of == {
        "nouns": "nouns",
        "lilnouns": "nouns",
        "alone": "alone",
    }


def test_the_order_of_collections_and_pictures_does_not_matter() -> None:
    some = pictures(1) + pictures(2)
    assert sketch_of(some).shapes_S.tolist() == sketch_of(some[::-1]).shapes_S.tolist()
    starts = {"a": 0, "b": 3, "c": 0, "d": 90, "e": 3, "f": 90}
    shapes = sharing({name: region(start) for name, start in starts.items()})
    backwards = dict(reversed(shapes.items()))
    first, second = find_families(shapes), find_families(backwards)
    assert dict(sorted(first.of.items())) == dict(sorted(second.of.items()))
    assert first.links == second.links


def test_a_sketch_comes_back_from_its_json_and_stays_small() -> None:
    made = sketch_of(pictures(1))
    text = json.dumps(made.to_json())
    read = FamilySketch.from_json(json.loads(text))
    assert read.pictures == made.pictures == 12
    assert read.shapes_S.tolist() == made.shapes_S.tolist()
    assert len(text) < 44_000


def test_no_pictures_and_no_collections_are_no_error() -> None:
    assert len(sketch([]).shapes_S) == 0
    assert find_families({}).of == {}
    assert find_families({"a": sketch([])}).of == {"a": "a"}
