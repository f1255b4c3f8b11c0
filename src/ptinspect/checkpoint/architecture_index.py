"""The shipped index of known architectures: their names and shapes, found by digests and read by offset.

A search reads a table of digests (and, where none fits, a table of samples), and unpacks only the blocks that hold candidates;
a miss costs two reads and no unpacking. All numbers are little-endian.

| section | content |
| --- | --- |
| header | `MAGIC`, then offset and length of each section below, the number of layouts, the most names of one layout |
| keys | sorted 32-bit digests, then for each the number of its layout (16 bits): the whole layout's, and that outside its head |
| samples | sorted 32-bit sample values, then 32-bit ends of their runs in the 16-bit layout numbers that follow |
| entries | zlib: a line of the libraries' versions, then one a layout: `CLASSES NAMES BLOCK library:name[?option=value] ...` |
| blocks | zlib, each some dozens of layouts: lines `KEEP REST SHAPE`, an empty line between layouts |

- A **layout** is a distinct set of names and shapes; equal models share one.
- The **digest** of names and shapes is the sum of their CRCs: independent of order (safetensors sorts), and the part outside a
  head is a subtraction. It only proposes; whoever matches compares the layout itself, so 32 bits are plenty.
- **Samples** are the `SAMPLE` smallest CRCs of a layout, counters aside: similar layouts share most of theirs, and a subset some of them.
- A line keeps the first KEEP letters of the name before it. Against whole names under zlib this takes a third of the space.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import BinaryIO, Self

from ptinspect.checkpoint.heads import heads
from ptinspect.frozen import frozen

MAGIC = b"ptinspect architectures 1\n"
HEADER = struct.Struct("<10I")
SAMPLE = 16
_BLOCK = 65_536
_MASK = 0xFFFFFFFF

Shape = tuple[int, ...]


@frozen
class Layout:
    """Names and shapes that one or more models have; `entries` are `library:name` with the options that lead to it."""

    entries: tuple[str, ...]
    classes: int
    tensors: Mapping[str, Shape]


def crcs(tensors: Mapping[str, Shape]) -> dict[str, int]:
    """Each name and its shape as a number, in any file and on any machine the same. Shapes repeat, so theirs are kept."""
    kept: dict[Shape, int] = {}
    found = {}
    for name, shape in tensors.items():
        start = kept.get(shape)
        if start is None:
            start = kept[shape] = zlib.crc32(f"{shape} ".encode())
        found[name] = zlib.crc32(name.encode("utf-8", "backslashreplace"), start)
    return found


def digest(values: Iterable[int]) -> int:
    """Names and shapes as one number, in whatever order they come."""
    return sum(values) & _MASK


def is_counter(name: str) -> bool:
    """Batch norm's counters came with torch 0.4.1: they tell nothing about an architecture."""
    return name.endswith("num_batches_tracked")


def named(names: Iterable[str]) -> int:
    """How many names there are, counters aside: by this, candidates of equal samples are put in order."""
    return sum(not is_counter(name) for name in names)


def plainness(entry: str) -> tuple[bool, bool, bool, int, str]:
    """Which of equal models gives its name: torchvision's before others, unquantized, no options, the shortest."""
    library, _, name = entry.partition(":")
    return library != "torchvision", name.startswith("quantized_"), "?" in name, len(name), name


