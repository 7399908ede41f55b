"""Sheets in pages."""

from pathlib import Path

from PIL import Image

from traitlens.description.picture_sheets import CONTACT_SHEET, MEAN_IMAGES, PictureSheets
from traitlens.description.pictures import Gallery

RED = Image.new("RGB", (16, 16), (255, 0, 0))


def gallery() -> Gallery:
    return Gallery(sampled=2, mean=RED, examples=(("1", RED), ("2", RED)), colours=())


def sheets(path: Path, collections: int) -> list[str]:
    made = PictureSheets(path)
    for number in range(collections):
        made.add(f"collection {number}", 7, gallery())
    made.close()
    return made.written


def red_pixels(path: Path) -> int:
    with Image.open(path) as image:
        colours = image.convert("RGB").getcolors(2**24) or []
    return sum(count for count, colour in colours if colour == (255, 0, 0))


def test_a_small_data_set_has_one_page_of_each(tmp_path: Path) -> None:
    assert sheets(tmp_path, 2) == [CONTACT_SHEET, MEAN_IMAGES]
    assert red_pixels(tmp_path / CONTACT_SHEET) == 2 * 2 * 128 * 128
    assert red_pixels(tmp_path / MEAN_IMAGES) == 2 * 128 * 128


def test_many_collections_take_more_pages(tmp_path: Path) -> None:
    written = sheets(tmp_path, 25)
    assert sorted(written) == ["contact_sheet-2.png", "contact_sheet.png", "mean_images.png"]
    assert red_pixels(tmp_path / "contact_sheet-2.png") == 2 * 128 * 128


def test_pages_of_an_earlier_and_larger_data_set_go(tmp_path: Path) -> None:
    sheets(tmp_path, 25)
    (tmp_path / "contact_sheet-mine.png").touch()
    sheets(tmp_path, 1)
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == ["contact_sheet-mine.png", "contact_sheet.png", "mean_images.png"]


def test_a_data_set_without_collections_has_empty_sheets(tmp_path: Path) -> None:
    assert sheets(tmp_path, 0) == [CONTACT_SHEET, MEAN_IMAGES]


def test_a_collection_without_pictures_leaves_its_cells_empty(tmp_path: Path) -> None:
    made = PictureSheets(tmp_path)
    made.add("empty", 0, Gallery(sampled=0, mean=None, examples=(), colours=()))
    made.close()
    assert red_pixels(tmp_path / CONTACT_SHEET) == 0
