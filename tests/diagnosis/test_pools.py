"""Hard pools hold the nearest tokens, random ones any, and both the meant token."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.diagnosis.drawn import Constant, gallery_of, known, token_of
from tests.helpers import ColourEncoder, drawn_dataset, png
from traitlens.diagnosis import pools
from traitlens.diagnosis.nearness import SIDE_PX, Ways, small_pictures
from traitlens.diagnosis.pool_records import PoolRow, Pools
from traitlens.embedding import Embedded, Gallery, embed_all
from traitlens.errors import ConfigError
from traitlens.records import Token


def pairs(path: Path, *, count: int) -> Gallery:
    """Return a gallery of pairs of look-alikes: a rare hat that only they share, and own eyes."""
    tokens = [
        token_of("robots", n, [("Hat", f"hat {n // 2}"), ("Body", "Steel"), ("Eyes", f"eye {n}")])
        for n in range(2 * count)
    ]
    return gallery_of(path, {"robots": tokens})


def of_collection(found: Pools, *, model: str = "known") -> PoolRow:
    return next(row for row in found.rows if (row.model, row.collection) == (model, "robots"))


def nearest_of(model: Embedded, *, hard: Ways) -> dict[str, str]:
    """Return the nearest token of each, of which every one was an example in some draw."""
    nearest: dict[str, str] = {}
    for seed in range(16):
        found = pools([model], hard=hard, size=2, ks=(1,), seed=seed)
        nearest |= {each.token_id: each.nearest[0] for each in found.examples}
    assert len(nearest) == len(model.gallery)
    return nearest


def test_a_model_that_cannot_tell_look_alikes_apart_finds_half_in_pools_of_two(
    tmp_path: Path,
) -> None:
    gallery = pairs(tmp_path, count=20)
    by_pair = np.repeat(np.eye(20), 2, axis=0)
    row = of_collection(pools([known(gallery, by_pair, by_pair)], size=2, ks=(1,)))
    assert row.hard[1] == 0.5
    assert row.random[1] > 0.9  # of the 39 others one is the look-alike
    assert row.drop(1) == row.random[1] - 0.5


def test_a_perfect_model_finds_everything_in_both_pools(tmp_path: Path) -> None:
    gallery = pairs(tmp_path, count=20)
    row = of_collection(pools([known(gallery, np.eye(40), np.eye(40))], size=10, ks=(1, 5)))
    assert row.random == row.hard == {1: 1.0, 5: 1.0}
    assert row.drop(1) == 0
    assert row.lift(row.hard, 1) == 1


def test_a_constant_encoder_scores_exactly_chance_in_both_pools(tmp_path: Path) -> None:
    gallery = pairs(tmp_path, count=20)
    row = of_collection(pools(embed_all([Constant()], gallery), size=10), model="constant")
    assert row.random == pytest.approx({1: 0.1, 5: 0.5, 10: 1.0}, abs=1e-12)
    assert row.hard == pytest.approx(row.chance, abs=1e-12)
    assert row.lift(row.hard, 1) == pytest.approx(0, abs=1e-12)
    assert row.lift(row.hard, 10) is None


def test_a_random_embedder_has_no_drop_beyond_noise(tmp_path: Path) -> None:
    gallery = pairs(tmp_path, count=200)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2, 400, 32))
    row = of_collection(pools([known(gallery, *vectors)], size=10, ks=(5,)))
    assert abs(row.drop(5)) < 0.1
    assert abs(row.hard[5] - 0.5) < 0.1


def test_the_nearest_by_traits_share_what_is_rare(tmp_path: Path) -> None:
    traits = [
        [("Hat", "Crown"), ("Body", "Steel"), ("Eyes", "Red")],
        [("Hat", "Crown"), ("Body", "Wood"), ("Eyes", "Blue")],
        [("Hat", "Cap"), ("Body", "Steel"), ("Eyes", "Green")],
        *([("Hat", f"Hood {n}"), ("Body", "Steel"), ("Eyes", f"Eye {n}")] for n in range(6)),
    ]
    gallery = gallery_of(
        tmp_path, {"robots": [token_of("robots", n, own) for n, own in enumerate(traits)]}
    )
    nearest = nearest_of(known(gallery, np.eye(9), np.eye(9)), hard="traits")
    assert (nearest["0"], nearest["1"]) == ("1", "0")


def test_tokens_of_the_querys_own_caption_are_in_neither_pool_and_counted(tmp_path: Path) -> None:
    tokens = [token_of("robots", n, [("Hat", f"hat {n // 3}")]) for n in range(12)]
    gallery = gallery_of(tmp_path, {"robots": tokens})
    by_caption = np.repeat(np.eye(4), 3, axis=0)
    found = pools([known(gallery, by_caption, by_caption)], size=5, ks=(1,))
    row = of_collection(found)
    assert row.random[1] == row.hard[1] == 1  # a twin in a pool would tie
    assert found.left_out == 12 * 2
    for each in found.examples:
        assert not {int(token) // 3 for token in each.nearest} & {int(each.token_id) // 3}


def test_tokens_with_too_few_others_are_not_asked_for_and_counted(tmp_path: Path) -> None:
    own = [[("Hat", "Cap")]] * 8 + [[("Hat", f"hat {n}")] for n in range(4)]
    gallery = gallery_of(
        tmp_path, {"robots": [token_of("robots", n, traits) for n, traits in enumerate(own)]}
    )
    found = pools([known(gallery, np.eye(12), np.eye(12))], size=5, ks=(1,))
    assert found.too_few == 8
    assert of_collection(found).queries == 4


@pytest.mark.parametrize(
    ("hats", "size", "reason"),
    [(6, 6, "6 tokens are all in a pool of 6"), (2, 4, "captions repeat")],
)
def test_a_collection_where_both_pools_would_be_one_is_skipped_with_the_reason(
    tmp_path: Path, hats: int, size: int, reason: str
) -> None:
    tokens = [token_of("robots", n, [("Hat", f"hat {n % hats}")]) for n in range(6)]
    gallery = gallery_of(tmp_path, {"robots": tokens})
    found = pools([known(gallery, np.eye(6), np.eye(6))], size=size, ks=(1,))
    assert found.rows == ()
    assert reason in found.skipped["robots"]
    assert reason in found.tables()[1].note


def test_all_models_search_the_same_pools(tmp_path: Path) -> None:
    gallery = pairs(tmp_path, count=30)
    rng = np.random.default_rng(1)
    one, other = (
        known(gallery, *rng.normal(size=(2, 60, 8)), name=name) for name in ("one", "other")
    )
    together, reversed_ = pools([one, other], size=10), pools([other, one], size=10)
    alone = pools([one], size=10)
    for found in (together, reversed_):
        assert of_collection(found, model="one") == of_collection(alone, model="one")
    assert [each.nearest for each in together.examples] == [
        each.nearest for each in reversed_.examples
    ]


def test_the_seed_alone_decides_the_draw(tmp_path: Path) -> None:
    gallery = pairs(tmp_path, count=30)
    model = known(gallery, *np.random.default_rng(1).normal(size=(2, 60, 8)))
    assert pools([model], size=10) == pools([model], size=10)
    drawn = {pools([model], size=10, seed=seed).rows[0].random[5] for seed in range(5)}
    assert len(drawn) > 1


def test_no_more_queries_are_asked_than_wanted(tmp_path: Path) -> None:
    gallery = pairs(tmp_path, count=20)
    found = pools([known(gallery, np.eye(40), np.eye(40))], size=10, max_queries=7)
    assert (of_collection(found).queries, of_collection(found).n) == (7, 40)


def test_the_mean_weighs_collections_alike(tmp_path: Path) -> None:
    sizes = {"owls": 30, "robots": 12}
    tokens = {
        name: [token_of(name, n, [("Hat", f"hat {n}")]) for n in range(size)]
        for name, size in sizes.items()
    }
    gallery = gallery_of(tmp_path, tokens)
    images = np.concatenate([np.eye(42)[:30], np.tile(np.eye(42)[-1], (12, 1))])
    found = pools([known(gallery, images, np.eye(42))], size=10, ks=(1,))
    owls, robots, macro = found.rows
    assert owls.hard[1] == 1
    assert robots.hard[1] == pytest.approx(0.1)
    assert macro.collection == "macro"
    assert macro.hard[1] == pytest.approx(0.55)
    assert macro.queries == 42


def coloured(number: int, image: Image.Image) -> Token:
    token = token_of("robots", number, [("Number", f"name {number}")])
    return dataclasses.replace(token, image=png(image), pixels_sha256=f"{number:064x}")


def test_by_pictures_a_transparent_picture_is_nearest_to_a_white_one(tmp_path: Path) -> None:
    colours = ["white", "#00000000", "red", "darkred", "blue", "navy"]
    tokens = [coloured(n, Image.new("RGBA", (24, 24), each)) for n, each in enumerate(colours)]
    gallery = gallery_of(tmp_path, {"robots": tokens})
    nearest = nearest_of(known(gallery, np.eye(6), np.eye(6)), hard="pictures")
    assert nearest == {"0": "1", "1": "0", "2": "3", "3": "2", "4": "5", "5": "4"}


def test_what_all_pictures_share_does_not_make_them_near(tmp_path: Path) -> None:
    greys = ["#ffffff", "#eeeeee", "#666666", "#555555"]  # of one direction, before centring
    tokens = [coloured(n, Image.new("RGB", (24, 24), each)) for n, each in enumerate(greys)]
    gallery = gallery_of(tmp_path, {"robots": tokens})
    nearest = nearest_of(known(gallery, np.eye(4), np.eye(4)), hard="pictures")
    assert nearest == {"0": "1", "1": "0", "2": "3", "3": "2"}


def test_a_small_picture_is_the_mean_colour_of_each_place_on_white() -> None:
    image = Image.new("RGBA", (2 * SIDE_PX, 2 * SIDE_PX), (0, 0, 0, 0))
    image.putpixel((0, 0), (0, 0, 0, 255))  # a quarter of the first place
    seen = small_pictures([image])[0]
    assert seen[:3] == pytest.approx(0.75, abs=0.01)
    assert np.all(seen[3:] == 1)


def test_the_nearest_may_be_those_of_an_encoder(tmp_path: Path) -> None:
    gallery = Gallery.of(drawn_dataset(tmp_path / "data", {"robots": 40}), split=None)
    n = len(gallery)
    found = pools(
        [known(gallery, np.eye(n), np.eye(n))], hard=ColourEncoder(), size=5, ks=(1,), seed=0
    )
    assert found.hard == "colours"
    backgrounds = {t.token_id: t.traits[0].value for t in gallery.tokens("robots")}
    for each in found.examples:
        assert backgrounds[each.nearest[0]] == backgrounds[each.token_id]


def test_an_encoder_that_is_compared_cannot_choose_the_pools(tmp_path: Path) -> None:
    gallery = Gallery.of(drawn_dataset(tmp_path / "data", {"robots": 20}), split=None)
    found = embed_all([ColourEncoder()], gallery)
    with pytest.raises(ConfigError, match="not itself compared; got 'colours'"):
        pools(found, hard=ColourEncoder(), size=5, ks=(1,))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hard": "words"}, "hard must be one of traits, pictures; got 'words'"),
        ({"size": 1}, "size must be at least 2"),
        ({"size": 5, "ks": (1, 10)}, r"ks must be in \[1, 5\]; got 10"),
        ({"ks": ()}, "ks must name one rank at least"),
        ({"max_queries": 0}, "max_queries must be at least 1"),
    ],
)
def test_what_cannot_be_asked_is_said(
    tmp_path: Path, options: dict[str, object], said: str
) -> None:
    gallery = pairs(tmp_path, count=10)
    model = known(gallery, np.eye(20), np.eye(20))
    with pytest.raises(ConfigError, match=said):
        pools([model], **options)  # type: ignore[arg-type]


def test_an_example_shows_the_pool_and_what_was_chosen_of_it(tmp_path: Path) -> None:
    gallery = pairs(tmp_path, count=20)
    mate = np.arange(40) ^ 1  # every text finds its look-alike
    found = pools([known(gallery, np.eye(40)[mate], np.eye(40))], size=10, ks=(1,))
    for each in found.examples:
        mates = str(int(each.token_id) ^ 1)
        assert each.nearest[0] == each.chosen == mates
        assert f"eye {each.token_id}" in each.caption


def test_a_score_that_is_no_number_comes_last(tmp_path: Path) -> None:
    gallery = pairs(tmp_path, count=20)
    broken = np.eye(40)
    broken[::2] = np.nan
    row = of_collection(pools([known(gallery, broken, np.eye(40))], size=2, ks=(1,)))
    assert row.hard[1] == 0.5  # of each two look-alikes one cannot be found, and the other is


def test_a_record_can_be_stored_and_printed(tmp_path: Path) -> None:
    gallery = pairs(tmp_path, count=20)
    two = [known(gallery, np.eye(40), np.eye(40), name=name) for name in ("one", "other")]
    found = pools(two, size=10)
    stored = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert stored["rows"][0]["hard"] == {"1": 1.0, "5": 1.0, "10": 1.0}
    assert stored["rows"][0]["lift_hard"]["10"] is None
    means, collections = found.tables()
    assert [row[:2] for row in means.rows] == [
        (model, k) for model in ("one", "other") for k in ("1", "5", "10")
    ]
    assert [row[3] for row in collections.rows] == ["one", "other"]
