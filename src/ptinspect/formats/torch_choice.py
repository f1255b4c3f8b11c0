"""Which of several entries of one name torch would find.

torch reads zips with miniz, which sorts the names with a heap sort (unstable), without regard to case, and searches by halves:
of two entries named `x/data.pkl` it may take either, depending on every other name. Scanners that take the first, or the
last as zipfile does, have been fooled by that (S-18), so the same two algorithms are followed here. Only for archives in
which a name stands twice.
"""

from __future__ import annotations


class SortedNames:
    """The names of a directory as miniz searches them."""

    def __init__(self, names: list[bytes]) -> None:
        self.keys = [name.lower() for name in names]
        self.order = list(range(len(names)))
        _heap_sort(self.order, self.keys)

    def place(self, wanted: bytes) -> int:
        """The place in the directory of the entry that is found under a name; -1 where none is."""
        wanted, low, high = wanted.lower(), 0, len(self.order) - 1
        while low <= high:
            middle = low + (high - low) // 2
            key = self.keys[self.order[middle]]
            if key == wanted:
                return self.order[middle]
            low, high = (middle + 1, high) if key < wanted else (low, middle - 1)
        return -1


def _heap_sort(order: list[int], keys: list[bytes]) -> None:
    for start in range((len(order) - 2) // 2, -1, -1):
        _sift(order, keys, start, len(order))
    for end in range(len(order) - 1, 0, -1):
        order[end], order[0] = order[0], order[end]
        _sift(order, keys, 0, end)


def _sift(order: list[int], keys: list[bytes], root: int, end: int) -> None:
    while (child := 2 * root + 1) < end:
        if child + 1 < end and keys[order[child]] < keys[order[child + 1]]:
            child += 1
        if keys[order[root]] >= keys[order[child]]:
            return
        order[root], order[child] = order[child], order[root]
        root = child
