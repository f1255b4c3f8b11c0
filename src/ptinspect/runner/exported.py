"""The layers of an exported program, which has none: a graph of operators that remember which layer of the model each came from.

The graph is run operator by operator, and a layer begins where the first of its operators does and ends behind the last. What a
layer gave is what others take from it. The program itself runs as torch made it; this is for shapes, statistics, counts and times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import fx, nn
from torch.utils import _pytree as pytree
from torch.utils.flop_counter import FlopCounterMode

from ptinspect.frozen import slotted
from ptinspect.runner.devices import Device
from ptinspect.runner.hooks import Watch, first_tensor
from ptinspect.runner.multiply_adds import also_counted
from ptinspect.runner.timing import Marks, middle

_CALLS = ("call_function", "call_method", "call_module")
_TAKEN_APART = "getitem"


@slotted
class Call:
    """One call of one layer: its first operator, its last, what it was given and what it gave."""

    path: str
    kind: str
    nodes: list[fx.Node]
    holds: bool = False

    @property
    def given(self) -> fx.Node | None:
        """The first tensor from outside that is no weight."""
        own = set(self.nodes)
        return next((one for node in self.nodes for one in node.all_input_nodes if one not in own and one.op != "get_attr"), None)

    @property
    def gave(self) -> fx.Node:
        """What is used outside: the last of it, or the first part of what was taken apart."""
        own = set(self.nodes)
        used = [node for node in self.nodes if any(user not in own for user in node.users)] or self.nodes[-1:]
        parts = [node for node in used if getattr(node.target, "__name__", "") == _TAKEN_APART]
        return parts[0] if parts == used else used[-1]


def calls_of(module: nn.Module, kwargs: Mapping[str, Any]) -> tuple[Call, ...]:
    """The calls of an exported program's layers in order, those below its root; none where there is nothing to go by."""
    if not isinstance(module, fx.GraphModule) or kwargs:
        return ()
    open_, found = dict[str, Call](), list[Call]()
    for node in module.graph.nodes:
        if node.op not in _CALLS or node.op == "call_module":
            continue
        stack = _stack(node)
        for key in [key for key in open_ if key not in stack]:
            del open_[key]
        for key, (path, kind) in stack.items():
            if key not in open_:
                for above in open_.values():
                    above.holds = True
                open_[key] = Call(path, kind, [])
                found.append(open_[key])
            open_[key].nodes.append(node)
    return tuple(found)


def _stack(node: fx.Node) -> dict[str, tuple[str, str]]:
    """The layers that an operator came from, the outermost first: by their place and call, with path and class."""
    found = {}
    for call, (place, kind) in (node.meta.get("nn_module_stack") or {}).items():
        path = str(place).partition("@")[0]
        if path:
            found[f"{call} {place}"] = (path, getattr(kind, "__name__", None) or str(kind).rpartition(".")[2])
    return found


class _Played(fx.Interpreter):
    """Runs the graph and says where each call begins and ends."""

    def __init__(self, module: fx.GraphModule, calls: Sequence[Call], begins: Callable[..., None], ends: Callable[..., None]) -> None:
        super().__init__(module)
        self._firsts: dict[fx.Node, list[Call]] = {}
        self._lasts: dict[fx.Node, list[Call]] = {}
        self._begins, self._ends = begins, ends
        for call in calls:
            self._firsts.setdefault(call.nodes[0], []).append(call)
            self._lasts.setdefault(call.nodes[-1], []).insert(0, call)

    def run_node(self, n: fx.Node) -> Any:
        for call in self._firsts.get(n, ()):
            self._begins(call, first_tensor(self.env.get(call.given)) if call.given is not None else None)
        value = super().run_node(n)
        for call in self._lasts.get(n, ()):
            self._ends(call, value if call.gave is n else self.env.get(call.gave))
        return value


def _play(module: nn.Module, calls: Sequence[Call], args: Any, begins: Callable[..., None], ends: Callable[..., None]) -> None:
    if isinstance(module, fx.GraphModule):
        _Played(module, calls, begins, ends).run(*pytree.tree_leaves(args), enable_io_processing=False)


def watched(watch: Watch, module: nn.Module, calls: Sequence[Call], args: Any) -> None:
    """Shapes and statistics of each layer, into the watch."""
    own = {path: sum(value.numel() for value in one.parameters(recurse=False)) for path, one in module.named_modules()}
    _play(
        module,
        calls,
        args,
        lambda call, first: watch.begins(first, call.path, call.kind, own.get(call.path, 0), call.holds),
        lambda call, value: watch.ends(call.path, value),
    )


def times(module: nn.Module, calls: Sequence[Call], args: Any, device: Device, passes: int = 3) -> dict[str, float]:
    """Milliseconds in each layer."""
    found: dict[str, list[float]] = {}
    for _ in range(passes):
        marks = {call.path: Marks(device) for call in calls}
        begins, ends = ({path: getattr(kept, name) for path, kept in marks.items()} for name in ("begins", "ends"))
        _play(module, calls, args, lambda call, _, told=begins: told[call.path](), lambda call, _, told=ends: told[call.path]())
        device.synchronize()
        for path, kept in marks.items():
            found.setdefault(path, []).append(kept.spent())
    return {path: middle(spent) for path, spent in found.items()}


def work(module: nn.Module, calls: Sequence[Call], args: Any) -> dict[str, int]:
    """Multiply-adds in each layer."""
    found = {call.path: 0 for call in calls}
    with FlopCounterMode(display=False, custom_mapping=also_counted()) as counter:
        _play(
            module,
            calls,
            args,
            lambda call, _: found.update({call.path: found[call.path] - counter.get_total_flops()}),
            lambda call, _: found.update({call.path: found[call.path] + counter.get_total_flops()}),
        )
    return {path: count // 2 for path, count in found.items()}


__all__ = ["Call", "calls_of", "times", "watched", "work"]
