"""What captions can tell apart and pictures can show: on drawn tokens whose pins nobody draws."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import ColourEncoder, drawn_dataset, drawn_token, write_dataset
from traitlens.diagnosis import Identifiability, TypeFinding, ValueFinding, identifiability
from traitlens.diagnosis.identifiability_traits import Mentions
from traitlens.diagnosis.identifiability_verdicts import guess, judge
from traitlens.diagnosis.probes import Reading
from traitlens.embedding import Gallery, embed_all
from traitlens.errors import ConfigError, ModelError
from traitlens.records import Token, Trait
from traitlens.tables import to_csv

SIZE = 240
COLOURED = ("Background", "Body", "Hat")


def tokens(extra: Callable[[Token], Sequence[Trait]], *, size: int = SIZE) -> list[Token]:
    """Return drawn tokens with further traits, which are not drawn."""
    drawn = [drawn_token("robots", number) for number in range(size)]
    return [dataclasses.replace(one, traits=(*one.traits, *extra(one))) for one in drawn]


def gallery(path: Path, shown: Sequence[Token]) -> Gallery:
    return Gallery.of(write_dataset(path / "data", {"robots": shown}), split=None)


def types(found: Identifiability) -> dict[str, TypeFinding]:
    return {one.trait_type: one for one in found.types}


def values(found: Identifiability, trait_type: str) -> list[ValueFinding]:
    return [one for one in found.values if one.trait_type == trait_type]


def drawn_at_random(number: str) -> str:
    """Return a word that says nothing of the picture, the same each time."""
    return ("Ember", "Frost", "Gale")[np.random.default_rng(int(number)).integers(3)]


@pytest.fixture(scope="module")
def robots(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    path = tmp_path_factory.mktemp("robots")
    return Gallery.of(drawn_dataset(path / "data", {"robots": SIZE}), split=None)


@pytest.fixture(scope="module")
def found(robots: Gallery) -> Identifiability:
    return identifiability(robots)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Identifiability:
    """The drawn tokens with a mood that is the body's colour, and with all kinds of abstract."""

    def extra(token: Token) -> list[Trait]:
        body = next(trait.value for trait in token.traits if trait.trait_type == "Body")
        return [
            Trait("Mood", f"Feels {len(body)}{body[0]}"),
            Trait("Power", drawn_at_random(token.token_id)),
            Trait("Level", str(int(token.token_id) % 4), "number"),
            Trait("Birthday", str(1_600_000_000 + 86_400 * int(token.token_id)), "date"),
            Trait("Edition", token.token_id),
            Trait("Motto", f"I am {_spelled(int(token.token_id))}"),
            Trait("Artist", "Ada"),
        ]

    return identifiability(gallery(tmp_path_factory.mktemp("planted"), tokens(extra)))


