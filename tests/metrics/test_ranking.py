"""Blocks of rounded products give what all exact scores at once give, to the last tie."""

# Axes: Q queries, N items, D dimensions

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from traitlens import metrics
from traitlens.metrics import (
    Counts,
    Keys,
    NumpyBlocks,
    best_right,
    numpy_blocks,
    rank,
    tiles,
)
from traitlens.metrics.blocks import exact_dots

Array = NDArray[Any]

SMALL = NumpyBlocks(rows=7, columns=5, threads=2)
NAN, INF = float("nan"), float("inf")


def brute(queries_QD: Array, gallery_ND: Array, keys: Keys) -> Counts:
    """Count from all exact scores, those of a vector with NaN or infinity in it being NaN."""
    scores = np.array(
        [exact_dots(np.broadcast_to(q, gallery_ND.shape), gallery_ND) for q in queries_QD]
    )
    scores[~np.isfinite(queries_QD).all(axis=1)] = NAN
    scores[:, ~np.isfinite(gallery_ND).all(axis=1)] = NAN
    return metrics.count(scores, keys.queries[:, None] == keys.gallery[None, :])


def turned(keys: Keys) -> Keys:
    return Keys(queries=keys.gallery, gallery=keys.queries)


def assert_equal(ours: Counts, theirs: Counts) -> None:
    assert ours.above.tolist() == theirs.above.tolist()
    assert ours.level.tolist() == theirs.level.tolist()


def assert_exact(
    queries: Array, gallery: Array, keys: Keys, *, blocks: NumpyBlocks = SMALL
) -> None:
    found = rank(queries, gallery, keys={"x": keys}, both_ways=True, blocks=blocks)
    assert found.backward is not None
    with np.errstate(invalid="ignore"):
        assert_equal(found.forward["x"], brute(queries, gallery, keys))
        assert_equal(found.backward["x"], brute(gallery, queries, turned(keys)))


def same(numbers: Array) -> Keys:
    return Keys(queries=numbers, gallery=numbers)


def unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def noise(n: int, d: int = 24, *, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(n, d))


def pairs(n: int, d: int = 24, *, seed: int = 0) -> tuple[Array, Array]:
    """Return two noisy views of each of n vectors."""
    meant = noise(n, d, seed=seed)
    return unit(meant + noise(n, d, seed=seed + 1)), unit(meant + noise(n, d, seed=seed + 2))


def collapsed(n: int) -> Array:
    """Return vectors whose scores differ by less than float32 rounds."""
    return 1 + 1e-5 * noise(n)


def repeated(n: int) -> Array:
    return noise(4)[np.random.default_rng(1).integers(0, 4, n)]


def with_odd_ones(n: int) -> Array:
    """Return vectors, and among them zero ones, broken ones and equal ones."""
    vectors = noise(n)
    vectors[::7] = 0
    vectors[3::8, 5] = NAN
    vectors[4::9, 2] = INF
    vectors[5::6] = vectors[1]
    return vectors


