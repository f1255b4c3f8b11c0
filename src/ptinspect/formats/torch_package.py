"""`torch.package`: a zip with Python sources, pickles as resources, and storages at `.data/<key>.storage`.

Its pickles name objects that were written apart with persistent ids ("reduce_package", number, function, arguments): graph
modules and TorchScript, whose pickles lie in `.data/ts_code/<number>/`. Here such a reference is replaced by what loading
would put in its place, so that the tree above it is whole. The classes that the pickles name live in the sources; they are shown as text.

The root is the first pickle that holds a tensor, or the first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from ptinspect.errors import FileProblem
from ptinspect.formats.archive import Archive, RecordShelf
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document, Record
from ptinspect.formats.script_pickles import add_facts
from ptinspect.formats.script_walk import ScriptRebuilder, ScriptWalk
from ptinspect.formats.substitution import substituted
from ptinspect.formats.torchscript_code import Classes
from ptinspect.pickles.values import Call, Global, Persistent, Value
from ptinspect.tensors import StorageRef

_MARK = ".data/extern_modules"
_SCRIPTS = ".data/ts_code/"
_FACTS = {".data/version": "version", ".data/python_version": "python version"}
_GRAPH_MODULE = "torch.fx.graph_module.reduce_package_graph_module"


def offers(candidate: Candidate) -> bool:
    """Whether this is such a file: torch.package always lists the modules that it expects outside."""
    return candidate.directory is not None and candidate.folder_of(_MARK) is not None


def read(candidate: Candidate) -> Document:
    """The document in it."""
    archive = Archive(candidate, "torch-package")
    folder = candidate.folder_of(_MARK) or ""
    document = archive.document
    root = _Package(archive, folder).read()
    document.code = {
        record.name.removeprefix(folder): partial(_text, archive, record)
        for record in document.records.values()
        if record.name.startswith(folder) and record.name.endswith(".py")
    }
    document.classes = Classes(document.code, f"{_SCRIPTS}code/")
    add_facts(archive, folder, _FACTS)
    outside = (archive.text(folder + _MARK, 4_096) or "").split()
    document.facts["modules expected outside"] = ", ".join(outside[:20]) + (" …" if len(outside) > 20 else "")
    archive.finish(root, (f"{folder}.data/",))
    document.unused = [record for record in document.unused if record.name.endswith(".storage")]
    return document


def _text(archive: Archive, record: Record) -> str:
    return archive.directory.read(record).decode("utf-8", "replace")


class PackageShelf(RecordShelf):
    """Python's pickles name a storage `3`, TorchScript's `3.storage`; both mean `.data/3.storage`."""

    def _describe(self, identity: tuple[Value, ...], key: str) -> StorageRef | str:
        return super()._describe(identity, key if key.endswith(".storage") else f"{key}.storage")


class _Package:
    """One package while its pickles are put together."""

    def __init__(self, archive: Archive, folder: str) -> None:
        self.archive = archive
        self.folder = folder
        self.walk = ScriptWalk(ScriptRebuilder(PackageShelf(archive.directory, f"{folder}.data/")), archive.limits, archive.reached)
        self.scripts: dict[str, Value] = {}
        self.made: dict[int, tuple[Persistent, Value]] = {}

    def read(self) -> Value:
        """Every pickle; the root of the one that counts."""
        self._parse_scripts()
        first: Value = None
        counting: Value = None
        for record in self._resources():
            prefix = "" if counting is None else self._short(record).replace("/", ".")
            root = self._resource(record, prefix)
            first = root if first is None else first
            if counting is None and self.archive.reached.tensors:
                counting = root
        for name, root in self.scripts.items():
            self.walk.over(root, name.replace("/", "."))
        return first if counting is None else counting

    def _short(self, record: Record) -> str:
        return record.name.removeprefix(self.folder).removeprefix(".data/").removesuffix(".pkl")

    def _parse_scripts(self) -> None:
        """TorchScript's pickles, which the resources name by number."""
        for record in list(self.archive.directory.records.values()):
            if record.name.startswith(self.folder + _SCRIPTS) and record.name.endswith(".pkl"):
                self.scripts[self._short(record)] = self._parse(record)

    def _resources(self) -> Iterator[Record]:
        """Pickles saved by the user, as long as the limits allow."""
        started, limits = time.monotonic(), self.archive.limits
        for record in list(self.archive.directory.records.values()):
            if not self._is_resource(record):
                continue
            if len(self.archive.document.pickles) >= limits.pickles or time.monotonic() - started > limits.seconds:
                self.archive.note("warning", "not every pickle was read", "The limits `pickles` or `seconds` were reached.", record.name)
                return
            yield record

    def _is_resource(self, record: Record) -> bool:
        """By its name, or by its first bytes, since a resource may have any name."""
        name = record.name
        if name.startswith(f"{self.folder}.data/") or name.endswith((".py", "/")):
            return False
        if name.endswith(".pkl"):
            return True
        try:
            head = self.archive.directory.read(record, 2)
        except FileProblem:
            return False
        return len(head) == 2 and head[0] == 0x80 and 2 <= head[1] <= 5

    def _resource(self, record: Record, prefix: str) -> Value:
        self.made.clear()
        root = substituted(self._parse(record), self._reduced)
        self.walk.over(root, prefix)
        return root

    def _parse(self, record: Record) -> Value:
        try:
            return self.archive.parse(record)
        except FileProblem as problem:
            self.archive.broken(record.name, problem)
            return None

    def _reduced(self, reference: Persistent) -> Value:
        """What stands for ("reduce_package", number, function, arguments), or without the number as once; else the reference."""
        identity = reference.id if type(reference.id) is tuple else ()
        if len(identity) not in (3, 4) or type(identity[0]) is not str or identity[0] != "reduce_package":
            return reference
        number = identity[1] if len(identity) == 4 and type(identity[1]) is int else -id(reference)
        known = self.made.get(number)
        if known is None:  # the reference is kept, so that no other takes its place in memory
            known = self.made[number] = (reference, self._made(identity[-2], identity[-1]))
        return known[1]

    def _made(self, function: Value, args: Value) -> Value:
        name = function.name if type(function) is Global else ""
        if type(args) is not tuple or not args:
            return Call(function, args)
        if name.endswith(".unpackage_script_module") and type(args[0]) is str:
            return self.scripts.get(f"ts_code/{args[0]}/data", Call(function, args))
        if name == _GRAPH_MODULE:
            module = Call(Global("torch.fx.graph_module.GraphModule"), args[1:], "new")
            module.states = (args[0],)
            return module
        return Call(function, args)
