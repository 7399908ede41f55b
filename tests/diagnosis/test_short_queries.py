"""Short queries: all tokens with the traits are right, and a search of the metadata is perfect."""

# Axes: N tokens of a gallery, P phrases

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import ColourEncoder, drawn_dataset, drawn_token, write_dataset
from traitlens import files
from traitlens.captions import CaptionConfig, phrase
from traitlens.config import fingerprint
from traitlens.diagnosis.overlap import CHANCE, MACRO
from traitlens.diagnosis.short_queries import STRUCTURED, short_queries
from traitlens.diagnosis.short_query_records import ShortQueries, ShortQueriesRow
from traitlens.diagnosis.trait_sets import TraitSet, TraitSetDraw
from traitlens.embedding import Embedded, Gallery, embed_all
from traitlens.errors import ConfigError, ModelError
from traitlens.models.encoder import Vectors
from traitlens.records import Token, Trait
from traitlens.store import MANIFEST


class Reader:
    """An encoder whose text vectors count the phrases that a text names; made for one gallery.

    A row of `of_gallery` marks the phrases of a token, so the scores are the shared phrases.
    """

    name = "reader"

    def __init__(self, gallery: Gallery) -> None:
        said = [
            {phrase(trait) for trait in token.traits}
            for name in gallery.collections
            for token in gallery.tokens(name)
        ]
        self.phrases = sorted(set().union(*said))
        self.fingerprint = fingerprint(self.phrases)
        self.dimension = len(self.phrases)
        marks_NP = [[one in phrases for one in self.phrases] for phrases in said]
        self.of_gallery = np.array(marks_NP, np.float32)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        named = [set(re.split(r", | and (?!co)", text)) for text in texts]
        marks = np.array([[one in words for one in self.phrases] for words in named], np.float32)
        return np.asarray(marks / np.linalg.norm(marks, axis=1, keepdims=True), np.float32)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        raise NotImplementedError


class Constant(ColourEncoder):
    """Gives one vector to everything."""

    name = "constant"

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.tile(np.eye(1, self.dimension, dtype=np.float32), (len(texts), 1))


def read(gallery: Gallery) -> Embedded:
    """Return the gallery as the reader sees it."""
    reader = Reader(gallery)
    return Embedded(
        gallery=gallery,
        model=reader.name,
        model_fingerprint=reader.fingerprint,
        images_ND=reader.of_gallery,
        texts_ND=reader.of_gallery,
        encoder=reader,
    )


def constant(gallery: Gallery) -> Embedded:
    vectors = Constant().encode_texts([""] * len(gallery))
    return Embedded(
        gallery=gallery,
        model="constant",
        model_fingerprint="constant",
        images_ND=vectors,
        texts_ND=vectors,
        encoder=Constant(),
    )


def token(number: int, *traits: tuple[str, str], collection: str = "robots") -> Token:
    has = tuple(Trait(kind, value) for kind, value in traits)
    return dataclasses.replace(drawn_token(collection, number), traits=has, split="test")


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """Two collections of 60 and 40 tokens."""
    data = drawn_dataset(tmp_path_factory.mktemp("drawn") / "data", {"robots": 60, "owls": 40})
    return Gallery.of(data, split=None)


def rows_of(found: ShortQueries, model: str) -> list[ShortQueriesRow]:
    return [row for row in found.rows if row.model == model]


def numbers(row: ShortQueriesRow) -> list[float]:
    return [*row.precision.values(), *row.hit.values(), row.r_precision, row.map_at_r]


def draw(
    tokens: Sequence[Token],
    size: int,
    *,
    most: int = 1000,
    style: str = "plain",
    key: str = "key",
) -> list[TraitSet]:
    config = CaptionConfig(style=style)
    return TraitSetDraw(tokens, config=config, key=key).draw(size, most=most)


RED, BLUE, CAPE, MASK = ("Hat", "Red"), ("Hat", "Blue"), ("Cape", "Long"), ("Mask", "Iron")


def test_every_token_that_has_all_the_traits_is_right() -> None:
    tokens = [
        token(0, RED, CAPE, MASK),
        token(1, RED, CAPE),
        token(2, RED),
        token(3, BLUE, CAPE),
        token(4, BLUE),
        token(5, CAPE, RED),
        token(6, BLUE),
        token(7, CAPE),
    ]
    pairs = {one.words: one.right.tolist() for one in draw(tokens, 2)}
    assert pairs == {
        "red hat and long cape": [0, 1, 5],
        "iron mask and red hat": [0],
        "iron mask and long cape": [0],
        "blue hat and long cape": [3],
    }


