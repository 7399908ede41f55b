"""Errors are laid beside what was meant: what differs, how often, and how often at random."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.description.datasets import token
from tests.helpers import ColourEncoder, drawn_dataset, png, write_dataset
from traitlens.config import fingerprint
from traitlens.embedding import Embedded, Gallery, embed_all
from traitlens.models.encoder import Vectors
from traitlens.records import Token
from traitlens.reporting import confusion
from traitlens.reporting.confusion import CollectionConfusion


class Told:
    """An encoder that is told its vectors: of captions by words, of pictures by red level."""

    name = "told"
    dimension = 8

    def __init__(self, of_text: dict[str, int], of_red: dict[int, int]) -> None:
        self.fingerprint = fingerprint("told", sorted(of_text.items()), sorted(of_red.items()))
        self._of_text, self._of_red = of_text, of_red

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.eye(8, dtype=np.float32)[[self._of_text[text] for text in texts]]

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        reds = [image.convert("RGB").getpixel((0, 0))[0] for image in images]  # type: ignore[index]
        return np.eye(8, dtype=np.float32)[[self._of_red[red] for red in reds]]


def embedded(path: Path, traits: Sequence[tuple[str, ...]], first_hit: Sequence[int]) -> Embedded:
    """Return tokens of which number i finds `first_hit[i]` first."""
    tokens: list[Token] = []
    for number, of_token in enumerate(traits):
        made = token(number, *of_token)
        picture = png(Image.new("RGB", (4, 4), (10 * number, 0, 0)))
        tokens.append(
            dataclasses.replace(
                made, image=picture, width=4, height=4, pixels_sha256=str(number),
                sha256=str(number), split="test",
            )
        )  # fmt: skip
    data = write_dataset(path, {"robots": tokens})
    of_text = {one.caption: hit for one, hit in zip(tokens, first_hit, strict=True)}
    encoder = Told(of_text, {10 * n: n for n in range(len(tokens))})
    (found,) = embed_all([encoder], Gallery.of(data))
    return found


FOUR = [("Hat=Cap", "Eyes=Red"), ("Hat=Crown", "Eyes=Red"), ("Hat=Cap", "Eyes=Blue"), ("Eyes=Red",)]


@pytest.fixture
def one(tmp_path: Path) -> CollectionConfusion:
    """0 finds 1 (another hat), 1 finds 0 (another hat), 2 is right, 3 finds 2 (both differ)."""
    (made,) = confusion(embedded(tmp_path, FOUR, [1, 0, 2, 2])).collections
    return made


def test_errors_are_counted(one: CollectionConfusion) -> None:
    assert (one.queries, one.errors, one.same_caption) == (4, 3, 0)


def test_a_type_differs_in_a_share_of_the_errors_and_of_random_pairs(
    one: CollectionConfusion,
) -> None:
    types = {each.trait_type: each for each in one.types}
    assert (types["Hat"].errors, types["Hat"].share) == (3, 1.0)
    # Of the three others, 0 differs in its hat from 1 and 3, 1 from all, 3 from all.
    assert types["Hat"].expected == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert types["Hat"].ratio == pytest.approx(1 / (8 / 9))
    assert types["Eyes"].errors == 1
    assert types["Eyes"].share == pytest.approx(1 / 3)
    # Each of 0, 1 and 3 has red eyes, and one of three others has blue ones.
    assert types["Eyes"].expected == pytest.approx(1 / 3)


def test_what_was_found_instead_is_listed_when_it_came_again(tmp_path: Path) -> None:
    traits = [("Hat=Cap", f"Eyes={n}") for n in range(3)] + [("Hat=Crown", "Eyes=9")]
    (one,) = confusion(embedded(tmp_path, traits, [3, 3, 2, 3])).collections
    assert [(p.trait_type, p.meant, p.found, p.errors) for p in one.pairs] == [
        ("Hat", "Cap", "Crown", 2)
    ]


def test_of_several_values_those_that_both_have_are_left_out(tmp_path: Path) -> None:
    traits = [("Pin=Star", "Pin=Moon", f"N={n}") for n in range(2)] + [("Pin=Star", "N=9")]
    (one,) = confusion(embedded(tmp_path, traits, [2, 2, 2])).collections
    assert ("Pin", "Moon", "(none)", 2) in [
        (p.trait_type, p.meant, p.found, p.errors) for p in one.pairs
    ]


def test_another_token_of_the_same_caption_is_no_error_of_the_model(tmp_path: Path) -> None:
    traits = [("Hat=Cap",), ("Hat=Cap",), ("Hat=Crown",)]
    found = confusion(embedded(tmp_path, traits, [0, 0, 2]))
    assert found.collections == ()
    assert found.skipped == {"robots": "no errors but 1 of the same caption in 3 queries"}
    assert "no errors but 1 of the same caption" in found.tables()[0].note


def test_a_model_that_sees_nothing_differs_as_random_pairs_do(
    drawn_colours: Embedded,
) -> None:
    blind = Embedded(
        gallery=drawn_colours.gallery,
        model="blind",
        model_fingerprint="blind",
        images_ND=np.ones_like(drawn_colours.images_ND),
        texts_ND=np.ones_like(drawn_colours.texts_ND),
    )
    (one,) = confusion(blind, seed=3).collections
    for each in one.types:
        assert each.ratio == pytest.approx(1, abs=0.15)


@pytest.fixture(scope="module")
def drawn_colours(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    data = drawn_dataset(tmp_path_factory.mktemp("robots"), {"robots": 600})
    (found,) = embed_all([ColourEncoder()], Gallery.of(data, split=None))
    return found


def test_a_trait_that_is_read_hardly_differs_and_a_hidden_one_does(
    drawn_colours: Embedded,
) -> None:
    (one,) = confusion(drawn_colours).collections
    types = {each.trait_type: each for each in one.types}
    assert types["Background"].share == 0
    assert types["Pin"].ratio == pytest.approx(1, abs=0.2)
    assert one.worst is not None
    assert one.worst.trait_type == "Pin", "the pins are in no picture"


def test_the_matrix_counts_every_query_by_meant_and_found(drawn_colours: Embedded) -> None:
    (one,) = confusion(drawn_colours, per_collection=500).collections
    assert one.matrix is not None
    assert one.matrix.trait_type == "Pin"
    assert sum(map(sum, one.matrix.queries)) == one.queries == 500
    assert "(none)" in one.matrix.values


def test_the_same_seed_draws_the_same(drawn_colours: Embedded) -> None:
    first, again, other = (
        confusion(drawn_colours, per_collection=100, seed=seed).to_json() for seed in (1, 1, 2)
    )
    assert first == again
    assert first["collections"] != other["collections"]


def test_tables_and_json_hold_the_same(drawn_colours: Embedded) -> None:
    found = confusion(drawn_colours)
    collections, types, pairs = found.tables()
    (one,) = found.to_json()["collections"]
    assert [row[1] for row in types.rows] == [each["trait_type"] for each in one["types"]]
    assert [row[4] for row in types.rows] == [each["ratio"] for each in one["types"]]
    assert collections.rows[0][:4] == ("robots", 600, one["errors"], one["same_caption"])
    assert len(pairs.rows) == len(one["pairs"])
