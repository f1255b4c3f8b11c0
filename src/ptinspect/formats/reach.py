"""One walk over everything that is reachable from a root: which tensors there are, and under which names.

It is iterative (200,000 nested lists, S-28), visits each object once (a 1.3 KB file can spell 10^39 leaves, S-27) and marks
cycles by the same means (S-29). Paths are kept as linked steps and spelled only where a tensor needs one.
"""

from __future__ import annotations

from itertools import islice

from ptinspect.formats.document import Place
from ptinspect.formats.quantized import convolution, convolution_tensors, packed_parts
from ptinspect.formats.rebuild import PLAIN, STATEFUL, Rebuilder, changed, data_within, invalid
from ptinspect.frozen import field, slotted
from ptinspect.limits import Limits
from ptinspect.pickles.values import Call, Dict, Global, Pairs, Persistent, Set, Value, entries, pairs_of
from ptinspect.tensors import TensorInfo

HOLDERS = ("_parameters", "_buffers", "_modules")
WRAPPERS = frozenset({"torch._utils._rebuild_wrapper_subclass", "torch.nested._internal.nested_tensor._rebuild_njt"})


# What pickles as a call of its contents: torch.compile's wrapper, and a model that torch.fx traced.
COMPILED = "torch._dynamo.eval_frame.OptimizedModule"
TRACED = frozenset({"torch.fx.graph_module.reduce_graph_module", "torch.fx.graph_module.reduce_package_graph_module"})


class Step:
    """One step down from the root; `text` is spelled on demand and bounded."""

    __slots__ = ("in_weights", "key", "parent", "spelled")

    def __init__(self, parent: Step | None, key: str, in_weights: bool = True) -> None:
        self.parent = parent
        self.key = key
        self.in_weights: bool = in_weights and (parent is None or parent.in_weights)
        self.spelled: str | None = None

    def text(self, limit: int) -> str:
        """Dots between keys from the root; the middle of a path without end is left out."""
        if self.spelled is None:
            keys, length, step = [], 0, self
            while step.parent is not None and length <= limit:
                if step.spelled is not None:  # said before: a long way down is not walked again for every tensor on it
                    keys.append(step.spelled)
                    break
                keys.append(step.key)
                length += len(step.key) + 1
                step = step.parent
            text = ".".join(reversed(keys))
            self.spelled = text if length <= limit else "…" + text[-limit:]
        return self.spelled


@slotted
class Reached:
    """Every tensor once, in file order, and every name that leads to one."""

    tensors: list[TensorInfo] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    by_value: dict[int, TensorInfo] = field(default_factory=dict)
    paths: dict[str, int] = field(default_factory=dict)


class Walk:
    """The walk over one root; several roots (TorchScript's pickles) may add to one Reached."""

    def __init__(self, rebuilder: Rebuilder, limits: Limits, reached: Reached | None = None) -> None:
        self.rebuilder = rebuilder
        self.limits = limits
        self.reached = reached or Reached()
        self.seen: set[int] = set()

    def over(self, root: Value, prefix: str = "") -> Reached:
        """Visit all that `root` reaches, names beginning with `prefix`."""
        top = Step(None, "")
        first = Step(top, prefix) if prefix else top
        todo: list[tuple[Value, Step]] = [(root, first)] if _may_hold(root) else []
        while todo:
            value, step = todo.pop()
            kind = type(value)
            if kind is Call:
                self._call(value, step, todo)
            elif kind is Persistent:
                self._outside(value, step)
            elif value and self._first_time(value):
                todo.extend(reversed(_below(value, step, self._plain_run(value, step))))
        return self.reached

    def _plain_run(self, value: Value, step: Step) -> int:
        """Name the tensors that a mapping begins with, without a step for each: a state_dict is nothing else. How many that were."""
        pairs = pairs_of(value)
        if not pairs or type(pairs[0][1]) is not Call or pairs[0][1].name not in PLAIN:
            return 0
        prefix = step.text(self.limits.name_chars)
        prefix = f"{prefix}." if prefix else ""
        longest, in_weights = self.limits.name_chars - len(prefix), step.in_weights
        reached, rebuilt, free = self.reached, self.rebuilder.tensor, self._free
        count = 0
        for key, item in entries(pairs):
            if type(key) is not str or type(item) is not Call or item.name not in PLAIN or len(key) > longest:
                break
            path = free(prefix + key)
            tensor = reached.by_value.get(id(item))
            if tensor is None:
                tensor = changed_name(rebuilt(item) or invalid("its description cannot be read"), path)
                reached.by_value[id(item)] = tensor
                reached.tensors.append(tensor)
            reached.places.append(Place(path, tensor, in_weights))
            count += 1
        return count

    def _outside(self, value: Persistent, step: Step) -> None:
        """A reference to something outside the stream: a storage, in all containers but the oldest."""

    def _first_time(self, value: Value) -> bool:
        key = id(value)
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def _call(self, call: Call, step: Step, todo: list[tuple[Value, Step]]) -> None:
        known = self.reached.by_value.get(id(call))
        if known is None and not self._first_time(call):
            return
        tensor = known or self.rebuilder.tensor(call)
        if tensor is None:
            todo.extend(reversed(_below_call(call, step, self._plain_run(call, step))))
            return
        self.place(call, tensor, step, known is not None)
        if known is None and call.name in STATEFUL:
            todo.extend(reversed(_attributes(call, step)))

    def place(self, call: Value, tensor: TensorInfo, step: Step, known: bool) -> None:
        """Give a tensor its name. The data inside a parameter is the parameter, whichever of the two was met first."""
        reached = self.reached
        path = self._free(step.text(self.limits.name_chars))
        if known:
            reached.places.append(Place(path, tensor, step.in_weights))
            return
        inner = data_within(call)
        twin = None if inner is None else reached.by_value.get(id(inner))
        if twin is not None:
            reached.by_value[id(call)] = twin
            reached.places.append(Place(path, twin, step.in_weights))
            return
        tensor = changed_name(tensor, path)
        reached.tensors.append(tensor)
        reached.places.append(Place(path, tensor, step.in_weights))
        reached.by_value[id(call)] = tensor
        if type(inner) is Call:
            reached.by_value.setdefault(id(inner), tensor)

    def _free(self, path: str) -> str:
        """A second place that would print the same path gets `#2`."""
        count = self.reached.paths.get(path, 0) + 1
        self.reached.paths[path] = count
        return path if count == 1 else f"{path}#{count}"


