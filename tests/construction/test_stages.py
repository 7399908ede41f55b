"""What each stage of a build puts into the data set."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.construction.sources import COLOURS, bytes_of, write_collection
from tests.helpers import draw, png
from tests.standardization.samples import sample_media
from traitlens.construction import PRESETS, BuildConfig, build, read_families
from traitlens.errors import ConfigError
from traitlens.filtering import BLOCKED_FILE, BlockList, FilterConfig
from traitlens.split import SplitConfig
from traitlens.standardization import FrameConfig, SizeConfig, StandardizeConfig, decode
from traitlens.store import CollectionEntry, Dataset

BY_COLLECTION = SplitConfig(rule="by_collection", shares=(50, 20, 30))


def write_token(folder: Path, token_id: str, media: bytes, **traits: str) -> None:
    attributes = [{"trait_type": kind, "value": value} for kind, value in traits.items()]
    for name, data in (
        (f"images/{token_id}", media),
        (f"metadata/{token_id}.json", json.dumps({"attributes": attributes}).encode()),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def test_media_of_every_kind_become_png_rows_and_a_poisonous_one_costs_its_row(
    tmp_path: Path,
) -> None:
    samples = sample_media()
    for number, (kind, media) in enumerate(samples.items()):
        write_token(tmp_path / "zoo", str(number), media, Kind=kind)
    write_token(tmp_path / "zoo", "9999", b"\x89PNG\r\n\x1a\n" + b"\xff" * 500, Kind="poison")
    data = build([tmp_path / "zoo"], tmp_path / "data", workers=1)
    entry = data.entry("zoo")
    assert (entry.read, entry.kept) == (len(samples) + 1, len(samples))
    assert sum(entry.rejected.values()) == 1
    tokens = list(data.tokens())
    assert all(token.image and token.image.startswith(b"\x89PNG") for token in tokens)
    assert all(token.perceptual_hash and token.pixels_sha256 for token in tokens)
    assert len({token.media_type for token in tokens}) >= 8
    assert max(token.frame_count for token in tokens) > 1


def test_more_frames_of_an_animation_are_kept_when_asked_for(tmp_path: Path) -> None:
    animated = {k: m for k, m in sample_media().items() if k.startswith("gif/anim")}
    assert animated
    for number, media in enumerate(animated.values()):
        write_token(tmp_path / "gifs", str(number), media, Kind="gif")
    frames = FrameConfig(choice="first", count=2)
    config = BuildConfig(standardize=StandardizeConfig(frames=frames))
    token = next(build([tmp_path / "gifs"], tmp_path / "data", config=config, workers=1).tokens())
    assert (token.frame, len(token.more_images)) == (0, 1)
    assert token.more_images[0] != token.image


def test_the_papers_preset_makes_pictures_512_wide_and_drops_small_collections(
    tmp_path: Path,
) -> None:
    sources = [write_collection(tmp_path / name, n) for name, n in (("apes", 12), ("owls", 20))]
    paper = PRESETS["paper"]
    assert paper.filters.min_tokens == 500
    config = replace(paper, filters=replace(paper.filters, min_tokens=15))
    data = build(sources, tmp_path / "data", config=config, workers=1)
    assert {token.width for token in data.tokens()} == {512}
    assert (data.entry("apes").kept, data.entry("owls").kept) == (0, 20)
    assert data.entry("apes").rejected == {"collection: too few tokens": 12}


def test_a_collection_that_shows_one_picture_falls_and_the_report_says_so(tmp_path: Path) -> None:
    for number in range(20):
        picture = png(draw({"background": "red"}))
        write_token(tmp_path / "cover", str(number), picture, Hat=COLOURS[number % 6])
    data = build(
        [write_collection(tmp_path / "apes", 20), tmp_path / "cover"], tmp_path / "data", workers=1
    )
    assert data.entry("cover").rejected == {"collection: one picture for all": 20}
    assert data.entry("apes").kept == 20
    findings = json.loads((data.path / "filters.json").read_text())
    assert [
        (f["collection"], f["value"]) for f in findings if f["rule"] == "one_picture" and f["fell"]
    ] == [("cover", 1.0)]
    rows = [t for t in data.tokens(rejected=True) if t.collection == "cover"]
    assert all(row.image is None and row.split is None for row in rows)
    kept = BuildConfig(filters=FilterConfig(off=("one_picture", "duplicates", "look_alikes")))
    again = build([tmp_path / "cover"], tmp_path / "kept", config=kept, workers=1)
    assert again.entry("cover").kept == 20


def test_captions_begin_with_what_is_rare_and_their_spans_are_recorded(tmp_path: Path) -> None:
    for number in range(12):
        hat = "crown" if number == 3 else "cap"
        picture = png(draw({"background": "red"}).resize((24 + number, 24)))
        write_token(tmp_path / "apes", str(number), picture, Fur="blue", Hat=hat, Pin=f"p{number}")
    tokens = list(build([tmp_path / "apes"], tmp_path / "data", workers=1).tokens())
    crowned = next(token for token in tokens if token.token_id == "3")
    assert crowned.caption.index("crown") < crowned.caption.index("blue")
    said = [crowned.caption[start:end] for start, end in crowned.caption_spans]
    assert said[:2] == ["blue fur", "crown hat"]


def test_a_family_is_on_one_side_and_the_user_has_the_last_word(tmp_path: Path) -> None:
    # Three collections put one sprite on grounds of their own, three have their own sprites.
    sources = [
        write_sprites(tmp_path / f"c{number}", seed=min(number, 3), ground=20 * number)
        for number in (3, 4, 5, 0, 1, 2)
    ]
    config = BuildConfig(split=BY_COLLECTION)
    data = build(sources, tmp_path / "found", config=config, workers=1)
    families = {entry.name: entry.family for entry in data.manifest.collections}
    assert families == {"c0": "c0", "c1": "c1", "c2": "c2", "c3": "c3", "c4": "c3", "c5": "c3"}
    assert sides(data.manifest.collections) == {"train": 3, "validation": 1, "test": 2}
    assert len({side_of(data, name) for name in ("c3", "c4", "c5")}) == 1
    parted = build(sources, tmp_path / "given", config=config, families={"c4": "alone"}, workers=1)
    assert parted.entry("c4").family == "c4"
    assert parted.entry("c5").family == "c3"


def write_sprites(folder: Path, *, seed: int, ground: int) -> Path:
    """Write 12 tokens that show one sprite of 16 x 16 px in different places."""
    rng = np.random.default_rng(seed)
    sprite_HWC = rng.integers(0, 4, (16, 16, 1), np.uint8) * np.array([60, 70, 80], np.uint8)
    for number in range(12):
        picture_HWC = np.full((32, 32, 3), ground, np.uint8)
        picture_HWC[number : number + 16, 8:24] = sprite_HWC
        write_token(folder, str(number), png(Image.fromarray(picture_HWC)), Hat=COLOURS[number % 6])
    return folder


def side_of(data: Dataset, name: str) -> str:
    return next(split for split, count in data.entry(name).splits.items() if count)


def sides(entries: Iterable[CollectionEntry]) -> dict[str, int]:
    return dict(Counter(side for entry in entries for side, n in entry.splits.items() if n))


def test_wrong_families_are_one_sentence(tmp_path: Path) -> None:
    source = write_collection(tmp_path / "apes", 4)
    with pytest.raises(
        ConfigError, match="a collection in families must be one of apes; got 'owl'"
    ):
        build([source], tmp_path / "data", families={"owl": "birds"}, workers=1)
    (tmp_path / "families.json").write_text("[1]")
    with pytest.raises(ConfigError, match="must be JSON of the shape"):
        read_families(tmp_path / "families.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_families(tmp_path / "nowhere.json")


def test_what_is_blocked_is_a_row_without_content(tmp_path: Path) -> None:
    source = write_collection(tmp_path / "apes", 6)
    whole = list(build([source], tmp_path / "whole", workers=1).tokens())
    blocked = BlockList.of(
        [whole[1].token_uid, f"sha256:{whole[2].sha256}", whole[3].pixels_sha256 or ""]
    )
    data = build([source], tmp_path / "data", blocked=blocked, workers=1)
    assert data.entry("apes").rejected == {"blocked: content hash": 2, "blocked: token": 1}
    rows = [row for row in data.tokens(rejected=True) if row.status == "rejected"]
    assert [row.token_id for row in rows] == ["1", "2", "3"]
    assert all(row.traits == () and row.image is None and row.metadata is None for row in rows)


def test_what_was_taken_down_stays_out_of_the_next_build_there(tmp_path: Path) -> None:
    source, out = write_collection(tmp_path / "apes", 6), tmp_path / "data"
    first = next(build([source], out, workers=1).tokens())
    (out / BLOCKED_FILE).write_text(f"{first.token_uid}\n")
    config = BuildConfig(standardize=StandardizeConfig(size=SizeConfig(mode="whole")))
    data = build([source], out, config=config, workers=1, replace=True)
    assert first.token_uid not in {token.token_uid for token in data.tokens()}
    assert BlockList.read(out / BLOCKED_FILE).token_uids == {first.token_uid}
    picture = decode(next(data.tokens()).image or b"")
    assert getattr(picture, "width", 0) == 24 * (512 // 24)


@pytest.mark.slow
def test_ray_writes_the_same_bytes(tmp_path: Path) -> None:
    sources = [write_collection(tmp_path / name, 6) for name in ("apes", "owls")]
    build(sources, tmp_path / "here", workers=1)
    build(sources, tmp_path / "ray", workers=2, on="ray")
    assert bytes_of(tmp_path / "here") == bytes_of(tmp_path / "ray")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"on": "moon"}, "on must be processes, ray or ray:HOST:PORT; got 'moon'"),
        ({"config": BuildConfig(split=SplitConfig(rule="official"))}, "'apes' are not among them"),
    ],
)
def test_what_cannot_work_is_refused_before_any_work(
    tmp_path: Path, more: dict[str, Any], message: str
) -> None:
    source = write_collection(tmp_path / "apes", 4)
    with pytest.raises(ConfigError, match=message):
        build([source], tmp_path / "data", **more)
    assert [path.name for path in tmp_path.iterdir()] == ["apes"]
