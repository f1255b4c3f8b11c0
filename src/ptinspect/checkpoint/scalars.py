"""Single numbers, however a file holds them: plain, as a numpy scalar, or as a tensor without dimensions.

A numpy scalar is decoded from the bytes that stand in the pickle, a tensor without dimensions is read by its offset, both with
`struct`: numpy stays off the way of `info`. What cannot be read is None, never an error: a loss is not worth a file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from ptinspect.errors import FileProblem
from ptinspect.formats.document import Document
from ptinspect.formats.zip_directory import ZipDirectory
from ptinspect.frozen import field, frozen
from ptinspect.limits import DEFAULT, Limits
from ptinspect.pickles.values import Call, Value
from ptinspect.pickles.window import Source
from ptinspect.tensors import TensorInfo

Number = int | float | bool
Scalar = int | float | bool | str
ScalarReader = Callable[[TensorInfo], Number | None]

MOST_READ = 64
_INFLATED = 1 << 20
_PLAIN = (bool, int, float, str)
_FORMATS = {
    "float64": "d",
    "float32": "f",
    "float16": "e",
    "bfloat16": "H",
    "bool": "B",
    "uint8": "B",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint16": "H",
    "uint32": "I",
    "uint64": "Q",
}
_NUMPY = {
    "f8": "d",
    "f4": "f",
    "f2": "e",
    "b1": "?",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
}


@frozen
class Scalars:
    """Finds the plain value behind an inert one. `read` reads a tensor without dimensions; without it those have no value."""

    by_value: Mapping[int, TensorInfo] = field(default_factory=dict)
    read: ScalarReader | None = None

    def of(self, value: Value) -> Scalar | None:
        """The number or text that a value stands for, None where it is anything else."""
        if type(value) in _PLAIN:
            return value  # type: ignore[no-any-return]
        if type(value) is not Call:
            return None
        tensor = self.by_value.get(id(value))
        if tensor is None:
            return numpy_scalar(value)
        return self.read(tensor) if self.read is not None and tensor.shape == () else None

    def is_one(self, value: Value) -> bool:
        """Whether a value is a single number or text, without reading it."""
        if type(value) in _PLAIN or value is None:
            return True
        if type(value) is not Call:
            return False
        tensor = self.by_value.get(id(value))
        return tensor.shape == () if tensor is not None else value.name.endswith("multiarray.scalar")


def numpy_scalar(value: Call) -> Number | None:
    """The number in `numpy._core.multiarray.scalar(dtype, bytes)`; the dtype's state names the byte order."""
    if not value.name.endswith("multiarray.scalar") or type(value.args) is not tuple or len(value.args) != 2:
        return None
    dtype, raw = value.args
    code = dtype.args[0] if type(dtype) is Call and type(dtype.args) is tuple and dtype.args else None
    form = _NUMPY.get(code) if type(code) is str else None
    data = _bytes_of(raw)
    if form is None or data is None or len(data) != struct.calcsize(form):
        return None
    order = dtype.state[1] if type(dtype.state) is tuple and len(dtype.state) > 1 else "<"
    found: Number = struct.unpack((">" if order == ">" else "<") + form, data)[0]
    return found


def _bytes_of(raw: Value) -> bytes | None:
    """Bytes, or what protocol 2 writes in their place: `_codecs.encode(text, "latin1")`."""
    if type(raw) is bytes:
        return raw
    if type(raw) is Call and raw.name == "_codecs.encode" and type(raw.args) is tuple and raw.args and type(raw.args[0]) is str:
        try:
            return raw.args[0].encode("latin-1")
        except UnicodeEncodeError:
            return None
    return None


class TensorScalars:
    """Reads tensors without dimensions through a source that is open; at most `most` of them, then nothing more."""

    def __init__(self, source: Source, document: Document, limits: Limits = DEFAULT, most: int = MOST_READ) -> None:
        self.source = source
        self.records = document.records
        self.big = document.facts.get("byteorder") == "big"
        self.limits = limits
        self.left = most
        self.known: dict[int, Number | None] = {}

    def __call__(self, tensor: TensorInfo) -> Number | None:
        """The number in a tensor without dimensions, None where it has none that can be read."""
        if id(tensor) in self.known:
            return self.known[id(tensor)]
        form = _FORMATS.get(tensor.dtype.name)
        if tensor.shape != () or tensor.problem or tensor.pending or tensor.storage is None or form is None or self.left <= 0:
            return None
        self.left -= 1
        try:
            data = self._bytes(tensor, tensor.dtype.itemsize)
        except FileProblem:
            data = b""
        found = _number(data, form, tensor.dtype.name, self.big) if len(data) == tensor.dtype.itemsize else None
        self.known[id(tensor)] = found
        return found

    def _bytes(self, tensor: TensorInfo, size: int) -> bytes:
        """The element's bytes: by its place in the file, by its record, inflated where that is packed and short."""
        storage, at = tensor.storage, tensor.span[0]
        if storage is None or storage.is_meta or at < 0:
            return b""
        if storage.offset is not None:
            return self.source.read(storage.offset + at, size)
        record = self.records.get(storage.record or "")
        if record is None or at + size > record.size:
            return b""
        directory = ZipDirectory.of_records(self.source, self.limits, self.records)
        if record.is_plain:
            return self.source.read(directory.locate(record) + at, size)
        return directory.read(record, at + size)[at:] if at < _INFLATED else b""


def _number(data: bytes, form: str, name: str, big: bool) -> Number:
    order = ">" if big else "<"
    found: Number = struct.unpack(order + form, data)[0]
    if name == "bfloat16":  # the upper half of a float32
        return float(struct.unpack(">f", struct.pack(">HH", found, 0))[0])
    return found != 0 if name == "bool" else found
