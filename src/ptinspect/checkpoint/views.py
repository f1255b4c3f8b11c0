"""Views as loops over a storage: which elements, in which order, in stretches short enough to read at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import NamedTuple

from ptinspect.tensors import TensorInfo

Loops = tuple[tuple[int, int], ...]
"""(size, stride) from the outermost loop to the innermost; empty for a single element."""


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
    while inner and _span(loops[inner - 1 :]) <= most and prod(size for size, _ in loops[inner - 1 :]) <= most:
        inner -= 1
    if inner == 0:
        yield Piece(start, _span(loops), loops)
        return
    *outer, (size, stride) = loops[:inner]
    below = loops[inner:]
    span, count = _span(below), prod(size for size, _ in below)
    step = max(1, min((most - span) // stride + 1 if stride else most, most // count))
    for places in product(*(range(0, size * stride, stride) if stride else (0,) * size for size, stride in outer)):
        for at in range(0, size, step):
            part = ((min(step, size - at), stride), *below)
            yield Piece(start + sum(places) + at * stride, _span(part), part)


def _span(loops: Loops) -> int:
    return 1 + sum((size - 1) * stride for size, stride in loops)


__all__ = ["Loops", "Piece", "in_any_order", "in_order", "pieces"]
