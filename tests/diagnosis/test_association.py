"""Whose colour a model gives to a part: its own, or that of another part."""

import json
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.diagnosis.drawn import Constant, gallery_of, known, painted, token_of
from tests.helpers import COLOURS, ColourEncoder
from traitlens.captions import CaptionConfig
from traitlens.diagnosis import Association, association
from traitlens.diagnosis.association import AssociationRow
from traitlens.diagnosis.colour_questions import (
    Coloured,
    ColourQuestion,
    coloured,
    draw_colour_questions,
)
from traitlens.embedding import Gallery, embed_all
from traitlens.errors import ConfigError, ModelError
from traitlens.models import Vectors, unit_rows
from traitlens.records import Token, Trait


def robots() -> list[Token]:
    """Return a token for every background and body of two different colours."""
    names = [colour.title() for colour in COLOURS]
    return [
        painted("robots", number, {"Background": background, "Body": body})
        for number, (background, body) in enumerate(permutations(names, 2))
    ]


class WrongPart(ColourEncoder):
    """Looks for the colour of the body in the background, and the other way round."""

    name = "wrong part"

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        other = {"body": "background", "background": "body"}
        return super().encode_texts([_swapped(text, other) for text in texts])


def _swapped(text: str, other: dict[str, str]) -> str:
    return " ".join(other.get(word, word) for word in text.split())


class BagOfColours:
    """Knows which colours are said, and which are seen anywhere."""

    name = "bag"
    fingerprint = "bag"
    dimension = len(COLOURS)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return unit_rows(np.array([[c in text.split() for c in COLOURS] for text in texts], float))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        seen = [{rgb for _, rgb in image.convert("RGB").getcolors() or []} for image in images]
        return unit_rows(np.array([[c in each for c in COLOURS.values()] for each in seen], float))


def gallery(path: Path) -> Gallery:
    return gallery_of(path, {"robots": robots()})


def row_of(found: Association, *, model: str) -> AssociationRow:
    return next(r for r in found.rows if (r.model, r.collection) == (model, "robots"))


def test_a_model_that_reads_the_right_part_is_at_minus_one(tmp_path: Path) -> None:
    row = row_of(association(embed_all([ColourEncoder()], gallery(tmp_path))), model="colours")
    assert row.questions == 60  # both parts of 30 tokens
    assert (row.own, row.other, row.neither, row.over_own) == (1, 0, 0, 0)
    assert row.bias == -1


def test_a_model_that_reads_the_wrong_part_is_at_one(tmp_path: Path) -> None:
    found = association(embed_all([WrongPart()], gallery(tmp_path)))
    row = row_of(found, model="wrong part")
    assert (row.own, row.other, row.over_own, row.bias) == (0, 1, 1, 1)
    token = next(t for t in robots() if t.token_id == found.examples[0].token_id)
    own = {trait.trait_type: trait.value.lower() for trait in token.traits}
    shown = found.examples[0]
    assert (own[shown.part], own[shown.other_part]) == (shown.colour, shown.other_colour)


def test_a_bag_of_colours_ignores_the_part_and_is_at_zero(tmp_path: Path) -> None:
    row = row_of(association(embed_all([BagOfColours()], gallery(tmp_path))), model="bag")
    assert (row.own, row.other, row.neither, row.over_own) == (0.5, 0.5, 0, 0.5)
    assert row.bias == 0


def test_a_constant_encoder_scores_exactly_chance(tmp_path: Path) -> None:
    row = row_of(association(embed_all([Constant()], gallery(tmp_path))), model="constant")
    assert row.chance == pytest.approx(1 / len(COLOURS))
    assert row.own == row.other == pytest.approx(row.chance)
    assert row.neither == pytest.approx(4 / 6)
    assert (row.bias, row.over_own) == (0, 0.5)


def test_models_stand_beside_one_another_and_by_pair_of_parts(tmp_path: Path) -> None:
    found = association(embed_all([ColourEncoder(), WrongPart()], gallery(tmp_path)))
    means, collections, pairs = found.tables()
    bias = [column.name for column in means.columns].index("bias")
    assert [(row[0], row[bias]) for row in means.rows] == [("colours", -1), ("wrong part", 1)]
    assert [row[:2] for row in collections.rows] == [
        ("robots", "colours"),
        ("robots", "wrong part"),
    ]
    assert [row[:3] for row in pairs.rows] == [
        ("robots", "Background", "Body"),
        ("robots", "Body", "Background"),
    ]
    assert [(row.part, row.questions) for row in found.pairs if row.model == "colours"] == [
        ("Background", 30),
        ("Body", 30),
    ]
    assert "above 0" in means.note


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Red", Coloured("red", ())),
        ("Red_Tracksuit", Coloured("red", ("tracksuit",))),
        ("Turtleneck Green", Coloured("green", ("turtleneck",))),
        ("Dark Grey Cap", Coloured("gray", ("dark", "cap"))),
        ("Golden Chain", Coloured("gold", ("chain",))),
        ("#9bcdf5", Coloured("blue", ("light",))),
        ("Red and Blue", None),
        ("Redwood", None),
        ("None", None),
    ],
)
def test_a_value_names_one_colour_or_none(value: str, expected: Coloured | None) -> None:
    assert coloured(Trait("Clothes", value)) == expected


