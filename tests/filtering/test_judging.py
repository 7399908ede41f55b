"""Every rule has a collection that it must catch and one that it must not."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.helpers import draw, drawn_token
from traitlens.digest import Digest
from traitlens.errors import ConfigError
from traitlens.filtering import RULES, UNREVEALED, FilterConfig, Finding, Judgement, judge
from traitlens.filtering.judging import FEWEST_TO_JUDGE, NO_METADATA
from traitlens.filtering.pictures import ALIKE_BITS
from traitlens.records import CollectionInfo, Token, Trait, token_uid
from traitlens.sources import open_sources, read_traits
from traitlens.sources.folder import BROKEN_JSON
from traitlens.sources.folder import NO_METADATA as NO_METADATA_FILE
from traitlens.sources.traits import NO_ATTRIBUTES, NOT_AN_OBJECT
from traitlens.standardization import decode, perceptual_hash
from traitlens.standardization.hashing import pixels_sha256

INFO = CollectionInfo(name="drawn")

SHARED = Path(os.environ.get("TRAITLENS_SHARED", Path(__file__).parents[3] / "shared"))
# The real collections that come nearest to a limit, by their pictures or their size
NEAREST = ("cryptopunks", "lilnouns", "mfers", "non-fungi-bles", "citizens-galaxy", "covidpunks")
ZIPS = [path for path in sorted(SHARED.glob("pfp/*.zip")) if path.stem in NEAREST]


def token(number: int, picture: Image.Image | None = None, **traits: str) -> Token:
    """Return a token with a picture of its own, unless one is given."""
    plain = drawn_token("drawn", number)
    picture = picture or numbered(number)
    return replace(
        plain,
        traits=tuple(Trait(name.replace("_", " "), value) for name, value in traits.items()),
        sha256=None,
        pixels_sha256=pixels_sha256(picture),
        perceptual_hash=perceptual_hash(picture),
    )


def numbered(number: int) -> Image.Image:
    """Return one of any number of pictures that have nothing in common."""
    rng = np.random.default_rng(number)
    return Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).resize((32, 32))


def rejected(number: int, reason: str) -> Token:
    return replace(token(number), status="rejected", reason=reason, traits=(), image=None)


def judged(tokens: Iterable[Token], **options: float | tuple[str, ...]) -> Judgement:
    return judge(INFO, Digest.of(tokens), FilterConfig(**options))  # type: ignore[arg-type]


def finding(judgement: Judgement, rule: str) -> Finding:
    (found,) = (found for found in judgement.findings if found.rule == rule)
    return found


HATS = ("Cap", "Beanie", "Crown", "None")


def distinct(count: int) -> list[Token]:
    """Return tokens in which nothing is wrong."""
    return [token(i, Hat=HATS[i % 4], Eyes=f"{i % 3} eyes") for i in range(count)]


def test_a_sound_collection_falls_to_no_rule() -> None:
    judgement = judged(distinct(20))
    assert judgement.collection_reason is None
    assert judgement.row_reasons == {}
    assert [found.rule for found in judgement.findings] == list(RULES)


def test_findings_are_measured_values_for_a_report() -> None:
    judgement = judge(INFO, Digest.of(distinct(20)), FilterConfig.paper())
    value = json.loads(json.dumps([asdict(found) for found in judgement.findings]))
    assert value[-1] == {
        "rule": "few_tokens",
        "value": 20,
        "limit": 500,
        "fell": True,
        "rows": 0,
        "note": "",
    }


# One picture


def test_a_cover_image_fells_a_collection() -> None:
    cover = numbered(1000)
    tokens = [token(i, cover if i else None, Hat=HATS[i % 4]) for i in range(20)]
    judgement = judged(tokens)
    assert judgement.collection_reason == "collection: one picture for all"
    assert finding(judgement, "one_picture").value == 0.95


def test_a_picture_that_most_tokens_but_not_nearly_all_share_is_no_cover() -> None:
    cover = numbered(1000)
    tokens = [token(i, cover if i < 16 else None, Hat=HATS[i % 4]) for i in range(20)]
    assert judged(tokens).collection_reason is None
    assert judged(tokens, max_one_picture=0.75).collection_reason is not None


# Duplicates


def editions(count: int) -> list[Token]:
    """Return five pictures, which all occur several times."""
    return [token(i, numbered(i % 5), Hat=HATS[i % 4]) for i in range(count)]


def test_media_that_are_all_duplicates_fell_a_collection_of_the_paper() -> None:
    judgement = judge(INFO, Digest.of(editions(20)), replace(FilterConfig.paper(), min_tokens=0))
    assert judgement.collection_reason == "collection: only duplicate pictures"
    assert finding(judgement, "duplicates").value == 1.0


def test_some_duplicates_fell_no_collection_of_the_paper() -> None:
    tokens = [*editions(10), *(token(i, Hat=HATS[i % 4]) for i in range(10, 20))]
    judgement = judge(INFO, Digest.of(tokens), replace(FilterConfig.paper(), min_tokens=0))
    assert judgement.collection_reason is None
    assert finding(judgement, "duplicates").value == 0.5


def test_editions_of_several_pictures_are_kept_by_default() -> None:
    assert judged(editions(20)).collection_reason is None


# Look-alikes


def card(text: str) -> Image.Image:
    """Return the cover of a collection, with a text of its own on it."""
    picture = Image.linear_gradient("L").resize((256, 256)).convert("RGB")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((30, 30, 90, 90), fill=(90, 120, 250))
    pen.text((20, 200), text, fill="white", font=ImageFont.load_default(40))
    return picture


def test_one_card_with_another_number_on_each_falls_as_look_alikes() -> None:
    judgement = judged(token(i, card(f"#{i}"), Hat=HATS[i % 4]) for i in range(60))
    assert judgement.collection_reason == "collection: look-alike pictures"
    assert finding(judgement, "one_picture").value < 0.1


def test_pixel_art_that_differs_in_hat_and_body_is_not_look_alike() -> None:
    colours = ("red", "green", "blue", "yellow", "black", "white")
    parts = [{"background": b, "body": c, "hat": d} for b in colours for c in colours for d in "r"]
    pictures = [draw({**p, "hat": colours[i % 6]}) for i, p in enumerate(parts)]
    tokens = [token(i, picture, Hat=HATS[i % 4]) for i, picture in enumerate(pictures)]
    assert finding(judged(tokens), "look_alikes").value < 0.5


def test_plain_colours_are_not_look_alikes_though_their_hashes_are_equal() -> None:
    pictures = [Image.new("RGB", (24, 24), (10 * i, 0, 0)) for i in range(20)]
    judgement = judged(token(i, picture, Colour=f"red {i}") for i, picture in enumerate(pictures))
    assert finding(judgement, "look_alikes").value == 0.0


def test_hashes_are_alike_up_to_the_stated_number_of_bits() -> None:
    def tokens(bits: int) -> list[Token]:
        hashes = [0xFF00FF00FF00FF00 ^ (2**bits - 1 if i % 3 == 0 else 0) for i in range(30)]
        return [
            replace(token(i, Hat=HATS[i % 4]), perceptual_hash=f"{h:016x}")
            for i, h in enumerate(hashes)
        ]

    assert finding(judged(tokens(ALIKE_BITS)), "look_alikes").value == 1.0
    assert finding(judged(tokens(ALIKE_BITS + 1)), "look_alikes").value == pytest.approx(
        2 / 3, 1e-3
    )


# Metadata


def test_a_collection_of_which_most_tokens_have_no_json_falls_with_the_paper() -> None:
    reasons = sorted(NO_METADATA)
    why = [*reasons[:-1], f"{reasons[-1]}: not found"]  # as a collected folder says it
    tokens = [*distinct(20), *(rejected(100 + i, why[i % 4]) for i in range(30))]
    paper = replace(FilterConfig.paper(), min_tokens=0)
    judgement = judge(INFO, Digest.of(tokens), paper)
    assert judgement.collection_reason == "collection: most tokens without metadata"
    assert finding(judgement, "metadata").value == 0.6
    assert judged(tokens).collection_reason is None


def test_broken_pictures_are_not_counted_as_missing_metadata() -> None:
    tokens = [*distinct(20), *(rejected(100 + i, "broken picture") for i in range(30))]
    paper = replace(FilterConfig.paper(), min_tokens=0)
    judgement = judge(INFO, Digest.of(tokens), paper)
    assert judgement.collection_reason is None
    assert finding(judgement, "metadata").value == 0.0


def test_the_reasons_that_mean_no_metadata_are_those_that_the_sources_give() -> None:
    assert {NO_METADATA_FILE, BROKEN_JSON, NOT_AN_OBJECT, NO_ATTRIBUTES} == NO_METADATA


# Meaning


@pytest.mark.parametrize(
    ("why", "tokens"),
    [
        ("Edition: numbers", [token(i, Edition=f"{i} of 20") for i in range(20)]),
        ("token id: numbers", [token(i, token_id=f"#{i}") for i in range(20)]),
        ("Name: names", [token(i, Name=f"The {HATS[i % 4]} {i}") for i in range(20)]),
        ("Artist: one value", [token(i, Artist="Ada") for i in range(20)]),
        ("DNA: numbers", [token(i, DNA=f"Qm{i:x}{'AbCdEfGh'[i % 8]}") for i in range(20)]),
        ("Born: serial values", [token(i, Born=str(1634774400 + i)) for i in range(20)]),
        ("Proof: serial values", [token(i, Proof=f"{i:02}9fe4a2b7c1") for i in range(20)]),
        ("Status: one value", [token(i, Status="Original") for i in range(20)]),
    ],
)
def test_traits_that_say_nothing_fell_a_collection(why: str, tokens: list[Token]) -> None:
    judgement = judged(tokens)
    assert judgement.collection_reason == "collection: traits without meaning"
    assert finding(judgement, "meaning").note == why
    assert finding(judgement, "meaning").value == 0.0


def test_one_type_with_a_few_values_has_meaning() -> None:
    tokens = [
        token(i, Type=("Alien", "Ape")[i % 2], Artist="Ada", Edition=str(i)) for i in range(20)
    ]
    judgement = judged(tokens)
    assert judgement.collection_reason is None
    assert finding(judgement, "meaning").value == 1.0  # bit: the two values are equally frequent
    assert finding(judgement, "meaning").note == "Artist: one value, Edition: numbers"


def test_a_trait_that_only_some_tokens_have_has_meaning_though_it_has_one_value() -> None:
    tokens = [
        token(i, None, **({"Hat": "Yes"} if i % 4 == 0 else {"Artist": "Ada"})) for i in range(20)
    ]
    assert finding(judged(tokens), "meaning").value == pytest.approx(0.8113, abs=1e-4)


def test_numbers_that_repeat_have_meaning() -> None:
    assert finding(judged(token(i, Level=str(i % 4)) for i in range(20)), "meaning").value == 2.0


def test_an_edition_of_words_has_meaning() -> None:
    tokens = [token(i, Edition=("Gold", "Silver")[i % 2]) for i in range(20)]
    assert finding(judged(tokens), "meaning").value == 1.0


def test_words_that_each_token_has_alone_have_meaning() -> None:
    words = [
        "owl",
        "ape",
        "cat",
        "dog",
        "fox",
        "bee",
        "ant",
        "cow",
        "hen",
        "pig",
        "rat",
        "elk",
        "eel",
        "yak",
        "bat",
        "emu",
        "gnu",
        "jay",
        "koi",
        "asp",
    ]
    judgement = judged(token(i, Animal=word) for i, word in enumerate(words))
    assert finding(judgement, "meaning").value == pytest.approx(np.log2(20), abs=1e-4)


def test_one_odd_token_among_hundreds_gives_no_meaning() -> None:
    tokens = [token(i, Kind="Human" if i else "Alien") for i in range(300)]
    assert judged(tokens).collection_reason == "collection: traits without meaning"


def test_the_order_and_repetition_of_traits_do_not_count() -> None:
    traits = (Trait("Hat", "Cap"), Trait("Eyes", "Red"))
    orders = [traits, traits[::-1], (*traits, traits[0])]
    tokens = [replace(token(i), traits=orders[i % 3]) for i in range(20)]
    assert finding(judged(tokens), "meaning").value == 0.0


# Unrevealed


def unrevealed_tokens(numbers: Iterable[int], **traits: str) -> list[Token]:
    return [token(i, numbered(1000), **(traits or {"Status": "Unrevealed"})) for i in numbers]


@pytest.mark.parametrize(
    "traits",
    [
        {"Status": "Unrevealed"},
        {"Status": "Not yet revealed!"},
        {"Revealed": "No"},
        {"Hat": "???", "Eyes": "TBA"},
        {"Status": "Coming Soon", "Edition": "7"},
    ],
)
def test_unrevealed_tokens_fall_and_the_rest_stays(traits: dict[str, str]) -> None:
    judgement = judged([*distinct(20), *unrevealed_tokens(range(20, 25), **traits)])
    assert judgement.collection_reason is None
    assert judgement.row_reasons == dict.fromkeys(range(20, 25), UNREVEALED)
    assert finding(judgement, "unrevealed").rows == 5
    assert finding(judgement, "unrevealed").value == 0.2


def test_an_unrevealed_collection_falls_as_a_whole() -> None:
    judgement = judged(unrevealed_tokens(range(20)))
    assert judgement.collection_reason == "collection: unrevealed"
    assert judgement.row_reasons == {}


def test_a_picture_of_its_own_is_never_unrevealed() -> None:
    tokens = [*distinct(20), *(token(i, Eyes="Hidden") for i in range(20, 25))]
    assert judged(tokens).row_reasons == {}


def test_a_shared_picture_with_other_traits_is_never_unrevealed() -> None:
    tokens = [*distinct(20), *unrevealed_tokens(range(20, 25), Eyes="Hidden", Hat="Cap")]
    assert judged(tokens).row_reasons == {}


def test_cards_that_differ_in_their_number_are_unrevealed_too() -> None:
    tokens = [
        *distinct(20),
        *(token(i, card(f"#{i % 2}1"), Status="Hidden") for i in range(20, 60)),
    ]
    assert len(judged(tokens).row_reasons) == 40


def test_a_rejected_token_is_not_judged_again() -> None:
    waiting = [
        replace(each, status="rejected", reason="broken picture")
        for each in unrevealed_tokens(range(20, 25))
    ]
    judgement = judged([*distinct(20), *waiting])
    assert judgement.row_reasons == {}


# Few tokens


def test_a_small_collection_falls_only_when_asked_for() -> None:
    assert judged(distinct(20)).collection_reason is None
    small = judged(distinct(20), min_tokens=21)
    assert small.collection_reason == "collection: too few tokens"
    assert judged(distinct(20), min_tokens=20).collection_reason is None


def test_unrevealed_tokens_do_not_count_as_tokens() -> None:
    tokens = [*distinct(15), *unrevealed_tokens(range(15, 20))]
    assert judged(tokens, min_tokens=20).collection_reason == "collection: too few tokens"


def test_a_handful_of_tokens_is_too_few_to_judge() -> None:
    cover = numbered(1000)
    tokens = [token(i, cover, Artist="Ada") for i in range(FEWEST_TO_JUDGE - 1)]
    assert judged(tokens).collection_reason is None
    assert finding(judged(tokens), "one_picture").value == 1.0


@pytest.mark.parametrize("tokens", [[], [rejected(0, "no metadata")]])
def test_a_collection_without_kept_tokens_falls_to_nothing(tokens: list[Token]) -> None:
    assert judge(INFO, Digest.of(tokens), FilterConfig.paper()).collection_reason is None


# Switches


def test_a_rule_that_is_off_is_measured_but_fells_nothing() -> None:
    cover = numbered(1000)
    tokens = [token(i, cover, Hat=HATS[i % 4]) for i in range(20)]
    judgement = judged(tokens, off=("one_picture", "look_alikes"))
    assert judgement.collection_reason is None
    assert finding(judgement, "one_picture").value == 1.0


def test_unrevealed_tokens_stay_when_that_rule_is_off() -> None:
    judgement = judged([*distinct(20), *unrevealed_tokens(range(20, 25))], off=("unrevealed",))
    assert judgement.row_reasons == {}
    assert finding(judgement, "unrevealed").value == 0.2


def test_the_first_broken_rule_is_the_reason_and_all_are_findings() -> None:
    cover = numbered(1000)
    judgement = judged((token(i, cover, Artist="Ada") for i in range(20)), min_tokens=500)
    assert judgement.collection_reason == "collection: one picture for all"
    fallen = [found.rule for found in judgement.findings if found.fell]
    assert fallen == ["one_picture", "look_alikes", "meaning", "few_tokens"]


@pytest.mark.parametrize(
    "options",
    [{"min_tokens": -1}, {"max_one_picture": 1.1}, {"min_trait_bits": -1}, {"off": ("small",)}],
)
def test_a_limit_out_of_its_range_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="filters"):
        FilterConfig(**options)  # type: ignore[arg-type]


@pytest.mark.skipif(not ZIPS, reason=f"no collections in {SHARED}/pfp")
def test_no_real_collection_falls_but_the_small_ones_with_the_paper() -> None:
    fallen = []
    for collection in open_sources(ZIPS):
        step = max(1, len(collection.found) // 12)
        tokens = []
        for number, found in enumerate(collection.found[::step]):
            raw = collection.read(found)
            traits, picture = read_traits(raw.metadata), decode(raw.media or b"")
            assert isinstance(traits, tuple)
            assert isinstance(picture, Image.Image)
            uid = token_uid(collection.info, raw.token_id)
            tokens.append(replace(token(number, picture), token_uid=uid, traits=traits))
        paper = replace(FilterConfig.paper(), min_tokens=500 // step)
        judgement = judge(collection.info, Digest.of(tokens), paper)
        default = judge(collection.info, Digest.of(tokens))
        assert (default.collection_reason, default.row_reasons) == (None, {}), collection.info.name
        if judgement.collection_reason:
            assert len(collection.found) < 500, (collection.info.name, judgement)
            fallen.append(judgement.collection_reason)
    assert set(fallen) == {"collection: too few tokens"}
