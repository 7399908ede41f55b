"""The templates say what identifies a token, in which order, and where."""

import hashlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import drawn_token
from traitlens.captions import (
    STYLES,
    CaptionConfig,
    TraitCounts,
    caption,
    draw_some,
    in_caption_order,
    phrase,
    sentence,
    sub_caption,
)
from traitlens.captions.template import identifying_order
from traitlens.digest import Digest
from traitlens.errors import ConfigError
from traitlens.models.folder import shipped_folder
from traitlens.records import Token, Trait

CAP, NONE, FUR, SKY = (
    Trait("Hat", "Cap"),
    Trait("Eyes", "None"),
    Trait("Fur", "Blue"),
    Trait("Bg", "Sky"),
)
COUNTS = TraitCounts(
    total=100, counts={("Hat", "Cap"): 40, ("Fur", "Blue"): 2, ("Bg", "Sky"): 40, ("Id", "7"): 1}
)


def test_the_sentence_names_the_collection_and_joins_the_phrases() -> None:
    text = caption("lil-apes", [CAP, NONE, FUR, SKY]).text
    assert text == "lil apes with cap hat, blue fur and sky bg"


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("plain", "apes with cap hat, blue fur and sky bg"),
        ("tags", "apes, cap hat, blue fur, sky bg"),
        ("sentence", "An apes token with cap hat, blue fur and sky bg."),
        ("typed", "apes; hat: cap; fur: blue; bg: sky"),
    ],
)
def test_each_style_has_its_own_way_of_saying_it(style: str, text: str) -> None:
    made = caption("apes", [CAP, NONE, FUR, SKY], config=CaptionConfig(style=style))
    assert made.text == text


def test_without_traits_only_the_name_is_said() -> None:
    assert caption("apes", []).text == "apes"
    assert caption("", [CAP]).text == "cap hat"
    assert (
        caption("", [CAP], config=CaptionConfig(style="sentence")).text == "A token with cap hat."
    )


def test_the_rarest_trait_comes_first_and_the_spans_stay_with_their_traits() -> None:
    made = caption("apes", [CAP, NONE, FUR, SKY], counts=COUNTS)
    assert made.text == "apes with blue fur, cap hat and sky bg"
    assert [made.text[a:b] for a, b in made.spans] == ["cap hat", "", "blue fur", "sky bg"]


def test_numbers_come_after_the_words_however_rare_they_are() -> None:
    assert identifying_order([Trait("Id", "7"), CAP, FUR], COUNTS) == [2, 1, 0]


def test_the_order_of_the_metadata_is_an_option() -> None:
    made = caption("apes", [CAP, FUR], config=CaptionConfig(order="metadata"), counts=COUNTS)
    assert made.text == "apes with cap hat and blue fur"


def test_a_trait_that_was_never_counted_is_as_rare_as_can_be() -> None:
    assert caption("apes", [CAP, Trait("Hat", "New")], counts=COUNTS).text.startswith(
        "apes with new hat"
    )


def test_two_traits_that_say_the_same_are_said_once_and_share_a_span() -> None:
    made = caption("apes", [Trait("Accessory", "Pin"), CAP, Trait("Accessory", "pin")])
    assert made.text == "apes with pin and cap hat"
    assert made.spans[0] == made.spans[2] == (10, 13)


traits = st.lists(
    st.builds(Trait, st.text(max_size=8), st.text(max_size=8), st.sampled_from([None, "date"])),
    max_size=6,
)


@given(traits, st.sampled_from(STYLES), st.integers(0, 9))
def test_each_span_holds_exactly_its_phrase(made: list[Trait], style: str, rare: int) -> None:
    counts = TraitCounts(total=9, counts={(t.trait_type, t.value): rare for t in made[::2]})
    result = caption("apes", made, config=CaptionConfig(style=style), counts=counts)
    held = [result.text[a:b] for a, b in result.spans]
    assert [bool(words) for words in held] == [bool(phrase(trait)) for trait in made]
    if style != "typed":
        assert held == [phrase(trait) for trait in made]
    distinct = sorted({span for span in result.spans if span[0] < span[1]})
    assert all(one[1] <= other[0] for one, other in pairwise(distinct)), "spans overlap"