def changed_name(tensor: TensorInfo, name: str) -> TensorInfo:
    """The tensor under its name. The object is fresh and nobody else holds it yet, so the name may be set in place."""
    tensor.name = name  # type: ignore[misc]
    return tensor


def key_text(key: Value) -> str:
    """How a key reads in a path."""
    if type(key) is str:
        return key
    if type(key) in (int, float, bool, type(None)):
        return str(key) if type(key) is not int or key.bit_length() < 256 else "int"
    if type(key) is bytes:
        return key.decode("utf-8", "backslashreplace")
    return f"({key.name})" if type(key) is Global else f"({type(key).__name__.lower()})"


def _below(value: Value, step: Step, done: int = 0) -> list[tuple[Value, Step]]:
    """What a plain container holds after the entries that are done. Keys that are containers themselves may hold tensors too."""
    if type(value) is Dict:
        below: list[tuple[Value, Step]] = []
        if done < len(value.pairs):
            below += _entries(value.pairs, step, done)
            below += [(key, Step(step, key_text(key))) for key, _ in value.pairs if _may_hold(key)]
        return below + [(state, step) for state in value.states if _may_hold(state)]
    items = value.items if type(value) is Set else value
    return [(item, Step(step, str(index))) for index, item in enumerate(items) if _may_hold(item)]


def _may_hold(value: Value) -> bool:
    kind = type(value)
    return kind is Call or kind is Dict or kind is tuple or kind is list or kind is Set or kind is Persistent


def _entries(pairs: Pairs, step: Step, done: int) -> list[tuple[Value, Step]]:
    return [(item, Step(step, key_text(key))) for key, item in islice(entries(pairs), done, None) if _may_hold(item)]


def _below_call(call: Call, step: Step, done: int = 0) -> list[tuple[Value, Step]]:
    """What an object of any class holds: its entries, its attributes, the arguments it would be made with."""
    if type(call.state) is tuple and (known := _quantized(call)) is not None:
        return [(item, Step(step, key) if key else step) for key, item in known if _may_hold(item)]
    pairs = pairs_of(call)
    below: list[tuple[Value, Step]] = []
    if pairs is None:
        below += _arguments(call, step)
        pairs = call.pairs or []
    below += _entries(pairs, step, done)
    below += [(key, Step(step, key_text(key))) for key, _ in pairs if _may_hold(key)]
    below += [(item, Step(step, str(index))) for index, item in enumerate(call.items or ()) if _may_hold(item)]
    for state in call.states:
        below += _state(state, step)
    return below


def _quantized(call: Call) -> Pairs | None:
    """The tensors of a quantized module whose state has no names, under those that its state_dict has."""
    attributes = convolution(call)
    return packed_parts(call) if attributes is None else convolution_tensors(attributes)


def _arguments(call: Call, step: Step) -> list[tuple[Value, Step]]:
    args = call.args if type(call.args) is tuple else (call.args,)
    if call.name in TRACED and args:
        rest = [(arg, Step(step, str(index), in_weights=False)) for index, arg in enumerate(args[1:], 1) if _may_hold(arg)]
        return _state(args[0], step) + rest
    if call.name == COMPILED and args:
        return [(arg, Step(step, str(index) if index else "_orig_mod")) for index, arg in enumerate(args) if _may_hold(arg)]
    below = [(arg, Step(step, str(index))) for index, arg in enumerate(args) if _may_hold(arg)]
    return below + ([(call.fn, Step(step, "fn"))] if _may_hold(call.fn) else [])


def _state(state: Value, step: Step) -> list[tuple[Value, Step]]:
    """An object's attributes; a module's parameters, buffers and children take their state_dict names."""
    parts = state if type(state) is tuple and len(state) == 2 and all(type(part) in (Dict, type(None)) for part in state) else (state,)
    below: list[tuple[Value, Step]] = []
    for part in parts:
        pairs = pairs_of(part)
        if pairs is None:
            below += [(part, step)] if _may_hold(part) else []
            continue
        module = any(type(key) is str and key in HOLDERS for key, _ in pairs)
        for key, item in entries(pairs):
            if module and key in HOLDERS and pairs_of(item) is not None:
                below += [(inner, Step(step, key_text(name))) for name, inner in entries(pairs_of(item) or []) if _may_hold(inner)]
            elif _may_hold(item):
                below.append((item, Step(step, key_text(key), in_weights=not module)))
    return below


def _attributes(call: Call, step: Step) -> list[tuple[Value, Step]]:
    """Attributes that a tensor of a subclass carries, which may be tensors of their own."""
    args = call.args if type(call.args) is tuple else ()
    if len(args) < 4 or not _may_hold(args[3]) or (type(args[0]) is Global and args[0].name in WRAPPERS):
        return []
    return [(args[3], Step(step, "__dict__", in_weights=False))]


__all__ = ["Reached", "Walk", "changed", "key_text"]
