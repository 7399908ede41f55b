"""By combination: what test asks for was never seen together, and always seen alone."""

from itertools import combinations, product

import numpy as np

from tests.split.digests import digest, token
from traitlens.records import Token
from traitlens.split import Division, SplitConfig, split_rows

CONFIG = SplitConfig(rule="by_combination")


def drawn(count: int, *, values: int = 8, seed: int = 0) -> list[Token]:
    """Return tokens with four types of traits, drawn at random."""
    rng = np.random.default_rng(seed)
    kinds = ("Hat", "Eyes", "Mouth", "Body")
    return [
        token(n, [(kind, f"{kind} {rng.integers(values)}") for kind in kinds]) for n in range(count)
    ]


def names(tokens: list[Token], division: Division, split: int) -> list[set[tuple[str, str]]]:
    sides = zip(tokens, division.splits.tolist(), strict=True)
    return [{(t.trait_type, t.value) for t in one.traits} for one, side in sides if side == split]


def test_no_token_of_train_has_a_held_out_pair_and_every_value_of_one_is_seen() -> None:
    tokens = drawn(800)
    division = split_rows(digest(tokens), CONFIG)
    train = names(tokens, division, 0)
    assert len(division.held_out) > 10
    for pair in division.held_out:
        first, second = ((t.trait_type, t.value) for t in (pair.first, pair.second))
        assert first[0] != second[0]
        assert not any({first, second} <= traits for traits in train)
        for value in (first, second):
            assert sum(value in traits for traits in train) >= CONFIG.min_train_tokens


def test_every_held_out_token_has_a_pair_of_its_split_and_none_of_test_is_in_validation() -> None:
    tokens = drawn(800)
    division = split_rows(digest(tokens), CONFIG)
    pairs = {
        split: [
            {(t.trait_type, t.value) for t in (pair.first, pair.second)}
            for pair in division.held_out
            if pair.split == split
        ]
        for split in ("validation", "test")
    }
    for code, split in ((1, "validation"), (2, "test")):
        for traits in names(tokens, division, code):
            assert any(pair <= traits for pair in pairs[split])
    for traits in names(tokens, division, 1):
        assert not any(pair <= traits for pair in pairs["test"])


def test_the_shares_are_met_from_below_as_nearly_as_the_pairs_allow() -> None:
    splits = split_rows(digest(drawn(2000)), CONFIG).splits
    assert 0.14 * 2000 <= (splits == 2).sum() <= 0.15 * 2000
    assert 0.045 * 2000 <= (splits == 1).sum() <= 0.05 * 2000


def test_the_reported_number_of_tokens_of_a_pair_is_the_true_one() -> None:
    tokens = drawn(300)
    for pair in split_rows(digest(tokens), CONFIG).held_out:
        assert pair.tokens == sum(
            pair.first in t.traits and pair.second in t.traits for t in tokens
        )


def test_of_a_hand_made_collection_the_only_possible_pair_is_held_out() -> None:
    # Only red hats on blue bodies are few enough for a test share of 20 of 100 tokens.
    tokens = [
        token(n, [("Hat", hat), ("Body", body), ("Number", str(n))])
        for n, (hat, body) in enumerate(
            [("red", "blue")] * 5
            + [("red", "pink")] * 30
            + [("grey", "blue")] * 35
            + [("grey", "pink")] * 30
        )
    ]
    config = SplitConfig(rule="by_combination", shares=(80, 0, 20))
    division = split_rows(digest(tokens), config)
    (pair,) = division.held_out
    assert {str(pair.first), str(pair.second)} == {"Hat=red", "Body=blue"}
    assert (pair.split, pair.tokens) == ("test", 5)
    assert division.splits.tolist() == [2] * 5 + [0] * 95


def test_a_value_that_would_hardly_be_seen_any_more_is_not_held_out() -> None:
    # Every red hat is on a blue body: held out, red would be unknown to train.
    tokens = [token(n, [("Hat", "red"), ("Body", "blue")], pixels=n) for n in range(3)]
    tokens += [token(n, [("Hat", "grey"), ("Body", "pink")]) for n in range(3, 60)]
    division = split_rows(digest(tokens), CONFIG)
    assert division.held_out == ()
    assert set(division.splits.tolist()) == {0}


def test_equal_pixels_follow_one_another_whatever_their_traits() -> None:
    tokens = drawn(400)
    twins = [token(1000 + n, [("Hat", f"twin {n}")], pixels=n) for n in range(400)]
    splits = split_rows(digest([*tokens, *twins]), CONFIG).splits
    assert splits[:400].tolist() == splits[400:].tolist()
    assert (splits == 2).any()


def test_the_order_of_the_tokens_does_not_matter_but_the_seed_does() -> None:
    tokens = drawn(300)
    first = split_rows(digest(tokens), CONFIG).splits.tolist()
    assert first == split_rows(digest(tokens[::-1]), CONFIG).splits.tolist()[::-1]
    other = SplitConfig(rule="by_combination", seed=1)
    assert first != split_rows(digest(tokens), other).splits.tolist()


def test_values_of_one_repeated_type_are_no_pair() -> None:
    pins = ["Star", "Moon", "Sun", "Zip"]
    tokens = [
        token(n, [("Pin", a), ("Pin", b)])
        for n, (a, b) in enumerate(list(combinations(pins, 2)) * 20)
    ]
    assert split_rows(digest(tokens), CONFIG).held_out == ()


def test_a_collection_of_lone_traits_or_of_none_is_all_train() -> None:
    lone = [token(n, [("Hat", str(n % 5))]) for n in range(40)]
    bare = [token(100 + n, []) for n in range(5)]
    splits = split_rows(digest([*lone, *bare]), CONFIG).splits
    assert set(splits.tolist()) == {0}


def test_a_full_grid_of_values_gives_up_some_cells() -> None:
    cells = list(product(range(10), range(10))) * 3
    tokens = [token(n, [("Hat", str(a)), ("Body", str(b))]) for n, (a, b) in enumerate(cells)]
    division = split_rows(digest(tokens), CONFIG)
    # 45 and 15 tokens in cells of 3: 15 cells for test, 5 for validation.
    assert [p.split for p in division.held_out].count("test") == 15
    assert [p.split for p in division.held_out].count("validation") == 5