def _spelled(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def test_what_is_drawn_is_visible(found: Identifiability) -> None:
    for name in COLOURED:
        assert types(found)[name].verdict == "visible"
        assert {one.verdict for one in values(found, name)} == {"visible"}


def test_what_is_not_drawn_is_unseen(found: Identifiability) -> None:
    assert types(found)["Pin"].verdict == "unseen"
    (collection,) = found.collections
    assert collection.hidden == ("Pin",)
    assert collection.types == 4


def test_a_random_word_is_unseen_and_one_that_copies_the_body_is_read(
    planted: Identifiability,
) -> None:
    assert types(planted)["Power"].verdict == "unseen"
    assert types(planted)["Mood"].verdict == "visible"


def test_what_other_traits_tell_is_said_to_follow(planted: Identifiability) -> None:
    assert all(one.follows for one in values(planted, "Mood"))
    assert all(one.follows for one in values(planted, "Body"))
    assert not any(one.follows for one in values(planted, "Background"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Level", "numbers or dates"),
        ("Birthday", "a number of its own for most tokens"),
        ("Edition", "numbers the tokens"),
        ("Motto", "a value of its own for each token"),
    ],
)
def test_some_traits_are_abstract_by_their_form(
    planted: Identifiability, name: str, reason: str
) -> None:
    one = types(planted)[name]
    assert (one.verdict, one.reason, one.judged) == ("abstract", reason, 0)


def test_what_all_tokens_have_is_neither_seen_nor_hidden(planted: Identifiability) -> None:
    assert types(planted)["Artist"].verdict == "same"
    assert "Artist" not in planted.collections[0].hidden


def test_shares_of_mentions_add_up(planted: Identifiability) -> None:
    mentions = planted.collections[0].mentions
    assert sum(mentions.values()) == pytest.approx(1)
    assert mentions["same"] == pytest.approx(SIZE / sum(one.mentions for one in planted.types))


def test_the_ceiling_of_what_shows_counts_equal_looks(
    robots: Gallery, found: Identifiability
) -> None:
    looks = [
        tuple((t.trait_type, t.value) for t in token.traits if t.trait_type in COLOURED)
        for token in robots.tokens("robots")
    ]
    same = [Counter(looks)[look] for look in looks]
    (one,) = found.collections
    assert one.ceiling_by_showing[1] == pytest.approx(np.mean([1 / n for n in same]))
    assert one.bits_left_by_showing == pytest.approx(np.mean(np.log2(same)))
    assert one.alike == max(same)


def test_showing_never_tells_more_than_the_caption(planted: Identifiability) -> None:
    (one,) = planted.collections
    for k in (1, 5, 10):
        assert one.ceiling_by_showing[k] <= one.ceiling_by_caption[k] + 1e-9
    assert one.bits >= one.bits_left_by_showing >= one.bits_left_by_caption >= 0


def test_a_hidden_word_makes_the_search_hard_and_is_named(planted: Identifiability) -> None:
    (one,) = planted.collections
    assert one.reach == "hard"
    assert "6 of 10 trait types do not show in the picture (Power, Level, Birthday, " in one.why


def test_a_caption_that_fills_more_than_a_page_is_named(tmp_path: Path) -> None:
    shown = [
        dataclasses.replace(one, caption="robots with all robots") if number < 11 else one
        for number, one in enumerate(tokens(lambda token: []))
    ]
    (one,) = identifiability(gallery(tmp_path, shown)).collections
    assert "captions repeat (11 tokens share one)" in one.why
    assert "1 of 4 trait types does not show in the picture (Pin)" in one.why


def test_looks_that_repeat_are_a_reason(robots: Gallery, found: Identifiability) -> None:
    looks = Counter(
        tuple((t.trait_type, t.value) for t in token.traits if t.trait_type in COLOURED)
        for token in robots.tokens("robots")
    )
    shared = sum(count for count in looks.values() if count > 1) / SIZE
    assert found.collections[0].reach == "hard"
    assert f"{shared:.0%} of the tokens look like others" in found.collections[0].why


def test_where_hardly_anything_shows_no_search_helps(tmp_path: Path) -> None:
    shown = [
        dataclasses.replace(
            one, traits=(Trait("Power", drawn_at_random(one.token_id)), one.traits[1])
        )
        for one in tokens(lambda token: [])
    ]
    (one,) = identifiability(gallery(tmp_path, shown)).collections
    assert one.reach == "beyond text search"
    assert one.hidden == ("Power",)


def test_a_type_is_guessed_better_than_chance_only_where_it_shows(
    planted: Identifiability,
) -> None:
    body, power = types(planted)["Body"].guess, types(planted)["Power"].guess
    assert body is not None
    assert power is not None
    assert (body.balanced, body.accuracy) > (0.95, 0.95)
    assert body.chance == pytest.approx(1 / 6)
    assert abs(power.balanced - power.chance) < 0.15


def test_examples_of_an_unseen_value_have_it_and_lack_it(
    robots: Gallery, found: Identifiability
) -> None:
    having = {
        token.token_id: {trait.value for trait in token.traits if trait.trait_type == "Pin"}
        for token in robots.tokens("robots")
    }
    for one in (one for one in values(found, "Pin") if one.verdict == "unseen"):
        assert one.bearers
        assert all(one.value in having[number] for number in one.bearers)
        assert all(one.value not in having[number] for number in one.others)


def test_a_small_collection_is_named_and_its_captions_still_counted(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 20, "owls": SIZE})
    found = identifiability(Gallery.of(data, split=None))
    assert list(found.skipped) == ["robots"]
    small = found.collections[0]
    assert (small.reach, small.tokens, small.probed) == ("too small to tell", 20, 0)
    assert {one.collection for one in found.alike} == {"robots", "owls"}


def test_tokens_without_traits_are_one_crowd(tmp_path: Path) -> None:
    bare = [dataclasses.replace(one, traits=()) for one in tokens(lambda token: [], size=60)]
    found = identifiability(gallery(tmp_path, bare))
    assert "no value that may show" in found.skipped["robots"]
    assert (found.collections[0].alike, found.collections[0].hidden) == (60, ())
    assert not found.types
    assert not found.values
    assert len(found.tables()) == 8


def test_a_collection_does_not_hang_on_the_others(tmp_path: Path, found: Identifiability) -> None:
    data = drawn_dataset(tmp_path / "data", {"owls": 60, "robots": SIZE})
    both = identifiability(Gallery.of(data, split=None))
    assert both.values[-len(found.values) :] == found.values


def test_no_more_pictures_than_asked_are_probed(robots: Gallery) -> None:
    assert identifiability(robots, max_tokens=60).collections[0].probed == 60


