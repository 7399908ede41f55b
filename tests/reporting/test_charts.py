"""Charts say the same in shapes and in words, and strangers' names stay names."""

import re

from tests.helpers import Tags
from traitlens.reporting.charts import Bar, Point, bar_chart, heat_map, scatter

EVIL = '"><script>alert(1)</script>\u202e'


def bar(name: str = "robots", **changes: float | None) -> Bar:
    values = {"value": 0.5, "beside": 0.25, "chance": 0.1, "ceiling": 1.0} | changes
    return Bar(name=name, **values)  # type: ignore[arg-type]


def widths(chart: str, kind: str) -> list[float]:
    return [float(w) for w in re.findall(rf'<rect class="{kind}"[^>]* width="([\d.]+)"', chart)]


def test_bars_are_as_long_as_their_shares() -> None:
    chart = bar_chart([bar(), bar(value=1.0, beside=None)], alt="top-1")
    (full, _), (half, whole), (quarter,) = (
        widths(chart, kind) for kind in ("well", "model", "beside")
    )
    assert (half, whole, quarter) == (full / 2, full, full / 4)


def test_a_bar_is_told_in_words() -> None:
    chart = bar_chart([bar()], alt="top-1 of a collection", beside="raw pixels")
    said = "robots: 50.0%, raw pixels 25.0%, chance 10.0%, ceiling 100.0%"
    assert said in Tags(chart).text
    assert dict(Tags(chart).tags)["svg"]["aria-label"] == "top-1 of a collection"


def test_points_are_placed_by_value_and_named() -> None:
    points = [Point(name="a", x=1, y=0), Point(name="b", x=3, y=1), Point(name="c", x=2, y=0.5)]
    chart = scatter(points, x_name="CVI", y_name="top-1", alt="CVI against top-1")
    found = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', chart)
    (ax, ay), (bx, by), (cx, cy) = [(float(x), float(y)) for x, y in found]
    assert (cx, cy) == ((ax + bx) / 2, (ay + by) / 2)
    assert ax < bx
    assert ay > by, "up is more"
    assert "c: CVI 2, top-1 50.0%" in Tags(chart).text


def test_an_axis_has_round_numbers_and_holds_one_value_or_equal_ones() -> None:
    points = [Point(name="a", x=0.0083, y=0.2), Point(name="b", x=0.0241, y=0.9)]
    text = Tags(scatter(points, x_name="CVI", y_name="top-1", alt="x")).text
    assert "0.010.0150.02" in text
    for x in (0.0, 5.0):
        assert "<circle" in scatter([Point(name="a", x=x, y=1)], x_name="x", y_name="y", alt="x")


def test_a_heat_map_has_a_number_in_each_cell_but_empty_ones() -> None:
    chart = heat_map(["red", "blue"], [[0.75, 0.25], [None, None]], alt="hats")
    assert chart.count('class="cell"') == 2
    assert "meant red, found blue: 25.0%" in Tags(chart).text


def test_hostile_names_stay_names() -> None:
    charts = (
        bar_chart([bar(EVIL)], alt=EVIL, beside=EVIL),
        scatter([Point(name=EVIL, x=1, y=1)], x_name="x", y_name="y", alt=EVIL),
        heat_map([EVIL], [[1.0]], alt=EVIL),
    )
    for chart in charts:
        assert {tag for tag, _ in Tags(chart).tags} <= {
            *("svg", "g", "title", "rect", "line", "text", "circle"),
        }
        assert "\u202e" not in chart
