"""An explanation says what a token has of some words, how close it looks, and where."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import PARTS, SIZE_PX, ColourEncoder, draw, drawn_dataset
from traitlens.errors import QueryError
from traitlens.records import Trait
from traitlens.retrieval import Explanation, Index, IndexConfig, IndexManifest, index
from traitlens.retrieval.deleting import delete_tokens
from traitlens.retrieval.heat import GRID, heat_of, look, opaque
from traitlens.separation import SeparationConfig, components, load_masks
from traitlens.store import Dataset

EXACT = IndexConfig(engine="exact")
RED_HAT = Trait("Hat", "Red")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data`, its components and its index `idx`; tests only read it."""
    path = tmp_path_factory.mktemp("home")
    data = drawn_dataset(path / "data", {"robots": 60, "owls": 10})
    components(data, config=SeparationConfig(min_tokens=3), collections=["robots"])
    index(data, path / "idx", encoder=ColourEncoder(), config=EXACT)
    return path


@pytest.fixture(scope="module")
def opened(home: Path) -> Iterator[Index]:
    with Index.open(home / "idx", encoder=ColourEncoder()) as found:
        yield found


def explained(opened: Index, words: str, *, having: Trait, rank: int = 0) -> Explanation:
    answer = opened.search(where=f"{having} AND collection=robots", words="red", k=rank + 1)
    return opened.explain(answer.hits[rank].token_uid, words)


def place(part: str) -> tuple[slice, slice]:
    """Return the cells in which a part is drawn, and those beside it."""
    left, top, right, bottom = (round(px * GRID / SIZE_PX) for px in PARTS[part])
    return slice(max(0, top - 1), bottom + 2), slice(max(0, left - 1), right + 2)


def test_each_term_is_met_by_a_trait_or_it_is_not(opened: Index) -> None:
    found = explained(opened, "a robot with red hat, green body, no yellow pin", having=RED_HAT)
    met = {term.meant: (term.is_met, term.met_by) for term in found.terms}
    assert met["red hat"] == (True, (RED_HAT,))
    green = Trait("Body", "Green")
    assert met["green body"] == (green in found.hit.traits, (green,) * (green in found.hit.traits))
    assert set(found.hit.matched) == {RED_HAT, *met["green body"][1]}


def test_what_must_not_be_there_is_met_where_it_is_not(opened: Index) -> None:
    found = explained(opened, "red body, no red hat", having=RED_HAT)
    (term,) = (term for term in found.terms if not term.wanted)
    assert (term.is_met, term.met_by, term.heat_GG) == (False, (RED_HAT,), None)


def test_words_that_nothing_is_called_are_terms_that_nothing_meets(opened: Index) -> None:
    found = explained(opened, "submarine", having=RED_HAT)
    assert [(t.meant, t.is_known, t.is_met) for t in found.terms] == [("submarine", False, False)]
    assert found.note is not None and "no trait here is called 'submarine'" in found.note


def test_a_long_question_of_strange_words_has_few_terms(opened: Index) -> None:
    words = " ".join(f"{chr(97 + n % 26)}{chr(97 + n // 26)}q" for n in range(400))
    assert len(explained(opened, words, having=RED_HAT).terms) <= 12


def test_large_art_is_looked_at_small() -> None:
    assert opaque(Image.new("RGB", (512, 300))).shape == (150, 256, 3)


def test_the_heat_of_a_part_lies_on_it(opened: Index) -> None:
    found = explained(opened, "red hat", having=RED_HAT)
    assert found.heat_GG is not None
    assert (found.heat_GG.min(), found.heat_GG.max()) == (0, 1)
    on_hat = np.zeros((GRID, GRID), bool)
    on_hat[place("hat")] = True
    assert found.heat_GG[on_hat].sum() > 0.9 * found.heat_GG.sum()
    (term,) = found.terms
    assert term.heat_GG is not None and np.array_equal(term.heat_GG, found.heat_GG)


