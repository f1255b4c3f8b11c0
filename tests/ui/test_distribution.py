"""Several histograms: over each other where one axis will do, in rows where it will not; and what a strip has room for."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from ptinspect.analysis.histogram import Histogram
from ptinspect.analysis.statistics import Statistics
from ptinspect.frozen import replace
from ptinspect.session.tensor_page import Measure
from ptinspect.ui import plots
from ptinspect.ui.panels.distribution import Distribution


def measure(low: float, high: float, count: int = 4_000) -> Measure:
    edges = np.linspace(low, high, 73)
    counts = np.random.default_rng(1).integers(1, 99, 72)
    return Measure(Statistics(count=count, mean=0.5, std=0.1, low=low, high=high, histogram=Histogram(edges, counts)))


@pytest.fixture
def distribution(qtbot) -> Distribution:
    made = Distribution()
    qtbot.addWidget(made)
    made.resize(520, 600)
    plots.begin()
    qtbot.waitUntil(plots.is_ready, timeout=30_000)
    made.show()
    return made


def test_that_ranges_far_apart_are_drawn_in_rows_until_somebody_wants_otherwise(distribution, qtbot) -> None:
    distribution.show_measures([("mean", measure(-1, 1)), ("var", measure(0, 40)), ("one", measure(0.3, 0.3))], 0)
    qtbot.waitUntil(lambda: distribution.rows is not None and distribution.rows.isVisible())
    assert [line.title for line in distribution.rows.lines] == ["mean", "var", "one"]
    assert distribution.rows.lines[1].ends == ("0", "40")
    assert not distribution.legend.isVisible()
    buttons = distribution.arrangement._group.buttons()
    qtbot.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
    assert distribution.plot.isVisible()
    assert not distribution.rows.isVisible()
    distribution.show_measures([("mean", measure(-1, 1)), ("var", measure(0, 60))], 0)
    assert distribution.plot.isVisible()


def test_that_rows_tell_their_bins_to_pointer_and_keys(distribution, qtbot) -> None:
    found = [("mean", measure(-1, 1)), ("var", measure(0, 40))]
    distribution.show_measures(found, 0)
    qtbot.waitUntil(lambda: distribution.rows is not None and distribution.rows.isVisible())
    rows, counts = distribution.rows, found[1][1].statistics.histogram.counts
    qtbot.mouseMove(rows, QPoint(rows.width() // 2 + 2, rows.height() - 40))
    qtbot.waitUntil(lambda: rows.at == (1, 36))
    assert dict(rows.readout.lines)["Values"] == str(counts[36])
    qtbot.keyClick(rows, Qt.Key.Key_Right)
    assert dict(rows.readout.lines)["Values"] == str(counts[37])
    qtbot.keyClick(rows, Qt.Key.Key_Up)
    assert rows.at == (0, 37)


def test_that_one_tensor_after_several_is_a_plot_again(distribution, qtbot) -> None:
    distribution.show_measures([("mean", measure(-1, 1)), ("var", measure(0, 40))], 0)
    qtbot.waitUntil(lambda: distribution.rows is not None and distribution.rows.isVisible())
    distribution.show_measures([("mean", measure(-1, 1))], 4_000)
    qtbot.waitUntil(lambda: distribution.plot is not None and distribution.plot.isVisible())
    assert not distribution.rows.isVisible()
    assert not distribution.arrangement.isVisible()


def test_that_the_end_of_the_quantiles_is_named_where_it_stands_at_the_edge_of_the_plot(distribution, qtbot) -> None:
    shares = (-0.98, -0.9, -0.4, 0.0, 0.4, 0.9, 0.98)
    found = measure(-1, 1)
    distribution.show_measures([("x", replace(found, statistics=replace(found.statistics, quantiles=shares)))], 4_000)
    qtbot.waitUntil(lambda: distribution.plot is not None and distribution.plot.isVisible())
    strip = distribution.plot.strip
    drawn = strip.names()
    assert sorted(drawn) == ["1\u2009%", "99\u2009%"]
    assert all(box.left() >= strip._plot.left.width() - 1 and box.right() <= strip.width() for box in drawn.values())
