"""`torch.export`: a zip with the program as JSON, its weights, its constants and the inputs it was traced with.

Today's form (PT2) says `archive_format` and may hold several programs; that of torch 2.1 to 2.7 has one, its tensors in
`torch.save` files inside the zip. Both come out as one mapping for each program: state_dict names to weights, the
constants by their names beside them, `example_inputs` below. Several programs stand below their names.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from ptinspect.errors import FileProblem
from ptinspect.formats import bounded_json
from ptinspect.formats.archive import Archive
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.described import Described, WholeRecords
from ptinspect.formats.document import Document, Record
from ptinspect.formats.export_payload import described
from ptinspect.formats.export_signature import read_program
from ptinspect.formats.nested import read_nested
from ptinspect.formats.reach import Walk
from ptinspect.formats.script_pickles import add_facts
from ptinspect.formats.script_walk import outside_weights
from ptinspect.pickles.values import Dict, Value, pairs_of

_NEW, _OLD = "archive_format", "serialized_exported_program.json"
_FACTS = {"archive_version": "archive version", "byteorder": "byteorder"}
_INPUTS = "example_inputs"


def offers(candidate: Candidate) -> bool:
    """Whether this is such a file."""
    return candidate.directory is not None and candidate.folder_of(_NEW, _OLD) is not None


def read(candidate: Candidate) -> Document:
    """The document in it."""
    archive = Archive(candidate, "torch-export")
    folder = candidate.folder_of(_NEW)
    if folder is None:
        folder = candidate.folder_of(_OLD) or ""
        export: _Export = _OldExport(archive, folder)
    else:
        export = _Export(archive, folder)
        if archive.text(folder + _NEW) != "pt2":
            archive.note("warning", "archive_format is not pt2", "torch.export.load refuses the file.", folder + _NEW)
    root = export.read()
    document = archive.document
    add_facts(archive, folder, _FACTS)
    archive.finish(root, (f"{folder}data/weights/", f"{folder}data/constants/"))
    document.unused = [record for record in document.unused if record.name not in export.taken]
    return document


class _Export:
    """A PT2 archive while it is read. `taken` are the records that were understood."""

    def __init__(self, archive: Archive, folder: str) -> None:
        self.archive = archive
        self.folder = folder
        self.records = archive.directory.records
        self.taken: set[str] = set()
        self.started = time.monotonic()

    def read(self) -> Value:
        """The mapping of the one program, or of several by name."""
        models = self._models()
        programs = [(model, self._program(model, f"{model}." if len(models) > 1 else "")) for model in models]
        self._rest()
        if len(programs) == 1:
            return programs[0][1]
        root = Dict()
        root.pairs = list(programs)
        return root

    def _models(self) -> list[str]:
        """The names of the programs, also of one whose text is missing."""
        found: dict[str, None] = {}
        for name in self.records:
            for begin, end in (("models/", ".json"), ("data/weights/", "_weights_config.json")):
                if name.startswith(self.folder + begin) and name.endswith(end):
                    found[name[len(self.folder) + len(begin) : -len(end)]] = None
        return list(found)[: self.archive.limits.pickles]

    def _program(self, model: str, lead: str) -> Dict:
        root = Dict()
        self._signature(f"models/{model}.json", lead)
        for kind in ("weights", "constants"):
            self._old_tensors(f"data/{kind}/{model}.pt", root, lead)
            self._config(kind, model, root, lead)
        self._inputs(f"data/sample_inputs/{model}.pt", root, lead)
        return root

    def _take(self, name: str) -> Record | None:
        """A record by its name below the folder, noted as understood; None where it is missing or the time is up."""
        record = self.records.get(self.folder + name)
        if record is None or record.name in self.taken:
            return None
        self.taken.add(record.name)
        if time.monotonic() - self.started > self.archive.limits.seconds:
            self.archive.note("warning", "not every member was read", "The limit `seconds` was reached.", record.name)
            return None
        return record

    def _signature(self, name: str, lead: str) -> None:
        record = self._take(name)
        if record is None:
            self.archive.note("warning", "a program is missing", "Parameters and buffers cannot be told apart.", self.folder + name)
            return
        self.archive.document.code[name] = partial(_text, self.archive, record)
        signature = read_program(self.archive, record)
        if signature is not None:
            self.archive.document.signatures[lead.removesuffix(".")] = signature

    def _config(self, kind: str, model: str, root: Dict, lead: str) -> None:
        """Weights or constants that a config describes."""
        record = self._take(f"data/{kind}/{model}_{kind}_config.json")
        if record is None:
            return
        try:
            config = bounded_json.parse(self.archive.directory.read(record), self.archive.limits, record.name).get("config")
        except FileProblem as problem:
            self.archive.broken(record.name, problem)
            return
        shelf = WholeRecords(self.archive.directory, f"{self.folder}data/{kind}/")
        rebuilder = Described(shelf)
        raw = Dict()
        for name, entry in config.items() if isinstance(config, dict) else ():
            fields = entry if isinstance(entry, dict) else {}
            if fields.get("use_pickle") is True:
                member = self._take(f"data/{kind}/{fields.get('path_name')}")
                value = None if member is None else read_nested(self.archive, member, lead + name)
            else:
                value = rebuilder.add(described(shelf, fields), "torch.export tensor")
                raw.pairs.append((lead + name, value))
            root.pairs.append((name, value))
        Walk(rebuilder, self.archive.limits, self.archive.reached).over(raw)

    def _old_tensors(self, name: str, root: Dict, lead: str) -> None:
        """A whole mapping in a `torch.save` file."""
        record = self._take(name)
        if record is None:
            return
        value = read_nested(self.archive, record, lead.removesuffix("."))
        root.pairs.extend(pairs_of(value) or [])

    def _inputs(self, name: str, root: Dict, lead: str) -> None:
        record = self._take(name)
        if record is not None:
            with outside_weights(self.archive.reached):
                root.pairs.append((_INPUTS, read_nested(self.archive, record, lead + _INPUTS)))

    def _rest(self) -> None:
        """Members that no config names: archives themselves, as compiled models keep their weights, and pickles put there by hand."""
        for record in list(self._loose()):
            if self._take(record.name.removeprefix(self.folder)) is not None:
                read_nested(self.archive, record, record.name.removeprefix(f"{self.folder}data/").replace("/", "."))

        for record in list(self.records.values()):
            if record.name.endswith(".pkl") and self._take(record.name.removeprefix(self.folder)) is not None:
                self._stray(record)

    def _stray(self, record: Record) -> None:
        """torch.load would read `data.pkl` of a file that is both; nobody else reads any of them."""
        self.archive.note("notice", "a pickle in an exported program", "torch.export.load does not read it.", record.name)
        try:
            self.archive.pickle(record, f"{self.folder}data/", prefix=record.name)
        except FileProblem as problem:
            self.archive.broken(record.name, problem)

    def _loose(self) -> Iterator[Record]:
        used = {ref.record for tensor in self.archive.reached.tensors for ref in tensor.storages()}
        for record in self.records.values():
            if record.name.startswith(f"{self.folder}data/") and record.name not in used and record.name not in self.taken:
                try:
                    begins = self.archive.directory.read(record, 4)
                except FileProblem:
                    continue
                if begins == b"PK\x03\x04":
                    yield record


class _OldExport(_Export):
    """The form of torch 2.1 to 2.7. The first versions gave their `torch.save` files the ending `.json`."""

    def read(self) -> Value:
        """The mapping of the program."""
        root = Dict()
        self._signature(_OLD, "")
        for ending in ("pt", "json"):
            self._old_tensors(f"serialized_state_dict.{ending}", root, "")
            self._old_tensors(f"serialized_constants.{ending}", root, "")
        self._inputs(f"serialized_{_INPUTS}.pt", root, "")
        add_facts(self.archive, self.folder, {"version": "schema version"})
        self._rest()
        return root


def _text(archive: Archive, record: Record) -> str:
    return archive.directory.read(record).decode("utf-8", "replace")