def test_a_token_may_be_asked_for_by_two_traits_of_one_type() -> None:
    tokens = [token(0, ("Pin", "Star"), ("Pin", "Moon")), token(1, ("Pin", "Star")), token(2, RED)]
    pairs = draw(tokens, 2)
    assert [(one.words, one.right.tolist()) for one in pairs] == [("moon pin and star pin", [0])]


def test_words_are_those_of_a_caption_without_the_name() -> None:
    tokens = [token(0, RED, CAPE), token(1, MASK), token(2, MASK)]
    said = {style: draw(tokens, 2, style=style)[0].words for style in ("tags", "typed")}
    assert said == {"tags": "red hat, long cape", "typed": "hat: red; cape: long"}


def test_nobody_asks_for_numbers_or_for_what_is_absent() -> None:
    tokens = [
        token(n, RED, ("Serial", f"#{n}"), ("Glasses", "None"), ("Level", "7")) for n in range(2)
    ] + [token(2, BLUE), token(3, BLUE)]
    assert sorted(one.words for one in draw(tokens, 1)) == ["blue hat", "red hat"]
    assert draw(tokens, 2) == []


def test_traits_that_say_the_same_are_one() -> None:
    tokens = [token(0, ("Hat", "Red"), ("hat", "RED")), token(1, ("HAT", "red")), token(2, BLUE)]
    tokens += [token(n, MASK) for n in (3, 4)]
    (red,) = (one for one in draw(tokens, 1) if one.words == "red hat")
    assert red.right.tolist() == [0, 1]
    assert draw(tokens, 2) == []


def test_what_fits_more_than_half_of_the_tokens_is_counted_and_left_out() -> None:
    tokens = [token(n, CAPE, [RED, BLUE][n % 2]) for n in range(6)]
    drawing = TraitSetDraw(tokens, config=CaptionConfig(), key="key")
    assert sorted(one.words for one in drawing.draw(1, most=10)) == ["blue hat", "red hat"]
    assert drawing.too_common == 1


def test_no_set_is_drawn_twice_and_no_more_than_wanted() -> None:
    tokens = [drawn_token("robots", number) for number in range(80)]
    words = [one.words for one in draw(tokens, 2, most=50)]
    assert len(set(words)) == len(words) == 50


def test_common_traits_are_drawn_more_often() -> None:
    tokens = [token(n, [RED, BLUE, BLUE, BLUE, MASK, MASK, MASK, MASK][n]) for n in range(8)]
    first = [draw(tokens, 1, most=1, key=str(key))[0].words for key in range(400)]
    assert first.count("red hat") < 90 < first.count("blue hat") < first.count("iron mask")


def test_the_draw_of_a_size_does_not_hang_on_other_sizes() -> None:
    tokens = [drawn_token("robots", number) for number in range(80)]
    both = TraitSetDraw(tokens, config=CaptionConfig(), key="key")
    both.draw(1, most=5)
    again = [one.words for one in both.draw(2, most=5)]
    assert again == [one.words for one in draw(tokens, 2, most=5)]
    assert again != [one.words for one in draw(tokens, 2, most=5, key="other")]


def test_a_model_that_reads_every_trait_does_what_structured_search_does(gallery: Gallery) -> None:
    found = short_queries([read(gallery)])
    pairs = zip(rows_of(found, "reader"), rows_of(found, STRUCTURED), strict=True)
    assert len(found.rows) == 3 * 3 * 3
    for ours, best in pairs:
        assert numbers(ours) == pytest.approx(numbers(best))
        assert ours.lift(10) == pytest.approx(1)


def test_a_constant_embedder_scores_chance(gallery: Gallery) -> None:
    found = short_queries([constant(gallery)], ks=(1, 5, 10, 50))
    for ours, chance in zip(rows_of(found, "constant"), rows_of(found, CHANCE), strict=True):
        assert numbers(ours) == pytest.approx(numbers(chance))
        assert ours.precision == pytest.approx(ours.precision_chance)


def test_few_right_tokens_are_the_ceiling_of_precision(tmp_path: Path) -> None:
    tokens = [token(n, [RED, BLUE, BLUE, MASK, MASK, MASK][n]) for n in range(6)]
    gallery = Gallery.of(write_dataset(tmp_path / "data", {"robots": tokens}))
    found = short_queries([read(gallery)], sizes=[1], ks=[1, 2, 3, 10])
    best, chance = rows_of(found, STRUCTURED)[0], rows_of(found, CHANCE)[0]
    assert best.precision == pytest.approx({1: 1, 2: 5 / 6, 3: 6 / 9, 10: 2 / 10})
    assert chance.precision == pytest.approx({1: 1 / 3, 2: 1 / 3, 3: 1 / 3, 10: 2 / 10})
    assert [best.lift(1), chance.lift(1), best.lift(10)] == [1, 0, None]
    assert chance.hit[2] == pytest.approx(np.mean([2 / 6, 1 - 4 / 6 * 3 / 5, 1 - 3 / 6 * 2 / 5]))


