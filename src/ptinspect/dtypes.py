"""Every dtype that torch can store, in one table.

`bits` is the size of one stored element. `decode` names the numpy type that reads it (through ml_dtypes where numpy has none);
it is a string, since numpy stays off the way of `info`. `per_item` counts the values packed into one stored element:
torch counts a float4_e2m1fn_x2 tensor by its bytes, two values each, and so do we.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from ptinspect.frozen import frozen

Family = Literal["float", "complex", "int", "uint", "bool", "quantized", "bits"]


@frozen
class DType:
    """One way to store a number."""

    name: str
    bits: int
    family: Family
    decode: str | None
    storage: str | None = None
    safetensors: str | None = None
    per_item: int = 1

    @property
    def itemsize(self) -> int:
        """Bytes an element takes; sub-byte quantized elements are packed, so this is their upper bound."""
        return (self.bits + 7) // 8

    def nbytes(self, count: int) -> int:
        """Bytes that `count` elements take, one after another."""
        return (count * self.bits + 7) // 8


_ROWS = (
    DType("float64", 64, "float", "float64", "DoubleStorage", "F64"),
    DType("float32", 32, "float", "float32", "FloatStorage", "F32"),
    DType("float16", 16, "float", "float16", "HalfStorage", "F16"),
    DType("bfloat16", 16, "float", "bfloat16", "BFloat16Storage", "BF16"),
    DType("float8_e4m3fn", 8, "float", "float8_e4m3fn", None, "F8_E4M3"),
    DType("float8_e5m2", 8, "float", "float8_e5m2", None, "F8_E5M2"),
    DType("float8_e4m3fnuz", 8, "float", "float8_e4m3fnuz", None, "F8_E4M3FNUZ"),
    DType("float8_e5m2fnuz", 8, "float", "float8_e5m2fnuz", None, "F8_E5M2FNUZ"),
    DType("float8_e8m0fnu", 8, "float", "float8_e8m0fnu", None, "F8_E8M0"),
    DType("float4_e2m1fn_x2", 8, "float", "float4_e2m1fn", None, "F4", per_item=2),
    DType("complex32", 32, "complex", None, "ComplexHalfStorage"),
    DType("complex64", 64, "complex", "complex64", "ComplexFloatStorage", "C64"),
    DType("complex128", 128, "complex", "complex128", "ComplexDoubleStorage"),
    DType("bool", 8, "bool", "bool", "BoolStorage", "BOOL"),
    DType("uint8", 8, "uint", "uint8", "ByteStorage", "U8"),
    DType("int8", 8, "int", "int8", "CharStorage", "I8"),
    DType("int16", 16, "int", "int16", "ShortStorage", "I16"),
    DType("int32", 32, "int", "int32", "IntStorage", "I32"),
    DType("int64", 64, "int", "int64", "LongStorage", "I64"),
    DType("uint16", 16, "uint", "uint16", None, "U16"),
    DType("uint32", 32, "uint", "uint32", None, "U32"),
    DType("uint64", 64, "uint", "uint64", None, "U64"),
    DType("quint8", 8, "quantized", "uint8", "QUInt8Storage"),
    DType("qint8", 8, "quantized", "int8", "QInt8Storage"),
    DType("qint32", 32, "quantized", "int32", "QInt32Storage"),
    DType("quint4x2", 4, "quantized", "uint4", "QUInt4x2Storage"),
    DType("quint2x4", 2, "quantized", "uint2", "QUInt2x4Storage"),
    *(DType(f"uint{n}", 8, "uint", "uint8") for n in range(1, 8)),
    *(DType(f"int{n}", 8, "int", "int8") for n in range(1, 8)),
    *(DType(name, 8, "bits", "uint8") for name in ("bits1x8", "bits2x4", "bits4x2", "bits8")),
    DType("bits16", 16, "bits", "uint16"),
)

BY_NAME: dict[str, DType] = {row.name: row for row in _ROWS}
BY_STORAGE: dict[str, DType] = {row.storage: row for row in _ROWS if row.storage}
BY_SAFETENSORS: dict[str, DType] = {row.safetensors: row for row in _ROWS if row.safetensors}
BYTE = BY_NAME["uint8"]

_SAFETENSORS_ALIASES = {"F8_E4M3FN": "F8_E4M3", "F8_E8M0FNU": "F8_E8M0", "F4_E2M1FN_X2": "F4"}
BY_SAFETENSORS.update({alias: BY_SAFETENSORS[name] for alias, name in _SAFETENSORS_ALIASES.items()})
_ALIASES = {"float": "float32", "double": "float64", "half": "float16", "int": "int32", "long": "int64", "short": "int16"}
_ALIASES |= {"cfloat": "complex64", "cdouble": "complex128", "chalf": "complex32"}
BY_NAME.update({alias: BY_NAME[name] for alias, name in _ALIASES.items()})


@lru_cache(maxsize=256)
def from_global(name: str) -> DType | None:
    """The dtype that a name in a pickle stands for: `torch.float8_e5m2`, `torch.FloatStorage`, `torch.cuda.HalfStorage`."""
    head, _, tail = name.rpartition(".")
    if head != "torch" and not head.startswith("torch."):
        return None
    if tail in ("UntypedStorage", "_UntypedStorage"):
        return BYTE
    return BY_STORAGE.get(tail) or (BY_NAME.get(tail) if head == "torch" else None)
