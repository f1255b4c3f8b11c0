"""Storage truth: what the file stores, what nobody can reach, and which names share one memory."""

from __future__ import annotations

from ptinspect.checkpoint.model import StorageTotals, WeightSet, memory_of
from ptinspect.findings import Finding
from ptinspect.formats.document import Document
from ptinspect.tensors import StorageRef, TensorInfo

WORTH_TELLING = 4_096


def totals_of(document: Document, weights: tuple[WeightSet, ...]) -> tuple[StorageTotals, list[Finding]]:
    """Stored, wasted and shared bytes, with findings about what a slice dragged along."""
    hulls: dict[str, tuple[StorageRef, int, int, TensorInfo]] = {}
    for tensor in document.tensors:
        _add(hulls, tensor, tensor)
    findings, stored, wasted = [], 0, 0
    for ref, low, high, tensor in hulls.values():
        if ref.is_meta:
            continue
        stored += ref.nbytes
        lost = ref.nbytes - (high - low)
        if lost > 0:
            wasted += lost
        if lost >= WORTH_TELLING and lost * 4 > ref.nbytes:
            findings.append(_slice_finding(tensor, ref, lost))
    unused = sum(record.size for record in document.unused)
    if unused:
        names = ", ".join(record.name for record in document.unused[:3])
        title = f"{len(document.unused):,} data record{'s' if len(document.unused) > 1 else ''} that no tensor names"
        findings.append(Finding("notice", title, f"{unused:,} bytes are stored and reached by nothing.", names))
    apart = len(hulls) == len(document.tensors) == len(document.places) and _one_name_each(weights)
    shared = () if apart else shared_names(document, weights)
    return StorageTotals(stored, wasted + unused, shared), findings


def _one_name_each(weights: tuple[WeightSet, ...]) -> bool:
    """A module inside a module twice is met once, so its tensors have one place, but two names of the state_dict."""
    return sum(len(w.entries) for w in weights) == len({id(entry.tensor) for w in weights for entry in w.entries})


def _add(hulls: dict[str, tuple[StorageRef, int, int, TensorInfo]], tensor: TensorInfo, owner: TensorInfo) -> None:
    for part in tensor.parts:
        _add(hulls, part, owner)
    ref = tensor.storage
    if ref is None:
        return
    low, high = tensor.span if tensor.problem is None else (0, ref.nbytes)
    known = hulls.get(ref.key)
    if known is None or known[1] == known[2]:
        hulls[ref.key] = (ref, low, high, known[3] if known else owner)
    elif low < high and (low < known[1] or high > known[2]):
        hulls[ref.key] = (ref, min(low, known[1]), max(high, known[2]), known[3])


def _slice_finding(tensor: TensorInfo, ref: StorageRef, lost: int) -> Finding:
    title = f"{lost:,} of {ref.nbytes:,} bytes are stored and reached by no tensor"
    detail = "A slice of a larger tensor was saved, which stores the larger one whole. Save `tensor.clone()` instead."
    return Finding("notice", title, detail, tensor.name)


def shared_names(document: Document, weights: tuple[WeightSet, ...]) -> tuple[tuple[str, ...], ...]:
    """Names of weights that stand on the same bytes, in file order."""
    groups: dict[object, dict[str, None]] = {}
    listed: set[str] = set()
    for found in weights:
        lead = f"{found.path}." if found.path else ""
        for entry in found.entries:
            listed.add(lead + entry.name)
            groups.setdefault(memory_of(entry.tensor), {})[lead + entry.name] = None
    for place in document.places:
        path = place.path.partition("#")[0]
        if place.in_weights and path not in listed:
            groups.setdefault(memory_of(place.tensor), {})[place.path] = None
    return tuple(tuple(names) for names in groups.values() if len(names) > 1)