def test_precision_and_its_kin_are_hand_computed(tmp_path: Path) -> None:
    tokens = [token(0, RED), token(1, RED), token(2, BLUE), token(3, MASK), token(4, MASK)]
    gallery = Gallery.of(write_dataset(tmp_path / "data", {"robots": tokens}))
    model = read(gallery)
    # A red token that looks blue: "red hat" finds 0, and then 1 ties with all others.
    seen = np.array(model.images_ND)
    seen[1] = seen[2]
    found = short_queries([dataclasses.replace(model, images_ND=seen)], sizes=[1], ks=[1, 2])
    row = rows_of(found, "reader")[0]
    red, blue, mask = (1, 1 / 2 + 1 / 8), (1 / 2, 1 / 2), (1, 1)
    means = [sum(each) / 3 for each in zip(red, blue, mask, strict=True)]
    assert list(row.precision.values()) == pytest.approx(means)
    assert list(row.hit.values()) == pytest.approx([(1 + 1 / 2 + 1) / 3, 1])
    assert row.r_precision == pytest.approx((5 / 8 + 1 / 2 + 1) / 3)
    assert row.map_at_r == pytest.approx(((1 + 1 / 4) / 2 + 1 / 2 + 1) / 3)


def test_macro_is_the_mean_over_collections(gallery: Gallery) -> None:
    found = short_queries(embed_all([ColourEncoder()], gallery), per_size=20)
    for size in (1, 2, 3):
        rows = [row for row in rows_of(found, "colours") if row.traits == size]
        *parts, macro = rows
        assert [row.collection for row in rows] == ["robots", "owls", MACRO]
        assert numbers(macro) == pytest.approx(np.mean([numbers(row) for row in parts], axis=0))
        assert macro.queries == sum(row.queries for row in parts)


def test_another_model_beside_changes_nothing(gallery: Gallery) -> None:
    alone = short_queries([read(gallery)], per_size=10)
    beside = short_queries([read(gallery), constant(gallery), read(gallery)], per_size=10)
    for name in (CHANCE, STRUCTURED):
        assert rows_of(beside, name) == rows_of(alone, name)
    assert len(rows_of(beside, "reader")) == 2 * len(rows_of(alone, "reader"))
    assert (beside.best, beside.worst) == (alone.best, alone.worst)
    assert [row.model for row in beside.rows if row.collection == MACRO][:5] == [
        *("reader", "constant", "reader"),
        *(CHANCE, STRUCTURED),
    ]


