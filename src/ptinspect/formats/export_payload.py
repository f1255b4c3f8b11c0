"""Weights and constants of a PT2 archive: raw records, described by a JSON file beside them (schema.py: PayloadConfig).

    {"config": {"linear.weight": {"path_name": "weight_0", "is_param": true, "use_pickle": false, "tensor_meta": {
        "dtype": 7, "sizes": [{"as_int": 3}], "strides": [{"as_int": 1}], "storage_offset": {"as_int": 0}, "layout": 7, ...}}}}

Names that share a record are views of one storage. A record without bytes (a model exported from fake tensors) is zeros to torch.
"""

from __future__ import annotations

from typing import Any

from ptinspect.dtypes import BY_NAME, BYTE
from ptinspect.formats.bounded_json import whole
from ptinspect.formats.described import WholeRecords
from ptinspect.tensors import TensorInfo

_CODES = "uint8 int8 int16 int32 int64 float16 float32 float64 complex32 complex64 complex128 bool bfloat16"
_LATER = "uint16 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu uint32 uint64"
DTYPES = {number: BY_NAME[name] for start, names in ((1, _CODES), (28, _LATER)) for number, name in enumerate(names.split(), start)}
STRIDED = 7


def described(shelf: WholeRecords, entry: dict[str, Any]) -> TensorInfo:
    """The tensor that an entry of the config describes, without its name."""
    meta = entry.get("tensor_meta")
    path = entry.get("path_name")
    if not isinstance(meta, dict) or type(path) is not str:
        return TensorInfo("", (), (), BYTE, None, problem="its entry in the config cannot be read")
    dtype = DTYPES.get(whole(meta.get("dtype")) or 0)
    sizes, strides, offset = _numbers(meta.get("sizes")), _numbers(meta.get("strides")), _number(meta.get("storage_offset"))
    if dtype is None or sizes is None or strides is None:
        return TensorInfo("", sizes or (), (), dtype or BYTE, None, problem="its dtype or shape is not known")
    if meta.get("layout", STRIDED) != STRIDED:
        return TensorInfo("", sizes, strides, dtype, None, problem="its layout is not strided; the raw bytes cannot be read as values")
    grad, is_parameter = meta.get("requires_grad") is True, entry.get("is_param") is True
    return shelf.view(path, dtype, sizes, strides, offset=0 if offset is None else offset, grad=grad, is_parameter=is_parameter)


def _number(value: object) -> int | None:
    """A size: a number, or a SymInt with one."""
    return whole(value.get("as_int")) if isinstance(value, dict) else whole(value)


def _numbers(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return None
    found = [_number(item) for item in value]
    return None if None in found else tuple(item for item in found if item is not None)
