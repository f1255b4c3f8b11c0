"""Loops over values that numba compiles: they release the GIL and run at a good part of memory speed.

Seen on two cores, for each float32: 0.15 ns for the sums and the ends, 0.28 ns for the census of the upper 16 bits; numpy's bincount
takes 1.45 ns for the census alone, and holds the GIL. One loop that does both keeps a running index and is not vectorised: 1.5 ns,
hence a block at a time that stays in the first cache. Counters have 32 bits; whoever calls empties them before 2**32 values.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from ptinspect.analysis.loops import LOOSE, census, kept, zeros

Array = np.ndarray[Any, Any]

_BLOCK = 8_192

# Places in the two lists of results: sums are (count, mean, squares), numbers are (NaN, infinite, zero, zeros with a sign).


@numba.njit(nogil=True, fastmath=LOOSE, inline="never")
def _sums(bits: Array, values: Array, pivot: float, out: Array) -> tuple[Any, Any]:  # pragma: no cover - compiled
    low, high = np.int32(0x7FFFFFFF), np.int32(-0x80000000)
    first = second = 0.0
    for place in range(bits.size):
        pattern = bits[place]
        key = pattern ^ ((pattern >> 31) & np.int32(0x7FFFFFFF))
        low, high = min(low, key), max(high, key)
        apart = np.float64(values[place]) - pivot
        first += apart
        second += apart * apart
    out[0], out[1] = first, second
    return low, high


@numba.njit(nogil=True, inline="never")
def _careful(values: Array, out: Array, numbers: Array) -> tuple[Any, Any, Any]:  # pragma: no cover - compiled
    """A block with NaN or infinities in it: how many finite ones, and their ends as floats."""
    count, pivot, first, second = 0, 0.0, 0.0, 0.0
    low, high = np.float32(np.inf), np.float32(-np.inf)
    for place in range(values.size):
        value = values[place]
        if np.isnan(value):
            numbers[0] += 1
        elif np.isinf(value):
            numbers[1] += 1
        else:
            if count == 0:
                pivot = np.float64(value)
            count += 1
            low, high = min(low, value), max(high, value)
            apart = np.float64(value) - pivot
            first += apart
            second += apart * apart
    out[0], out[1], out[2] = first, second, pivot
    return count, low, high


@kept
def float32_chunk(  # noqa: PLR0917 - numba takes arrays by place
    bits: Array, values: Array, pairs: Array, even: Array, odd: Array, sums: Array, ends: Array, numbers: Array
) -> None:  # pragma: no cover - compiled
    """Add a chunk to counters, moments and ends. `bits`, `values` and `pairs` are the same memory, seen three ways."""
    out = np.empty(3)
    for begin in range(0, bits.size, _BLOCK):
        end = min(begin + _BLOCK, bits.size)
        pivot = np.float64(values[begin])
        if not np.isfinite(pivot):
            pivot = np.float64(0.0)
        near = even[0] + even[0x8000] + odd[0] + odd[0x8000]
        low, high = _sums(bits[begin:end], values[begin:end], pivot, out)
        census(pairs[begin // 2 : end // 2], even, odd)
        if end & 1:
            even[(np.uint32(bits[end - 1]) >> np.uint32(16))] += np.uint32(1)
        if even[0] + even[0x8000] + odd[0] + odd[0x8000] != near:
            zeros(bits[begin:end], numbers, 2)
        count = end - begin
        if high >= np.int32(0x7F800000) or low <= np.int32(-0x7F800001):
            count, first, last = _careful(values[begin:end], out, numbers)
            pivot = out[2]
            if count == 0:
                continue
            ends[0], ends[1] = min(ends[0], first), max(ends[1], last)
        else:
            first = values[begin]
            ends[0] = min(ends[0], _float_of(low))
            ends[1] = max(ends[1], _float_of(high))
        mean = out[0] / count
        squares = max(0.0, out[1] - mean * mean * count)
        apart = pivot + mean - sums[1]
        total = sums[0] + count
        sums[2] += squares + apart * apart * sums[0] * (count / total)
        sums[1] += apart * (count / total)
        sums[0] = total


@numba.njit(nogil=True)
def _float_of(key: Any) -> Any:  # pragma: no cover - compiled
    pattern = key ^ ((key >> np.int32(31)) & np.int32(0x7FFFFFFF))
    return np.array([np.int32(pattern)], dtype=np.int32).view(np.float32)[0]


@kept
def code16_chunk(four: Array, first: Array, second: Array, third: Array, fourth: Array) -> None:  # pragma: no cover - compiled
    """Count 16-bit patterns, four in a word, each place in counters of its own: the same pattern twice in a row need not wait."""
    low = np.uint64(0xFFFF)
    for place in range(four.size):
        word = four[place]
        first[word & low] += np.uint32(1)
        second[(word >> np.uint64(16)) & low] += np.uint32(1)
        third[(word >> np.uint64(32)) & low] += np.uint32(1)
        fourth[word >> np.uint64(48)] += np.uint32(1)


@kept
def code8_chunk(eight: Array, counters: Array) -> None:  # pragma: no cover - compiled
    """Count bytes, eight in a word, in four sets of counters."""
    low = np.uint64(0xFF)
    for place in range(eight.size):
        word = eight[place]
        for lane in range(4):
            counters[lane, word & low] += np.uint32(1)
            counters[lane, (word >> np.uint64(32)) & low] += np.uint32(1)
            word >>= np.uint64(8)


@kept
def float64_chunk(values: Array, words: Array, shift: int, counters: Array, sums: Array) -> None:  # pragma: no cover - compiled
    """Add a chunk of finite values whose squares are finite to moments, and count its upper bits."""
    out = np.empty(2)
    for begin in range(0, values.size, _BLOCK):
        end = min(begin + _BLOCK, values.size)
        _wide_sums(values[begin:end], out)
        _prefixes(words[begin:end], shift, counters)
        count = end - begin
        mean = out[0] / count
        squares = max(0.0, out[1] - mean * mean * count)
        apart = values[begin] + mean - sums[1]
        total = sums[0] + count
        sums[2] += squares + apart * apart * sums[0] * (count / total)
        sums[1] += apart * (count / total)
        sums[0] = total


@numba.njit(nogil=True, fastmath=LOOSE, inline="never")
def _wide_sums(values: Array, out: Array) -> None:  # pragma: no cover - compiled
    first = second = 0.0
    pivot = values[0]
    for place in range(values.size):
        apart = values[place] - pivot
        first += apart
        second += apart * apart
    out[0], out[1] = first, second


@numba.njit(nogil=True, inline="never")
def _prefixes(words: Array, shift: int, counters: Array) -> None:  # pragma: no cover - compiled
    by = np.uint64(shift)
    for place in range(words.size):
        counters[words[place] >> by] += np.uint32(1)


@kept
def between_chunk(values: Array, edges: Array, scale: float, counters: Array) -> None:  # pragma: no cover - compiled
    """Count finite values between edges: the bin that even spacing would give, then a step or more to the right one.

    `counters` has a place before the first bin and two behind the last: below, the bins, above, and what is not finite.
    """
    last = edges.size - 1
    first, end = edges[0], edges[last]
    for place in range(values.size):
        value = values[place]
        if not np.isfinite(value):
            counters[last + 2] += 1
        elif value < first:
            counters[0] += 1
        elif value > end:
            counters[last + 1] += 1
        else:
            guess = (np.float64(value) / 2 - np.float64(first) / 2) * scale
            at = int(guess) if guess < last else last - 1  # also where it is not a number
            while at > 0 and value < edges[at]:
                at -= 1
            while at < last - 1 and value >= edges[at + 1]:
                at += 1
            counters[at + 1] += 1


__all__ = ["between_chunk", "code8_chunk", "code16_chunk", "float32_chunk", "float64_chunk"]
