"""The surface: what is painted lies where the numbers say, and the keys and the pointer do what they do elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from ptinspect.ui.widgets.relief import Pose, Relief
from ptinspect.ui.widgets.surface import Surface

ROOM = (500.0, 300.0)


@pytest.fixture
def surface(qtbot) -> Surface:
    made = Surface()
    qtbot.addWidget(made)
    made.resize(500, 330)
    cells = np.arange(30, dtype=np.float32).reshape(5, 6) - 12
    made.show_cells(cells, lambda row, column: (f"{row} {column}", (("Value", str(cells[row, column])),)), (50, 60))
    made.show()
    qtbot.waitExposed(made)
    return made


def test_that_a_higher_value_stands_higher_and_a_later_row_nearer() -> None:
    seen = Relief(np.array([[0.0, 5.0], [0.0, -5.0]])).seen(Pose(0, 30), ROOM)
    assert seen[0, 1, 1] < seen[0, 0, 1]
    assert seen[1, 1, 1] > seen[1, 0, 1]
    assert seen[1, 0, 1] > seen[0, 0, 1]
    assert seen[0, 0, 0] < seen[0, 1, 0]


def test_that_far_squares_come_before_near_ones_from_every_side() -> None:
    relief = Relief(np.zeros((9, 7)))
    for around in range(0, 360, 30):
        corners, _, _ = relief.squares(Pose(around, 40), ROOM, 253, 5)
        middles = corners.reshape(-1, 4, 2).mean(axis=1)[:, 1]
        assert (np.diff(middles) > -1e-6).all(), around


def test_that_a_square_with_a_corner_that_is_no_number_is_left_open() -> None:
    cells = np.zeros((5, 5))
    cells[2, 2] = np.nan
    relief = Relief(cells)
    assert len(relief.squares(Pose(), ROOM, 253, 5)[0]) == 16 - 4
    assert Relief(np.full((3, 3), np.inf)).squares(Pose(), ROOM, 253, 5)[0].size == 0


def test_that_the_colours_of_amounts_begin_at_zero_and_those_of_both_signs_lie_around_it() -> None:
    amounts, both = Relief(np.array([[0.0, 0.0], [0.0, 8.0]])), Relief(np.array([[-8.0, 8.0], [8.0, -8.0]]))
    assert amounts.is_amount
    assert amounts.scale[0] == 0
    assert not both.is_amount
    assert both.scale == (-8, 8)
    assert both.squares(Pose(), ROOM, 253, 5)[1].tolist() == [126]


def test_that_the_pointer_finds_the_point_it_is_over(surface) -> None:
    seen = surface.relief.seen(surface.pose, surface._room())
    x, y = seen[4, 2]
    assert surface.relief.nearest(surface.pose, surface._room(), (float(x), float(y)), 10) == (4, 2)
    assert surface.relief.nearest(surface.pose, surface._room(), (2.0, 2.0), 10) is None


def test_that_what_stands_in_front_is_found_rather_than_what_it_hides() -> None:
    cells = np.zeros((5, 5))
    cells[3, 1:4] = 1.0
    relief, pose = Relief(cells), Pose(0, 10)
    x, y = relief.seen(pose, ROOM)[1, 2]  # behind the wall
    assert relief.nearest(pose, ROOM, (float(x), float(y)), 10)[0] >= 2


def test_that_keys_turn_zoom_read_and_begin_again(surface, qtbot) -> None:
    first = surface.pose
    qtbot.keyClick(surface, Qt.Key.Key_Right)
    qtbot.keyClick(surface, Qt.Key.Key_Up)
    assert surface.pose.around != first.around
    assert surface.pose.above > first.above
    qtbot.keyClick(surface, Qt.Key.Key_Plus)
    assert surface.pose.zoom > 1
    qtbot.keyClick(surface, Qt.Key.Key_0)
    assert surface.pose == first
    qtbot.keyClick(surface, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert surface.pose == first
    assert surface._readout.title == "2 4"


def test_that_dragging_turns_it_and_a_double_click_begins_again(surface, qtbot) -> None:
    first = surface.pose
    qtbot.mousePress(surface, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    qtbot.mouseMove(surface, QPoint(260, 170))
    qtbot.mouseRelease(surface, Qt.MouseButton.LeftButton, pos=QPoint(260, 170))
    assert (surface.pose.around, surface.pose.above) == ((first.around + 30) % 360, first.above + 10)
    qtbot.mouseDClick(surface, Qt.MouseButton.LeftButton)
    assert surface.pose == first


def test_that_the_wheel_scrolls_the_page_unless_the_surface_was_clicked(surface) -> None:
    def wheel() -> bool:
        event = QWheelEvent(
            QPointF(200, 100), QPointF(200, 100), QPoint(0, 0), QPoint(0, 120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(surface, event)
        return event.isAccepted()

    surface.clearFocus()
    assert not wheel()
    assert surface.pose.zoom == 1
    surface.setFocus()
    assert wheel()
    assert surface.pose.zoom > 1


def test_that_what_moves_is_drawn_with_fewer_points_and_what_stands_still_with_all(surface, qtbot) -> None:
    cells = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    surface.show_cells(cells, lambda row, column: ("", ()), (64, 64))
    drawn = []
    paint = surface._picture
    surface._picture = lambda relief: drawn.append(relief.cells.shape) or paint(relief)
    surface.turn(5, 0)
    surface.repaint()
    assert drawn[-1] == (32, 32)
    qtbot.waitUntil(lambda: drawn[-1] == (64, 64), timeout=2_000)
