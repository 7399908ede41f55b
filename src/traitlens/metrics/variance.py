"""How look-alike a collection is to a model, before any query: the Comprehensive Variance Index.

Of N unit image vectors I and the text vectors T of the same tokens, take the N x N cosines I I',
T T' and T I'. A token whose row hardly varies is as near to the others as to itself, so a low index
means a hard collection: NFT1000 (arXiv 2402.16872), section 6.3, equation 1.

    CVI = 1/2 [alpha v(I, I) + (1 - alpha) v(T, T) + v(T, I)],  v = mean variance of the rows

Cosines are raw (a softmax cannot reach the values that the paper prints) and variances those of a
population, diagonal included. No N x N matrix is needed: the variance of a . y over the rows y is
a' C a, C being their covariance, and its mean over rows a of mean m and covariance A is
m' C m + tr(A C). That takes one pass, O(N D^2) time and O(D^2) memory. Chunks are merged as in
Chan, Golub and LeVeque (1983), in float64: no mean square is taken off another.

The diagonal, a one in each row of I I' and T T', adds the more the fewer tokens there are. So the
index without it stands beside, and collections of different sizes are compared at equal N.
"""

# Axes: N tokens, B tokens of a chunk, D dimensions

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from traitlens.config import check_range
from traitlens.errors import ModelError
from traitlens.metrics.counts import Floats

Array = NDArray[np.float64]
Values = TypeVar("Values", float, Array)

ALPHA = 0.7  # the paper's

