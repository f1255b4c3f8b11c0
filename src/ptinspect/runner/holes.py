"""Where the raw numbers of a file lie: the only bytes that a consent does not cover.

A consent covers every byte but these, so that whatever a loader may find to run is covered, also by a way of reading that ours does
not know. Training on changes the numbers and nothing else, and the consent holds. A stretch counts as numbers only where every
reader must agree on that: an uncompressed storage of a known tensor, in no other record's way, in a file that is whole, ordinary
and names nothing dangerous. Otherwise there is no hole, and the consent is to the file as a whole. Nor is there one where the file
calls a function that is more than data: it may make a program of numbers (`_tensor_to_object` unpickles a tensor). Classes are only
made empty and given their state, as modules are.

The checksums of those records follow from the numbers, and so does `serialization_id`, which is made of checksums: holes too.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.errors import FileProblem
from ptinspect.formats.document import Document, Record
from ptinspect.formats.source import FileSource
from ptinspect.formats.tar_members import BLOCK, is_tar
from ptinspect.formats.zip_end import CENTRAL, LOCAL, find_end
from ptinspect.limits import DEFAULT
from ptinspect.pickles.values import Call, Dict, Global, Persistent, Set, children, class_outside

_KEY = re.compile(r"[0-9]{1,19}")
_CRC_IN_HEADER, _CRC_IN_DIRECTORY, _CRC_IN_FOOTER = 14, 16, 4
_FOOTER = b"PK\x07\x08"
_HAS_FOOTER = 8
_LONGEST_ID = 64
_HOLDING = frozenset({Call, Dict, Set, Persistent, list, tuple})


class Hole(NamedTuple):
    """A stretch of the file that is not covered."""

    start: int
    end: int


class _Place(NamedTuple):
    """An entry of a zip: its record, where its bytes begin, and where the directory keeps its checksum."""

    record: Record
    data: int
    checksum: int

    @property
    def end(self) -> int:
        return self.data + self.record.stored


def holes_of(source: FileSource, checkpoint: Checkpoint) -> list[Hole]:
    """The holes in order, none of which touches another; empty where anything is in doubt."""
    document = checkpoint.document
    if document.problem is not None or checkpoint.safety.verdict == "dangerous" or _calls_code(checkpoint):
        return []
    try:
        found = _in_zip(source, document) if document.container in ("torch-zip", "torchscript") else _in_stream(source, document)
    except (FileProblem, struct.error):
        return []
    found.sort()
    apart = all(before.end <= after.start for before, after in pairwise(found))
    return found if apart and (not found or found[-1].end <= source.size) else []


def _calls_code(checkpoint: Checkpoint) -> bool:
    """Whether loading calls something that is no plain data, otherwise than to make an empty object of a class."""
    document = checkpoint.document
    if document.container == "torchscript":
        return False  # its loader knows no Python
    code = {found.name for found in checkpoint.safety.globals if found.verdict != "data"}
    made = Counter[str]()
    todo, seen = [pickle.stream.root for pickle in document.pickles], set[int]()
    while todo:
        value = todo.pop()
        if type(value) in _HOLDING and id(value) not in seen:
            seen.add(id(value))
            if type(value) is Call and value.how == "new" and value.args == ():
                cls = class_outside(value.fn) or value.fn
                made[cls.name if type(cls) is Global else ""] += 1
            todo.extend(children(value))
    called = Counter[str]()
    for pickle in document.pickles:
        called.update({name: one.called for name, one in pickle.stream.globals.items() if name in code})
    return any(pickle.stream.computed for pickle in document.pickles) or any(called[name] != made[name] for name in called)


def _in_stream(source: FileSource, document: Document) -> list[Hole]:
    """A legacy file's storages lie behind its five pickles. One whose first block is a tar header too, torch may read as a tar."""
    if document.container != "torch-legacy" or is_tar(source.read(0, BLOCK)) or len(document.pickles) < 5:
        return []
    last = document.pickles[4]
    if last.name != "storage keys" or last.stream.problem is not None or any(one.stream.problem for one in document.pickles):
        return []
    places = [(record.data or 0, record) for record in document.records.values()]
    return [Hole(data, data + record.stored) for data, record in places if record.stored and data > last.stream.end]


def _in_zip(source: FileSource, document: Document) -> list[Hole]:
    folder = document.pickles[0].name.removesuffix("data.pkl") if document.pickles else None
    places = _places(source, document)
    if folder is None or not document.pickles[0].name.endswith("data.pkl") or not places:
        return []
    used = {ref.record for tensor in document.tensors for ref in tensor.storages()}
    found: list[Hole] = []
    for place, after in zip(places, [*(one.record.header for one in places[1:]), source.size], strict=True):
        record = place.record
        is_storage = record.name in used and record.name.startswith(f"{folder}data/") and _KEY.fullmatch(record.name[len(folder) + 5 :])
        is_id = record.name == f"{folder}.data/serialization_id" and record.size <= _LONGEST_ID
        if record.is_plain and record.size == record.stored > 0 and (is_storage or is_id):
            found += _around(source, place, after)
    return found


def _around(source: FileSource, place: _Place, after: int) -> Iterator[Hole]:
    """The numbers of a record, and its checksum wherever it stands."""
    yield Hole(place.data, place.end)
    yield Hole(place.record.header + _CRC_IN_HEADER, place.record.header + _CRC_IN_HEADER + 4)
    yield Hole(place.checksum, place.checksum + 4)
    footer = place.end + _CRC_IN_FOOTER
    if place.record.flags & _HAS_FOOTER and footer + 4 <= after and source.read(place.end, 4) == _FOOTER:
        yield Hole(footer, footer + 4)


def _places(source: FileSource, document: Document) -> list[_Place]:
    """Every entry in the order of the file; none where two have one name, lie on each other or on the directory."""
    end = find_end(source, DEFAULT, [])
    records = list(document.records.values())
    if end.shift or end.entries != len(records) or len({record.name.lower() for record in records}) != len(records):
        return []
    checksums, at, directory = [], 0, source.read(end.place, end.size)
    for _ in records:
        if directory[at : at + 4] != CENTRAL:
            return []
        checksums.append(end.place + at + _CRC_IN_DIRECTORY)
        at += 46 + sum(struct.unpack_from("<HHH", directory, at + 28))
    places = sorted(map(_place, [source] * len(records), records, checksums), key=lambda place: place.record.header)
    borders = [*(place.record.header for place in places[1:]), end.place]
    is_orderly = at == end.size and all(place.data >= 0 and place.end <= border for place, border in zip(places, borders, strict=True))
    return places if is_orderly else []


def _place(source: FileSource, record: Record, checksum: int) -> _Place:
    """Where a record's bytes begin, by the header before them; -1 where there is none."""
    raw = source.read(record.header, 30)
    if raw[:4] != LOCAL:
        return _Place(record, -1, checksum)
    return _Place(record, record.header + 30 + sum(struct.unpack_from("<HH", raw, 26)), checksum)


__all__ = ["Hole", "holes_of"]
