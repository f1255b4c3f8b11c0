"""Where zip containers of torch keep their storages: a record each, `folder` + key."""

from __future__ import annotations

from ptinspect.dtypes import from_global
from ptinspect.formats.document import Record
from ptinspect.formats.zip_directory import STORED, ZipDirectory
from ptinspect.pickles.values import Global, Persistent, Value
from ptinspect.tensors import StorageRef

MOST_NUMEL = 1 << 62


class RecordShelf:
    """Storages that lie in records: `folder` + key."""

    def __init__(self, directory: ZipDirectory, folder: str) -> None:
        self.directory = directory
        self.folder = folder
        self.end = directory.source.size
        self.known: dict[str, StorageRef | str] = {}

    def storage(self, value: Value) -> StorageRef | str:
        """The storage behind a persistent id: ("storage", type, key, location, elements)."""
        identity = value.id if type(value) is Persistent else None
        if type(identity) is not tuple or len(identity) < 5:
            return "its storage is not described in a way that torch knows"
        key = identity[2]
        if type(key) is not str:
            key = str(key) if type(key) is int else ""
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._describe(identity, key)
        return found

    def _describe(self, identity: tuple[Value, ...], key: str) -> StorageRef | str:
        _, kind, _, location, numel = identity[:5]
        dtype = from_global(kind.name) if type(kind) is Global else None
        if dtype is None:
            return "its storage has a type that is not known"
        if type(numel) is not int or not 0 <= numel < MOST_NUMEL:
            return "its storage has a size that is no number of elements"
        record = self.directory.records.get(self.folder + key)
        nbytes = numel * dtype.itemsize  # torch counts the elements of a storage in whole bytes, packed ones too
        where = location if type(location) is str else "cpu"
        if record is None:
            if nbytes == 0 or where == "meta":
                return StorageRef(self.folder + key, dtype, nbytes, nbytes, None, None, where)
            return f"its bytes are missing: there is no record {self.folder + key!r}"
        return StorageRef(record.name, dtype, nbytes, min(nbytes, self._present(record)), record.name, None, where)

    def _present(self, record: Record) -> int:
        if record.method != STORED:
            return record.size
        begin = record.header + 30 if record.data is None else record.data
        return max(0, min(record.size, record.stored, self.end - begin))
