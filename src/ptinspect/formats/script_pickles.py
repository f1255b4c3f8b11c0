"""The pickles and texts of a TorchScript archive, whichever form its module has."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from ptinspect.errors import FileProblem
from ptinspect.formats.archive import Archive
from ptinspect.formats.document import Record
from ptinspect.formats.script_walk import ScriptRebuilder, ScriptShelf, ScriptWalk, outside_weights
from ptinspect.pickles.values import Value

KNOWN = ("data", "constants", "bytecode", "traced_inputs", "mobile_debug_handles")


def gather(archive: Archive, record: Record, storages: str, prefix: str) -> Value:
    """The root of one pickle, its tensors added to what the archive has reached."""
    root = archive.parse(record)
    shelf = ScriptShelf(archive.directory, storages, shapes_only=storages.endswith("traced_inputs/"))
    ScriptWalk(ScriptRebuilder(shelf), archive.limits, archive.reached).over(root, prefix)
    return root


def gather_rest(archive: Archive, folder: str, done: Iterable[str]) -> dict[str, Value]:
    """Every further pickle, those that TorchScript writes first; the roots by their short names."""
    records, skipped, roots = archive.directory.records, set(done), {}
    known = [f"{folder}{name}.pkl" for name in KNOWN]
    names = [name for name in known if name in records] + [name for name in records if name.endswith(".pkl") and name not in known]
    started, limits = time.monotonic(), archive.limits
    for name in names[: limits.pickles]:
        if name in skipped:
            continue
        if time.monotonic() - started > limits.seconds:
            archive.note("warning", "not every pickle was read", f"The limit `seconds` ({limits.seconds:g}) was reached.", name)
            break
        if name not in known:
            archive.note("notice", "a pickle that TorchScript does not read", "torch.jit.load ignores it.", name)
        short = name.removeprefix(folder).removesuffix(".pkl")
        try:
            with outside_weights(archive.reached):
                roots[short] = gather(archive, records[name], storages_of(records, folder, short), short.replace("/", "."))
        except FileProblem as problem:
            archive.broken(name, problem)
    return roots


def storages_of(records: Mapping[str, Record], folder: str, name: str) -> str:
    """The folder of a pickle's storages. Bytecode shares that of the constants, but for its first versions."""
    if name == "bytecode" and not any(record.startswith(f"{folder}bytecode/") for record in records):
        return f"{folder}constants/"
    return f"{folder}{name}/"


def texts(archive: Archive, folder: str, places: tuple[str, ...]) -> dict[str, Callable[[], str]]:
    """A reader for each program text below some places, by its name without the top folder."""
    below = tuple(folder + place for place in places)
    found: dict[str, Callable[[], str]] = {}
    for name, record in archive.directory.records.items():
        if name.endswith(".py") and name.startswith(below):
            found[name.removeprefix(folder)] = partial(_text, archive, record)
    return found


def _text(archive: Archive, record: Record) -> str:
    return archive.directory.read(record).decode("utf-8", "replace")


def add_facts(archive: Archive, folder: str, facts: Mapping[str, str]) -> None:
    """Small notes of the archive under their titles."""
    for name, title in facts.items():
        text = archive.text(folder + name)
        if text:
            archive.document.facts[title] = text
