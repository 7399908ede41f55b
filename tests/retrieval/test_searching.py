"""A question becomes ranked, explained tokens, or one sentence on why it cannot."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import ColourEncoder, draw, drawn_dataset, drawn_token, write_dataset
from traitlens.errors import IndexingError, QueryError
from traitlens.records import Trait
from traitlens.retrieval import MODES, Index, IndexConfig, Mode, index

SIZES = {"robots": 40, "owls": 10}
EXACT = IndexConfig(engine="exact")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data` and its index `idx`; tests only read it."""
    path = tmp_path_factory.mktemp("home")
    data = drawn_dataset(path / "data", SIZES)
    index(data, path / "idx", encoder=ColourEncoder(), config=EXACT)
    return path


@pytest.fixture(scope="module")
def opened(home: Path) -> Iterator[Index]:
    with Index.open(home / "idx", encoder=ColourEncoder()) as found:
        yield found


def test_the_tokens_that_are_described_come_first(opened: Index) -> None:
    right = {
        token.token_uid
        for token in opened.data.tokens()  # type: ignore[union-attr]
        if Trait("Hat", "Red") in token.traits
    }
    answer = opened.search("  a token with   red hat", k=len(right))
    assert len(right) > 2
    assert {hit.token_uid for hit in answer.hits} == right
    assert answer.query.words == "a token with red hat"
    assert [hit.rank for hit in answer.hits] == [*range(1, len(right) + 1)]
    assert all(hit.matched == (Trait("Hat", "Red"),) for hit in answer.hits)
    scores = [hit.score for hit in answer.hits]
    assert scores == sorted(scores, reverse=True)


def test_a_picture_finds_itself_and_comes_with_its_bytes(opened: Index) -> None:
    token = drawn_token("owls", 3)
    drawn = draw({t.trait_type.lower(): t.value.lower() for t in token.traits[:3] if t.value})
    hit = opened.search(image=drawn.convert("P"), where="collection=owls", k=1).hits[0]
    assert hit.score == pytest.approx(1, abs=1e-5)
    assert hit.image == token.image
    assert (hit.traits, hit.caption) == (token.traits, token.caption)


def test_words_and_a_picture_are_weighed(opened: Index) -> None:
    picture = draw({"background": "green", "body": "green"})
    only_words = opened.search("white background", k=5)
    for weight, expected in [(1.0, only_words), (0.0, opened.search(image=picture, k=5))]:
        both = opened.search("white background", image=picture, weight=weight, k=5)
        assert [hit.token_uid for hit in both.hits] == [hit.token_uid for hit in expected.hits]
    middle = opened.search("white background", image=picture, mode="dense", k=5)
    total = ColourEncoder().encode_texts(["white background"]) + ColourEncoder().encode_images(
        [picture]
    )
    found = ColourEncoder().encode_images([draw_of(middle.hits[0].traits)])[0]
    cosine = float(found @ total[0] / np.linalg.norm(total[0]))
    assert middle.hits[0].score == pytest.approx(cosine, abs=1e-4)


def draw_of(traits: tuple[Trait, ...]) -> Image.Image:
    return draw({t.trait_type.lower(): t.value.lower() for t in traits if t.trait_type != "Pin"})


def test_traits_alone_need_no_encoder(home: Path) -> None:
    def load(name: str) -> ColourEncoder:
        raise AssertionError(name)

    with Index.open(home / "idx", load_encoder=load) as found:
        answer = found.search("red hat", mode="traits", k=50)
        having = found.search("x", mode="traits", where="Hat=Red", k=50).matching
        assert len(answer.hits) >= having > 0
        assert all(hit.matched == (Trait("Hat", "Red"),) for hit in answer.hits[:having])
        nothing = found.search("submarine", mode="traits")
    assert nothing.hits == ()
    assert nothing.note == "no trait here is called 'submarine'"


def test_what_has_all_traits_comes_before_what_only_looks_like_it(opened: Index) -> None:
    answer = opened.search("owls with a red hat", k=50)
    missing = [len(hit.missing) for hit in answer.hits]
    assert missing == sorted(missing)
    assert {0, 1} <= set(missing)
    first = answer.hits[0]
    assert (first.collection, first.matched) == ("owls", (Trait("Hat", "Red"),))


def test_what_is_unwanted_is_not_there(opened: Index) -> None:
    answer = opened.search("robots without red hat", k=50)
    assert answer.matching == len(answer.hits) < 50
    assert not any(Trait("Hat", "Red") in hit.traits for hit in answer.hits)


def test_only_what_is_unwanted_can_be_said(opened: Index) -> None:
    answer = opened.search("no red hat", k=50)
    assert len(answer.hits) == answer.matching > 0
    assert not any(Trait("Hat", "Red") in hit.traits for hit in answer.hits)


@pytest.mark.parametrize("skip", [0, 10])
def test_what_nothing_here_has_is_no_answer_but_its_looks_are(opened: Index, skip: int) -> None:
    answer = opened.search("spaghetti with tomato sauce", skip=skip)
    assert (answer.hits, answer.fits) == ((), False)
    assert answer.note is not None
    assert answer.note.startswith("nothing here fits 'spaghetti with tomato sauce'")
    assert len(opened.search("spaghetti with tomato sauce", mode="dense", skip=skip).hits) == 10