def questions(*tokens: Sequence[tuple[str, str]], most: int = 100) -> list[ColourQuestion] | str:
    made = [token_of("robots", n, traits) for n, traits in enumerate(tokens)]
    rng = np.random.default_rng(0)
    return draw_colour_questions("robots", made, most=most, config=CaptionConfig(), rng=rng)


def test_the_choices_say_the_same_but_for_the_colour() -> None:
    found = questions(
        [("Hat", "Red Cap"), ("Body", "Blue")],
        [("Hat", "Blue Cap"), ("Body", "Steel")],
        [("Hat", "Blue Cap"), ("Body", "Wood")],
        [("Hat", "Green Hood"), ("Body", "Red")],
    )
    assert not isinstance(found, str)
    by_part = {(each.row, each.parts): each for each in found}
    assert set(by_part) == {(0, ("Hat", "Body")), (0, ("Body", "Hat"))}
    hat = by_part[0, ("Hat", "Body")]
    assert set(zip(hat.colours, hat.prompts, strict=True)) == {
        ("red", "robots with red cap hat"),
        ("blue", "robots with blue cap hat"),
    }
    assert (hat.colours[hat.own], hat.colours[hat.other]) == ("red", "blue")


def test_the_more_frequent_of_two_values_of_one_colour_is_said() -> None:
    found = questions(
        [("Chain", "Gold"), ("Body", "Red")],
        *[[("Chain", "Golden"), ("Body", "Red")]] * 2,
        [("Chain", "Red"), ("Body", "Gold")],
    )
    assert not isinstance(found, str)
    said = {prompt for each in found if each.parts[0] == "Chain" for prompt in each.prompts}
    assert said == {"robots with golden chain", "robots with red chain"}


def test_two_traits_of_one_type_are_no_part() -> None:
    twice = [("Hat", "Red"), ("Hat", "Blue"), ("Body", "Green")]
    once = [("Hat", "Green"), ("Body", "Red")]
    found = questions(twice, once, [("Hat", "Red"), ("Body", "Green")])
    assert not isinstance(found, str)
    assert {each.row for each in found} == {1, 2}


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        ([[("Hat", "Red")], [("Hat", "Blue")]], "fewer than two trait types"),
        ([[("Hat", "Red"), ("Body", "Blue")]], "one might have the other's colour"),
        ([[("Hat", "Red"), ("Body", "Red")]], "one might have the other's colour"),
    ],
)
def test_a_collection_without_a_question_says_why(
    tokens: list[list[tuple[str, str]]], reason: str
) -> None:
    found = questions(*tokens)
    assert isinstance(found, str)
    assert reason in found


def test_what_cannot_be_measured_is_skipped_with_the_reason(tmp_path: Path) -> None:
    plain = [token_of("owls", n, [("Hat", f"hat {n}")]) for n in range(5)]
    few = [
        token_of("moons", n, [("Hat", ("Red", "Blue")[n % 2]), ("Body", ("Blue", "Red")[n % 2])])
        for n in range(4)
    ]
    data = {"robots": robots(), "owls": plain, "moons": few}
    found = association(embed_all([Constant()], gallery_of(tmp_path, data)))
    assert found.skipped == {
        "owls": "fewer than two trait types have values that name a colour",
        "moons": "8 questions can be asked, below 10",
    }
    assert {row.collection for row in found.rows} == {"robots", "macro"}


def test_no_more_questions_are_asked_than_wanted_and_the_seed_decides(tmp_path: Path) -> None:
    found = embed_all([ColourEncoder()], gallery(tmp_path))
    few = association(found, per_collection=7)
    assert row_of(few, model="colours").questions == 7
    assert few == association(found, per_collection=7)
    counts = {association(found, per_collection=7, seed=s).pairs[0].questions for s in range(6)}
    assert len(counts) > 1


def test_a_model_without_its_encoder_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read new texts"):
        association([known(gallery(tmp_path), np.eye(30), np.eye(30))])


def test_no_question_at_all_cannot_be_wanted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="per_collection must be at least 1; got 0"):
        association(embed_all([Constant()], gallery(tmp_path)), per_collection=0)


def test_a_record_can_be_stored(tmp_path: Path) -> None:
    found = association(embed_all([ColourEncoder()], gallery(tmp_path)))
    stored = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert stored["rows"][-1]["collection"] == "macro"
    assert stored["rows"][-1]["bias"] == -1
    assert {row["part"] for row in stored["pairs"]} == {"Background", "Body"}
