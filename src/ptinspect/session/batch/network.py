"""The graph of a model, laid out: nodes in ranks from the top, neighbours close to each other, bounded in number."""

from __future__ import annotations

from collections.abc import Sequence

from ptinspect.frozen import frozen
from ptinspect.session.batch import heard

MOST_NODES, MOST_EDGES, SWEEPS = 1_500, 6_000, 4
STEP_X, STEP_Y = 150.0, 56.0


@frozen
class Node:
    """One step of the model; `path` names its layer, if it is one."""

    label: str
    path: str
    kind: str
    shape: heard.Shape | None
    x: float
    y: float


@frozen
class Network:
    """Nodes with their places, edges by the numbers of nodes; `more` nodes are not drawn."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]
    source: str
    more: int = 0


def network_of(value: object) -> Network:
    """The section `graph`."""
    told = heard.fields(value)
    every = told.get("nodes")
    nodes = heard.rows(every, MOST_NODES)
    more = len(every) - len(nodes) if isinstance(every, list) else 0
    numbers = {str(node.get("id"))[:200]: at for at, node in enumerate(nodes)}
    edges = _edges(told.get("edges"), numbers)
    ranks = _ranks(len(nodes), edges)
    places = _places(ranks, edges)
    made = tuple(_node(node, places[at], ranks[at]) for at, node in enumerate(nodes))
    return Network(made, tuple(edges), heard.word(told.get("from"), 60), more)


def _node(told: dict[str, object], x: float, rank: int) -> Node:
    sizes = heard.shape(told.get("shape"))
    return Node(heard.word(told.get("label"), 40), heard.path(told.get("path")), heard.word(told.get("kind"), 20), sizes, x, rank * STEP_Y)


def _edges(value: object, numbers: dict[str, int]) -> list[tuple[int, int]]:
    """Pairs of known nodes, each once, none to itself."""
    found = dict[tuple[int, int], None]()
    for one in value[:MOST_EDGES] if isinstance(value, list) else []:
        if isinstance(one, list) and len(one) == 2:
            start, end = (numbers.get(str(name)[:200]) for name in one)
            if start is not None and end is not None and start < end:  # nodes come in the order of their calls
                found[start, end] = None
    return list(found)


def _ranks(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Each below all that feed it. Edges go from a lower number to a higher one, so one pass is enough."""
    ranks = [0] * count
    for start, end in sorted(edges, key=lambda edge: edge[1]):
        ranks[end] = max(ranks[end], ranks[start] + 1)
    return ranks


def _places(ranks: Sequence[int], edges: Sequence[tuple[int, int]]) -> list[float]:
    """Places within a rank: by the middle of those above and below, a few times over, then spread so that none overlap."""
    by_rank: dict[int, list[int]] = {}
    for at, rank in enumerate(ranks):
        by_rank.setdefault(rank, []).append(at)
    near: list[list[int]] = [[] for _ in ranks]
    for start, end in edges:
        near[start].append(end)
        near[end].append(start)
    x = [0.0] * len(ranks)
    for members in by_rank.values():
        _spread(members, x)
    for _ in range(SWEEPS):
        for members in by_rank.values():
            for at in members:
                if near[at]:
                    x[at] = sum(x[other] for other in near[at]) / len(near[at])
            members.sort(key=lambda at: x[at])
            _spread(members, x, around=sum(x[at] for at in members) / len(members))
    return x


def _spread(members: Sequence[int], x: list[float], around: float = 0.0) -> None:
    for place, at in enumerate(members):
        x[at] = around + (place - (len(members) - 1) / 2) * STEP_X


__all__ = ["STEP_X", "STEP_Y", "Network", "Node", "network_of"]