def test_a_part_of_what_is_asked_for_is_an_answer(opened: Index) -> None:
    for skip in (0, 10):
        answer = opened.search("red hat and a monocle", skip=skip)
        assert (len(answer.hits), answer.fits) == (10, True)
    assert answer.note is not None
    assert answer.note.startswith("no trait here is called 'monocle'")


def test_where_tokens_have_no_traits_their_looks_are_all_there_is(tmp_path: Path) -> None:
    bare = [
        dataclasses.replace(drawn_token("owls", n), traits=(), caption="owls") for n in range(5)
    ]
    index(
        write_dataset(tmp_path / "data", {"owls": bare}),
        tmp_path / "idx",
        encoder=ColourEncoder(),
        config=EXACT,
    )
    with Index.open(tmp_path / "idx", encoder=ColourEncoder()) as found:
        answer = found.search("spaghetti", k=3)
    assert (len(answer.hits), answer.fits) == (3, True)


def test_words_that_only_a_caption_has_are_found(tmp_path: Path) -> None:
    tokens = [drawn_token("owls", n) for n in range(5)]
    tokens[3] = dataclasses.replace(tokens[3], caption="an owl with a monocle")
    data = write_dataset(tmp_path / "data", {"owls": tokens})
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    with Index.open(tmp_path / "idx", encoder=ColourEncoder()) as found:
        assert found.search("monocle", k=1).hits[0].token_id == "3"


def test_pages_of_an_answer_are_one_list(opened: Index) -> None:
    for mode in MODES:
        whole = opened.search("red hat", mode=mode, k=20)
        pages = [opened.search("red hat", mode=mode, k=5, skip=skip) for skip in (0, 5, 10, 15)]
        hits = [hit for page in pages for hit in page.hits]
        assert [(h.rank, h.token_uid) for h in hits] == [(h.rank, h.token_uid) for h in whole.hits]


def test_misspelled_words_are_read_and_that_is_said(opened: Index) -> None:
    assert opened.search("whitte bodies", k=5).note == "read 'whitte bodies' as 'white bodies'"


@pytest.mark.parametrize("name", ["robots/7", "ROBOTS/7", "local:files/folder:robots/7"])
def test_a_token_has_neighbours_but_is_not_one(opened: Index, name: str) -> None:
    answer = opened.search(like=name, k=100)
    assert len(answer.hits) == answer.matching == 49
    assert "local:files/folder:robots/7" not in {hit.token_uid for hit in answer.hits}
    assert answer.note == "only 49 other tokens in the index"
    assert str(answer.query) == "like robots #7"


def test_a_filter_leaves_only_what_satisfies_it(opened: Index) -> None:
    answer = opened.search("red", where="COLLECTION=robots and HAT!=red", k=3)
    assert str(answer.query) == "red where collection=robots AND Hat!=Red"
    assert answer.matching == sum(
        token.collection == "robots" and Trait("Hat", "Red") not in token.traits
        for token in opened.data.tokens()  # type: ignore[union-attr]
    )
    assert answer.note is None
    for hit in answer.hits:
        assert hit.collection == "robots"
        assert Trait("Hat", "Red") not in hit.traits


@pytest.mark.parametrize(
    ("where", "matching", "note"),
    [
        (None, 50, "only 50 tokens in the index"),
        ("token_id=nope", 0, "no token satisfies token_id=nope"),
        (
            "collection=owls AND token_id=3",
            1,
            "only 1 token satisfies collection=owls AND token_id=3",
        ),
        ("token_id=3", 2, "only 2 tokens satisfy token_id=3"),
    ],
)
def test_too_few_answers_are_explained(
    opened: Index, where: str | None, matching: int, note: str
) -> None:
    answer = opened.search("red", where=where, k=60)
    assert (len(answer.hits), answer.matching, answer.note) == (matching, matching, note)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({}, "a search needs words, a picture, or a token"),
        ({"words": " \n "}, "a search needs words"),
        ({"words": "x", "k": 0}, r"k must be in \[1, 10000\]; got 0"),
        ({"words": "x", "k": -1}, "got -1"),
        ({"words": "x", "k": 10_001}, "got 10001"),
        ({"words": "x", "skip": -1}, r"skip must be in \[0, 10000\]; got -1"),
        ({"words": "x", "mode": "fast"}, "mode must be one of hybrid, dense, traits; got 'fast'"),
        ({"words": "x", "weight": 2}, r"weight must be in \[0, 1\]; got 2"),
        ({"words": "x" * 2_001}, "at most 2000 characters"),
        ({"words": "x", "where": "Hut=Red"}, "did you mean 'Hat'"),
        ({"words": "x", "where": "Hat="}, "at column 5: expected a value"),
        ({"like": "robots/4711"}, "the index has no token 'robots/4711'"),
        ({"like": "robot/1"}, "did you mean 'robots'"),
        ({"like": "eip155:1/erc721:0xab/1"}, "name one by its token_uid or as collection/token_id"),
        ({"like": "robots/1", "image": draw({"background": "red"})}, "not both"),
    ],
)
def test_a_question_without_an_answer_is_refused(
    opened: Index, question: dict[str, object], said: str
) -> None:
    with pytest.raises(QueryError, match=said):
        opened.search(**question)  # type: ignore[arg-type]


