"""Lightning's callbacks: their names, settings and state; for ModelCheckpoint the best score and the file that holds it."""

from __future__ import annotations

from typing import Any

from ptinspect.checkpoint.hyperparameters import Tree, TreeBuilder
from ptinspect.checkpoint.scalars import Scalar, Scalars
from ptinspect.frozen import field, frozen
from ptinspect.pickles.values import Global, Value, entries, lookup, pairs_of

MOST = 64
_SCORES = ("best_model_score", "best_score", "best")


@frozen
class Callback:
    """One callback; `name` is its class without module and settings."""

    name: str
    monitor: str | None = None
    best_score: Scalar | None = None
    best_path: str | None = None
    state: dict[str, Tree] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        head = {"name": self.name, "monitor": self.monitor, "best_score": self.best_score, "best_path": self.best_path}
        return {**head, "state": self.state}


def callbacks_of(value: Value, scalars: Scalars) -> tuple[Callback, ...]:
    """The callbacks under `callbacks`: by state key since Lightning 1.5, by class before."""
    builder = TreeBuilder(scalars, 2_000)
    found = []
    for key, item in entries((pairs_of(value) or [])[:MOST]):
        name = key.name.rpartition(".")[2] if type(key) is Global else key.partition("{")[0] if type(key) is str else ""
        if not name or pairs_of(item) is None:
            continue
        score = next((scalar for one in _SCORES if (scalar := scalars.of(lookup(item, one))) is not None), None)
        monitor, path = lookup(item, "monitor"), lookup(item, "best_model_path")
        watched = monitor if type(monitor) is str else _monitor(key)
        best = path if type(path) is str and path else None
        tree = builder.of(item)
        found.append(Callback(name, watched, score, best, tree if isinstance(tree, dict) else {}))
    return tuple(found)


def _monitor(key: Value) -> str | None:
    """`EarlyStopping{'monitor': 'val_loss', ...}` tells what is watched in its name only."""
    if type(key) is not str:
        return None
    _, found, rest = key.partition("'monitor': '")
    return rest.partition("'")[0] if found else None
