"""Of two texts that differ in one trait, the right one is chosen by what the picture shows."""

import dataclasses
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.diagnosis.drawn import Constant, gallery_of, known, painted, token_of
from tests.helpers import ColourEncoder
from traitlens.diagnosis import Swaps, swaps
from traitlens.diagnosis.blind import BlindReader
from traitlens.diagnosis.near_pairs import CHANCE, draw_pairs, group_shares
from traitlens.diagnosis.questions import even_wording
from traitlens.diagnosis.swap_records import GroupRow, SwapRow
from traitlens.diagnosis.swapping import Swap, draw_swaps
from traitlens.embedding import embed_all
from traitlens.errors import ConfigError, ModelError
from traitlens.records import Token, Trait
from traitlens.store import Dataset

HATS = ("Black", "White")


def robots(*, each: int = 3, pins: bool = False) -> list[Token]:
    """Return `each` tokens of every background, body and hat; no colour is in two types.

    A pin shows in no picture.
    """
    kinds = list(product(("Red", "Green"), ("Blue", "Yellow"), HATS)) * each
    return [
        painted(
            "robots",
            number,
            {"Background": background, "Body": body, "Hat": hat},
            more=[("Pin", "Star" if number % 3 else "Moon")] if pins else [],
        )
        for number, (background, body, hat) in enumerate(kinds)
    ]


def row_of(found: Swaps, *, model: str, trait_type: str | None = None) -> SwapRow:
    for row in (*found.rows, *found.types):
        if (row.model, row.collection, row.trait_type) == (model, "robots", trait_type):
            return row
    raise KeyError(trait_type)


def group_of(found: Swaps, *, model: str) -> GroupRow:
    return next(r for r in found.groups if (r.model, r.collection) == (model, "robots"))


def drawn(
    tokens: Sequence[Token], data: Dataset, *, most: int = 10_000, seed: int = 0
) -> list[Swap]:
    rng = np.random.default_rng(seed)
    return draw_swaps("robots", tokens, most=most, config=even_wording(data), rng=rng)


def test_a_model_that_reads_every_part_is_always_right(tmp_path: Path) -> None:
    found = swaps(embed_all([ColourEncoder()], gallery_of(tmp_path, {"robots": robots()})))
    row = row_of(found, model="colours")
    assert row.questions > 20
    assert row.accuracy == 1
    assert row.mean_picture == 0.5  # each colour is as frequent as the other of its type
    groups = group_of(found, model="colours")
    assert groups.pairs == 12  # the edges of a cube: equal tokens count as one
    assert (groups.text, groups.image, groups.group) == (1, 1, 1)


def test_a_constant_encoder_scores_exactly_chance(tmp_path: Path) -> None:
    found = swaps(embed_all([Constant()], gallery_of(tmp_path, {"robots": robots()})))
    row, groups = row_of(found, model="constant"), group_of(found, model="constant")
    assert (row.accuracy, row.mean_picture) == (0.5, 0.5)
    assert (groups.text, groups.image, groups.group) == pytest.approx(CHANCE)


def test_a_trait_that_nobody_sees_is_told_by_type(tmp_path: Path) -> None:
    gallery = gallery_of(tmp_path, {"robots": robots(each=6, pins=True)})
    found = swaps(embed_all([ColourEncoder()], gallery))
    assert row_of(found, model="colours", trait_type="Pin").accuracy == 0.5
    for seen in ("Background", "Body", "Hat"):
        assert row_of(found, model="colours", trait_type=seen).accuracy == 1
    worst = found.tables()[-1].rows[0]
    assert worst[:3] == ("robots", "Pin", "colours")
    assert found.examples[0].trait_type == "Pin"
    assert {found.examples[0].value, found.examples[0].instead} == {"Star", "Moon"}
    assert found.examples[0].right == 0.5


def test_both_texts_differ_in_one_phrase_at_the_place_of_the_metadata(tmp_path: Path) -> None:
    tokens = robots(pins=True)
    found = drawn(tokens, gallery_of(tmp_path, {"robots": tokens}).data)
    for swap in found:
        own = list(tokens[swap.row].traits)
        place = own.index(swap.trait)
        right, wrong = (
            text.removeprefix("robots with ").replace(" and ", ", ").split(", ")
            for text in (swap.right, swap.wrong)
        )
        assert [a != b for a, b in zip(right, wrong, strict=True)] == [
            number == place for number in range(len(own))
        ]
        assert swap.instead in tokens[swap.donor].traits
        assert swap.instead not in own
        assert swap.instead.trait_type == swap.trait.trait_type


