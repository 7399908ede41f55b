"""The page of a data set."""

import dataclasses
import re
from pathlib import Path

from tests.description.datasets import EVIL, dataset, evil_dataset, rejected, token
from tests.helpers import Tags, drawn_dataset
from traitlens import files
from traitlens.description import Publication, describe
from traitlens.description.findings import read_findings
from traitlens.description.page import description_page
from traitlens.description.surveying import galleries
from traitlens.store import Dataset


def page_of(data: Dataset, *, title: str | None = None) -> str:
    found = describe(data)
    return description_page(
        found,
        galleries(data, data.collections),
        findings=read_findings(data.path),
        publication=Publication(title=title),
    )


def test_a_page_says_and_shows_what_is_in_a_data_set(tmp_path: Path) -> None:
    rows = [token(n, "Hat=Cap") for n in range(3)] + [token(3, "Hat=Crown"), rejected(4, "broken")]
    data = dataset(tmp_path, apes=rows, owls=[token(0, "Body=Red", collection="owls")])
    files.write_json(tmp_path / "leaks.json", {"equal_pixels": {"total": 3}})
    page = Tags(page_of(data, title="Apes and owls"))
    text = " ".join(page.text.split())
    for said in ("Apes and owls", "Of 6 tokens read, 5 were kept.", "broken", "Hat: Crown (1)"):
        assert said in text
    for said in ("3 (2.0)", "mean of 4", "equal pixels", "24 x 24 px", "not stated"):
        assert said in text
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == (4 + 1) + (1 + 1), "the pictures and the mean of each"
    assert [tag for tag, _ in page.tags].count("svg") == 2 + 2


def test_a_page_needs_nothing_else(tmp_path: Path) -> None:
    page = page_of(drawn_dataset(tmp_path, {"robots": 20, "owls": 20}))
    assert not re.search(r"https?:|url\(|@import|<script|<link", page)
    sources = [str(attrs["src"])[:15] for tag, attrs in Tags(page).tags if tag == "img"]
    assert set(sources) == {"data:image/png;"}
    assert len(page) < 100_000


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    evil = page_of(evil_dataset(tmp_path / "evil"), title=EVIL)
    calm = page_of(drawn_dataset(tmp_path / "calm", {"robots": 4}))
    page, usual = Tags(evil), Tags(calm)
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in usual.tags}
    assert {name for _, attrs in page.tags for name in attrs} <= {
        name for _, attrs in usual.tags for name in attrs
    }
    assert page.text.count("<script>alert(1)</script>") >= 8
    assert "\x1b" not in evil
    assert "\u202e" not in evil


def test_collections_without_a_gallery_stand_in_the_table(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 3, "owls": 3})
    page = description_page(
        describe(data), galleries(data, ["owls"]), findings=read_findings(tmp_path)
    )
    assert page.count("<article") == 1
    assert "Collections (the first 1 of 2)" in page
    assert "<td><bdi>robots</bdi></td>" in page


def test_a_collection_without_kept_tokens_is_drawn(tmp_path: Path) -> None:
    page = page_of(dataset(tmp_path, robots=[rejected(0, "broken")]))
    assert "mean of 0" in page
    assert "<img" not in page


def test_wide_histograms_are_drawn_in_at_most_40_bins(tmp_path: Path) -> None:
    rows = [token(n, "a=b", caption="word " * (n * n)) for n in range(1, 30)]
    page = page_of(dataset(tmp_path, robots=rows))
    drawn = page.split("captions by number of words")[1].split("</svg>")[0]
    bins = [int(x) // 10 for x in re.findall(r'<rect x="(\d+)"', drawn)]
    assert max(bins) < 40
    counted = [int(n) for n in re.findall(r": (\d+)</title>", drawn)]
    assert sum(counted) == 29


def test_large_pictures_become_thumbnails(tmp_path: Path) -> None:
    from PIL import Image

    from tests.helpers import png

    noise = png(Image.effect_noise((512, 512), 60).convert("RGB"))
    large = dataclasses.replace(token(0, "a=b"), image=noise, width=512, height=512)
    page = page_of(dataset(tmp_path, robots=[large]))
    assert "data:image/webp" in page
    assert len(page) < 60_000
