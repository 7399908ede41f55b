"""The baselines are fair: fitted on train, pixels alone in the gallery, and well above chance."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import drawn_token, write_dataset
from traitlens.embedding.features import BINS
from traitlens.errors import DatasetError
from traitlens.evaluation import Baseline, baselines, evaluate, fit_baselines
from traitlens.evaluation.baselines import (
    DEFAULT_RIDGE,
    PIXELS,
    Words,
    colour_histogram,
    raw_pixels,
)
from traitlens.records import Token
from traitlens.store import Dataset


@pytest.fixture(scope="module")
def fitted(drawn: Dataset) -> list[Baseline]:
    return fit_baselines(drawn)


def test_both_find_unseen_tokens_far_better_than_chance(
    drawn: Dataset, fitted: list[Baseline]
) -> None:
    for baseline in fitted:
        row = evaluate(baseline, drawn, baselines=False).row()
        assert row.recall[1] > 4 * row.chance[1], baseline.name
        assert row.recall[10] > 2 * row.chance[10], baseline.name


def test_vectors_are_of_length_one(fitted: list[Baseline]) -> None:
    picture = Image.new("RGB", (5, 9), "red")
    for baseline in fitted:
        for vectors in (baseline.encode_texts(["red hat"]), baseline.encode_images([picture])):
            assert vectors.shape == (1, baseline.dimension)
            assert vectors.dtype == np.float32
            assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-6)


def rewritten(drawn: Dataset, path: Path, change: Callable[[int, Token], Token]) -> Dataset:
    """Return the data set with each test token changed."""
    tokens: dict[str, list[Token]] = {name: [] for name in drawn.collections}
    for number, token in enumerate(drawn.tokens()):
        new = change(number, token) if token.split == "test" else token
        tokens[token.collection].append(replace(new, location=None))
    return write_dataset(path, tokens)


def test_nothing_of_the_test_split_is_fitted(
    drawn: Dataset, fitted: list[Baseline], tmp_path: Path
) -> None:
    def other(number: int, token: Token) -> Token:
        return replace(token, caption="unheard words", image=drawn_token("x", number).image)

    again = fit_baselines(rewritten(drawn, tmp_path / "data", other))
    assert [b.fingerprint for b in again] == [b.fingerprint for b in fitted]


def test_the_gallery_side_sees_pixels_alone(
    drawn: Dataset, fitted: list[Baseline], tmp_path: Path
) -> None:
    """With pictures of other tokens under true captions and traits, chance is all that is left."""

    def swapped(number: int, token: Token) -> Token:
        stranger = drawn_token("strangers", number)
        return replace(token, image=stranger.image, pixels_sha256=stranger.pixels_sha256)

    data = rewritten(drawn, tmp_path / "data", swapped)
    for baseline in fitted:
        row = evaluate(baseline, data, baselines=False).row()
        assert row.recall[1] < 3 * row.chance[1], baseline.name


def test_the_weights_are_those_of_a_ridge_regression(
    drawn: Dataset, fitted: list[Baseline]
) -> None:
    """The penalty as extra rows of a least-squares problem gives the same solution."""
    histogram = fitted[1]
    train = list(drawn.tokens(split="train"))
    bags = histogram.words.bags([token.caption for token in train])
    pictures = [picture_of(token) for token in train]
    found = np.stack([colour_histogram(picture) for picture in pictures])
    n_words = bags.shape[1]
    x = np.vstack([bags - bags.mean(axis=0), np.sqrt(histogram.ridge) * np.eye(n_words)])
    y = np.vstack([found - found.mean(axis=0), np.zeros((n_words, found.shape[1]))])
    expected = np.linalg.lstsq(x, y * histogram.scale_F, rcond=None)[0]
    assert histogram.weights_VF == pytest.approx(expected, abs=1e-6)


def picture_of(token: Token) -> Image.Image:
    assert token.image is not None
    return Image.open(BytesIO(token.image))


def test_without_a_validation_split_the_ridge_is_the_default(tmp_path: Path) -> None:
    tokens = [replace(drawn_token("robots", i), split="train") for i in range(30)]
    fitted = fit_baselines(write_dataset(tmp_path / "data", {"robots": tokens}))
    assert [baseline.ridge for baseline in fitted] == [DEFAULT_RIDGE] * 2


def test_without_a_train_split_there_is_nothing_to_fit(tmp_path: Path) -> None:
    tokens = [replace(drawn_token("robots", i), split="test") for i in range(3)]
    data = write_dataset(tmp_path / "data", {"robots": tokens})
    with pytest.raises(DatasetError, match="no train split"):
        fit_baselines(data)


def test_features_are_of_the_picture_on_white() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert (raw_pixels(clear) == 1).all()
    assert colour_histogram(clear)[-1] == 1


def test_raw_pixels_keep_their_places() -> None:
    picture = Image.new("RGB", (PIXELS, PIXELS), "black")
    picture.putpixel((3, 1), (255, 0, 51))
    values = raw_pixels(picture).reshape(PIXELS, PIXELS, 3)
    assert values[1, 3] == pytest.approx([1, 0, 0.2])
    assert values.sum() == pytest.approx(1.2)


def test_a_colour_histogram_holds_roots_of_shares() -> None:
    picture = Image.new("RGB", (4, 1), (255, 0, 0))
    picture.putpixel((2, 0), (0, 255, 31))
    found = colour_histogram(picture)
    assert found[(BINS - 1) * BINS * BINS] == pytest.approx(np.sqrt(3 / 4))
    assert found[(BINS - 1) * BINS] == pytest.approx(np.sqrt(1 / 4))
    assert np.count_nonzero(found) == 2


def test_a_bag_says_which_known_words_are_there_however_often() -> None:
    words = Words.of(["red hat", "Blue HAT"])
    assert words.column == {"blue": 0, "hat": 1, "red": 2}
    assert words.bags(["hat, hat and red scarf", ""]).tolist() == [[0, 1, 1], [0, 0, 0]]


def test_a_fit_is_bounded_whatever_the_data_set(
    drawn: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "MAX_TRAIN", 100)
    monkeypatch.setattr(baselines, "MAX_WORDS", 5)
    told: list[tuple[object, ...]] = []
    fitted = fit_baselines(drawn, progress=lambda *step: told.append(step))
    assert told[-1] == ("fit baselines", 100, 100)  # 50 of each collection
    said = Counter(word for t in drawn.tokens(split="train") for word in set(t.caption.split()))
    assert len(fitted[0].words.column) == 5
    assert set(fitted[0].words.column) <= {word.strip(",") for word, _ in said.most_common(12)}