def test_a_models_vectors_can_be_read_instead(robots: Gallery) -> None:
    (colours,) = embed_all([ColourEncoder()], robots)
    found = identifiability(robots, features=colours)
    assert found.features == "colours"
    assert types(found)["Body"].verdict == "visible"
    assert types(found)["Pin"].verdict == "unseen"


def test_vectors_of_another_gallery_are_refused(robots: Gallery, tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 20})
    (colours,) = embed_all([ColourEncoder()], Gallery.of(data, split=None))
    with pytest.raises(ModelError, match="another gallery"):
        identifiability(robots, features=colours)


def test_too_few_tokens_to_probe_are_refused(robots: Gallery) -> None:
    with pytest.raises(ConfigError, match="max_tokens must be at least 50; got 10"):
        identifiability(robots, max_tokens=10)


def test_it_is_json_and_tables(planted: Identifiability) -> None:
    text = json.dumps(planted.to_json(), allow_nan=False)
    assert json.loads(text)["collections"][0]["hidden"] == list(planted.collections[0].hidden)
    by_title = {table.title: to_csv(table) for table in planted.tables()}
    assert "robots,Power,unseen" in by_title["Trait types that do not show, or hardly"]
    assert "robots,Mood,visible" in by_title["Trait types that may be read through others"]


def reading(auc: list[float], p: list[float], upper: list[float]) -> Reading:
    return Reading(auc_V=np.array(auc), p_V=np.array(p), upper_V=np.array(upper), scores=())


def test_verdicts_go_by_significance_and_size() -> None:
    read = reading([0.95, 0.8, 0.5, 0.6], [0.001, 0.001, 0.5, 0.3], [0.99, 0.9, 0.6, 0.8])
    found = judge(read, np.array([60, 60, 60, 60]), np.array(["a", "b", "c", "d"]))
    assert found.tolist() == ["visible", "faint", "unseen", "too few"]


@pytest.mark.parametrize(("others_p", "verdict"), [(0.001, "unseen"), (0.9, "too few")])
def test_a_rare_value_is_unseen_only_where_its_like_are_read(others_p: float, verdict: str) -> None:
    read = reading([0.5, *[0.95] * 5], [0.5, *[others_p] * 5], [0.6, *[0.99] * 5])
    found = judge(read, np.array([10, *[12] * 5]), np.array(["hidden", *["hat"] * 5]))
    assert found[0] == verdict


def test_a_rare_value_without_its_like_is_not_judged() -> None:
    read = reading([0.5, 0.99], [0.5, 0.001], [0.6, 1.0])
    assert judge(read, np.array([10, 10]), np.array(["a", "b"]))[0] == "too few"


def test_guesses_are_weighed_against_the_majority() -> None:
    # Three of "a", one of "b", and one token with both, which is not asked for.
    has = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [1, 1]], np.bool_)
    scores = np.array([[0.2, 0.0], [0.2, 0.0], [-0.5, 0.5], [0.0, 0.1], [0.0, 0.0]])
    found = guess([scores], has)
    assert found is not None
    assert found.majority == 0.75
    assert found.chance == 0.5
    # With the shares of .8 and .4 added, the first three are guessed "a", "a", "b", the last "a".
    assert found.accuracy == 0.5
    # Relative to its share "b" is the better guess for the third and the last.
    assert found.balanced == pytest.approx((2 / 3 + 1) / 2)


def test_a_type_of_one_value_has_nothing_to_guess() -> None:
    assert guess([np.zeros((3, 1))], np.ones((3, 1), np.bool_)) is None


def test_words_that_are_the_same_are_one_word() -> None:
    shown = [
        dataclasses.replace(drawn_token("apes", 0), traits=traits)
        for traits in (
            (Trait("Hat", "Red_Cap"), Trait("Eyes", "None")),
            (Trait("Hat", "Red Cap"), Trait("Hat", "Red_Cap")),
            (Trait("Hat", "Blue Cap"),),
        )
    ]
    mentions = Mentions.of(shown)
    assert mentions.counts.tolist() == [2, 1, 1]  # and no eyes: a caption has no words for none
    red, also_red, blue = mentions.keys(np.ones(3, np.bool_)).tolist()
    assert red == also_red != blue
    assert len(set(mentions.keys(np.zeros(3, np.bool_)).tolist())) == 1


def test_rows_and_values_are_picked() -> None:
    shown = [
        dataclasses.replace(drawn_token("apes", 0), traits=tuple(Trait("Hat", v) for v in word))
        for word in ("ab", "b", "c", "")
    ]
    mentions = Mentions.of(shown)
    has = mentions.has(np.array([1, 3, 0]), np.array([False, True, True]))
    assert has.tolist() == [[True, False], [False, False], [True, False]]
    assert mentions.counts_among(np.array([1, 3, 0])).tolist() == [1, 2, 0]
