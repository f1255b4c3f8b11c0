"""safetensors: eight bytes of length, a JSON header, then the bytes. No code, no pickle."""

from __future__ import annotations

import json
import struct
from typing import Any, TypeGuard

from ptinspect.dtypes import BY_SAFETENSORS, BYTE
from ptinspect.errors import Corrupt, LimitExceeded, Truncated
from ptinspect.findings import Finding
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document, Place
from ptinspect.pickles.values import Call, Dict, Global
from ptinspect.tensors import StorageRef, TensorInfo

HEADER_LIMIT = 100_000_000


def offers(candidate: Candidate) -> bool:
    """A plausible header length, then a JSON object."""
    if len(candidate.head) < 10:
        return False
    (length,) = struct.unpack_from("<Q", candidate.head)
    return candidate.head[8:9] == b"{" and 2 <= length <= HEADER_LIMIT and candidate.head[9:].lstrip()[:1] in (b'"', b"}")


def read(candidate: Candidate) -> Document:
    """The document in it: a flat mapping from names to tensors."""
    header, begin = _header(candidate)
    metadata = header.pop("__metadata__", None)
    document = Document("safetensors", Dict())
    if isinstance(metadata, dict):
        document.metadata.update({str(key): str(value) for key, value in metadata.items()})
    for name, entry in header.items():
        _add(document, name, entry, begin, candidate.source.size)
    _check_ranges(document, begin, candidate)
    return document


def _header(candidate: Candidate) -> tuple[dict[str, Any], int]:
    source, limits = candidate.source, candidate.limits
    (length,) = struct.unpack_from("<Q", candidate.head)
    if length > limits.header_bytes:
        raise LimitExceeded("the header goes over the limit `header_bytes`", "No honest file has such a header.")
    text = source.read(8, length)
    if len(text) < length:
        message = f"incomplete: the header alone takes {length:,} bytes and {len(text):,} are there"
        raise Truncated(message, "Download or copy the file again.")
    try:
        header = json.loads(text, object_pairs_hook=_pairs)
    except (ValueError, RecursionError):
        raise Corrupt("the safetensors header is no valid JSON", "Get the file again from its source.") from None
    if not isinstance(header, dict):
        raise Corrupt("the safetensors header is no mapping", "Get the file again from its source.")
    return header, 8 + length


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Corrupt("a name stands twice in the safetensors header", "The format forbids it; get the file again from its source.")
    return found


def _add(document: Document, name: str, entry: object, begin: int, size: int) -> None:
    tensor = _tensor(name, entry, begin, size)
    document.tensors.append(tensor)
    document.places.append(Place(name, tensor))
    value = Call(Global("safetensors"), (), "tensor")
    document.by_value[id(value)] = tensor
    document.root.pairs.append((name, value))


def _tensor(name: str, entry: object, begin: int, size: int) -> TensorInfo:
    fields = entry if isinstance(entry, dict) else {}
    dtype, shape, span = BY_SAFETENSORS.get(str(fields.get("dtype"))), fields.get("shape"), fields.get("data_offsets")
    if dtype is None or not _counts(shape) or not _counts(span) or len(span) != 2:
        what = f"dtype {fields.get('dtype')!r}" if dtype is None else "shape or place"
        return TensorInfo(name, (), (), dtype or BYTE, None, problem=f"its {what} is not known")
    if dtype.per_item > 1 and shape:  # the header counts values, torch and we count stored elements
        shape = [*shape[:-1], shape[-1] // dtype.per_item]
    low, high = span
    ref = StorageRef(name, dtype, high - low, max(0, min(size, begin + high) - begin - low), None, begin + low)
    tensor = TensorInfo(name, tuple(shape), _contiguous(shape), dtype, ref)
    return TensorInfo(name, tensor.shape, tensor.strides, dtype, ref, problem=_misfit(tensor, ref))


def _misfit(tensor: TensorInfo, ref: StorageRef) -> str | None:
    need = tensor.dtype.nbytes(tensor.elements)
    if need != ref.nbytes:
        return f"it needs {need:,} bytes and is given {ref.nbytes:,}"
    if ref.present < ref.nbytes:
        return f"its bytes are cut off: {ref.present:,} of {ref.nbytes:,} are there"
    return None


def _counts(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 1 << 62 for item in value)


def _contiguous(shape: list[int]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(1, size)
    return tuple(reversed(strides))


def _check_ranges(document: Document, begin: int, candidate: Candidate) -> None:
    """The format wants every byte named once; gaps and overlaps hide content."""
    end = begin
    for tensor in sorted(document.tensors, key=lambda tensor: tensor.storage.offset or 0 if tensor.storage else 0):
        ref = tensor.storage
        if ref is None or ref.offset is None:
            continue
        if ref.offset < end and ref.nbytes:
            document.findings.append(Finding("warning", "tensors overlap", "The format forbids it.", tensor.name))
        elif ref.offset > end:
            document.findings.append(Finding("notice", "bytes that no tensor names", f"{ref.offset - end:,} bytes before it.", tensor.name))
        end = max(end, ref.offset + ref.nbytes)
    missing = end - candidate.source.size
    if missing > 0:
        there = f"{candidate.source.size:,} of {end:,} bytes are there"
        document.findings.append(Finding("warning", "the file is incomplete", f"{there}. Whole tensors can be used."))
        document.problem = Truncated(f"incomplete: {there}", "Download or copy the file again.")
    elif missing < 0:
        document.findings.append(Finding("notice", "bytes after the last tensor", f"{-missing:,} bytes that no tensor names."))
