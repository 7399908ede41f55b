"""The filter language: what a text means, and what is said about one that cannot be read."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from traitlens.engines.where import And, Equals, Not, Or, Where, matches, parse, resolve
from traitlens.errors import QueryError

A, B, C = Equals("a", "1"), Equals("b", "2"), Equals("c", "3")
VOCABULARY = {
    "collection": {"cryptopunks": 5, "nouns": 3},
    "Hat": {"Beanie": 4, "Cowboy Hat": 1},
    "hat": {"BEANIE": 2, "Crown": 1},
    "Skin Tone": {"Light": 1},
}

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
wheres: st.SearchStrategy[Where] = st.recursive(
    st.builds(Equals, words, words),
    lambda parts: (
        st.builds(Not, parts)
        | st.builds(And, st.lists(parts, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(parts, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a=1", A),
        ("a != 1", Not(A)),
        ("a=1 AND b=2 OR c=3", Or((And((A, B)), C))),
        ("a=1 and (b=2 or c=3)", And((A, Or((B, C))))),
        ("not a=1 and b=2", And((Not(A), B))),
        ("NOT NOT a=1", Not(Not(A))),
        ("NOT (a=1 OR b=2)", Not(Or((A, B)))),
        ('"Skin Tone"="Very \\"pale\\""', Equals("Skin Tone", 'Very "pale"')),
        ("Hat='Captain\\'s'", Equals("Hat", "Captain's")),
        ("Hat=Captain's", Equals("Hat", "Captain's")),
        ("'and'=\"NOT\"", Equals("and", "NOT")),
        ("Mood=Wow!", Equals("Mood", "Wow!")),
        ("x=''", Equals("x", "")),
        ("token_id=#12/a_b-c.d", Equals("token_id", "#12/a_b-c.d")),
    ],
)
def test_texts_mean_what_they_say(text: str, where: Where) -> None:
    assert parse(text) == where


@settings(deadline=None)
@given(wheres)
@example(Equals("Wow!", "="))
def test_a_filter_written_out_reads_as_itself(where: Where) -> None:
    assert parse(str(where)) == where


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("", 1, "a trait type, collection or token_id, found the end"),
        ("Hat", 4, "= or !=, found the end"),
        ("Hat=", 5, "a value, found the end"),
        ("Hat==x", 5, "a value, found '='"),
        ("Hat=x AND", 10, "a trait type, collection or token_id, found the end"),
        ("(Hat=x", 7, 'AND, OR or ")", found the end'),
        ("Hat=x)", 6, "AND, OR or the end, found ')'"),
        ("Hat=Blue Cap", 10, 'several words needs quotes, as in "Blue Beanie"'),
        ("Skin Tone=Light", 6, "= or !=, found 'Tone'; a name or value of several words"),
        ('Hat="Cap', 5, "this quote is never closed"),
        ("Hat=AND", 5, "a value, found 'AND'"),
    ],
)
def test_an_unreadable_text_is_explained_at_its_column(
    text: str, column: int, expected: str
) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert f"{text!r} at column {column}: " in str(caught.value)
    assert expected in str(caught.value)


@pytest.mark.parametrize("text", ["(" * 5_000, "NOT " * 2_000 + "a=1", "a=1 " * 5_000])
def test_hostile_texts_are_refused_in_one_short_sentence(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert len(str(caught.value)) < 300


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(QueryError):
        parse(text)


def test_a_token_without_the_trait_differs_from_every_value() -> None:
    assert matches(parse("Hat!=Beanie"), {"collection": {"nouns"}})


def test_one_of_several_values_is_enough_to_match_and_to_exclude() -> None:
    fields = {"Accessory": {"Earring", "Pipe"}}
    assert matches(parse("Accessory=Pipe AND Accessory=Earring"), fields)
    assert not matches(parse("Accessory!=Pipe"), fields)


def test_names_and_values_get_the_spelling_of_the_index() -> None:
    found = resolve(parse("COLLECTION=Nouns AND 'skin tone'=LIGHT"), VOCABULARY)
    assert found == parse("collection=nouns AND 'Skin Tone'=Light")


def test_any_of_several_spellings_will_do() -> None:
    either = Or((Equals("Hat", "Beanie"), Equals("hat", "BEANIE")))
    assert resolve(parse("HAT!=beanie"), VOCABULARY) == Not(either)


def test_a_token_id_is_taken_as_it_is() -> None:
    assert resolve(parse("Token_ID=0xAb"), VOCABULARY) == Equals("token_id", "0xAb")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Skin=Light", "no token has a trait 'Skin'; did you mean 'Skin Tone'?"),
        ("Hat=Beany", "Hat has no value 'Beany'; did you mean 'Beanie'?"),
        ("collection=punks", "collection has no value 'punks'; did you mean 'cryptopunks'?"),
        ("Eyewear=x", "no token has a trait 'Eyewear'; there are 'Hat', 'Skin Tone', 'hat'"),
    ],
)
def test_unknown_names_and_values_are_refused_with_the_nearest(text: str, said: str) -> None:
    with pytest.raises(QueryError) as caught:
        resolve(parse(text), VOCABULARY)
    assert str(caught.value) == said


def test_many_accepted_values_are_counted_not_listed() -> None:
    vocabulary = {"Number": {f"n{i:04}": 1 for i in range(5_000)}}
    with pytest.raises(QueryError, match="there are 5000, such as 'n0000', 'n0001'"):
        resolve(parse("Number=zzz"), vocabulary)
