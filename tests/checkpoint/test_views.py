"""Views as loops: the right elements, in the right order, in pieces that stay small."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ptinspect.checkpoint.views import FAR, Loops, Piece, goes_forward, in_any_order, in_order, pieces, slabs
from ptinspect.dtypes import BY_NAME
from ptinspect.tensors import TensorInfo

SIZES = some.lists(some.tuples(some.integers(1, 5), some.sampled_from([0, 1, 2, 3, 5, 7, 12, 30, FAR, 2 * FAR])), max_size=4)


def tensor_of(shape: tuple[int, ...], strides: tuple[int, ...]) -> TensorInfo:
    return TensorInfo("x", shape, strides, BY_NAME["float32"], None)


def elements(start: int, loops: Loops) -> list[int]:
    """One by one, as the definition of a view has it."""
    return [start + sum(turns) for turns in product(*([turn * stride for turn in range(size)] for size, stride in loops))]


def taken(parts: list[Piece]) -> list[int]:
    return [element for part in parts for element in elements(part.start, part.loops)]


@given(SIZES, some.integers(0, 9), some.integers(1, 40))
def test_that_pieces_cover_exactly_the_elements_of_a_view_in_its_order(pairs: list[tuple[int, int]], start: int, most: int) -> None:
    shape, strides = tuple(size for size, _ in pairs), tuple(stride for _, stride in pairs)
    expected = elements(start, tuple(pairs))
    loops = in_order(tensor_of(shape, strides))
    assert taken(list(pieces(start, loops, most))) == expected
    assert taken(list(slabs(start, loops, most))) == expected


@given(SIZES, some.integers(1, 40))
def test_that_pieces_keep_to_their_size(pairs: list[tuple[int, int]], most: int) -> None:
    loops = in_order(tensor_of(tuple(size for size, _ in pairs), tuple(stride for _, stride in pairs)))
    for piece in pieces(3, loops, most):
        reached = elements(piece.start, piece.loops)
        assert piece.elements == len(reached) <= most
        assert piece.span == max(reached) - piece.start + 1 <= most
        assert piece.is_dense == (reached == list(range(piece.start, piece.start + piece.span)) and len(piece.loops) < 2)
    assert all(part.elements <= most for part in slabs(3, loops, most))


@given(SIZES)
def test_that_any_order_has_each_element_as_often_as_the_tensor_shows_it(pairs: list[tuple[int, int]]) -> None:
    shape, strides = tuple(size for size, _ in pairs), tuple(stride for _, stride in pairs)
    loops, repeats = in_any_order(tensor_of(shape, strides))
    assert sorted(elements(0, tuple(pairs))) == sorted(elements(0, loops) * repeats)
    assert goes_forward(loops)


def test_that_a_whole_tensor_is_one_loop_and_its_pieces_are_dense() -> None:
    loops = in_order(tensor_of((4, 5, 6), (30, 6, 1)))
    assert loops == ((120, 1),)
    assert [(piece.start, piece.span) for piece in pieces(0, loops, 50)] == [(0, 50), (50, 50), (100, 20)]
    assert all(piece.is_dense for piece in pieces(0, loops, 50))


def test_that_a_turned_tensor_does_not_go_forward() -> None:
    assert not goes_forward(in_order(tensor_of((5, 4), (1, 5))))
    assert goes_forward(in_order(tensor_of((5, 4), (4, 1))))
    assert goes_forward(in_order(tensor_of((3, 5, 4), (0, 4, 1))))


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (3, 0, 5)])
def test_that_a_view_without_elements_has_no_pieces(shape: tuple[int, ...]) -> None:
    loops = in_order(tensor_of(shape, (1,) * len(shape)))
    assert list(pieces(0, loops, 4)) == list(slabs(0, loops, 4)) == []


def test_that_one_column_of_a_wide_matrix_is_not_read_with_all_the_others() -> None:
    wide = 100_000
    parts = list(pieces(7, in_order(tensor_of((50, 1), (wide, 1))), 1 << 18))
    assert [part.start for part in parts] == [7 + row * wide for row in range(50)]
    assert all(part.span == 1 for part in parts)


def test_that_more_turns_than_memory_holds_begin_at_once() -> None:
    """An expanded tensor may have 10^15 elements on one; nothing lists them beforehand."""
    loops = in_order(tensor_of((10**15, 3, 5), (0, 9, 2)))
    found = pieces(0, loops, 4)
    assert [next(found).start for _ in range(3)] == [0, 4, 8]
    assert prod(size for size, _ in loops) == 15 * 10**15