def test_what_a_token_lacks_has_no_heat(opened: Index) -> None:
    found = explained(opened, "yellow hat", having=RED_HAT)
    assert found.heat_GG is None and found.terms[0].heat_GG is None
    assert found.note is not None and "no part of the picture" in found.note


def test_closeness_is_the_share_of_the_index_that_is_less_close(opened: Index) -> None:
    found = explained(opened, "red hat", having=RED_HAT)
    scores = [hit.score for hit in opened.search("red hat", mode="dense", k=70).hits]
    worse = sum(score < found.cosine - 1e-5 for score in scores)
    assert 35 < worse < 70
    assert found.closer_than == pytest.approx(worse / 70)
    assert found.hit.score == found.cosine


def test_a_small_index_says_no_share(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"owls": 10})
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    with Index.open(tmp_path / "idx", encoder=ColourEncoder()) as small:
        assert small.explain("owls/3", "red hat").closer_than is None


def test_masks_show_where_the_matched_traits_are(opened: Index) -> None:
    found = explained(opened, "red hat", having=RED_HAT)
    (mask_HW,) = found.masks.values()
    left, top, right, bottom = PARTS["hat"]
    expected = np.zeros((SIZE_PX, SIZE_PX), bool)
    expected[top : bottom + 1, left : right + 1] = True
    assert np.array_equal(mask_HW, expected)


def test_a_collection_without_components_has_no_masks(opened: Index) -> None:
    hit = opened.search("hat", where="collection=owls", k=1).hits[0]
    assert opened.explain(hit.token_uid, "hat, body").masks == {}


def test_a_token_that_is_not_there_is_refused(opened: Index) -> None:
    with pytest.raises(QueryError, match="the index has no token 'robots/999'"):
        opened.explain("robots/999", "red hat")


def test_words_are_needed(opened: Index) -> None:
    with pytest.raises(QueryError, match="needs words"):
        opened.explain("robots/1", "  ")


def test_components_that_come_later_are_taken_up(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 60})
    first = index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    assert first.components == {}
    components(data, config=SeparationConfig(min_tokens=3))
    second = index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT, update=True)
    assert list(second.components) == ["robots"]
    assert second == IndexManifest.read_from(tmp_path / "idx")
    assert dataclasses.replace(second, components={}) == first
    load_masks(tmp_path / "idx" / "components", "robots")


def test_components_that_are_gone_go(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 60})
    components(data, config=SeparationConfig(min_tokens=3))
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    (data.path / "components" / "robots.npz").unlink()
    after = index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    assert after.components == {}
    assert not list((tmp_path / "idx" / "components").iterdir())


def test_a_value_that_no_token_has_any_longer_leaves_the_index(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 60})
    components(data, config=SeparationConfig(min_tokens=3))
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    gone = [t.token_uid for t in Dataset.open(data.path).tokens() if RED_HAT in t.traits]
    assert ("Hat", "Red") in load_masks(tmp_path / "idx" / "components", "robots").masks
    delete_tokens(tmp_path / "idx", gone, data_fingerprint="new")
    left = load_masks(tmp_path / "idx" / "components", "robots")
    assert ("Hat", "Red") not in left.masks and left.masks


def test_where_a_picture_rises_as_much_as_it_falls_is_no_heat() -> None:
    falls = np.zeros((GRID, GRID))
    falls[3, 3], falls[9, 9] = 0.2, -0.3
    assert heat_of(falls) is None
    falls[9, 9] = -0.1
    heat = heat_of(falls)
    assert heat is not None and heat[3, 3] == 1 and heat[9, 9] == 0


def test_a_picture_of_any_shape_is_looked_at() -> None:
    parts = {"background": "blue", "body": "red", "hat": "green"}
    for size in [(1, 1), (24, 24), (200, 50), (1, 900)]:
        looks = look(draw(parts).resize(size, Image.Resampling.NEAREST), ColourEncoder())
        assert looks.falls(ColourEncoder().encode_texts(["green hat"])[0]).shape == (GRID, GRID)