_TOLERANCE = 0.01  # what half precision may cost the length of a unit vector
_CHUNK = 2**22  # numbers of float64 in hand at a time: 32 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceTerms:
    """The mean variances of the rows of I I', T T' and T I' of `n` tokens, of which CVI is made.

    `image_off_diagonal` and `text_off_diagonal` leave each row's cosine with itself out. Variances
    are a population's (ddof 0) unless `unbiased` gave them.
    """

    n: int
    image: float
    text: float
    cross: float
    image_off_diagonal: float
    text_off_diagonal: float

    def index(self, alpha: float = ALPHA) -> float:
        """Return CVI, at least 0; `alpha` weighs the pictures against the captions."""
        return weighted(self.image, self.text, self.cross, alpha=alpha)

    def index_off_diagonal(self, alpha: float = ALPHA) -> float:
        """Return CVI without the cosines of a row with itself."""
        return weighted(self.image_off_diagonal, self.text_off_diagonal, self.cross, alpha=alpha)

    def unbiased(self) -> VarianceTerms:
        """Return the terms as sample variances (ddof 1), for draws of a larger collection.

        A row without its diagonal has n - 1 cosines, so it takes 3 tokens.
        """
        assert self.n > 2, "one cosine alone has no sample variance"
        whole, part = self.n / (self.n - 1), (self.n - 1) / (self.n - 2)
        return VarianceTerms(
            n=self.n,
            image=whole * self.image,
            text=whole * self.text,
            cross=whole * self.cross,
            image_off_diagonal=part * self.image_off_diagonal,
            text_off_diagonal=part * self.text_off_diagonal,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenHardness:
    """The variance of each token's row of I I', T T' and T I': (N,), their means are the terms.

    Low means hard: the token is nearly as like to all others as it is to itself.
    """

    image_N: Array
    text_N: Array
    cross_N: Array

    def index(self, alpha: float = ALPHA) -> Array:
        """Return each token's share in CVI, which is the mean of them: (N,)."""
        return weighted(self.image_N, self.text_N, self.cross_N, alpha=alpha)


def comprehensive_variance_index(
    image_embeddings: Floats, text_embeddings: Floats, *, alpha: float = ALPHA
) -> float:
    """Return CVI as the paper has it, at least 0; a low one means look-alike tokens.

    Row i of both arrays, (N, D), is token i. Each must be of unit length within 1% and is rescaled
    to it; float16, float32 and float64 will do, in memory or mapped from a file. Raises ModelError
    for other rows and shapes, ConfigError for an `alpha` outside [0, 1].
    """
    check_range("alpha", alpha, low=0, high=1)
    return variance_terms(image_embeddings, text_embeddings).index(alpha)


def variance_terms(image_embeddings: Floats, text_embeddings: Floats) -> VarianceTerms:
    """Return what CVI is made of, for any alpha, with and without the diagonal.

    Takes what `comprehensive_variance_index` takes.
    """
    _check_shapes(image_embeddings, text_embeddings)
    images = _moments(image_embeddings, what="image")
    texts = _moments(text_embeddings, what="text")
    return VarianceTerms(
        n=images.n,
        image=_mean_variance(images, images),
        text=_mean_variance(texts, texts),
        cross=_mean_variance(texts, images),
        image_off_diagonal=_off_diagonal(images),
        text_off_diagonal=_off_diagonal(texts),
    )


def token_hardness(image_embeddings: Floats, text_embeddings: Floats) -> TokenHardness:
    """Return how each token's cosines vary, diagonal included: a low variance means a hard token.

    Takes what `comprehensive_variance_index` takes, and reads it twice.
    """
    _check_shapes(image_embeddings, text_embeddings)
    images = _moments(image_embeddings, what="image")
    texts = _moments(text_embeddings, what="text")
    found = TokenHardness(
        image_N=np.empty(images.n), text_N=np.empty(images.n), cross_N=np.empty(images.n)
    )
    for rows, chunk_BD in _unit_chunks(image_embeddings, what="image"):
        found.image_N[rows] = _row_variances(chunk_BD, images)
    for rows, chunk_BD in _unit_chunks(text_embeddings, what="text"):
        found.text_N[rows] = _row_variances(chunk_BD, texts)
        found.cross_N[rows] = _row_variances(chunk_BD, images)
    return found


def weighted(image: Values, text: Values, cross: Values, *, alpha: float) -> Values:
    """Return equation 1 of its three variances."""
    return (alpha * image + (1 - alpha) * text + cross) / 2


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """The number of some unit rows, their mean, and their covariance (ddof 0)."""

    n: int
    mean_D: Array
    covariance_DD: Array


def _moments(embeddings_ND: Floats, *, what: str) -> _Moments:
    """Return the moments of the rows, each rescaled to unit length."""
    n, dimension = 0, embeddings_ND.shape[1]
    mean_D, scatter_DD = np.zeros(dimension), np.zeros((dimension, dimension))
    for rows, chunk_BD in _unit_chunks(embeddings_ND, what=what):
        size = rows.stop - rows.start
        chunk_mean_D = chunk_BD.mean(axis=0)
        np.subtract(chunk_BD, chunk_mean_D, out=chunk_BD)
        step_D = chunk_mean_D - mean_D
        scatter_DD += chunk_BD.T @ chunk_BD
        scatter_DD += np.outer(step_D, step_D) * (n * size / (n + size))
        n += size
        mean_D += step_D * (size / n)
    return _Moments(n, mean_D, scatter_DD / n)


def _mean_variance(rows: _Moments, columns: _Moments) -> float:
    """Return the mean over `rows` of the variance of their cosines with all `columns`."""
    of_mean = rows.mean_D @ columns.covariance_DD @ rows.mean_D
    return float(of_mean + np.vdot(rows.covariance_DD, columns.covariance_DD))


def _off_diagonal(rows: _Moments) -> float:
    """Return the mean variance of the rows' cosines with all others.

    A row's cosine with itself, 1, is u = 1 - x . m above the row's mean. Without it the sum of
    squares about the mean is less by u^2 N / (N - 1); of unit rows the mean of u^2 is
    (1 - m . m)^2 + m' C m, and 1 - m . m is the trace of C.
    """
    n = rows.n
    squares = np.trace(rows.covariance_DD) ** 2 + rows.mean_D @ rows.covariance_DD @ rows.mean_D
    # What is left of equal cosines may be some last bits below 0.
    return max(0.0, float((n * _mean_variance(rows, rows) - squares * n / (n - 1)) / (n - 1)))


def _row_variances(chunk_BD: Array, columns: _Moments) -> Array:
    """Return the variance of each row's cosines with all columns: (B,)."""
    found: Array = np.einsum("bd,bd->b", chunk_BD @ columns.covariance_DD, chunk_BD)
    return found


def _unit_chunks(embeddings_ND: Floats, *, what: str) -> Iterator[tuple[slice, Array]]:
    """Yield some rows at a time, in float64 and of unit length, in a copy of their own."""
    n, dimension = embeddings_ND.shape
    size = max(1, _CHUNK // dimension)
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        chunk_BD = np.array(embeddings_ND[rows], dtype=np.float64)
        lengths_B = np.sqrt(np.einsum("bd,bd->b", chunk_BD, chunk_BD))
        _check_lengths(chunk_BD, lengths_B, start=start, what=what)
        chunk_BD /= lengths_B[:, None]
        yield rows, chunk_BD


def _check_shapes(images_ND: Floats, texts_ND: Floats) -> None:
    """Raise ModelError unless both are (N, D) with the same N >= 2 and D."""
    for what, array in (("image", images_ND), ("text", texts_ND)):
        if array.ndim != 2 or len(array) < 2 or not array.shape[1]:
            raise ModelError(
                f"{what} embeddings of shape {array.shape} have no variance; expected one row a "
                "token, (N, D), and at least 2 tokens"
            )
    if images_ND.shape != texts_ND.shape:
        raise ModelError(
            f"image embeddings of shape {images_ND.shape} and text embeddings of shape "
            f"{texts_ND.shape} are no pairs; row i of both, of one dimension, must be token i"
        )


def _check_lengths(chunk_BD: Array, lengths_B: Array, *, start: int, what: str) -> None:
    """Raise ModelError for the first row that is not of unit length."""
    # NaN is not within anything.
    broken_B = ~(np.abs(lengths_B - 1) <= _TOLERANCE)
    if not broken_B.any():
        return
    row = int(broken_B.argmax())
    finite = np.isfinite(chunk_BD[row]).all()
    found = f"has length {lengths_B[row]:.4g}" if finite else "has NaN or infinite numbers"
    raise ModelError(
        f"row {start + row} of the {what} embeddings {found}; expected finite numbers and "
        f"length 1, within {_TOLERANCE:.0%}"
    )
