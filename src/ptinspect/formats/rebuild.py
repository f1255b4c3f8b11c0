"""From the calls that would rebuild a tensor to a TensorInfo, without calling them.

Each known function of torch has a small reader of its argument tuple here. What a stream claims is checked against the bytes
that are there (offset, shape, strides, item size against the stored record) before anybody shows it: a tensor that claims more
keeps its row and says what is wrong. torch.load(mmap=True) shows neighbouring bytes as weights there (S-25).
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple, Protocol, runtime_checkable

from ptinspect.dtypes import BY_NAME, BYTE, DType, from_global
from ptinspect.formats.shapes import Array, Malformed, fits, integers, misfit
from ptinspect.pickles.values import Call, Dict, Global, Value, lookup, pairs_of
from ptinspect.tensors import Layout, Pending, StorageRef, TensorInfo, reach

_FIELDS = tuple(name for name in TensorInfo.__dataclass_fields__ if name != "span")


class View(NamedTuple):
    """A stretch of a storage that is a storage of its own to whoever names it, in elements."""

    whole: StorageRef
    start: int
    size: int


class Shelf(Protocol):
    """Where a container keeps its storages."""

    def storage(self, value: Value) -> StorageRef | View | str:
        """The storage that a value of the stream stands for, or what is wrong with it."""


@runtime_checkable
class ArrayShelf(Protocol):
    """A shelf that knows the bytes of the pickle, and so those of numpy arrays in it."""

    def array(self, value: Value, array: Array, dtype: DType) -> StorageRef:
        """The storage that an array becomes."""


class Rebuilder:
    """Turns the rebuild calls of one pickle into tensors. Names are given later, when the walk reaches them."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def tensor(self, value: Value, depth: int = 0) -> TensorInfo | None:
        """The tensor that a value would become, or None where it is no tensor."""
        if type(value) is not Call or type(value.fn) is not Global:
            return None
        reader = READERS.get(value.fn.name)
        if reader is None or depth > 6:
            return None
        args = value.args if type(value.args) is tuple else ()
        try:
            return reader(self, value, args, depth)
        except Malformed as problem:
            return invalid(str(problem))
        except (IndexError, ValueError, TypeError, AttributeError):
            return invalid("its description cannot be read")

    def strided(self, storage: Value, offset: Value, shape: Value, strides: Value, dtype: DType | None = None) -> TensorInfo:
        """A plain view of a storage."""
        ref = self.shelf.storage(storage)
        sizes, steps = integers(shape), integers(strides)
        begin = offset if type(offset) is int else 0
        if isinstance(ref, str):
            return TensorInfo("", sizes, steps, dtype or BYTE, None, begin, problem=ref)
        if isinstance(ref, View):
            return _within(ref, sizes, steps, offset, dtype or ref.whole.dtype)
        kind = dtype or ref.dtype
        return TensorInfo("", sizes, steps, kind, ref, begin, problem=misfit(sizes, steps, offset, kind, ref))


def _within(view: View, shape: tuple[int, ...], strides: tuple[int, ...], offset: Value, dtype: DType) -> TensorInfo:
    """A tensor on a stretch of a storage, which may reach no further than the stretch does."""
    whole = view.whole
    stretch = StorageRef("", whole.dtype, view.size * whole.dtype.itemsize, view.size * whole.dtype.itemsize)
    problem = misfit(shape, strides, offset, dtype, stretch)
    begin = view.start + (offset if type(offset) is int else 0)
    return TensorInfo("", shape, strides, dtype, whole, begin, problem=problem or misfit(shape, strides, begin, dtype, whole))


def invalid(problem: str) -> TensorInfo:
    """A row for a tensor that cannot even be described."""
    return TensorInfo("", (), (), BYTE, None, problem=problem)


def changed(tensor: TensorInfo, **new: object) -> TensorInfo:
    """The same tensor with some fields set; `dataclasses.replace` without its cost."""
    names = _FIELDS
    return TensorInfo(**{name: new.get(name, getattr(tensor, name)) for name in names})  # type: ignore[arg-type]


