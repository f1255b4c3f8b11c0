"""Which layer feeds which: by torch.fx where it can follow the model's code, else by the tensors that go from call to call.

torch.fx sees the sums and joins between layers as well. Where it cannot follow (code that depends on values), a layer is tied to the
one that made the tensor it is given; what happens to a tensor between two layers is then not seen, and such a layer is tied to the
one that was called before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from ptinspect.runner.hooks import named_once, tensors_in

if TYPE_CHECKING:
    from ptinspect.runner.batch import Run

MOST = 5_000
_QUIET = frozenset({"getattr", "getitem", "size", "dim", "_assert", "eq", "shape"})


def tell_graph(run: Run) -> None:
    """Nodes and edges."""
    run.stage("graph")
    found = _traced(run.module) or _followed(run)
    shapes = {layer["path"]: layer["output_shape"] for layer in run.layers}
    for node in found["nodes"]:
        node["shape"] = shapes.get(node["path"])
    run.tell("graph", found)


class _Tracer(fx.Tracer):
    """Layers without layers of their own are nodes, whoever wrote them; so are torch's own attention layers."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002 - torch names it
        return isinstance(m, nn.MultiheadAttention) or not (isinstance(m, nn.Sequential) or any(True for _ in m.children()))


def _traced(module: nn.Module) -> dict[str, Any] | None:
    try:
        graph = _Tracer().trace(module)
    except Exception:  # noqa: BLE001 - the model's own code meets a stand-in for a tensor: whatever it raises, it cannot be followed
        return None
    names: dict[fx.Node, list[str]] = {}
    nodes: list[dict[str, Any]] = []
    edges: list[list[str]] = []
    for node in graph.nodes:
        feeding = list(dict.fromkeys(name for before in node.all_input_nodes for name in names.get(before, [])))
        label = _label(node, module)
        if label is None or len(nodes) >= MOST:
            names[node] = feeding  # it passes on what it is given
            continue
        nodes.append({"id": node.name, "path": str(node.target) if node.op == "call_module" else None, "label": label, "kind": node.op})
        edges += [[name, node.name] for name in feeding]
        names[node] = [node.name]
    return {"from": "torch.fx", "nodes": nodes, "edges": edges}


def _label(node: fx.Node, module: nn.Module) -> str | None:
    """What a node is called; None for steps that only look at a tensor."""
    if node.op == "get_attr":
        return None
    if node.op == "call_module":
        return type(module.get_submodule(str(node.target))).__name__
    if node.op in ("placeholder", "output"):
        return "input" if node.op == "placeholder" else "output"
    target: Any = node.target
    name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
    return None if name in _QUIET else str(name)


def _followed(run: Run) -> dict[str, Any]:
    """By the tensors themselves, which are kept alive so that none takes another's place."""
    made: dict[int, str] = {}
    alive: list[torch.Tensor] = []
    nodes: list[dict[str, Any]] = [{"id": "input", "path": None, "label": "input", "kind": "placeholder"}]
    edges: list[list[str]] = []
    handles: list[Any] = []
    before = ["input"]

    def watch(path: str, one: nn.Module) -> None:
        def hook(__: nn.Module, args: Any, kwargs: Any, given: Any) -> None:
            if len(nodes) >= MOST:
                return
            name = path if not any(node["id"] == path for node in nodes) else f"{path}#{len(nodes)}"
            feeding = list(dict.fromkeys(made[id(tensor)] for _, tensor in tensors_in((args, kwargs)) if id(tensor) in made))
            nodes.append({"id": name, "path": path, "label": type(one).__name__, "kind": "call_module"})
            edges.extend([source, name] for source in feeding or before)
            for _, tensor in tensors_in(given):
                made[id(tensor)] = name
                alive.append(tensor)
            before[0] = name

        handles.append(one.register_forward_hook(hook, with_kwargs=True))

    for path, one in named_once(run.module):
        if not any(True for _ in one.children()):
            watch(path, one)
    for _, tensor in tensors_in((run.args, run.kwargs)):
        made[id(tensor)] = "input"
    try:
        run.layered()
    finally:
        for handle in handles:
            handle.remove()
    return {"from": "the order of the calls", "nodes": nodes, "edges": edges}


__all__ = ["tell_graph"]
