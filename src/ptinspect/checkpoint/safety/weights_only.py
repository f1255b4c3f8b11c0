"""What torch.load(weights_only=True) of torch 2.13 would say to a file, by its rules: names, instructions, targets, arguments.

The rules are applied to the inert values after the walk, not while it runs: every value that can be reached is looked at once. Where
there are more than MANY tensors, which the reader has checked already, what no writer writes (a text as requires_grad, a record that
is longer than its storage) is not looked for in them: 100,000 tensors shall cost some 30 ms. Locations are taken as given: a file
saved on a GPU counts as if it were loaded where there is one, or with map_location.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ptinspect.checkpoint.safety.spelling import escaped
from ptinspect.checkpoint.safety.weights_only_names import (
    ALLOWED,
    BARE_STORAGES,
    BLOCKED_MODULES,
    IMPORTED_FIRST,
    NO_CALL,
    REBUILD,
    STORAGES,
    TENSOR_TYPES,
    renamed,
)
from ptinspect.dtypes import from_global
from ptinspect.formats.document import Document, Pickle
from ptinspect.pickles.stream import Stream
from ptinspect.pickles.values import Bytes, Call, Dict, Global, Persistent, Set, Unknown, Value, pairs_of

PATIENCE = 10_000_000
MANY = 20_000
DEVICES = "cpu cuda ipu xpu mkldnn opengl opencl ideep hip ve fpga maia xla lazy vulkan mps meta hpu mtia privateuseone".split()
LAYOUTS = frozenset(f"torch.{name}" for name in "strided sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc _mkldnn jagged".split())
FUNCTIONS = frozenset(name for name in REBUILD) | {"torch.serialization._get_layout", "_codecs.encode"}
DIFFERENTIABLE = frozenset(("float", "complex", "quantized"))
NESTED = "torch._utils._rebuild_nested_tensor"
UNTYPED = "torch.storage.UntypedStorage"
MAPPINGS = ("collections.OrderedDict", "collections.Counter")
BUILT = frozenset((*MAPPINGS, "torch.Tensor", "torch.nn.parameter.Parameter", *BARE_STORAGES)) | TENSOR_TYPES
VALUES = frozenset("builtins.set builtins.bytearray builtins.complex torch.Size torch.device".split())
TYPES = frozenset(("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nested._internal.nested_tensor.NestedTensor"))
GRADIENT_AT = {"torch._utils._rebuild_tensor_v2": 4, "torch._utils._rebuild_tensor_v3": 4, "torch._utils._rebuild_qtensor": 5}
CODECS = {"latin1": "latin-1", "latin-1": "latin-1", "iso-8859-1": "latin-1", "utf-8": "utf-8", "utf8": "utf-8", "ascii": "ascii"}
UNHASHABLE = frozenset((*MAPPINGS, "builtins.bytearray", "builtins.set"))


class _Refused(Exception):
    """The first rule that says no."""


def why_refused(document: Document) -> str | None:
    """Empty where torch.load takes the file, the reason where it does not, None where torch.load is not the loader."""
    if document.container == "torch-tar":
        return "tar files are refused as a whole"
    if document.container not in ("torch-zip", "torch-legacy"):
        return None
    pickles = _read_by_torch(document)
    try:
        for pickle in pickles:
            _check_stream(pickle.stream, document.container == "torch-legacy")
        _check_tensors(document)
        for pickle in pickles:
            _Walk(document, pickle).over([pickle.stream.root, *pickle.stream.left])
    except _Refused as reason:
        return str(reason)
    if "data.pkl" in document.records:
        return "its records lie in no folder, and torch looks for them in one"
    return ""


def _read_by_torch(document: Document) -> list[Pickle]:
    """A zip may hold pickles that torch does not open; of a legacy file it reads every one."""
    if document.container == "torch-legacy":
        return document.pickles
    main = [pickle for pickle in document.pickles if pickle.name.rpartition("/")[2] == "data.pkl"]
    return (main or document.pickles)[:1]


def _check_tensors(document: Document) -> None:
    """What is wrong with a tensor by itself: its range, gradients of whole numbers, a record that is longer than its storage."""
    tensors = document.tensors
    for tensor in [tensor for tensor in tensors if tensor.problem is not None or tensor.requires_grad]:
        if tensor.problem is not None:
            raise _Refused(f"the tensor {escaped(tensor.name, 200)} cannot be rebuilt: {tensor.problem}")
        if tensor.dtype.family not in DIFFERENTIABLE:
            raise _Refused(f"the tensor {escaped(tensor.name, 200)} holds whole numbers and requires gradients")
    for ref in (tensor.storage for tensor in tensors if len(tensors) <= MANY):
        record = document.records.get(ref.record) if ref is not None and ref.record is not None else None
        if record is not None and ref is not None and record.size != ref.nbytes and ref.dtype.bits >= 8:
            raise _Refused(f"the record {escaped(record.name, 200)} is not as long as its storage")


def _check_stream(stream: Stream, legacy: bool) -> None:
    """Names first, in file order, then instructions, then what no rule of torch allows."""
    for found in stream.globals.values():
        _check_name(found)
    if legacy and UNTYPED in stream.globals:
        raise _Refused("its storages have no type, which torch cannot read from a file of the old format")
    if legacy and NESTED in stream.globals:
        raise _Refused("it holds a nested tensor, which torch rebuilds from a file of the old format before it has read its sizes")
    if stream.instructions:
        code = min(stream.instructions)
        raise _Refused(f"it uses the pickle instruction 0x{code:02x}, which torch does not read")
    if stream.problem is not None:
        raise _Refused(stream.problem.message)
    if stream.byte_strings:
        raise _Refused("a string in it is no UTF-8")
    if stream.odd:
        raise _Refused(stream.odd[0])


def _check_name(found: Global) -> None:
    name = renamed(found.name)
    shown = escaped(name, 200)
    if name.rpartition(".")[0] in BLOCKED_MODULES:
        raise _Refused(f"it names {shown}, whose module is blocked")
    if name in IMPORTED_FIRST:
        raise _Refused(f"it names {shown}, for which {IMPORTED_FIRST[name]} must be imported first")
    if name not in ALLOWED:
        raise _Refused(f"it names {shown}")
    if name in NO_CALL and found.called:
        raise _Refused(f"it calls {shown}, which is no function there")


class _Walk:
    """Every value that can be reached, once."""

    def __init__(self, document: Document, pickle: Pickle) -> None:
        self.tensors = document.by_value
        self.legacy = document.container == "torch-legacy"
        self.records = document.records
        self.folder = pickle.name.removesuffix("data.pkl") + "data/"
        self.pass_over = len(document.tensors) > MANY and not any(renamed(name) in REBUILD for name in pickle.stream.filled)
        self.seen: set[int] = set()
        self.hashed: dict[int, int] = {}

    def over(self, roots: list[Value]) -> None:
        """Look at all that the roots reach; plain scalars need no look."""
        todo, seen, tensors = list(roots), self.seen, self.tensors
        rules: dict[type, Callable[[Any], list[Value]]] = {Call: self._call, Dict: self._dict, Set: self._set, Persistent: self._persistent}
        rules |= {Bytes: _bytes, Unknown: _unknown}
        while todo:
            value = todo.pop()
            kind = type(value)
            if kind is str or kind is int or kind is float or kind is bool or value is None or kind is Global:
                continue
            if id(value) in seen:
                continue
            seen.add(id(value))
            if kind is Call and id(value) in tensors:
                _check_built_tensor(value)
            elif kind is tuple or kind is list:
                todo.extend(value)
            elif kind in rules:
                todo.extend(rules[kind](value))

    def _dict(self, value: Dict) -> list[Value]:
        if value.states:
            raise _Refused("attributes are set on a dict")
        return self.pairs(value.pairs)

    def pairs(self, pairs: list[tuple[Value, Value]]) -> list[Value]:
        """Look at keys; give back what lies below, without the tensors where there are many and nothing is put into them."""
        if {type(key) for key, _ in pairs} - {str, int}:
            for key, _ in pairs:
                self.check_key(key)
            return [side for pair in pairs for side in pair]
        if not self.pass_over:
            return [item for _, item in pairs]
        tensors = self.tensors
        return [item for _, item in pairs if id(item) not in tensors]

    def _set(self, value: Set) -> list[Value]:
        if value.items or value.frozen:
            raise _Refused("items are put into a set")
        return []

    def _persistent(self, value: Persistent) -> list[Value]:
        """A storage that stands by itself; those of tensors were checked with them."""
        identity = value.id
        if type(identity) is not tuple or len(identity) != (6 if self.legacy else 5) or identity[0] != "storage":
            raise _Refused("it refers to something outside that is no storage")
        kind = renamed(identity[1].name) if type(identity[1]) is Global else ""
        if kind not in STORAGES and kind != UNTYPED:
            raise _Refused("it refers to a storage of no known type")
        if not self.legacy:
            self._check_record(kind, identity[2], identity[4])
        return []

    def _check_record(self, kind: str, key: Value, numel: Value) -> None:
        record = self.records.get(self.folder + key) if type(key) is str else None
        dtype = from_global(kind)
        size = numel * (dtype.itemsize if dtype is not None else 1) if type(numel) is int else -1
        if record is None or record.size != size:
            raise _Refused(f"the bytes of the storage {escaped(str(key), 40)} are missing or not as many as it has")

    def _call(self, call: Call) -> list[Value]:
        name = renamed(call.name)
        if call.how not in ("reduce", "new"):
            raise _Refused(f"it makes {escaped(name, 200)} in a way that torch does not read")
        if call.how == "new" and name in FUNCTIONS:
            raise _Refused(f"it makes an object of {escaped(name, 200)}, which is no class")
        rule = _RULES.get(name)
        if type(call.args) is not tuple or (rule is not None and not rule(self, call.args)):
            raise _Refused(f"the arguments of {escaped(name, 200)} are none that it takes")
        if call.items:
            raise _Refused(f"items are appended to {escaped(name, 200)}")
        if call.pairs is not None and name not in MAPPINGS:
            raise _Refused(f"keys are set on {escaped(name, 200)}")
        for state in call.states:
            if name not in BUILT and (name not in VALUES or not _is_nothing(state)):
                raise _Refused(f"attributes are set on {escaped(name, 200)}")
        return [*call.args, *call.states, *self.pairs(call.pairs or [])]

    def check_key(self, key: Value) -> None:
        """Refuse what cannot be a key, or what hashing would never come to an end with (S-21)."""
        if self._cost(key) > PATIENCE:
            raise _Refused("a key is a nest of tuples that takes torch for ever to hash")

    def _cost(self, key: Value) -> int:
        """How many values hashing a key visits, without hashing it; a shared tuple is visited again and again."""
        todo, hashed = [key], self.hashed
        while todo:
            value = todo[-1]
            if type(value) is not tuple:
                _check_hashable(value)
                todo.pop()
                continue
            missing = [item for item in value if type(item) is tuple and id(item) not in hashed]
            if missing and len(todo) < PATIENCE:
                todo.extend(missing)
                continue
            todo.pop()
            for item in value:
                if type(item) is not tuple:
                    _check_hashable(item)
            hashed[id(value)] = min(PATIENCE + 1, 1 + sum(hashed.get(id(item), 1) for item in value))
        return hashed.get(id(key), 1)


def _check_hashable(value: Value) -> None:
    if type(value) in (list, Dict, Set) or (type(value) is Call and renamed(value.name) in UNHASHABLE):
        raise _Refused("a key is something that cannot be a key")


def _check_built_tensor(call: Call) -> None:
    """The reader checked where a tensor lies; what is put into it afterwards is another matter (S-03)."""
    if call.pairs is not None:
        raise _Refused("keys are set on a tensor")
    if call.items is not None:
        raise _Refused("items are appended to a tensor")
    args = call.args if type(call.args) is tuple else ()
    place = GRADIENT_AT.get(call.name)
    if place is not None and (len(args) <= place or type(args[place]) is not bool):
        raise _Refused("requires_grad of a tensor is neither true nor false")
    if call.name.startswith("torch._tensor._rebuild_from_type"):
        names = [renamed(arg.name) if type(arg) is Global else "" for arg in args[:2]]
        if len(names) < 2 or names[0] not in REBUILD or names[1] not in TYPES:
            raise _Refused("a tensor is made a subclass that torch does not know")


def _is_nothing(state: Value) -> bool:
    """A state that is false in Python, or a pair of such."""
    if type(state) is tuple and len(state) == 2:
        return all(part is None or (type(part) is Dict and not part.pairs) for part in state)
    return state is None or state in (0, False) or (type(state) is Dict and not state.pairs) or (type(state) in (tuple, list) and not state)


def _bytes(value: Bytes) -> list[Value]:
    raise _Refused("it holds a long byte string")


def _unknown(value: Unknown) -> list[Value]:
    raise _Refused(f"it needs {value.why}")


# -- the arguments of what may be called: (walk, arguments) -> whether it takes them ------------------------------------------


def _mapping(walk: _Walk, args: tuple[Value, ...]) -> bool:
    if not args:
        return True
    pairs = pairs_of(args[0])
    if pairs is None and type(args[0]) in (list, tuple):
        items = [item for item in args[0] if type(item) in (list, tuple) and len(item) == 2]
        pairs = [(item[0], item[1]) for item in items] if len(items) == len(args[0]) else None
    if pairs is None or len(args) > 1:
        return False
    walk.pairs(pairs)
    return True


def _counter(walk: _Walk, args: tuple[Value, ...]) -> bool:
    if args and type(args[0]) in (list, tuple):
        _hashable_items(walk, args)
        return len(args) == 1
    return _mapping(walk, args)


def _hashable_items(walk: _Walk, args: tuple[Value, ...]) -> bool:
    if len(args) != 1 or type(args[0]) not in (list, tuple, Set):
        return not args
    for item in args[0].items if type(args[0]) is Set else args[0]:
        walk.check_key(item)
    return True


def _size(walk: _Walk, args: tuple[Value, ...]) -> bool:
    return not args or (len(args) == 1 and type(args[0]) in (list, tuple) and all(type(item) is int for item in args[0]))


def _device(walk: _Walk, args: tuple[Value, ...]) -> bool:
    if not args or type(args[0]) is not str or len(args) > 2:
        return False
    kind, _, index = args[0].partition(":")
    return kind in DEVICES and (not index or index.isdecimal()) and all(type(item) is int for item in args[1:])


def _layout(walk: _Walk, args: tuple[Value, ...]) -> bool:
    return len(args) == 1 and type(args[0]) is str and args[0] in LAYOUTS


def _encode(walk: _Walk, args: tuple[Value, ...]) -> bool:
    """Only codecs that are known by name: looking one up would import a module that the file names."""
    if not 1 <= len(args) <= 3 or not all(type(item) is str for item in args):
        return False
    codec = CODECS.get(args[1].lower()) if len(args) > 1 else "utf-8"
    try:
        return codec is not None and (len(args) == 3 or args[0].encode(codec) is not None)
    except UnicodeEncodeError:
        return False


def _bytearray(walk: _Walk, args: tuple[Value, ...]) -> bool:
    if len(args) == 2:
        return type(args[0]) is str and type(args[1]) is str
    return not args or (len(args) == 1 and (type(args[0]) in (int, list, bytes) or type(args[0]) is Call))


def _complex(walk: _Walk, args: tuple[Value, ...]) -> bool:
    return len(args) <= 2 and all(type(item) in (int, float, bool) or (len(args) == 1 and type(item) is str) for item in args)


def _parameter(walk: _Walk, args: tuple[Value, ...]) -> bool:
    return len(args) <= 2 and (not args or args[0] is None or type(args[0]) is Call)


_RULES: dict[str, Callable[[_Walk, tuple[Value, ...]], bool]] = {
    "collections.OrderedDict": _mapping,
    "collections.Counter": _counter,
    "builtins.set": _hashable_items,
    "builtins.bytearray": _bytearray,
    "builtins.complex": _complex,
    "torch.Size": _size,
    "torch.device": _device,
    "torch.serialization._get_layout": _layout,
    "_codecs.encode": _encode,
    "torch.nn.parameter.Parameter": _parameter,
}
