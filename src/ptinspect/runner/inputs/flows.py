"""Which layer each argument of a model reaches first, read off the graph that torch.fx traces.

Where the model's code depends on values, or is a TorchScript module, there is no such graph, and nothing is told.
"""

from __future__ import annotations

import operator
from collections import deque
from typing import Any

import torch
from torch import fx, nn

from ptinspect.frozen import frozen
from ptinspect.runner.inputs.entries import Entry, entry_at

_MOST_NODES = 400
_JOINS = (torch.cat, torch.concat, torch.concatenate, torch.hstack)


@frozen
class Reached:
    """A layer; whether the argument came there joined to others; and the column of the argument that it takes, if it is one."""

    entry: Entry
    joined: bool = False
    column: int | None = None


def flows(module: nn.Module) -> dict[str, list[Reached]]:
    """The first layers of each argument, by its name."""
    if isinstance(module, torch.jit.ScriptModule):
        return {}
    try:
        graph = fx.Tracer().trace(module)
    except Exception:  # noqa: BLE001 - the model's own code, run with what stands for values
        return {}
    parts = dict(module.named_modules())
    return {str(node.target): _reached(node, parts) for node in graph.nodes if node.op == "placeholder"}


def _reached(begin: fx.Node, parts: dict[str, nn.Module]) -> list[Reached]:
    found: list[Reached] = []
    seen: set[fx.Node] = set()
    ahead: deque[tuple[fx.Node, bool, int | None]] = deque([(begin, False, None)])
    while ahead and len(seen) < _MOST_NODES:
        node, joined, column = ahead.popleft()
        for user in node.users:
            if user in seen:
                continue
            seen.add(user)
            part = parts.get(str(user.target)) if user.op == "call_module" else None
            entry = entry_at(str(user.target), part) if part is not None else None
            if entry is not None:
                found.append(Reached(entry, joined, column))
            else:
                ahead.append((user, joined or user.target in _JOINS, _column(user) if column is None else column))
    return found


def _column(node: fx.Node) -> int | None:
    """The column that an index takes: `x[:, 2]`, `x[..., 2]`."""
    if node.target is not operator.getitem or len(node.args) < 2:
        return None
    index: Any = node.args[1]
    last = index[-1] if isinstance(index, tuple) and len(index) > 1 else None
    return last if type(last) is int and last >= 0 else None


__all__ = ["Reached", "flows"]
