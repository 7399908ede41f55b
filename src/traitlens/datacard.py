"""The data card: what is in a data set, for people, as a README and a contact sheet."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from PIL import Image

from traitlens import files
from traitlens.records import SPLITS, Token
from traitlens.sheets import contact_sheet
from traitlens.standardization import Rejection, decode, png_bytes
from traitlens.store import CollectionEntry, Dataset

SHEET = "contact_sheet.png"

_ROWS = 24  # collections on the sheet
_COLUMNS = 8  # pictures of each

_HEADER = """\
---
configs:
- config_name: default
  data_files: tokens/*.parquet
---
# Data card

One row a token, Parquet. Open it with
`datasets.load_dataset("parquet", data_files="tokens/*.parquet")` or
`duckdb.sql("SELECT * FROM 'tokens/*.parquet'")`. Rows with `status = 'rejected'` have no picture
and a `reason`.

![pictures of each collection](contact_sheet.png)

"""


def write(data: Dataset) -> None:
    """Write README.md and the contact sheet into the folder of a data set."""
    captions: dict[str, Counter[str]] = {name: Counter() for name in data.collections}
    values: dict[str, set[str]] = {name: set() for name in data.collections}
    for token in data.tokens(images=False):
        captions[token.collection][token.caption] += 1
        values[token.collection].update(map(str, token.traits))
    rows = [
        _row(entry, captions[entry.name], len(values[entry.name]))
        for entry in data.manifest.collections
    ]
    text = _HEADER + _table(rows) + _rejections(data) + _sources(data)
    files.write_text(data.path / "README.md", text)
    files.write_bytes(data.path / SHEET, png_bytes(_sheet(data)))


def _row(entry: CollectionEntry, captions: Counter[str], values: int) -> list[str]:
    counts = [entry.read, entry.kept, *(entry.splits[split] for split in SPLITS)]
    repeated = sum(count for count in captions.values() if count > 1)
    return [entry.name, *map(str, counts), str(values), str(repeated), entry.info.licence or ""]


def _table(rows: list[list[str]]) -> str:
    head = ["collection", "read", "kept", *SPLITS, "trait values", "captions shared", "licence"]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines) + "\n"


def _rejections(data: Dataset) -> str:
    lines = [
        f"- {_cell(entry.name)}: {count} x {reason}\n"
        for entry in data.manifest.collections
        for reason, count in entry.rejected.items()
    ]
    return "## Rejected\n\n" + ("".join(lines) or "Nothing.\n") + "\n"


def _sources(data: Dataset) -> str:
    lines = [
        f"- {_cell(entry.name)}: {_cell(entry.info.source)}\n"
        for entry in data.manifest.collections
        if entry.info.source
    ]
    return "## Sources\n\n" + ("".join(lines) or "Not named by the collections.\n")


def _cell(text: str | None) -> str:
    """Return text that cannot break out of its place in a Markdown table."""
    return (text or "").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _sheet(data: Dataset) -> Image.Image:
    """Return a picture with one row a collection."""
    pictures: list[Image.Image | None] = []
    labels: list[str] = []
    for name in data.collections[:_ROWS]:
        tokens: list[Token | None] = list(islice(data.tokens(collections=[name]), _COLUMNS))
        for token in tokens + [None] * (_COLUMNS - len(tokens)):
            picture = decode(token.image or b"") if token else None
            pictures.append(None if isinstance(picture, Rejection) else picture)
            labels.append(f"{name} {token.token_id}" if token else "")
    return contact_sheet(pictures, labels, columns=_COLUMNS, cell_px=128)