class Index:
    """The index as a file that is open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError("this is no index of architectures")
        *places, self.layouts, self.most_names = HEADER.unpack(file.read(HEADER.size))
        self._places = list(zip(places[::2], places[1::2], strict=True))
        self._entries: list[str] = []

    @classmethod
    def opened(cls, path: str | os.PathLike[str]) -> Self:
        """Open the index at a path. Raises OSError or ValueError."""
        file = open(path, "rb", buffering=0)  # noqa: SIM115 - it stays open
        try:
            return cls(file)
        except BaseException:
            file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def with_digest(self, wanted: int) -> list[int]:
        """Layouts whose names and shapes, or those outside the head, have this digest."""
        data = self._section(0)
        count = len(data) // 6
        keys, numbers = _numbers("I", data[: count * 4]), _numbers("H", data[count * 4 :])
        at, found = bisect_left(keys, wanted), []
        while at < count and keys[at] == wanted:
            found.append(numbers[at])
            at += 1
        return found

    def with_samples(self, wanted: Iterable[int]) -> Counter[int]:
        """How many of their samples the layouts have among these numbers."""
        data = self._section(1)
        count = int.from_bytes(data[:4], "little")
        values, found = _numbers("I", data[4 : 4 + count * 4]), Counter[int]()
        hits = set(wanted).intersection(values)
        if hits:
            ends, runs = _numbers("I", data[4 + count * 4 : 4 + count * 8]), _numbers("H", data[4 + count * 8 :])
            for hit in hits:
                at = bisect_left(values, hit)
                found.update(runs[ends[at - 1] if at else 0 : ends[at]])
        return found

    def names_in(self, number: int) -> int:
        """How many names a layout has, counters aside."""
        return int(self._line(number)[1])

    def layout(self, number: int) -> Layout:
        """A layout by its number; its block is unpacked for it."""
        classes, _, block, *entries = self._line(number)
        first = number
        while first and self._line(first - 1)[2] == block:
            first -= 1
        start, _ = self._places[3]
        self._file.seek(start + int(block))
        text = zlib.decompressobj().decompress(self._file.read(_BLOCK)).decode()
        return Layout(tuple(entries), int(classes), dict(_unpacked(text.split("\n\n")[number - first])))

    def all(self) -> Iterator[Layout]:
        """Every layout, for tests and for looking at the whole."""
        return (self.layout(number) for number in range(self.layouts))

    def versions(self) -> str:
        """The libraries that the index was written from, with their versions."""
        return " ".join(self._line(-1))

    def _line(self, number: int) -> list[str]:
        if not self._entries:
            self._entries = zlib.decompress(self._section(2)).decode().splitlines()
        return self._entries[number + 1].split(" ")

    def _section(self, which: int) -> bytes:
        start, length = self._places[which]
        self._file.seek(start)
        return self._file.read(length)


def _numbers(kind: str, data: bytes) -> array[int]:
    """Little-endian numbers of four (`I`) or two (`H`) bytes."""
    numbers = array(kind, data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _bytes(kind: str, values: Iterable[int]) -> bytes:
    numbers = array(kind, values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _unpacked(text: str) -> Iterator[tuple[str, Shape]]:
    name, shapes = "", dict[str, Shape]({"": ()})
    for line in text.splitlines():
        keep, rest, shape = line.split(" ")
        name = name[: int(keep)] + rest
        if shape not in shapes:
            shapes[shape] = tuple(map(int, shape.split(",")))
        yield name, shapes[shape]


def packed(layouts: list[Layout], versions: str) -> bytes:
    """The index as bytes: the same layouts in the same order give the same bytes."""
    places, blocks = _packed_blocks(layouts)
    lines = [versions]
    for layout, place in zip(layouts, places, strict=True):
        lines.append(f"{layout.classes} {named(layout.tensors)} {place} {' '.join(layout.entries)}")
    sections = [_packed_keys(layouts), _packed_samples(layouts), zlib.compress("\n".join(lines).encode(), 9), blocks]
    header, at = [], len(MAGIC) + HEADER.size
    for section in sections:
        header += [at, len(section)]
        at += len(section)
    header += [len(layouts), max(len(layout.tensors) for layout in layouts)]
    return MAGIC + HEADER.pack(*header) + b"".join(sections)


def _packed_keys(layouts: list[Layout]) -> bytes:
    keys: set[tuple[int, int]] = set()
    for number, layout in enumerate(layouts):
        head, values = heads(layout.tensors), crcs(layout.tensors)
        keys.add((digest(values.values()), number))
        keys.add((digest(value for name, value in values.items() if not name.startswith(head)), number))
    ordered = sorted(keys)
    return _bytes("I", [key for key, _ in ordered]) + _bytes("H", [number for _, number in ordered])


def _packed_samples(layouts: list[Layout]) -> bytes:
    found: dict[int, list[int]] = {}
    for number, layout in enumerate(layouts):
        values = {value for name, value in crcs(layout.tensors).items() if not is_counter(name)}
        for value in sorted(values)[:SAMPLE]:
            found.setdefault(value, []).append(number)
    ends, runs = [], []
    for value in sorted(found):
        runs += found[value]
        ends.append(len(runs))
    return len(found).to_bytes(4, "little") + _bytes("I", sorted(found)) + _bytes("I", ends) + _bytes("H", runs)


def _packed_blocks(layouts: list[Layout]) -> tuple[list[int], bytes]:
    """Each layout's block by its place, and all blocks."""
    places: list[int] = []
    blocks, texts = b"", list[str]()
    for layout in layouts:
        text = _packed(layout.tensors)
        if texts and sum(map(len, texts)) + len(text) > _BLOCK:
            blocks, texts = blocks + zlib.compress("\n\n".join(texts).encode(), 9), []
        places.append(len(blocks))
        texts.append(text)
    return places, blocks + zlib.compress("\n\n".join(texts).encode(), 9)


def _packed(tensors: Mapping[str, Shape]) -> str:
    lines, before = [], ""
    for name, shape in tensors.items():
        if " " in name or "\n" in name:
            raise ValueError(f"{name!r} cannot be written")
        keep = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, name, strict=False)))
        lines.append(f"{keep} {name[keep:]} {','.join(map(str, shape))}")
        before = name
    return "\n".join(lines)
