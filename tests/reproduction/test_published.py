"""The paper's numbers agree with one another where they should, and with the authors' lists."""

import pytest

from traitlens.metrics import jensen_shannon_divergence, rank_correlation
from traitlens.reproduction.arms import ON_ALL, ON_MINI, ZERO_SHOT, masked
from traitlens.reproduction.published import (
    B_32,
    HEADLINE_GAIN,
    HEADLINE_SHARE,
    L_14,
    MODELS,
    SIZES,
    TABLE_1,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_5_ALL,
    TABLE_6,
    TOKENS,
    PerK,
    stands_for,
)
from traitlens.split import official_collections


def printed_recalls() -> list[PerK]:
    rows = [
        shares
        for table in (TABLE_1, TABLE_3, TABLE_4)
        for t in table.values()
        for shares in t.values()
    ]
    rows += [
        shares
        for own in (*TABLE_5.values(), TABLE_5_ALL)
        for shares in (own.zero_shot, own.fine_tuned)
    ]
    return rows + [row.recall for row in TABLE_6.values()]


def test_every_top_k_grows_with_k_and_is_a_share() -> None:
    rows = printed_recalls()
    assert len(rows) == 6 + 4 + 12 + 22 + 10
    for shares in rows:
        assert list(shares) == [1, 5, 10]
        assert 0 <= shares[1] <= shares[5] <= shares[10] <= 1


def test_the_headline_is_a_difference_within_table_4() -> None:
    gain = TABLE_4[L_14][masked(0.5)][1] - TABLE_4[L_14][ON_ALL][1]
    assert gain == pytest.approx(HEADLINE_GAIN)
    assert SIZES["train"].mini_tokens / SIZES["train"].tokens == pytest.approx(
        HEADLINE_SHARE, abs=0.002
    )


def test_the_splits_add_up_to_the_printed_total() -> None:
    total = sum(size.tokens for size in SIZES.values())
    assert total == 7_563_003
    assert round(total, -4) == TOKENS


def test_table_3_and_table_4_share_the_masked_run() -> None:
    assert TABLE_3[B_32][masked(0.5)] == TABLE_4[B_32][masked(0.5)]


def test_table_3_and_table_4_disagree_on_the_run_without_masking() -> None:
    assert masked(0.0) == ON_MINI
    apart = TABLE_3[B_32][ON_MINI][1] - TABLE_4[B_32][ON_MINI][1]
    assert apart == pytest.approx(0.0483)


def test_table_5_has_the_zero_shot_row_of_table_1_and_another_fine_tuned_one() -> None:
    assert TABLE_5_ALL.zero_shot == TABLE_1[L_14][ZERO_SHOT]
    assert TABLE_5_ALL.fine_tuned != TABLE_1[L_14][ON_ALL]
    assert TABLE_5_ALL.n == SIZES["test"].tokens


def test_the_single_collections_are_of_the_official_test_split_and_size() -> None:
    known = {each.name: each for each in official_collections()}
    sizes = {name: row.n for name, row in TABLE_5.items()}
    sizes |= {name: row.n for name, row in TABLE_6.items() if not row.coco}
    assert len(sizes) == 15
    for name, n in sizes.items():
        assert (known[name].tokens, known[name].split) == (n, "test")


def test_table_6_gives_the_known_divergences_and_correlations() -> None:
    index = [row.index for row in TABLE_6.values()]
    expected = {1: (0.055468, 0.9879), 5: (0.042812, 0.9758), 10: (0.034390, 0.9879)}
    for k, (divergence, rho) in expected.items():
        top = [row.recall[k] for row in TABLE_6.values()]
        assert jensen_shannon_divergence(index, top) == pytest.approx(divergence, abs=5e-7)
        assert rank_correlation(index, top) == pytest.approx(rho, abs=5e-5)


def test_a_model_that_the_paper_lacks_stands_beside_its_smallest() -> None:
    assert stands_for("tiny", TABLE_1) == B_32
    assert stands_for(L_14, TABLE_1) == L_14
    assert set(TABLE_1) == set(TABLE_4) == set(MODELS)
