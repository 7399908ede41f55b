"""What is known of a run comes back from its table, and can be seen."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from traitlens.errors import ConfigError
from traitlens.training.curves import (
    Board,
    Point,
    draw_curve,
    read_curve,
    write_curve,
)
from traitlens.training.drawing import Line, Panel, draw_panels, ticks

CURVE = [
    Point(step=10, loss=2.5, parts={"captions": 1.5}, learning_rate=1 / 3, scale=14.3),
    Point(
        step=20,
        loss=1.25,
        parts={"captions": 1.0, "phrases": 0.25},
        learning_rate=1e-7,
        scale=20.0,
        validation=0.125,
    ),
]


def test_a_curve_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    write_curve(tmp_path, CURVE)
    assert read_curve(tmp_path) == CURVE


def test_the_table_has_a_column_for_every_part_and_leaves_unknown_cells_empty(
    tmp_path: Path,
) -> None:
    write_curve(tmp_path, CURVE)
    assert (tmp_path / "curve.csv").read_text().splitlines() == [
        "step,loss,learning_rate,scale,validation,loss.captions,loss.phrases",
        "10,2.5,0.3333333333333333,14.3,,1.5,",
        "20,1.25,1e-07,20.0,0.125,1.0,0.25",
    ]


def test_a_run_without_a_curve_has_no_points(tmp_path: Path) -> None:
    assert read_curve(tmp_path) == []


def test_the_picture_has_a_panel_more_where_somebody_validated(tmp_path: Path) -> None:
    heights = []
    for curve in (CURVE[:1], CURVE):
        draw_curve(tmp_path, curve, title="tiny")
        with Image.open(tmp_path / "curve.png") as picture:
            assert picture.format == "PNG"
            heights.append(picture.height)
    assert heights[1] > heights[0]


def test_a_line_is_drawn_where_its_values_are() -> None:
    def ink(points: list[tuple[float, float]]) -> Any:
        panel = Panel("loss", [Line("loss", [(0, 8.0), (100, 8.0)]), Line("x", points)])
        return np.asarray(draw_panels([panel], title="", x_name="step"), int)

    high, low = ink([(0, 6.0), (100, 6.0)]), ink([(0, 2.0), (100, 2.0)])
    rows = np.flatnonzero(np.abs(high - low).sum(axis=2).any(axis=1))
    assert 40 < rows[-1] - rows[0] < 100, "4 of 8 units of a plot of 150 px apart, two lines thick"


def test_what_is_not_finite_is_not_drawn() -> None:
    holes = Panel("loss", [Line("loss", [(0, 1.0), (1, float("nan")), (2, float("inf"))])])
    assert draw_panels([holes], title="", x_name="step").width == 960


@pytest.mark.parametrize(
    ("most", "wanted"),
    [
        (8.0, [0, 2, 4, 6, 8]),
        (0.9, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
    ],
)
def test_ticks_are_round_and_reach_above_the_most(most: float, wanted: list[float]) -> None:
    assert ticks(most) == pytest.approx(wanted)


@pytest.mark.parametrize("most", [1e-9, 0.0003, 0.999, 1, 3, 4.1, 7, 99, 100, 12345])
def test_there_are_never_more_than_six_ticks(most: float) -> None:
    assert len(ticks(most)) <= 6
    assert ticks(most)[-1] >= most * (1 - 1e-9)


class FakeWriter:
    """What TensorBoard's writer would be told."""

    def __init__(self, folder: str, purge_step: int) -> None:
        TOLD[f"purge {Path(folder).name}"] = purge_step

    def add_scalar(self, name: str, value: float, step: int) -> None:
        TOLD[f"{name} {step}"] = value

    def flush(self) -> None:
        """Write nothing."""

    close = flush


TOLD: dict[str, float] = {}


def test_tensorboard_is_told_what_the_point_knows_and_forgets_what_came_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    TOLD.clear()
    fake = SimpleNamespace(SummaryWriter=FakeWriter)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    board = Board(tmp_path)
    assert TOLD == {}
    board.tell(CURVE[0])
    board.close()
    assert TOLD == {
        "purge tensorboard": 10,
        "loss 10": 2.5,
        "learning_rate 10": 1 / 3,
        "scale 10": 14.3,
        "loss/captions 10": 1.5,
    }


def test_without_tensorboard_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match="pip install tensorboard"):
        Board(tmp_path)
