"""A chart is well-formed SVG whose lines go where the numbers are."""

from xml.etree import ElementTree

import pytest

from traitlens.reproduction.chart import line_chart

SVG = "{http://www.w3.org/2000/svg}"


def drawn(**series: list[tuple[float, float]]) -> ElementTree.Element:
    return ElementTree.fromstring(line_chart(series, title="<b> & co", x_label="x", y_label="y"))


def points(root: ElementTree.Element) -> list[list[tuple[float, float]]]:
    return [
        [(float(x), float(y)) for x, y in (p.split(",") for p in line.attrib["points"].split())]
        for line in root.iter(f"{SVG}polyline")
    ]


def test_higher_numbers_lie_higher_and_later_ones_to_the_right() -> None:
    ((a, b, c),) = points(drawn(one=[(0, 0), (1, 5), (2, 10)]))
    assert a[0] < b[0] < c[0]
    assert a[1] > b[1] > c[1]
    assert b[1] - c[1] == a[1] - b[1]


def test_each_line_is_named_and_the_whole_is_said_in_words() -> None:
    root = drawn(one=[(0, 1), (1, 1)], two=[(0, 2), (1, 3)])
    assert len(points(root)) == 2
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {"one", "two"} <= texts
    assert root.findtext(f"{SVG}title") == "<b> & co"
    assert "one, two" in (root.findtext(f"{SVG}desc") or "")


def test_zeros_alone_and_a_single_point_can_be_drawn() -> None:
    ((point,),) = points(drawn(one=[(3, 0)]))
    assert point[1] > 0


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0.453, ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
        (97.7, ["0", "20", "40", "60", "80", "100"]),
        (1.0, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (6.1, ["0", "2", "4", "6", "8"]),
    ],
)
def test_the_axis_has_round_numbers_and_ends_above_the_highest(
    most: float, ticks: list[str]
) -> None:
    root = drawn(one=[(0, 0), (1, most)])
    shown = [t.text for t in root.iter(f"{SVG}text") if t.get("text-anchor") == "end"]
    assert shown[: len(ticks)] == ticks
