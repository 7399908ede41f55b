"""The sheets of a data set: some pictures of each collection, and each collection's mean image.

contact_sheet.png, contact_sheet-2.png, ...   24 collections a page
mean_images.png, mean_images-2.png, ...       100 collections a page, as the paper's Figure 2
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from traitlens import files
from traitlens.description.pictures import EXAMPLES, MEAN_PX, Gallery
from traitlens.description.texts import count
from traitlens.plain_text import one_line
from traitlens.sheets import contact_sheet
from traitlens.standardization import png_bytes

CONTACT_SHEET = "contact_sheet.png"
MEAN_IMAGES = "mean_images.png"

_COLLECTIONS_PER_SHEET = 24
_MEANS_PER_SHEET = 100
_MEANS_PER_ROW = 10

Cell = tuple[str, Image.Image | None]


class PictureSheets:
    """Writes the sheets page by page, so that only the pictures of one page are in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._examples: list[Cell] = []
        self._means: list[Cell] = []
        self.written: list[str] = []

    def add(self, name: str, tokens: int, shown: Gallery) -> None:
        """Add a collection of `tokens` kept tokens."""
        label = one_line(name, max_chars=60)
        cells: list[Cell] = [(f"{label}\n{token_id}", image) for token_id, image in shown.examples]
        self._examples += cells + [("", None)] * (EXAMPLES - len(cells))
        self._means.append((f"{label}\n{count(tokens)} tokens", shown.mean))
        if len(self._examples) == EXAMPLES * _COLLECTIONS_PER_SHEET:
            self._write_examples()
        if len(self._means) == _MEANS_PER_SHEET:
            self._write_means()

    def close(self) -> None:
        """Write the last pages, and remove those of an earlier and larger data set."""
        if self._examples or CONTACT_SHEET not in self.written:
            self._write_examples()
        if self._means or MEAN_IMAGES not in self.written:
            self._write_means()
        for first in (CONTACT_SHEET, MEAN_IMAGES):
            for page in self._folder.glob(f"{Path(first).stem}-[0-9]*.png"):
                if page.name not in self.written:
                    page.unlink()

    def _write_examples(self) -> None:
        self._write(CONTACT_SHEET, self._examples, columns=EXAMPLES)
        self._examples = []

    def _write_means(self) -> None:
        self._write(MEAN_IMAGES, self._means, columns=_MEANS_PER_ROW)
        self._means = []

    def _write(self, first: str, cells: list[Cell], *, columns: int) -> None:
        labels, pictures = [label for label, _ in cells], [picture for _, picture in cells]
        sheet = contact_sheet(pictures, labels, columns=columns, cell_px=MEAN_PX)
        name = next(name for name in page_names(first) if name not in self.written)
        files.write_bytes(self._folder / name, png_bytes(sheet))
        self.written.append(name)


def page_names(first: str) -> Iterator[str]:
    """Yield the names of the pages of a sheet: "a.png", "a-2.png", "a-3.png"."""
    yield first
    number = 2
    while True:
        yield f"{Path(first).stem}-{number}{Path(first).suffix}"
        number += 1
