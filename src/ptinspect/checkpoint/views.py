"""Views as loops over a storage: which elements, in which order, in stretches short enough to read at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod
from typing import NamedTuple

from ptinspect.tensors import TensorInfo

Loops = tuple[tuple[int, int], ...]
"""(size, stride) from the outermost loop to the innermost; empty for a single element."""

FAR = 8_192
"""A gap of so many elements costs more to read than to begin again behind it."""


class Piece(NamedTuple):
    """A part of a view: it begins at this element of the storage, reaches over `span` of them and takes those of its loops."""

    start: int
    span: int
    loops: Loops

    @property
    def elements(self) -> int:
        """How many elements it takes."""
        return prod(size for size, _ in self.loops)

    @property
    def is_dense(self) -> bool:
        """Whether it takes every element that it reaches over, in the order of the storage."""
        return not self.loops or (len(self.loops) == 1 and self.loops[0][1] == 1)


def in_order(tensor: TensorInfo) -> Loops:
    """The loops in the tensor's own order, as few as there can be."""
    return _joined([(size, stride) for size, stride in zip(tensor.shape, tensor.strides, strict=True) if size != 1])


def in_any_order(tensor: TensorInfo) -> tuple[Loops, int]:
    """The loops in the storage's order, and how often each element counts: an expanded tensor shows the same one many times."""
    pairs = [(size, stride) for size, stride in zip(tensor.shape, tensor.strides, strict=True) if size != 1]
    repeats = prod(size for size, stride in pairs if stride == 0)
    return _joined(sorted((pair for pair in pairs if pair[1] != 0), key=lambda pair: -pair[1])), repeats


def goes_forward(loops: Loops) -> bool:
    """Whether the order of the loops is that of the storage, so that nothing is gained by another one."""
    strides = [stride for _, stride in loops if stride]
    return all(outer >= inner for outer, inner in pairwise(strides))


def _joined(pairs: list[tuple[int, int]]) -> Loops:
    """Two loops of which the outer goes on where the inner ends are one."""
    loops: list[tuple[int, int]] = []
    for size, stride in pairs:
        if loops and loops[-1][1] == size * stride:
            loops[-1] = (loops[-1][0] * size, stride)
        else:
            loops.append((size, stride))
    return tuple(loops)


def pieces(start: int, loops: Loops, most: int) -> Iterator[Piece]:
    """The view in pieces that reach over at most `most` elements and take no more than that, in the order of the loops."""
    inner = len(loops)
    while inner and not _far(loops[inner - 1], loops[inner:]) and _span(loops[inner - 1 :]) <= most and _count(loops[inner - 1 :]) <= most:
        inner -= 1
    below = loops[inner:]
    span, step = _span(below), 1
    if inner and not _far(loops[inner - 1], below):
        stride = loops[inner - 1][1]
        step = max(1, min((most - span) // stride + 1 if stride else most, most // max(1, _count(below))))
    yield from _parts(start, loops[:inner], below, step)


def slabs(start: int, loops: Loops, most: int) -> Iterator[Piece]:
    """The view in parts of at most `most` elements, in the order of the loops, however far they reach."""
    inner = len(loops)
    while inner and _count(loops[inner - 1 :]) <= most:
        inner -= 1
    below = loops[inner:]
    yield from _parts(start, loops[:inner], below, max(1, most // max(1, _count(below))))


def _parts(start: int, above: Loops, below: Loops, step: int) -> Iterator[Piece]:
    """The inner loops once for each turn of the outer ones, `step` turns of the last of those at a time."""
    if 0 in (size for size, _ in (*above, *below)):
        return
    if not above:
        yield Piece(start, _span(below), below)
        return
    *outer, (size, stride) = above
    for place in _places(tuple(outer)):
        for at in range(0, size, step):
            turns = min(step, size - at)
            part = ((turns, stride), *below) if turns > 1 else below
            yield Piece(start + place + at * stride, _span(part), part)


def _places(loops: Loops) -> Iterator[int]:
    """Where each turn of the loops stands. Never as a list: there may be more of them than memory has room for."""
    if not loops:
        yield 0
        return
    (size, stride), *rest = loops
    for turn in range(size):
        for place in _places(tuple(rest)):
            yield turn * stride + place


def _far(loop: tuple[int, int], below: Loops) -> bool:
    return loop[1] - _span(below) > FAR


def _span(loops: Loops) -> int:
    return 1 + sum((size - 1) * stride for size, stride in loops)


def _count(loops: Loops) -> int:
    return prod(size for size, _ in loops)


__all__ = ["FAR", "Loops", "Piece", "goes_forward", "in_any_order", "in_order", "pieces", "slabs"]
