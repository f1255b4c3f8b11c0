"""The names that torch.load would have to be told before `weights_only=True` takes a file, and whether telling them is enough.

Telling torch a name lets its reader call it and set attributes on what comes out; nothing else. Entries of a defaultdict, items of
a list's subclass, instructions of a later pickle protocol stay refused, so such files have no names that would help.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from keyword import iskeyword

from ptinspect.checkpoint.safety.weights_only_names import ALLOWED, BLOCKED_MODULES, renamed
from ptinspect.formats.document import Document, Pickle
from ptinspect.pickles.values import Call, Dict, Global, Persistent, Set, Unknown, Value

MOST_NAMES = 60
_FILLED = frozenset({"collections.OrderedDict", "collections.Counter"})
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z", re.ASCII)
_DTYPE_CLASSES = {
    "f2": "Float16", "f4": "Float32", "f8": "Float64", "i1": "Int8", "i2": "Int16", "i4": "Int32", "i8": "Int64", "u1": "UInt8",
    "u2": "UInt16", "u4": "UInt32", "u8": "UInt64", "b1": "Bool", "c8": "Complex64", "c16": "Complex128", "f16": "LongDouble",
    "c32": "CLongDouble", "O8": "Object",
}  # fmt: skip
_SIZED_DTYPES = {"U": "Str", "S": "Bytes", "V": "Void", "M": "DateTime64", "m": "TimeDelta64"}


def missing_names(document: Document) -> list[str]:
    """The names by which torch knows them, in file order; empty where no permission would be enough."""
    pickles = _loaded(document)
    if document.container not in ("torch-zip", "torch-legacy") or any(_is_stuck(pickle, document) for pickle in pickles):
        return []
    streams = [pickle.stream for pickle in pickles]
    names = [renamed(name) for stream in streams for name in stream.globals]
    hidden = [kind for stream in streams if "numpy.dtype" in stream.globals for kind in _dtype_classes(stream.globals["numpy.dtype"])]
    found = [name for name in dict.fromkeys([*names, *hidden]) if name not in ALLOWED]
    return found if len(found) <= MOST_NAMES and all(map(can_be_imported, found)) else []


def can_be_imported(name: str) -> bool:
    """Whether `from module import name` says it, in plain letters: Python reads a look-alike of `os` as `os`."""
    if not _NAME.match(name) or any(iskeyword(part) for part in name.split(".")):
        return False
    return name.rpartition(".")[0] not in BLOCKED_MODULES


def _loaded(document: Document) -> list[Pickle]:
    """The pickles that torch.load reads: every one of a legacy file, one of a zip."""
    if document.container != "torch-zip":
        return document.pickles
    main = [pickle for pickle in document.pickles if pickle.name.rpartition("/")[2] == "data.pkl"]
    return (main or document.pickles)[:1]


def _dtype_classes(dtype: Global) -> Iterator[str]:
    """numpy's dtypes are objects of classes of their own, whose names stand nowhere in the file."""
    for call in dtype.calls:
        code = call.args[0] if type(call.args) is tuple and call.args else None
        if type(code) is str:
            kind = _DTYPE_CLASSES.get(code) or _SIZED_DTYPES.get(code[:1])
            if kind is not None:
                yield f"numpy.dtypes.{kind}DType"


def _is_stuck(pickle: Pickle, document: Document) -> bool:
    """Whether something else than a name stands in the way."""
    stream = pickle.stream
    if stream.instructions or stream.problem is not None or stream.byte_strings or stream.odd:
        return True
    todo: list[Value] = [stream.root, *stream.left]
    seen: set[int] = set()
    while todo:
        value = todo.pop()
        kind = type(value)
        if kind not in (Call, Dict, list, tuple, Set, Unknown) or id(value) in seen or id(value) in document.by_value:
            continue
        seen.add(id(value))
        if _is_refused(value):
            return True
        todo.extend(_parts(value))
    return False


def _is_refused(value: Value) -> bool:
    if type(value) is Call:
        filled = bool(value.items) or (value.pairs is not None and value.name not in _FILLED)
        return filled or value.how not in ("reduce", "new") or type(value.fn) in (Call, Persistent)
    if type(value) is Dict:
        return bool(value.states)
    return type(value) is Unknown or (type(value) is Set and (value.frozen or bool(value.items)))


def _parts(value: Value) -> list[Value]:
    if type(value) in (list, tuple):
        return list(value)
    if type(value) is Set:
        return list(value.items)
    pairs = value.pairs or []
    inner = [side for pair in pairs for side in pair]
    return inner if type(value) is Dict else [*inner, value.args, *value.states]


__all__ = ["can_be_imported", "missing_names"]
