"""Tokens that no caption, no picture, or neither can tell apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.helpers import drawn_token, write_dataset
from traitlens.diagnosis.same_words import (
    Alike,
    Kind,
    alike_table,
    alike_to_json,
    ceilings,
    find_alike,
    groups_table,
    sizes,
)
from traitlens.embedding import Gallery
from traitlens.records import Token, Trait

HAT, EYES = Trait("Hat", "Cap"), Trait("Eyes", "Blue")


def token(number: int, *, caption: str, picture: str, traits: Sequence[Trait] = (HAT,)) -> Token:
    return dataclasses.replace(
        drawn_token("apes", number),
        caption=caption,
        caption_spans=(),
        traits=tuple(traits),
        pixels_sha256=f"{int(picture, 36):064x}",
    )


def alike(tmp_path: Path, tokens: Sequence[Token]) -> dict[Kind, Alike]:
    gallery = Gallery.of(write_dataset(tmp_path / "data", {"apes": tokens}), split=None)
    return {one.kind: one for one in find_alike(gallery, "apes", gallery.tokens("apes"))}


def test_the_ceiling_is_one_in_as_many_as_are_alike() -> None:
    assert sizes("aaab") == [3, 3, 3, 1]
    assert ceilings("aaab") == {1: (3 * 1 / 3 + 1) / 4, 5: 1.0, 10: 1.0}
    assert ceilings(["same"] * 20) == pytest.approx({1: 0.05, 5: 0.25, 10: 0.5})


def test_tokens_of_one_caption_are_a_group(tmp_path: Path) -> None:
    captions = ["a cap", "a cap", "a hat", "a cap", "two eyes"]
    tokens = [token(n, caption=text, picture=f"p{n}") for n, text in enumerate(captions)]
    found = alike(tmp_path, tokens)["caption"]
    assert (found.groups, found.tokens, found.share) == (1, 3, 3 / 5)
    assert found.ceiling[1] == pytest.approx(3 / 5)
    (group,) = found.largest
    assert (group.what, group.tokens, group.token_ids) == ("a cap", 3, ("0", "1", "3"))


def test_the_order_of_traits_makes_no_difference(tmp_path: Path) -> None:
    tokens = [
        token(0, caption="a", picture="a", traits=[HAT, EYES]),
        token(1, caption="b", picture="b", traits=[EYES, HAT]),
        token(2, caption="c", picture="c", traits=[HAT]),
    ]
    found = alike(tmp_path, tokens)
    assert found["traits"].tokens == 2
    assert found["caption"].tokens == 0


def test_one_picture_under_two_captions_is_told_apart_by_none(tmp_path: Path) -> None:
    tokens = [
        token(0, caption="a", picture="same", traits=[HAT]),
        token(1, caption="b", picture="same", traits=[EYES]),
        token(2, caption="c", picture="twice"),
        token(3, caption="c", picture="twice"),
    ]
    found = alike(tmp_path, tokens)
    assert found["picture"].largest[0].token_ids == ("0", "1")
    assert (found["picture"].tokens, found["picture"].ceiling[1]) == (2, 0.75)
    assert found["picture"].largest[0].what == "a / b"


def test_true_duplicates_share_picture_and_traits(tmp_path: Path) -> None:
    tokens = [
        token(0, caption="a", picture="same"),
        token(1, caption="a", picture="same"),
        token(2, caption="a", picture="other"),
        token(3, caption="b", picture="same", traits=[EYES]),
    ]
    assert alike(tmp_path, tokens)["picture and traits"].largest[0].token_ids == ("0", "1")


def test_where_none_are_alike_there_is_nothing_to_list(tmp_path: Path) -> None:
    tokens = [
        token(n, caption=f"{n}", picture=f"p{n}", traits=[Trait("Id", f"{n}")]) for n in range(2)
    ]
    found = list(alike(tmp_path, tokens).values())
    assert [one.groups for one in found] == [0, 0, 0, 0]
    assert all(one.ceiling[1] == 1.0 for one in found)
    assert alike_table(found).rows == groups_table(found).rows == ()


def test_a_long_group_is_cut_and_says_so(tmp_path: Path) -> None:
    tokens = [token(n, caption="all", picture=f"p{n}") for n in range(15)]
    table = groups_table([alike(tmp_path, tokens)["caption"]])
    assert table.rows[0][3] == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more"


def test_a_group_that_shares_several_things_is_listed_once(tmp_path: Path) -> None:
    tokens = [token(n, caption="all", picture="one") for n in range(2)]
    rows = groups_table(list(alike(tmp_path, tokens).values())).rows
    assert [row[1] for row in rows] == ["caption, traits, picture and traits"]


def test_the_largest_groups_come_first(tmp_path: Path) -> None:
    captions = ["a", "a", "b", "b", "b"]
    tokens = [token(n, caption=text, picture=f"p{n}") for n, text in enumerate(captions)]
    assert [group.what for group in alike(tmp_path, tokens)["caption"].largest] == ["b", "a"]


def test_json_has_text_for_keys(tmp_path: Path) -> None:
    tokens = [token(n, caption="all", picture=f"p{n}") for n in range(2)]
    assert alike_to_json(alike(tmp_path, tokens)["caption"])["ceiling"]["1"] == 0.5
