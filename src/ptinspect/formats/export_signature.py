"""What the program of `torch.export` says about its tensors: which are parameters, which buffers, which constants.

The program is JSON after torch/_export/serde/schema.py, megabytes of graph for a large model; only its signature is parsed.
"""

from __future__ import annotations

import re
from typing import Any

from ptinspect.errors import FileProblem
from ptinspect.formats.archive import Archive
from ptinspect.formats.bounded_json import objects_under
from ptinspect.formats.document import Record, Signature

_KINDS = (("parameter", "parameter_name"), ("buffer", "buffer_name"), ("tensor_constant", "tensor_constant_name"))
_TORCH = re.compile(rb'"torch_version"\s*:\s*"([^"\\]{1,60})"')
_SCHEMA = re.compile(rb'"schema_version"\s*:\s*\{\s*"major"\s*:\s*(\d{1,6})\s*,\s*"minor"\s*:\s*(\d{1,6})')


def read_program(archive: Archive, record: Record) -> Signature | None:
    """The signature in a program's text, which also tells the versions it was made with; None, with a finding, where there is none."""
    try:
        text = archive.directory.read(record)
        entries = objects_under(text, "signature", archive.limits, record.name)
        found = next((signature for signature in map(_signature, entries) if signature is not None), None)
    except FileProblem as problem:
        archive.note("warning", "a program cannot be read", f"{problem.message}.", record.name)
        archive.document.problem = archive.document.problem or problem
        return None
    facts = archive.document.facts
    for title, match in (("torch version", _TORCH.search(text)), ("schema version", _SCHEMA.search(text))):
        if match is not None:
            facts.setdefault(title, b".".join(match.groups()).decode("utf-8", "replace"))
    if found is None:
        archive.note("warning", "a program has no signature", "Parameters and buffers cannot be told apart.", record.name)
    return found


def _signature(entry: dict[str, Any]) -> Signature | None:
    """The signature of a graph, in today's form or that of torch 2.1; None for the other objects of that name."""
    specs = entry.get("input_specs")
    if isinstance(specs, list):
        return _from_specs(specs)
    parameters, buffers = entry.get("inputs_to_parameters"), entry.get("inputs_to_buffers")
    if isinstance(parameters, dict) and isinstance(buffers, dict):
        return Signature(_texts(parameters), _texts(buffers))
    return None


def _texts(names: dict[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in names.values() if type(name) is str)


def _from_specs(specs: list[Any]) -> Signature:
    names: dict[str, list[str]] = {kind: [] for kind, _ in _KINDS}
    passing: list[str] = []
    for spec in specs:
        for kind, key in _KINDS:
            entry = spec.get(kind) if isinstance(spec, dict) else None
            if not isinstance(entry, dict) or type(entry.get(key)) is not str:
                continue
            name = entry[key]
            names[kind].append(name)
            if kind == "buffer" and entry.get("persistent") is False:
                passing.append(name)
    return Signature(tuple(names["parameter"]), tuple(names["buffer"]), tuple(passing), tuple(names["tensor_constant"]))
