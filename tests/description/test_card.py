"""The data card, as a reader and as the hub see it."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.description.datasets import dataset, evil_dataset, rejected, token, with_infos
from tests.helpers import drawn_dataset
from traitlens import files
from traitlens.description import Publication, write
from traitlens.records import CollectionInfo
from traitlens.store import Dataset

yaml: Any = pytest.importorskip("yaml")


class Tags(HTMLParser):
    """Collects the tags of a page and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def card_of(data: Dataset, publication: Publication | None = None) -> tuple[Any, str]:
    """Return the header of the data card and its Markdown."""
    write(data, publication=publication)
    _, header, body = (data.path / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(header), body


def rendered(body: str) -> Tags:
    return Tags(MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(body))


def test_the_header_is_what_the_hub_wants(tmp_path: Path) -> None:
    header, _ = card_of(drawn_dataset(tmp_path, {"robots": 12, "owls": 8}))
    assert header["configs"] == [{"config_name": "default", "data_files": "tokens/*.parquet"}]
    assert header["size_categories"] == ["n<1K"]
    assert header["license"] == "unknown"
    assert header["pretty_name"] == "NFT tokens of 2 collections"
    assert "image-to-text" in header["task_categories"]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (("CC0-1.0", "CC0-1.0"), "cc0-1.0"),
        (("CC0-1.0", "MIT"), "other"),
        (("CC0-1.0", None), "other"),
        (("CC0-1.0 (art not verified)", "CC0-1.0 (art not verified)"), "other"),
        ((None, None), "unknown"),
    ],
)
def test_the_header_names_a_licence_only_when_all_state_just_that(
    stated: tuple[str | None, str | None], said: str, tmp_path: Path
) -> None:
    data = drawn_dataset(tmp_path, {"robots": 2, "owls": 2})
    infos = {
        name: CollectionInfo(name=name, licence=licence)
        for name, licence in zip(("robots", "owls"), stated, strict=True)
    }
    header, _ = card_of(with_infos(data, infos))
    assert header["license"] == said
    assert ("license_name" in header) == (said == "other")


def test_a_publisher_names_title_and_licence(tmp_path: Path) -> None:
    title = 'Robots: "all" of them\n---\nlicense: mit'
    publication = Publication(title=title, licence="CC0-1.0")
    header, body = card_of(drawn_dataset(tmp_path, {"robots": 2}), publication)
    assert header["license"] == "cc0-1.0"
    assert header["pretty_name"] == 'Robots: "all" of them --- license: mit'
    assert body.startswith("\n# Robots\\: ")


def test_the_card_shows_what_was_counted(tmp_path: Path) -> None:
    rows = [token(n, "Hat=Cap") for n in range(3)] + [token(3, "Hat=Crown"), rejected(4, "broken")]
    _, body = card_of(dataset(tmp_path, apes=rows))
    for line in (
        "| tokens kept | 4 |",
        "| tokens rejected | 1 |",
        "| traits that a single token has | 1 |",
        "| apes | 4 | 2 | 3 | 3 | 50% | 100% | 100% | 3 |",
        "| apes | 0.4 | 0.8 | 3 (2.0), 0 (0.4), 1 (0.4) | Hat\\: Crown (1), Hat\\: Cap (3) |",
        "| ape | 1 | 4 |",
        "| 24 x 24 | 4 |",
        "| image/png | 4 |",
        "| apes | broken | 1 |",
        "| not stated | 1 | 4 |",
    ):
        assert line in body


def test_the_pictures_of_the_card_lie_beside_it(tmp_path: Path) -> None:
    _, body = card_of(drawn_dataset(tmp_path, {f"c{n}": 1 for n in range(25)}, rejected=0))
    for name in ("contact_sheet.png", "contact_sheet-2.png", "mean_images.png"):
        assert f"({name})" in body
        assert (tmp_path / name).is_file()


def test_findings_of_other_stages_are_summed_up(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 2})
    _, body = card_of(data)
    assert "## Leaks" not in body
    assert "## Filters" not in body
    files.write_json(tmp_path / "leaks.json", {"equal_pixels": {"total": 3}})
    files.write_json(tmp_path / "filters.json", [])
    _, body = card_of(data)
    assert "| equal pixels | 3 |" in body
    assert "None fell." in body


def test_what_strangers_wrote_stays_text(tmp_path: Path) -> None:
    _, evil = card_of(evil_dataset(tmp_path / "evil"))
    _, calm = card_of(drawn_dataset(tmp_path / "calm", {"robots": 4}))
    page = rendered(evil)
    assert set(page.tags) <= set(rendered(calm).tags) | {"table", "tr", "td", "th"}
    assert "<!--" not in evil.replace("\\<\\!--", "")
    assert page.text.count("<script>alert(1)</script>") >= 8
    assert page.text.count("[x](http://evil.example)") >= 8
    assert "\x1b" not in evil
    assert "\u202e" not in evil


def test_long_tables_say_that_there_is_more(tmp_path: Path) -> None:
    many = {f"c{number}": 1 for number in range(103)}
    _, body = card_of(drawn_dataset(tmp_path, many, rejected=0))
    assert "And 3 more: `statistics.json` has all." in body
    assert "| c99 |" in body
    assert "| c100 |" not in body