KINDS: dict[str, Callable[[int], Array]] = {
    "spread": noise,
    "whole numbers": lambda n: np.random.default_rng(2).integers(-1, 2, (n, 3)).astype(float),
    "collapsed": collapsed,
    "constant": lambda n: np.ones((n, 24)),
    "repeated": repeated,
    "odd": with_odd_ones,
    "zero": lambda n: np.zeros((n, 24)),
    "of all lengths": lambda n: noise(n) * 10.0 ** np.linspace(-30, 30, n)[:, None],
    "too short to square": lambda n: noise(n) * 1e-170,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keys", [np.arange(40), np.arange(40) // 2, np.arange(40) % 3])
def test_counts_are_those_of_all_exact_scores(kind: str, keys: Array) -> None:
    queries, gallery = KINDS[kind](40), KINDS[kind](43)[3:]
    assert_exact(queries, gallery, same(keys))


@pytest.mark.parametrize("kind", ["spread", "collapsed", "odd"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_they_are_so_in_each_precision(kind: str, dtype: Any) -> None:
    vectors = KINDS[kind](60).astype(dtype)
    assert_exact(vectors[:30], vectors[30:], same(np.arange(30) // 2))


@pytest.mark.parametrize("rows", [1, 6, 64])
@pytest.mark.parametrize("columns", [1, 9, 64])
@pytest.mark.parametrize("strip", [1, 30, 2**17])
def test_the_size_of_blocks_changes_nothing(
    rows: int, columns: int, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_blocks, "STRIP", strip)
    vectors = np.concatenate([with_odd_ones(40), collapsed(20)])
    blocks = NumpyBlocks(rows=rows, columns=columns, threads=1)
    assert_exact(vectors[:30], vectors[30:], same(np.arange(30) % 4), blocks=blocks)


@pytest.mark.parametrize("sparse", [1, 10**9])
def test_looking_at_few_scores_or_at_all_is_the_same(
    sparse: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_blocks, "SPARSE", sparse)
    texts, images = pairs(80)
    assert_exact(texts, images, same(np.arange(80)))
    assert_exact(repeated(50), images[:50], same(np.arange(50)))


@pytest.mark.parametrize("few", [0, 10**6])
def test_best_right_items_are_found_pair_by_pair_or_by_products(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best_right, "FEW", few)
    monkeypatch.setattr(best_right, "PAIRS", 30)
    texts, images = pairs(60)
    assert_exact(texts, images, same(np.arange(60) % 3))
    assert_exact(with_odd_ones(60), collapsed(60), same(np.arange(60) % 5))


@pytest.mark.parametrize("crowded", [1, 10**9])
def test_products_in_float64_decide_what_those_in_float32_would(
    crowded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "CROWDED", crowded)
    monkeypatch.setattr(tiles, "DOUBLE_EDGE", 11)
    texts, images = pairs(60)
    large = NumpyBlocks(rows=50, columns=50)
    assert_exact(texts, images, same(np.arange(60) // 3), blocks=large)
    assert_exact(repeated(60), repeated(60), same(np.arange(60)), blocks=large)


@pytest.mark.parametrize("crowded", [1, 10**9])
@pytest.mark.parametrize("few", [0, 10**6])
def test_a_product_that_errs_as_far_as_it_may_changes_nothing(
    few: int, crowded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is what is promised: a device that uses it up is as good as any other."""
    monkeypatch.setattr(best_right, "FEW", few)
    monkeypatch.setattr(tiles, "CROWDED", crowded)

    class Worst(NumpyBlocks):
        def product(self, rows: Array, columns: Array, *, double: bool) -> Array:
            exact = super().product(rows, columns, double=True)
            terms, unit_roundoff = rows.shape[1], 2.0 ** (-53 if double else -24)
            signs = np.where(np.indices(exact.shape).sum(axis=0) % 2, 1, -1)
            wrong = exact + signs * 0.999 * terms * unit_roundoff
            return np.asarray(wrong, np.float64 if double else np.float32)

    vectors = unit(1 + 1e-4 * noise(80)).astype(np.float32)  # many scores within the bound
    assert_exact(vectors[:40], vectors[40:], same(np.arange(40)), blocks=Worst())
    assert_exact(vectors[:40], vectors[40:], same(np.arange(40) % 2), blocks=Worst())


def test_pairs_within_rounding_are_decided_by_their_exact_scores() -> None:
    """In float32 both items score 1; the second is closer by 2^-30."""
    query = np.array([[1.0, 2.0**-30]])
    gallery = np.array([[1.0, 0.0], [1.0, 1.0]])
    first = metrics.count_matches(
        query, gallery, query_keys=np.array([0]), gallery_keys=np.arange(2)
    )
    second = metrics.count_matches(
        query, gallery, query_keys=np.array([1]), gallery_keys=np.arange(2)
    )
    assert (first.above.tolist(), first.level.tolist()) == ([1], [0])
    assert (second.above.tolist(), second.level.tolist()) == ([0], [0])


@pytest.mark.parametrize("d", [1, 2, 3, 7, 97, 512])
def test_exact_scores_are_the_same_wherever_a_pair_stands(d: int) -> None:
    left, right = noise(50, d).astype(np.float32), noise(50, d, seed=1).astype(np.float32)
    together = exact_dots(left, right)
    assert together == pytest.approx((left.astype(float) * right).sum(axis=1), rel=1e-9)
    alone = [float(exact_dots(a[None], b[None])[0]) for a, b in zip(right, left, strict=True)]
    assert together.tolist() == alone


def test_both_directions_and_all_key_systems_come_from_the_same_products() -> None:
    multiplied: list[tuple[int, int]] = []

    class Watched(NumpyBlocks):
        def product(self, rows: Array, columns: Array, *, double: bool) -> Array:
            multiplied.append((len(rows), len(columns)))
            return super().product(rows, columns, double=double)

    texts, images = pairs(60)
    number = np.arange(60)
    keys = {"instance": same(number), "caption": same(number // 2), "third": same(number // 3)}
    found = rank(texts, images, keys=keys, both_ways=True, blocks=Watched(rows=20, columns=30))
    assert multiplied == [(20, 30)] * 6
    assert found.backward is not None
    for name, one in keys.items():
        assert_equal(found.forward[name], brute(texts, images, one))
        assert_equal(found.backward[name], brute(images, texts, turned(one)))


def test_more_queries_than_a_byte_counts_can_be_above_for_an_item() -> None:
    items = np.linspace(1, 2, 800)[:, None]
    keys = {"x": same(np.arange(800))}
    found = rank(items, items[::-1], keys=keys, both_ways=True, blocks=NumpyBlocks(columns=10))
    assert found.backward is not None
    assert found.forward["x"].above.tolist() == list(range(800))
    assert found.backward["x"].above.tolist() == list(range(799, -1, -1))


def test_equal_vectors_are_multiplied_once() -> None:
    shapes: list[tuple[int, int]] = []

    class Watched(NumpyBlocks):
        def product(self, rows: Array, columns: Array, *, double: bool) -> Array:
            shapes.append((len(rows), len(columns)))
            return super().product(rows, columns, double=double)

    rank(repeated(500), noise(500), keys={"x": same(np.arange(500))}, blocks=Watched())
    assert shapes == [(4, 500)]


def test_no_block_is_larger_than_was_asked() -> None:
    class Watched(NumpyBlocks):
        def product(self, rows: Array, columns: Array, *, double: bool) -> Array:
            assert len(rows) <= 16
            assert len(columns) <= 32
            return super().product(rows, columns, double=double)

    texts, images = pairs(200)
    blocks = Watched(rows=16, columns=32)
    rank(texts, images, keys={"x": same(np.arange(200) % 3)}, blocks=blocks)
    rank(collapsed(200), images, keys={"x": same(np.arange(200))}, blocks=blocks)


def test_queries_without_a_right_item_are_refused() -> None:
    keys = Keys(queries=np.array([0, 1]), gallery=np.array([0, 1, 2]))
    rank(noise(2), noise(3), keys={"x": keys})
    with pytest.raises(AssertionError, match="without a right item"):
        rank(noise(2), noise(3), keys={"x": keys}, both_ways=True)
    with pytest.raises(AssertionError, match="without a right item"):
        rank(noise(3), noise(2), keys={"x": turned(keys)})


def test_without_a_wrong_item_all_are_first() -> None:
    counts = rank(
        noise(5), noise(7), keys={"x": Keys(queries=np.zeros(5, int), gallery=np.zeros(7, int))}
    )
    assert counts.forward["x"].ranks.tolist() == [1] * 5
    assert counts.backward is None


def test_no_queries_have_no_counts() -> None:
    none = np.empty(0, np.int64)
    assert (
        len(metrics.count_matches(noise(0), noise(3), query_keys=none, gallery_keys=np.arange(3)))
        == 0
    )


def test_of_one_item_the_only_one_is_first() -> None:
    one = np.array([4])
    assert metrics.count_matches(noise(1), noise(1), query_keys=one, gallery_keys=one).ranks == [1]


def test_vectors_may_lie_on_disk(tmp_path: Path) -> None:
    texts, images = pairs(90)
    for name, vectors in (("texts", texts), ("images", images)):
        np.save(tmp_path / f"{name}.npy", vectors.astype(np.float16))
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("texts", "images")]
    found = rank(*mapped, keys={"x": same(np.arange(90))}, blocks=SMALL)
    assert_equal(found.forward["x"], brute(mapped[0], mapped[1], same(np.arange(90))))


def test_progress_counts_queries_to_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    texts, images = pairs(30)
    rank(
        texts,
        images,
        keys={"x": same(np.arange(30))},
        blocks=NumpyBlocks(rows=12),
        progress=lambda stage, done, total, _="": told.append((stage, done, total)),
    )
    assert told == [("rank", 0, 30), ("rank", 12, 30), ("rank", 24, 30), ("rank", 30, 30)]