def test_each_trait_of_a_token_is_asked_about_once_at_most(tmp_path: Path) -> None:
    tokens = robots()
    data = gallery_of(tmp_path, {"robots": tokens}).data
    asked = [(swap.row, swap.trait) for swap in drawn(tokens, data)]
    assert len(set(asked)) == len(asked)
    assert len(drawn(tokens, data, most=5)) == 5


def test_what_a_caption_does_not_say_is_never_asked_for(tmp_path: Path) -> None:
    values = ["None", "None", "Cap", "Hood"]
    tokens = [
        token_of("robots", n, [("Hat", values[n % 4]), ("Body", f"Body {n % 5}")])
        for n in range(40)
    ]
    found = drawn(tokens, gallery_of(tmp_path, {"robots": tokens}).data)
    said = {value for swap in found for value in (swap.trait.value, swap.instead.value)}
    assert "None" not in said
    assert {"Cap", "Hood"} < said


def test_the_frequency_of_values_gives_nothing_away(tmp_path: Path) -> None:
    tokens = [token_of("robots", n, [("Hat", "Hood" if n % 4 == 0 else "Cap")]) for n in range(800)]
    found = drawn(tokens, gallery_of(tmp_path, {"robots": tokens}).data)
    common = np.mean([swap.trait.value == "Cap" for swap in found])
    assert len(found) > 200  # 2 * 3/4 * 1/4 of 800 to be expected
    assert abs(common - 0.5) < 0.1  # and not 3/4


def test_the_wording_has_the_style_of_the_data_set_but_not_its_order(tmp_path: Path) -> None:
    data = gallery_of(tmp_path, {"robots": robots()}).data
    captions = {"captions": {"style": "tags", "order": "identifying", "version": 1}}
    tagged = dataclasses.replace(data, manifest=dataclasses.replace(data.manifest, config=captions))
    assert (even_wording(data).style, even_wording(data).order) == ("plain", "metadata")
    assert (even_wording(tagged).style, even_wording(tagged).order) == ("tags", "metadata")


def blind_reader() -> BlindReader:
    """Return a reader of three caps on steel and one hood on wood."""
    own = [("Cap", "Steel")] * 3 + [("Hood", "Wood")]
    tokens = [token_of("robots", n, [("Hat", h), ("Body", b)]) for n, (h, b) in enumerate(own)]
    reader = BlindReader.of(tokens)
    assert reader is not None
    return reader


CAP, HOOD, CROWN = (Trait("Hat", hat) for hat in ("Cap", "Hood", "Crown"))
WOOD = Trait("Body", "Wood")


def test_the_blind_reader_prefers_the_more_frequent_value() -> None:
    assert blind_reader().prefers(CAP, HOOD, beside=[], without=set()) == 1
    assert blind_reader().prefers(HOOD, CAP, beside=[], without=set()) == 0


def test_the_blind_reader_knows_which_traits_go_together() -> None:
    # cap: (3 + 1) * (0 + 1) / (3 + 2) = 0.8; hood: (1 + 1) * (1 + 1) / (1 + 2) = 1.33
    assert blind_reader().prefers(HOOD, CAP, beside=[WOOD], without=set()) == 1


def test_the_blind_reader_does_not_know_the_tokens_of_the_question() -> None:
    # without the hood: (0 + 1) * (0 + 1) / (0 + 2) = 0.5, and the cap's 0.8
    hood = token_of("robots", 3, []).token_uid
    assert blind_reader().prefers(HOOD, CAP, beside=[WOOD], without={hood}) == 0


def test_the_blind_reader_ties_where_it_knows_neither() -> None:
    assert blind_reader().prefers(CROWN, Trait("Hat", "Cape"), beside=[WOOD], without=set()) == 0.5


