"""What a file says of the machine that wrote it: the devices its tensors lay on, and the order of its bytes."""

from __future__ import annotations

from ptinspect.findings import Finding
from ptinspect.formats.document import Document
from ptinspect.tensors import StorageRef, TensorInfo

_EVERYWHERE = frozenset({"cpu", "meta"})
_LISTED = 4


def machine_findings(document: Document) -> list[Finding]:
    """Tensors that torch would put back on their device, and bytes in the other order."""
    return [*_elsewhere(document), *_big_endian(document)]


def _elsewhere(document: Document) -> list[Finding]:
    """Tensors on a device that another machine may not have. `torch.load` fails there unless it is told where to put them."""
    counts: dict[str, int] = {}
    first: TensorInfo | None = None
    for tensor in document.tensors:
        ref = tensor.storage or _storage_of_parts(tensor)
        if ref is not None and ref.location not in _EVERYWHERE:
            counts[ref.location] = counts.get(ref.location, 0) + 1
            first = first or tensor
    if first is None:
        return []
    total, whole = sum(counts.values()), len(document.tensors)
    by_device = ", ".join(f"{name} {count:,}" for name, count in list(counts.items())[:_LISTED])
    more = f" and {len(counts) - _LISTED:,} more devices" if len(counts) > _LISTED else ""
    how_many = "every tensor was" if total == whole else f"{total:,} of {whole:,} tensors {'was' if total == 1 else 'were'}"
    title = f"{how_many} saved on {' and '.join(counts) if len(counts) <= _LISTED else f'{len(counts):,} devices'}"
    listed = f"By device: {by_device}{more}. " if len(counts) > 1 else ""
    detail = f'{listed}A machine without {"them" if len(counts) > 1 else "it"} needs `map_location="cpu"` to load the file.'
    return [Finding("info", title, detail, first.name)]


def _storage_of_parts(tensor: TensorInfo) -> StorageRef | None:
    """Where the first part lies of a tensor that has no storage of its own, such as a sparse one."""
    return next(iter(tensor.storages()), None) if tensor.parts else None


def _big_endian(document: Document) -> list[Finding]:
    if document.facts.get("byteorder") != "big":
        return []
    detail = "The machine that wrote it keeps the high byte first. torch 2.1 and newer turn the bytes round; older ones read wrong numbers."
    return [Finding("info", "the numbers are stored big-endian", detail)]
