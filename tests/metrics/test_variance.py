"""CVI without an N x N matrix is CVI by its definition."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from traitlens import metrics
from traitlens.errors import ConfigError, ModelError
from traitlens.metrics import variance

Array = NDArray[np.float64]


def unit(rows: Array) -> Array:
    found: Array = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def pairs(n: int, *, dimension: int = 24, alike: float = 3.0, seed: int = 0) -> tuple[Array, Array]:
    """Return n unit vectors of pictures and of captions, each about a mean of their own."""
    rng = np.random.default_rng(seed)
    images, texts = (
        unit(rng.normal(size=(n, dimension)) + alike * rng.normal(size=dimension)) for _ in "IT"
    )
    return images, texts


def defined(images: Array, texts: Array, *, alpha: float = 0.7, ddof: int = 0) -> float:
    """Return equation 1 from the three N x N matrices."""
    of_images, of_texts, across = (
        (a @ b.T).var(axis=1, ddof=ddof).sum()
        for a, b in ((images, images), (texts, texts), (texts, images))
    )
    total = alpha * of_images + (1 - alpha) * of_texts + across
    return float(total / (2 * len(images)))


def off_diagonal(rows: Array, *, ddof: int = 0) -> float:
    """Return the mean variance of the cosines with all other rows, from the N x N matrix."""
    n = len(rows)
    others = (rows @ rows.T)[~np.eye(n, dtype=bool)].reshape(n, n - 1)
    return float(others.var(axis=1, ddof=ddof).mean())


@pytest.mark.parametrize("alike", [0.0, 3.0, 1000.0])
@pytest.mark.parametrize("n", [2, 3, 40, 500])
@pytest.mark.parametrize("alpha", [0.0, 0.7, 1.0])
def test_the_index_is_that_of_the_n_x_n_matrices(n: int, alike: float, alpha: float) -> None:
    images, texts = pairs(n, alike=alike)
    found = metrics.comprehensive_variance_index(images, texts, alpha=alpha)
    expected = defined(images, texts, alpha=alpha)
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-15)


def test_the_default_alpha_is_the_papers() -> None:
    images, texts = pairs(30)
    found = metrics.comprehensive_variance_index(images, texts)
    assert found == pytest.approx(defined(images, texts, alpha=0.7), rel=1e-12)


def test_two_tokens_by_hand() -> None:
    # I I' is the identity, whose rows vary by 1/4; T T' is all ones; T I' has rows (0.6, 0.8).
    images, texts = np.eye(2), np.array([[0.6, 0.8], [0.6, 0.8]])
    terms = metrics.variance_terms(images, texts)
    assert (terms.image, terms.text, terms.cross) == pytest.approx((0.25, 0, 0.01))
    assert terms.index(0.5) == pytest.approx((0.5 * 0.25 + 0.01) / 2)


def test_the_cross_term_has_texts_for_rows() -> None:
    # One picture stands out; each caption says the same, so its row is (0, 0, 1): variance 2/9.
    images = np.array([[1.0, 0], [1, 0], [0, 1]])
    texts = np.array([[0.0, 1]] * 3)
    assert metrics.variance_terms(images, texts).cross == pytest.approx(2 / 9)
    assert metrics.variance_terms(texts, images).cross == pytest.approx(0)


def test_equal_vectors_have_an_index_of_zero() -> None:
    images, texts = (np.tile(rows[:1], (50, 1)) for rows in pairs(2))
    terms = metrics.variance_terms(images, texts)
    assert terms.index() == pytest.approx(0, abs=1e-30)
    assert 0 <= terms.index_off_diagonal() < 1e-30


def test_the_index_is_one_line_in_alpha() -> None:
    terms = metrics.variance_terms(*pairs(20))
    assert terms.index(0.5) == pytest.approx((terms.index(0) + terms.index(1)) / 2)


@pytest.mark.parametrize("n", [3, 10, 200])
def test_terms_without_diagonal_leave_each_rows_own_cosine_out(n: int) -> None:
    images, texts = pairs(n)
    terms = metrics.variance_terms(images, texts)
    assert terms.image_off_diagonal == pytest.approx(off_diagonal(images), rel=1e-10)
    assert terms.text_off_diagonal == pytest.approx(off_diagonal(texts), rel=1e-10)
    expected = (0.7 * off_diagonal(images) + 0.3 * off_diagonal(texts) + terms.cross) / 2
    assert terms.index_off_diagonal() == pytest.approx(expected, rel=1e-10)


def test_one_other_token_alone_does_not_vary() -> None:
    assert metrics.variance_terms(*pairs(2)).image_off_diagonal == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("n", [3, 40])
def test_unbiased_terms_are_sample_variances(n: int) -> None:
    images, texts = pairs(n)
    terms = metrics.variance_terms(images, texts).unbiased()
    assert terms.index() == pytest.approx(defined(images, texts, ddof=1), rel=1e-10)
    assert terms.image_off_diagonal == pytest.approx(off_diagonal(images, ddof=1), rel=1e-10)
    assert terms.text_off_diagonal == pytest.approx(off_diagonal(texts, ddof=1), rel=1e-10)


def test_the_diagonal_makes_small_collections_look_easier_and_leaving_it_out_does_not() -> None:
    images, texts = pairs(2000, alike=6.0)
    whole = metrics.variance_terms(images, texts)
    rng = np.random.default_rng(1)
    draws = [rng.choice(2000, 20, replace=False) for _ in range(200)]
    cut = [metrics.variance_terms(images[rows], texts[rows]).unbiased() for rows in draws]
    off = np.mean([each.image_off_diagonal for each in cut])
    assert np.mean([each.image for each in cut]) > 1.2 * whole.image
    assert off == pytest.approx(whole.image_off_diagonal, rel=0.05)


def test_each_tokens_hardness_is_the_variance_of_its_row() -> None:
    images, texts = pairs(60)
    found = metrics.token_hardness(images, texts)
    assert found.image_N == pytest.approx((images @ images.T).var(axis=1), rel=1e-10)
    assert found.text_N == pytest.approx((texts @ texts.T).var(axis=1), rel=1e-10)
    assert found.cross_N == pytest.approx((texts @ images.T).var(axis=1), rel=1e-10)


def test_the_mean_of_the_tokens_is_the_index() -> None:
    images, texts = pairs(60)
    found = metrics.token_hardness(images, texts).index(0.4)
    assert found.mean() == pytest.approx(defined(images, texts, alpha=0.4), rel=1e-12)


def test_the_token_that_is_as_near_to_all_others_is_the_hardest() -> None:
    # Two heaps of 20 look-alikes, which tell one another apart, and one token in the middle.
    images = unit(np.array([[1.0, 0]] * 20 + [[0, 1]] * 20 + [[1, 1]]))
    assert metrics.token_hardness(images, images).index().argmin() == 40


@settings(max_examples=25)
@given(chunk=st.integers(1, 600), n=st.integers(2, 60), seed=st.integers(0, 5))
def test_where_the_chunks_end_does_not_matter(chunk: int, n: int, seed: int) -> None:
    images, texts = pairs(n, dimension=8, seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variance, "_CHUNK", chunk)
        terms = metrics.variance_terms(images, texts)
        hardness = metrics.token_hardness(images, texts)
    assert terms.index() == pytest.approx(defined(images, texts), rel=1e-10)
    assert hardness.index().mean() == pytest.approx(terms.index(), rel=1e-10)


def test_chunks_that_lie_far_apart_lose_no_digits() -> None:
    # Collection after collection, as a file of many has them.
    low, high = pairs(300, alike=1e4, seed=1), pairs(300, alike=1e4, seed=2)
    images, texts = (np.concatenate(both) for both in zip(low, high, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variance, "_CHUNK", 24 * 100)
        found = metrics.comprehensive_variance_index(images, texts)
    assert found == pytest.approx(defined(images, texts), rel=1e-12)


@given(st.permutations(range(12)))
@settings(max_examples=20)
def test_the_order_of_the_tokens_does_not_matter(order: list[int]) -> None:
    images, texts = pairs(12)
    found = metrics.comprehensive_variance_index(images[order], texts[order])
    assert found == pytest.approx(metrics.comprehensive_variance_index(images, texts), rel=1e-12)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_lesser_precision_is_rescaled_to_unit_length(kind: type[np.floating]) -> None:
    images, texts = (rows.astype(kind) for rows in pairs(80))
    found = metrics.comprehensive_variance_index(images, texts)
    rescaled = [unit(rows.astype(np.float64)) for rows in (images, texts)]
    assert found == pytest.approx(defined(*rescaled), rel=1e-12)


def test_rows_of_almost_unit_length_count_as_unit() -> None:
    images, texts = pairs(30)
    assert metrics.variance_terms(1.009 * images, texts).image == pytest.approx(
        metrics.variance_terms(images, texts).image, rel=1e-12
    )


def test_arrays_may_be_mapped_from_a_file_and_stay_as_they_are(tmp_path: Path) -> None:
    images, texts = (rows.astype(np.float32) for rows in pairs(40))
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    kept = texts.copy()
    assert metrics.token_hardness(mapped, texts).index().tolist() == (
        metrics.token_hardness(images, texts).index().tolist()
    )
    assert (texts == kept).all()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, "row 5 of the text embeddings has NaN or infinite numbers"),
        (np.inf, "row 5 of the text embeddings has NaN or infinite numbers"),
        (0.0, "row 5 of the text embeddings has length 0;"),
    ],
)
def test_a_broken_row_is_named(value: float, words: str) -> None:
    images, texts = pairs(9)
    texts[5] = value
    with pytest.raises(ModelError, match=words):
        metrics.variance_terms(images, texts)


def test_a_row_that_is_not_of_unit_length_is_named_in_a_later_chunk_too() -> None:
    images, texts = pairs(9)
    images[7] *= 3.5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variance, "_CHUNK", 24 * 2)
        with pytest.raises(ModelError, match=r"row 7 of the image embeddings has length 3\.5;"):
            metrics.token_hardness(images, texts)


@pytest.mark.parametrize(
    ("images", "texts", "words"),
    [
        ((5, 4), (6, 4), r"\(5, 4\) and text embeddings of shape \(6, 4\) are no pairs"),
        ((5, 4), (5, 3), "are no pairs"),
        ((5,), (5, 4), r"image embeddings of shape \(5,\)"),
        ((5, 4), (5, 2, 2), r"text embeddings of shape \(5, 2, 2\)"),
        ((1, 4), (1, 4), "at least 2 tokens"),
        ((0, 4), (0, 4), "at least 2 tokens"),
        ((5, 0), (5, 0), "no variance"),
    ],
)
@pytest.mark.parametrize("measure", [metrics.variance_terms, metrics.token_hardness])
def test_shapes_that_are_no_pairs_are_refused(
    measure: type, images: tuple[int, ...], texts: tuple[int, ...], words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        measure(np.ones(images), np.ones(texts))


@pytest.mark.parametrize("alpha", [-0.1, 1.1, np.nan])
def test_an_alpha_that_is_no_share_is_refused(alpha: float) -> None:
    with pytest.raises(ConfigError, match="alpha must be in"):
        metrics.comprehensive_variance_index(*pairs(3), alpha=alpha)


def test_raw_cosines_reach_the_papers_values_which_a_softmax_cannot() -> None:
    # Rows of probabilities vary by at most (1/N)(1 - 1/N): the paper's 1.1e-3 at N = 5,049 is more.
    limit = (5049 - 1) / 5049**2
    assert limit < 0.0011
    assert metrics.comprehensive_variance_index(*pairs(5049, dimension=8, alike=2.0)) > limit