# -- one reader a function: (rebuilder, call, args, depth) -> tensor -----------------------------------------------------

Reader = Callable[[Rebuilder, Call, tuple[Value, ...], int], TensorInfo | None]


def _v1(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo:
    return rebuilder.strided(args[0], args[1], args[2], args[3])


def _v2(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo:
    """The tensor that nearly every tensor is, so without the detour over `strided`."""
    storage, offset, shape, strides, grad = args[:5]
    ref = rebuilder.shelf.storage(storage)
    if type(ref) is not StorageRef or len(args) > 6:
        tensor = rebuilder.strided(storage, offset, shape, strides)
        return changed(tensor, requires_grad=grad is True, pending=_pending(args[6:7]))
    sizes, steps = integers(shape), integers(strides)
    begin = offset if type(offset) is int else 0
    span = reach(sizes, steps, begin, ref.dtype.bits)
    problem = None if begin == offset and fits(sizes, steps, span, ref) else misfit(sizes, steps, offset, ref.dtype, ref)
    return TensorInfo("", sizes, steps, ref.dtype, ref, begin, grad is True, problem=problem, span=span)


def _v3(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo:
    tensor = rebuilder.strided(args[0], args[1], args[2], args[3], dtype_of(args[6]))
    return changed(tensor, requires_grad=args[4] is True, pending=_pending(args[7:8]))


_PENDING: tuple[Pending, ...] = ("conj", "neg")


def _pending(metadata: tuple[Value, ...]) -> tuple[Pending, ...]:
    """What `{"conj": True}` puts off until somebody looks at the values."""
    return tuple(name for name in _PENDING if metadata and lookup(metadata[0], name) is True)


def _quantized(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo:
    tensor = rebuilder.strided(*args[:4])
    scheme, *numbers = args[4]
    parts = [rebuilder.tensor(number, depth + 1) for number in numbers]
    plain = tuple(part or number for part, number in zip(parts, numbers, strict=True))
    quantizer = (scheme.name if type(scheme) is Global else "?", *plain)
    return changed(tensor, quantizer=quantizer, parts=tuple(part for part in parts if part), requires_grad=args[5] is True)


_LAYOUTS: dict[str, Layout] = {f"torch.{name}": name for name in ("sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc")}


def _sparse(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo:
    name = args[0].args[0] if type(args[0]) is Call else getattr(args[0], "name", "")
    layout = _LAYOUTS.get(name)
    if layout is None:
        raise Malformed("it has a sparse layout that is not known")
    tensors = [rebuilder.tensor(item, depth + 1) for item in args[1][: 2 if layout == "sparse_coo" else 3]]
    if None in tensors:
        raise Malformed("its indices or values are missing")
    parts = tuple(part for part in tensors if part is not None)
    shape = integers(args[1][len(parts)])
    problem = next((part.problem for part in parts if part.problem), None) or _negative(shape)
    return TensorInfo("", shape, (), parts[-1].dtype, None, layout=layout, parts=parts, problem=problem)


def _negative(shape: tuple[int, ...]) -> str | None:
    return "it has a negative size" if any(size < 0 for size in shape) else None


def _nested(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo:
    """A nested tensor has a list of shapes; as one row it is its buffer."""
    parts = tuple(part for part in (rebuilder.tensor(item, depth + 1) for item in args[:4]) if part is not None)
    if not parts:
        raise Malformed("its buffer is missing")
    problem = next((part.problem for part in parts if part.problem), None)
    return changed(parts[0], layout="nested", storage=None, parts=parts, problem=problem)


_NJT_PARTS = ("values", "offsets", "lengths", "_min_seqlen_tensor", "_max_seqlen_tensor")


def _jagged(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo:
    """A jagged nested tensor is made from a mapping of arguments: its values, the offsets of its rows, and more."""
    found = {name: rebuilder.tensor(lookup(args[0], name), depth + 1) for name in _NJT_PARTS}
    values = found["values"]
    if values is None:
        raise Malformed("its values are missing")
    parts = tuple(part for part in found.values() if part is not None)
    grad = lookup(args[0], "requires_grad") is True
    return changed(values, layout="nested", storage=None, parts=parts, requires_grad=grad, problem=values.problem)


def _meta(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo:
    shape, strides = integers(args[1]), integers(args[2])
    ref = StorageRef("meta", dtype_of(args[0]), 0, 0, location="meta")
    return TensorInfo("", shape, strides, ref.dtype, ref, 0, args[3] is True, problem=misfit(shape, strides, 0, ref.dtype, ref))


def _wrapper(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo:
    """A subclass that wraps other tensors has a shape and no bytes of its own."""
    shape, strides = integers(args[2]), integers(args[3])
    name = args[0].name if type(args[0]) is Global else None
    return TensorInfo("", shape, strides, dtype_of(args[1]), None, 0, args[-1] is True, "wrapper", subclass=name, problem=_negative(shape))


def _from_cpu_tensor(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo:
    inner = rebuilder.tensor(args[0], depth + 1)
    if inner is None:
        raise Malformed("its values are missing")
    return changed(inner, requires_grad=args[3] is True)


def _from_numpy(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo:
    """XLA and other devices once wrote a numpy array in place of a storage; loading copies it into the dtype named beside it."""
    dtype = dtype_of(args[1])
    array = Array.of(args[0])
    if array is None:
        raise Malformed("its values are missing")
    shape, count, grad = array.shape, prod(array.shape), args[3] is True
    if min(shape, default=0) < 0:
        return TensorInfo("", shape, (0,) * len(shape), dtype, None, 0, grad, problem="it has a negative size")
    ref = rebuilder.shelf.array(args[0], array, dtype) if isinstance(rebuilder.shelf, ArrayShelf) else None
    ref = ref or StorageRef(f"array {id(args[0])}", dtype, dtype.nbytes(count), dtype.nbytes(count))
    return TensorInfo("", shape, array.strides, dtype, ref, 0, grad, problem=array.misfit())


def _parameter(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo | None:
    inner = rebuilder.tensor(args[0], depth + 1)
    grad = args[1] if len(args) > 1 else True
    return None if inner is None else changed(inner, requires_grad=grad is True, is_parameter=True)


def _old_parameter(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo | None:
    """`Parameter` before 0.4.1: (data, requires_grad), or NEWOBJ with what `__setstate__` takes."""
    data, grad = _old_state(call, args)
    inner = rebuilder.tensor(data, depth + 1)
    return None if inner is None else changed(inner, requires_grad=grad is True, is_parameter=True)


def _old_state(call: Call, args: tuple[Value, ...]) -> tuple[Value, Value]:
    """Data and requires_grad; a state of five is (data, grad, hooks, requires_grad, volatile), one of three lacks the first two."""
    state = call.state
    if type(state) is tuple and len(state) == 5:
        return state[0], state[3]
    if type(state) is tuple and len(state) == 3:
        return (args[0] if args else None), state[0]
    if type(state) is Dict and not args:
        return lookup(state, "data"), lookup(state, "requires_grad")
    return (args[0] if args else None), (args[1] if len(args) > 1 else True)


def _variable(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo | None:
    """What wrapped every tensor before 0.4; its own default is not to want gradients."""
    data, grad = _old_state(call, args)
    inner = rebuilder.tensor(data, depth + 1)
    wanted = grad is True and (call.state is not None or len(args) > 1)
    return None if inner is None else changed(inner, requires_grad=wanted)


def _old_tensor(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo | None:
    """torch.FloatTensor() with the state (storage, offset, shape, strides), as torch 0.1 wrote it."""
    if type(call.state) is tuple and len(call.state) == 4:
        return rebuilder.strided(*call.state)
    return None


def _from_type(rebuilder: Rebuilder, call: Call, args: tuple[Value, ...], depth: int) -> TensorInfo | None:
    """A subclass or a tensor with attributes: (function, type, its arguments, state)."""
    inner = rebuilder.tensor(Call(args[0], args[2]), depth + 1)
    if inner is None:
        return None
    name = args[1].name if type(args[1]) is Global else None
    plain = name in (None, "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer")
    is_parameter = inner.is_parameter or name == "torch.nn.parameter.Parameter"
    parts = inner.parts or (_inner_tensors(rebuilder, args, depth) if inner.layout == "wrapper" else ())
    return changed(inner, subclass=inner.subclass if plain else name, is_parameter=is_parameter, parts=parts)


def _inner_tensors(rebuilder: Rebuilder, args: tuple[Value, ...], depth: int) -> tuple[TensorInfo, ...]:
    """What a wrapper wraps, found in its state."""
    state = args[3] if len(args) > 3 else None
    states = state if type(state) is tuple else (state,)
    values = [value for part in states for _, value in pairs_of(part) or ()]
    tensors = (rebuilder.tensor(value, depth + 1) for value in values)
    return tuple(tensor for tensor in tensors if tensor is not None)


def dtype_of(value: Value) -> DType:
    """The dtype that a name in the stream stands for."""
    found = from_global(value.name) if type(value) is Global else BY_NAME.get(value) if type(value) is str else None
    if found is None:
        raise Malformed("it has a dtype that is not known")
    return found


_UTILS: dict[str, Reader] = {
    "_rebuild_tensor": _v1,
    "_rebuild_tensor_v2": _v2,
    "_rebuild_tensor_v3": _v3,
    "_rebuild_parameter": _parameter,
    "_rebuild_parameter_with_state": _parameter,
    "_rebuild_qtensor": _quantized,
    "_rebuild_sparse_tensor": _sparse,
    "_rebuild_sparse_csr_tensor": _sparse,
    "_rebuild_nested_tensor": _nested,
    "_rebuild_meta_tensor_no_storage": _meta,
    "_rebuild_wrapper_subclass": _wrapper,
    "_rebuild_device_tensor_from_numpy": _from_numpy,
    "_rebuild_device_tensor_from_cpu_tensor": _from_cpu_tensor,
    "_rebuild_xla_tensor": _from_numpy,
}

_OLD_TENSORS = "Double Float Half BFloat16 Byte Char Short Int Long Bool".split()

READERS: dict[str, Reader] = {f"torch._utils.{name}": reader for name, reader in _UTILS.items()}
READERS |= {f"torch.tensor.{name}": _from_type for name in ("_rebuild_from_type", "_rebuild_from_type_v2")}
READERS |= {f"torch._tensor.{name}": _from_type for name in ("_rebuild_from_type", "_rebuild_from_type_v2")}
READERS |= {f"{module}.{kind}Tensor": _old_tensor for kind in _OLD_TENSORS for module in ("torch", "torch.cuda")}
READERS |= {"torch.Tensor": _old_tensor}
READERS |= {"torch.nn.parameter.Parameter": _old_parameter, "torch.nn.parameter.Buffer": _old_parameter}
READERS |= {f"torch.autograd.{name}": _variable for name in ("Variable", "variable.Variable")}
READERS |= {"torch.nested._internal.nested_tensor._rebuild_njt": _jagged}

_AROUND = frozenset(name for name, reader in READERS.items() if reader in (_parameter, _old_parameter, _variable, _from_cpu_tensor))
_TYPED = frozenset(name for name, reader in READERS.items() if reader is _from_type)
PLAIN = frozenset(f"torch._utils.{name}" for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"))
STATEFUL = _TYPED | {"torch._utils._rebuild_parameter_with_state"}


def data_within(value: Value) -> Value:
    """The tensor that a parameter is made from, or None: it is the parameter, and no second tensor."""
    name = value.name if type(value) is Call else ""
    if name in _AROUND:
        args = value.args if type(value.args) is tuple else ()
        return _old_state(value, args)[0]
    if name in _TYPED and type(value.args) is tuple and len(value.args) > 2:
        fn, _, args = value.args[:3]
        return args[0] if type(fn) is Global and fn.name in _AROUND and type(args) is tuple and args else None
    return None


__all__ = ["PLAIN", "READERS", "STATEFUL", "Rebuilder", "Shelf", "View", "changed", "data_within", "integers", "invalid", "misfit"]
