"""The words of the tensor page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptinspect import resources
from ptinspect.analysis.higher_moments import HigherMoments
from ptinspect.analysis.histogram import Histogram
from ptinspect.analysis.moments import Moments
from ptinspect.analysis.statistics import Statistics
from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.session.rows import Facts, RowTable
from ptinspect.session.tensor_looks import LookRequest, Picture, look, plane_of, planes_of
from ptinspect.session.tensor_page import Extras, bin_text, cells_of, neighbour, outside_text

FLOATS = Histogram(np.array([0.1625, 0.175, 0.1875]), np.array([97, 3]), below=300, above=600)
WHOLE = Histogram(np.array([1, 2, 3]), np.array([4, 6]), scale="whole")
RUNS = Histogram(np.array([-10, 0, 10]), np.array([4, 6]), scale="whole")


@pytest.mark.parametrize(
    ("histogram", "at", "title", "numbers"),
    [
        (FLOATS, 0, "0.1625 … 0.1750", ["97", "9.7 %", "70.0 %"]),
        (WHOLE, 1, "2", ["6", "60.0 %", "60.0 %"]),
        (RUNS, 0, "−10 … −1", ["4", "40.0 %", "100.0 %"]),
    ],
)
def test_that_a_bin_tells_its_range_and_its_shares(histogram: Histogram, at: int, title: str, numbers: list[str]) -> None:
    found, lines = bin_text(histogram, at)
    assert found == title
    assert lines[0][1] == numbers[0]
    assert [name for name, _ in lines] == ["Values", "Share", "At or above"]
    assert lines[2][1] == numbers[2]


def test_that_what_lies_outside_is_told_in_words() -> None:
    text = outside_text(Statistics(count=1000, low=-3.5, high=9.0, histogram=FLOATS))
    assert "300 below 0.1625, down to −3.5" in text
    assert "600 above 0.1875, up to 9" in text
    assert outside_text(Statistics(count=10, low=1, high=2, histogram=WHOLE)) == ""


def test_that_nan_and_infinity_are_marked_as_danger_and_their_absence_as_good() -> None:
    good, bad = (next(cell for cell in cells_of(Statistics(count=1, nans=nans)) if cell[0] == "NaN / Inf") for nans in (0, 2))
    assert good == ("NaN / Inf", "0 / 0", "good")
    assert bad == ("NaN / Inf", "2 / 0", "danger")


def test_that_skewness_and_kurtosis_say_when_they_are_still_read_and_when_they_will_not_come() -> None:
    found = Statistics(count=4, mean=1.0)
    known = HigherMoments(Moments(4, 1.0, 1.0), 0.5, 2.0)
    for extras, texts in (
        (Extras(), ("reading …", "reading …")),
        (Extras(stopped=True), ("–", "–")),
        (Extras(known), ("0.500", "−1.000")),
        (Extras(HigherMoments(Moments(4, 1.0))), ("–", "–")),
    ):
        cells = {name: value for name, value, _ in cells_of(found, extras)}
        assert (cells["Skewness"], cells["Excess kurtosis"]) == texts


def test_that_stepping_meets_every_tensor_in_both_directions() -> None:
    checkpoint = open_checkpoint(resources.path("samples/checkpoint.pt"))
    tree = layer_tree(checkpoint)
    table = RowTable(tree, Facts(tree))
    rows = [row for row, _ in table.walk() if row.kind == "tensor"]
    there = [rows[0]]
    while (found := neighbour(there[-1], 1)) is not None:
        there.append(found)
    assert there == rows
    back = [rows[-1]]
    while (found := neighbour(back[-1], -1)) is not None:
        back.append(found)
    assert back == rows[::-1]


@pytest.mark.parametrize(
    ("shape", "plane"),
    [((4, 5), (0, 1)), ((2, 3, 4), (1, 2)), ((64, 32, 1, 1), (0, 1)), ((8, 1, 9), (0, 2)), ((1, 1, 7), (1, 2)), ((1, 7, 1), (1, 2))],
)
def test_that_the_last_two_dimensions_with_a_choice_are_drawn(shape: tuple[int, ...], plane: tuple[int, int]) -> None:
    assert plane_of(shape) == plane


def test_that_every_pair_of_dimensions_with_a_choice_can_be_drawn() -> None:
    assert planes_of((64, 3, 1, 7)) == ((1, 3), (0, 3), (0, 1))
    assert planes_of((5, 1, 1)) == ((0, 2),)


def _drawn(tmp_path: Path, values: np.ndarray, kind: str, index: tuple[int, ...] = ()) -> Picture:
    import torch  # only these tests need it

    torch.save({"w": torch.from_numpy(values)}, tmp_path / "w.pt")
    checkpoint = open_checkpoint(tmp_path / "w.pt")
    return look(checkpoint, checkpoint.document.tensors[0], LookRequest(kind, "tensor:w", index), lambda done, total: None)  # type: ignore[arg-type]


def test_that_a_pointwise_kernel_is_drawn_as_outputs_by_inputs(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(6, 5, 1, 1)).astype(np.float32)
    assert np.array_equal(_drawn(tmp_path, values, "heat", (0, 0)).cells, values[:, :, 0, 0])


def test_that_a_point_of_a_surface_is_the_value_furthest_from_zero_of_its_block_and_says_so(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(3, 640, 70)).astype(np.float32)
    values[2, 25, 41] = np.nan
    found = _drawn(tmp_path, values, "surface", (2,))
    assert (found.cells.shape, found.step, found.size) == ((64, 35), (10, 2), (640, 70))
    part = values[2, 10:20, 6:8]
    assert found.cells[1, 3] == part.flat[np.abs(part).argmax()]
    assert np.isnan(found.cells[2, 20])
    assert "furthest from zero of each 10\u2009×\u20092" in found.note