@given(traits, st.sets(st.integers(0, 5)))
def test_a_sub_caption_is_the_caption_of_the_traits_it_keeps(
    made: list[Trait], keep: set[int]
) -> None:
    some = [trait for number, trait in enumerate(made) if number in keep]
    result = sub_caption("apes", made, keep)
    assert result.text == caption("apes", some).text
    assert len(result.spans) == len(made)


def test_a_sub_caption_keeps_the_order_of_the_whole_and_may_leave_the_name_out() -> None:
    assert sub_caption("", [CAP, NONE, FUR, SKY], [3, 2], counts=COUNTS).text == (
        "blue fur and sky bg"
    )


def test_draw_some_draws_every_number_of_phrases_in_any_order() -> None:
    rng = np.random.default_rng(0)
    drawn = {tuple(draw_some(["a", "b"], rng=rng)) for _ in range(50)}
    assert drawn == {("a",), ("b",), ("a", "b"), ("b", "a")}


def test_the_sentence_of_phrases_says_each_once() -> None:
    assert sentence("apes", ["hat", "", "fur", "hat"]) == "apes with hat and fur"


def test_traits_are_put_in_the_order_of_their_caption() -> None:
    token = drawn_token("robots", 1)
    made = caption("robots", [CAP, NONE, FUR], counts=COUNTS)
    values = {"traits": (CAP, NONE, FUR), "caption": made.text, "token_uid": "u"}
    with_spans = Token(collection="c", token_id="1", caption_spans=made.spans, **values)  # type: ignore[arg-type]
    assert in_caption_order(with_spans) == (FUR, CAP, NONE)
    assert in_caption_order(token) == token.traits


def test_the_counts_of_parts_add_up_to_those_of_the_whole() -> None:
    tokens = [[CAP, CAP], [CAP, FUR], [SKY], []]
    parts = TraitCounts.of(tokens[:2]) + TraitCounts.of(tokens[2:])
    assert parts == TraitCounts.of(tokens)
    assert parts.total == 4
    assert parts.of_trait(CAP) == 2, "twice in one token counts once"
    assert parts.bits(CAP) == 1.0
    assert parts.bits(FUR) == 2.0


def test_the_counts_of_a_digest_are_those_of_its_kept_tokens() -> None:
    tokens = [drawn_token("robots", number) for number in range(30)]
    counted = TraitCounts.of(token.traits for token in tokens)
    of_digest = TraitCounts.of_digest(Digest.of(tokens))
    assert of_digest.total == counted.total
    assert dict(of_digest.counts) == dict(counted.counts)


@pytest.mark.parametrize(
    "options", [{"style": "poem"}, {"order": "rare"}, {"version": 1}, {"version": 3}]
)
def test_a_wrong_option_is_refused_with_what_would_do(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        CaptionConfig(**options)  # type: ignore[arg-type]


def test_the_rarest_of_thirty_traits_are_within_77_ids() -> None:
    from tokenizers import Tokenizer

    def words(number: int) -> str:
        return hashlib.sha256(bytes([number])).hexdigest()[:2] + f" striped part{number}"

    many = [Trait(f"Layer{number}", words(number)) for number in range(30)]
    counts = TraitCounts(
        total=1000, counts={(t.trait_type, t.value): 1000 - 30 * n for n, t in enumerate(many)}
    )
    tokenizer = Tokenizer.from_file(str(shipped_folder() / "tokenizer.json"))

    def seen(order: str) -> list[int]:
        made = caption("apes", many, config=CaptionConfig(order=order), counts=counts)
        encoded = tokenizer.encode(made.text)
        assert len(encoded.ids) > 77, "else nothing would be cut"
        end = max(stop for _, stop in encoded.offsets[:77])
        return [number for number, span in enumerate(made.spans) if span[1] <= end]

    assert {29, 28, 27, 26, 25} <= set(seen("identifying"))
    assert min(seen("identifying")) > 15, "the common ones are those that are cut"
    assert not {29, 28, 27} & set(seen("metadata"))