def test_the_blind_reader_learns_from_the_train_split_alone(tmp_path: Path) -> None:
    together = [("Cap", "Steel"), ("Hood", "Wood")]

    def tokens(name: str, *, split_at: int) -> list[Token]:
        return [
            token_of(
                name,
                n,
                [("Hat", together[n % 2][0]), ("Body", together[n % 2][1])],
                split="train" if n < split_at else "test",
            )
            for n in range(60)
        ]

    gallery = gallery_of(
        tmp_path,
        {"robots": tokens("robots", split_at=30), "owls": tokens("owls", split_at=0)},
        split="test",
    )
    found = swaps(embed_all([Constant()], gallery))
    known_row, unknown = (
        next(row for row in found.rows if row.collection == name) for name in ("robots", "owls")
    )
    assert (known_row.blind, known_row.above_blind) == (1, -0.5)
    assert (unknown.blind, unknown.above_blind) == (None, None)
    macro = found.rows[-1]
    assert (macro.collection, macro.blind, macro.above_blind) == ("macro", 1, -0.5)


def test_the_blind_reader_is_at_chance_where_traits_are_independent(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tokens = [
        token_of(
            "robots",
            n,
            [
                (kind, f"{kind} {int(rng.integers(6)) ** 2 // 5}")
                for kind in ("Hat", "Body", "Eyes")
            ],
            split="train",
        )
        for n in range(400)
    ]
    gallery = gallery_of(tmp_path, {"robots": tokens}, split="train")
    row = row_of(swaps(embed_all([Constant()], gallery), per_collection=600), model="constant")
    assert row.blind is not None
    assert abs(row.blind - 0.5) < 0.08  # though it has learned from the tokens that are asked about


def test_a_model_that_knows_only_what_is_common_is_betrayed_by_the_mean_picture(
    tmp_path: Path,
) -> None:
    class Prejudiced(ColourEncoder):
        """Sees a black hat in every picture."""

        name = "prejudiced"

        def encode_images(self, images):  # type: ignore[no-untyped-def]
            return np.repeat(self.encode_texts(["black hat"]), len(images), axis=0)

    found = swaps(embed_all([Prejudiced()], gallery_of(tmp_path, {"robots": robots()})))
    for row in found.types:
        assert row.accuracy == row.mean_picture
    assert row_of(found, model="prejudiced", trait_type="Body").accuracy == 0.5


def one_hat(number: int, hat: str, body: str) -> Token:
    return token_of("robots", number, [("Hat", hat), ("Body", body)])


def pairs_of(tokens: Sequence[Token], *, most: int = 100, seed: int = 0) -> set[frozenset[int]]:
    captions = {caption: n for n, caption in enumerate({token.caption for token in tokens})}
    caption_N = np.array([captions[token.caption] for token in tokens])
    rng = np.random.default_rng(seed)
    found = draw_pairs(tokens, caption_N, most=most, rng=rng)
    assert found.shape == (len(found), 2)
    return {frozenset(pair) for pair in found.tolist()}


def test_near_pairs_differ_in_one_trait_of_one_type() -> None:
    tokens = [
        one_hat(0, "Cap", "Steel"),
        one_hat(1, "Hood", "Steel"),
        one_hat(2, "Hood", "Wood"),
        one_hat(3, "Crown", "Stone"),
    ]
    assert pairs_of(tokens) == {frozenset({0, 1}), frozenset({1, 2})}


def test_of_tokens_that_say_the_same_one_is_in_a_near_pair() -> None:
    tokens = [one_hat(0, "Cap", "Steel"), one_hat(1, "Cap", "Steel"), one_hat(2, "Hood", "Steel")]
    for seed in range(4):
        (pair,) = pairs_of(tokens, seed=seed)
        assert 2 in pair


def test_a_trait_that_is_said_and_one_that_is_not_are_no_near_pair() -> None:
    tokens = [one_hat(0, "Cap", "Steel"), one_hat(1, "None", "Steel")]
    assert pairs_of(tokens) == set()


def test_near_pairs_are_all_there_are_or_as_many_as_wanted() -> None:
    tokens = [one_hat(n, f"hat {n}", "Steel") for n in range(9)]
    assert len(pairs_of(tokens)) == 9 * 8 // 2
    assert len(pairs_of(tokens, most=20)) == 20


def groups(scores: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Return text, image and group of one pair; rows are captions, columns pictures."""
    shares = group_shares(np.array([scores], np.float64))
    return float(shares.text[0]), float(shares.image[0]), float(shares.group[0])


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([[9, 1], [2, 8]], (1, 1, 1)),
        ([[1, 9], [8, 2]], (0, 0, 0)),
        ([[5, 1], [4, 2]], (1, 0, 0)),  # picture 0 > picture 1 whatever is said
        ([[5, 4], [1, 2]], (0, 1, 0)),  # caption 0 > caption 1 whatever is shown
        ([[3, 3], [3, 3]], CHANCE),
        ([[5, 1], [5, 1]], (1 / 4, 0, 0)),  # two captions that are one to the model
        ([[5, 5], [1, 1]], (0, 1 / 4, 0)),  # two pictures that are one
        ([[9, 3], [3, 3]], (1 / 2, 1 / 2, 1 / 3)),  # the least of three is one of the crossed
        ([[9, np.nan], [np.nan, 8]], (1, 1, 1)),
        ([[np.nan, 9], [9, 8]], (0, 0, 0)),
    ],
)
def test_group_scores_by_hand(
    scores: Sequence[Sequence[float]], expected: tuple[float, float, float]
) -> None:
    assert groups(scores) == pytest.approx(expected)


@given(st.lists(st.integers(-100, 100), min_size=4, max_size=4, unique=True))
def test_without_ties_group_scores_are_the_strict_definition(scores: list[int]) -> None:
    (a, b), (c, d) = scores[:2], scores[2:]
    text, image = a > c and d > b, a > b and d > c
    assert groups([scores[:2], scores[2:]]) == (text, image, text and image)


def test_what_cannot_be_measured_is_skipped_with_the_reason(tmp_path: Path) -> None:
    same = [token_of("owls", n, [("Hat", "Cap"), ("Eyes", f"Eye {n}")]) for n in range(4)]
    lone = [token_of("moons", n, [("Hat", f"hat {n}"), ("Body", f"body {n}")]) for n in range(12)]
    gallery = gallery_of(tmp_path, {"robots": robots(), "owls": same, "moons": lone})
    found = swaps(embed_all([Constant()], gallery))
    assert found.skipped == {"owls": "3 traits can be swapped, below 10"}
    assert found.skipped_groups == {
        "owls": "6 pairs of tokens differ in one trait alone, below 10",
        "moons": "0 pairs of tokens differ in one trait alone, below 10",
    }


def test_no_trait_at_all_is_no_question(tmp_path: Path) -> None:
    gallery = gallery_of(tmp_path, {"robots": [token_of("robots", n, []) for n in range(3)]})
    found = swaps(embed_all([Constant()], gallery))
    assert (found.rows, found.types, found.groups, found.examples) == ((), (), (), ())
    assert len(found.tables()) == 5


def test_all_models_answer_the_same_questions(tmp_path: Path) -> None:
    gallery = gallery_of(tmp_path, {"robots": robots(pins=True)})
    both = swaps(embed_all([ColourEncoder(), Constant()], gallery), per_collection=15)
    alone = swaps(embed_all([ColourEncoder()], gallery), per_collection=15)
    assert row_of(both, model="colours") == row_of(alone, model="colours")
    assert row_of(both, model="constant").questions == 15
    assert [row[0] for row in both.tables()[0].rows] == ["colours", "constant"]
    assert swaps(embed_all([Constant()], gallery), seed=1) != swaps(
        embed_all([Constant()], gallery)
    )


def test_a_model_without_its_encoder_is_told_so(tmp_path: Path) -> None:
    gallery = gallery_of(tmp_path, {"robots": robots()})
    with pytest.raises(ModelError, match="cannot read new texts"):
        swaps([known(gallery, np.eye(24), np.eye(24)[np.arange(24) % 8])])


def test_no_question_at_all_cannot_be_wanted(tmp_path: Path) -> None:
    gallery = gallery_of(tmp_path, {"robots": robots()})
    with pytest.raises(ConfigError, match="per_collection must be at least 1; got 0"):
        swaps(embed_all([Constant()], gallery), per_collection=0)


def test_a_record_can_be_stored(tmp_path: Path) -> None:
    found = swaps(embed_all([ColourEncoder()], gallery_of(tmp_path, {"robots": robots()})))
    stored = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert stored["rows"][0]["accuracy"] == 1
    assert stored["rows"][0]["blind"] is None
    assert stored["groups"][-1] | {"pairs": 0} == {
        "model": "colours",
        "collection": "macro",
        "pairs": 0,
        "text": 1,
        "image": 1,
        "group": 1,
    }