def test_the_seed_draws_the_queries(gallery: Gallery) -> None:
    drawn = [short_queries([constant(gallery)], per_size=9, seed=seed).rows for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_small_blocks_give_what_one_block_gives(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = embed_all([ColourEncoder()], gallery)
    whole = short_queries(found, per_size=20)
    monkeypatch.setattr("traitlens.diagnosis.overlap._CELLS", 150)
    for ours, theirs in zip(short_queries(found, per_size=20).rows, whole.rows, strict=True):
        assert numbers(ours) == pytest.approx(numbers(theirs))


def test_models_without_words_are_named_and_the_first_must_have_some(gallery: Gallery) -> None:
    dumb = dataclasses.replace(constant(gallery), model="vectors", encoder=None)
    found = short_queries([read(gallery), dumb], per_size=5)
    assert found.unread == ("vectors",)
    assert {row.model for row in found.rows} == {"reader", CHANCE, STRUCTURED}
    assert "vectors" in found.tables()[0].note
    with pytest.raises(ModelError, match="vectors is known by its vectors alone"):
        short_queries([dumb, read(gallery)], per_size=5)


def test_collections_without_large_sets_are_named_and_asked_the_small_ones(tmp_path: Path) -> None:
    robots = [token(n, [RED, BLUE][n % 2], CAPE, MASK) for n in range(4)]
    owls = [token(n, [RED, BLUE][n % 2], collection="owls") for n in range(4)]
    shells = [token(n, ("Serial", f"#{n}"), collection="shells") for n in range(4)]
    data = write_dataset(tmp_path / "data", {"robots": robots, "owls": owls, "shells": shells})
    found = short_queries([read(Gallery.of(data))])
    assert found.skipped == {
        "owls": "no set of 2 or 3 traits to ask for",
        "shells": "no set of 1 or 2 or 3 traits to ask for",
    }
    asked = {(row.collection, row.traits) for row in found.rows if row.collection != MACRO}
    assert asked == {("robots", 1), ("robots", 2), ("robots", 3), ("owls", 1)}
    macro = {r.traits: r.n for r in rows_of(found, "reader") if r.collection == MACRO}
    assert macro == {1: 8, 2: 4, 3: 4}
    assert found.too_common == {"robots": 2 + 1}  # a cape, a mask, and both
    assert "3 sets" in found.tables()[0].note


def test_without_any_query_the_tables_are_empty(tmp_path: Path) -> None:
    shells = [token(n, ("Serial", f"#{n}")) for n in range(4)]
    gallery = Gallery.of(write_dataset(tmp_path / "data", {"robots": shells}))
    assert all(not table.rows for table in short_queries([constant(gallery)]).tables())


def test_queries_are_worded_as_the_captions_of_the_data_set(tmp_path: Path) -> None:
    drawn_dataset(tmp_path / "data", {"robots": 30})
    manifest = files.read_json(tmp_path / "data" / MANIFEST)
    manifest["config"] = {"captions": {"style": "typed", "order": "metadata", "version": 2}}
    files.write_json(tmp_path / "data" / MANIFEST, manifest)
    gallery = Gallery.of(tmp_path / "data", split=None)
    shown = short_queries([constant(gallery)], sizes=[2]).best
    assert all(re.fullmatch(r"\w+: [^;]+; \w+: [^;]+", query.query) for query in shown)


def test_the_best_and_the_worst_queries_are_shown_with_their_hits(gallery: Gallery) -> None:
    found = short_queries(embed_all([ColourEncoder()], gallery))
    tokens = {name: {t.token_id: t for t in gallery.tokens(name)} for name in gallery.collections}
    best, worst = ([q.average_precision_at_r for q in ends] for ends in (found.best, found.worst))
    assert best == sorted(best, reverse=True)
    assert worst == sorted(worst)
    assert min(best) == 1
    assert max(worst) == 0  # pins, which cannot be seen
    assert {query.collection for query in found.best} == {"robots", "owls"}
    for query in (*found.best, *found.worst):
        wanted = set(re.split(r", | and (?!co)", query.query))
        having = [
            {phrase(trait) for trait in tokens[query.collection][hit].traits} for hit in query.hits
        ]
        assert [wanted <= phrases for phrases in having] == list(query.hits_right)
        assert len(query.hits) == 5


def test_hits_that_tie_are_shown_in_the_order_of_the_data_set(gallery: Gallery) -> None:
    found = short_queries([constant(gallery)], per_size=5)
    assert {query.hits for query in found.best} == {("0", "1", "2", "3", "4")}


def test_tables_have_every_size_and_model(gallery: Gallery) -> None:
    found = short_queries([read(gallery), constant(gallery)], per_size=5, ks=(1, 3))
    means, hits, parts, best, worst = found.tables()
    kinds = [(size, m) for size in (1, 2, 3) for m in ("reader", "constant", CHANCE, STRUCTURED)]
    assert [row[:2] for row in means.rows] == kinds
    assert [row[:2] for row in hits.rows] == kinds
    assert [row[1:3] for row in parts.rows] == [(model, size) for size, model in kinds] * 2
    assert [c.name for c in means.columns][2:5] == ["P@1", "P@3", "lift of P@3"]
    assert len(best.rows) == len(worst.rows) == 6
    assert "*" in str(best.rows[0][-1])


def test_the_record_is_json(gallery: Gallery) -> None:
    found = short_queries([constant(gallery)], per_size=5, ks=(1, 100))
    said = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert set(said["rows"][0]["precision"]) == set(said["rows"][0]["lift"]) == {"1", "100"}
    assert said["rows"][0]["lift"]["100"] is None
    assert len(said["best"][0]["hits"]) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": [0, 1]}, "sizes must be at least 1; got 0"),
        ({"ks": [5, 0]}, "ks must be at least 1; got 0"),
        ({"per_size": 0}, "per_size must be at least 1; got 0"),
        ({"sizes": []}, "sizes must name at least one number; got none"),
    ],
)
def test_numbers_below_one_are_refused(
    gallery: Gallery, options: dict[str, list[int]], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        short_queries([constant(gallery)], **options)  # type: ignore[arg-type]