def test_another_encoder_is_refused(home: Path) -> None:
    other = ColourEncoder(version="2")
    with pytest.raises(IndexingError, match="was made with the encoder colours"):
        Index.open(home / "idx", encoder=other)
    with (
        Index.open(home / "idx", load_encoder=lambda name: other) as found,
        pytest.raises(IndexingError, match="was made with the encoder colours"),
    ):
        found.search("red")


def test_the_encoder_is_loaded_by_its_name_when_words_come(home: Path) -> None:
    asked: list[str] = []

    def load(name: str) -> ColourEncoder:
        asked.append(name)
        return ColourEncoder()

    with Index.open(home / "idx", load_encoder=load) as found:
        found.search(like="robots/1")
        assert asked == []
        found.search("red")
        found.search("blue")
        assert asked == ["colours"]


def test_a_folder_that_is_no_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexingError, match="is no index: no such folder"):
        Index.open(tmp_path / "nothing")
    (tmp_path / "index.json").write_text("[1]")
    with pytest.raises(IndexingError, match="is no manifest of an index"):
        Index.open(tmp_path)


def test_another_data_set_is_refused(home: Path, tmp_path: Path) -> None:
    other = drawn_dataset(tmp_path / "other", {"owls": 2})
    with pytest.raises(IndexingError, match="was made of another data set"):
        Index.open(home / "idx", encoder=ColourEncoder(), data=other)


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_without_its_data_set_an_index_still_answers_with_pictures(
    tmp_path: Path, change: str
) -> None:
    data = drawn_dataset(tmp_path / "data", {"owls": 3})
    images = {token.image for token in data.tokens()}
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    shutil.rmtree(tmp_path / "data")
    if change == "changed":
        drawn_dataset(tmp_path / "data", {"owls": 4})
    with Index.open(tmp_path / "idx", encoder=ColourEncoder()) as found:
        assert found.data is None
        answer = found.search("red", k=3)
    assert {hit.image for hit in answer.hits} == images
    changed = f"the data set {tmp_path / 'data'} has changed since it was indexed"
    assert answer.note == (changed if change == "changed" else None)


@pytest.mark.parametrize("mode", MODES)
def test_equal_pictures_are_one_answer_when_folded(tmp_path: Path, mode: Mode) -> None:
    tokens = [drawn_token("owls", n) for n in range(6)]
    same = [
        dataclasses.replace(drawn_token("owls", n), image=tokens[0].image, pixels_sha256="same")
        for n in range(10, 50)
    ]
    tokens[0] = dataclasses.replace(tokens[0], pixels_sha256="same")
    data = write_dataset(tmp_path / "data", {"owls": [*same, *tokens]})
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    with Index.open(tmp_path / "idx", encoder=ColourEncoder()) as found:
        words = "owl"
        whole = found.search(words, mode=mode, k=50, fold=True).hits
        pages = [found.search(words, mode=mode, k=2, skip=n, fold=True).hits for n in (0, 2, 4)]
    pictures = [hit.image for hit in whole]
    assert len(set(pictures)) == len(pictures)
    assert [h.token_uid for page in pages for h in page] == [h.token_uid for h in whole][:6]
    assert [hit.copies for hit in whole if hit.image == tokens[0].image] == [41]


def test_facets_count_what_satisfies_a_filter(opened: Index) -> None:
    assert opened.facets() == opened.vocabulary
    found = opened.facets("COLLECTION=owls")
    assert found["collection"] == {"owls": 10}
    assert sum(found["Hat"].values()) <= 10
    with pytest.raises(QueryError, match="did you mean 'Hat'"):
        opened.facets("Hut=Red")


def test_a_token_is_found_by_its_name_with_its_pictures(opened: Index) -> None:
    token = opened.token("owls/3")
    assert (token.collection, token.token_id, token.rarity is not None) == ("owls", "3", True)
    assert opened.picture(token) == drawn_token("owls", 3).image == token.image
    with pytest.raises(QueryError, match="the index has no token"):
        opened.token("owls/99")


def test_hits_say_how_rare_they_are_and_how_many_have_their_picture(opened: Index) -> None:
    answer = opened.search("red", where="collection=owls", k=10)
    ranks = sorted(hit.rarity.rank for hit in answer.hits if hit.rarity)
    assert len(ranks) == 10
    assert ranks[0] == 1
    assert {hit.rarity.tokens for hit in answer.hits if hit.rarity} == {10}
    images = [hit.image for hit in opened.search("red", k=50).hits]
    assert all(hit.copies == images.count(hit.image) for hit in answer.hits)
