"""A split of a data set with its components, ready to be drawn from."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers import drawn_dataset, write_dataset
from tests.separation.layers import BODY, HAT, layered_tokens
from traitlens import files
from traitlens.captions import WrittenCaption
from traitlens.captions.written import captions_folder, write_lines
from traitlens.errors import DatasetError
from traitlens.models.pixels import PixelConfig, frame
from traitlens.separation import components, load_masks
from traitlens.separation.masks import read_picture
from traitlens.store import Dataset
from traitlens.training.layering import painted
from traitlens.training.material import Material, gather
from traitlens.training.tags import NO_COMPONENT

PIXELS = PixelConfig(height=8, width=8)  # the size of the drawn layers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("material")
    components(layered(folder), out=folder / "components", split="train")
    return folder


def layered(folder: Path) -> Dataset:
    if (folder / "data").exists():
        return Dataset.open(folder / "data")
    return write_dataset(folder / "data", {"layers": layered_tokens()})


@pytest.fixture(scope="module")
def gathered(folder: Path) -> Material:
    masks = folder / "components"
    return gather(layered(folder), PIXELS, split="train", masks_folder=masks)


def test_tokens_come_with_their_frames_and_tags_in_the_order_of_the_data(
    gathered: Material, folder: Path
) -> None:
    tokens = list(layered(folder).tokens(split="train"))
    assert len(gathered) == len(tokens)
    for row, token in enumerate(tokens):
        assert (gathered.frames_NHWC[row] == frame(read_picture(token), PIXELS)).all()
        names = {(tag.trait_type, tag.words) for tag in gathered.tags[row]}
        assert names == {(t.trait_type, f"{t.value} {t.trait_type}".lower()) for t in token.traits}


def test_a_tags_component_has_the_pixels_of_its_mask(gathered: Material, folder: Path) -> None:
    masks = load_masks(folder / "components", "layers").masks
    for tag in {tag for tags in gathered.tags for tag in tags}:
        value = tag.words.split()[0].title()
        expected = np.flatnonzero(masks[tag.trait_type, value])
        assert gathered.layers[tag.component].where_M.tolist() == expected.tolist()


def test_equal_tags_are_one_object(gathered: Material) -> None:
    every = [tag for tags in gathered.tags for tag in tags]
    assert len({id(tag) for tag in every}) == len(set(every)) == 8


def test_the_values_of_a_type_are_those_that_some_token_has(gathered: Material) -> None:
    assert {key: [tag.words for tag in tags] for key, tags in gathered.values.items()} == {
        (0, "Body"): ["green body", "red body", "white body"],
        (0, "Hat"): ["cap hat", "crown hat"],
        (0, "Sky"): ["dawn sky", "night sky", "noon sky"],
    }


def test_the_mean_picture_is_that_of_the_collections_tokens(gathered: Material) -> None:
    expected = gathered.frames_NHWC.mean(axis=0)
    assert np.abs(gathered.means_GHWC[0] - expected).max() <= 0.5 + 1e-9


def test_the_visible_area_of_a_phrase_is_known(gathered: Material) -> None:
    numbers = gathered.vocabulary.numbers(["red body", "cap hat"])
    body, hat = (area[0].stop - area[0].start for area in (BODY, HAT))
    assert gathered.vocabulary.areas(0, numbers).tolist() == pytest.approx(
        [body * 4 / 64, hat * 4 / 64], abs=0.02
    )


def test_the_layers_of_a_token_show_what_its_picture_shows(gathered: Material) -> None:
    for row in range(len(gathered)):
        stack = gathered.stack(gathered.tags[row])
        where = np.unique(np.concatenate([layer.where_M for layer in stack]))
        own = gathered.frames_NHWC[row].reshape(-1, 3)[where]
        colours, _ = painted(stack, gathered.grounds[0], where)
        alike = (np.abs(colours.astype(int) - own) <= 8).all(axis=1)
        assert alike.mean() > 0.6


def test_components_that_paint_the_tokens_as_they_look_are_trusted(gathered: Material) -> None:
    assert len(gathered.trust) == len(gathered.layers) == 8
    assert all(gathered.trusts(row, least=0.6) for row in range(8))
    assert gathered.untrusted(0.6) == 0
    assert gathered.untrusted(1.1) == 8


def test_without_components_no_tag_can_be_hidden(folder: Path) -> None:
    bare = gather(layered(folder), PIXELS, split="train", masks_folder=None)
    assert bare.without_mask() == sum(map(len, bare.tags))
    assert len(bare.layers) == 0
    assert bare.values == {}
    assert bare.trust == {}
    assert not bare.grounds[0].known_P.any()


def test_a_token_of_another_size_has_no_components(tmp_path: Path, folder: Path) -> None:
    small = drawn_dataset(tmp_path / "data", {"layers": 8})
    made = gather(small, PIXELS, split="train", masks_folder=folder / "components")
    assert {tag.component for tags in made.tags for tag in tags} == {NO_COMPONENT}


def test_collections_are_counted_apart(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 8, "owls": 4})
    components(data, out=tmp_path / "components", split="train")
    made = gather(data, PIXELS, split="train", masks_folder=tmp_path / "components")
    assert np.bincount(made.collection_N).tolist() == [8, 4]
    rows = [{tag.component for t in made.tags[a:b] for tag in t} for a, b in ((0, 8), (8, 12))]
    assert rows[0] & rows[1] <= {NO_COMPONENT}
    assert len(made.layers) == len((rows[0] | rows[1]) - {NO_COMPONENT})


def test_written_captions_that_passed_their_check_are_taken_along(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 3})
    uids = [token.token_uid for token in data.tokens(split="train")]
    folder = captions_folder(data.path, "merry")
    files.write_json(folder / "writer.json", {})
    lines = [WrittenCaption(token_uid=uids[1], caption="A merry robot.", status="ok")]
    lines += [WrittenCaption(token_uid=uids[2], caption="A robot with a cat.", status="invented")]
    write_lines(folder / "robots.jsonl", lines)
    made = gather(data, PIXELS, split="train", masks_folder=None, written="merry")
    assert made.written == (None, "A merry robot.", None)
    with pytest.raises(DatasetError, match="has no captions called 'sad'; it has merry"):
        gather(data, PIXELS, split="train", masks_folder=None, written="sad")


def test_a_split_with_one_token_is_refused(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 1})
    with pytest.raises(DatasetError, match="has 1 tokens to train on; at least 2 are needed"):
        gather(data, PIXELS, split="train", masks_folder=None)
