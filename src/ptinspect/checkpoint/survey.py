"""One bounded look through what lies beside the weights: where the optimizers, schedulers, settings and single numbers are.

Told by structure first, by names only where structure says nothing (`args`, `cfg`). Breadth first, so that the shallowest
comes first; weights, optimizers and settings are noted and not entered, so a file costs what its few other entries cost.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import islice

from ptinspect.checkpoint.hyperparameters import is_plain_object
from ptinspect.checkpoint.model import WeightSet
from ptinspect.checkpoint.modules import class_of
from ptinspect.checkpoint.scalars import Scalars
from ptinspect.checkpoint.weight_sets import is_optimizer
from ptinspect.formats.reach import key_text
from ptinspect.frozen import field, slotted
from ptinspect.pickles.values import Call, Dict, Pairs, Set, Value, entries, pairs_of

DEPTH = 6
SCALAR_DEPTH = 3
NODES = 20_000
WIDTH = 2_000
ITEMS = 64
_SETTINGS = re.compile(r"(^|_)(args?|cfg|conf|configs?|hparams|hyper_?param(eter)?s|opts?|options|settings|flags|configuration|arguments)$")
# Any of these sets of names is a scheduler's state: ReduceLROnPlateau, DeepSpeed, SequentialLR and ChainedScheduler, timm.
_SCHEDULERS = tuple(
    frozenset(names.split())
    for names in ("patience num_bad_epochs", "last_batch_iteration", "_schedulers _last_lr", "t_in_epochs base_values")
)
_SCALER = frozenset({"growth_factor", "backoff_factor"})
_RANDOM = re.compile(r"(^|_)rng(_states?)?$|random_(states?|seed)$|_rng_|^torch_manual_seed$")
_RANDOM_KEYS = frozenset({"python", "numpy", "cpu", "cuda", "npu", "xla", "mlu", "musa", "hpu"})

Path = tuple[str, ...]


@slotted
class Survey:
    """What was found, each with its keys from the root."""

    optimizers: list[tuple[Path, Value]] = field(default_factory=list)
    schedulers: list[tuple[Path, Value]] = field(default_factory=list)
    settings: list[tuple[Path, Value]] = field(default_factory=list)
    scalars: list[tuple[Path, Value]] = field(default_factory=list)
    scalers: list[tuple[Path, Value]] = field(default_factory=list)
    random_states: list[str] = field(default_factory=list)
    callbacks: Value = None
    optimizer_name: str | None = None


class Surveyor:
    """Walks once from the root."""

    def __init__(self, weights: tuple[WeightSet, ...], scalars: Scalars) -> None:
        self.seen = {id(one.value) for one in weights}
        self.scalars = scalars
        self.found = Survey()

    def over(self, root: Value) -> Survey:
        """What lies below a root, the shallowest first."""
        todo: deque[tuple[Value, Path]] = deque([(root, ())])
        left = NODES
        while todo and left > 0:
            value, path = todo.popleft()
            left -= 1
            if id(value) in self.seen or type(value) not in (Dict, Call, list, tuple, Set) or id(value) in self.scalars.by_value:
                continue
            self.seen.add(id(value))
            if not self._take(value, path) and len(path) < DEPTH:
                todo.extend(self._below(value, path))
        return self.found

    def _take(self, value: Value, path: Path) -> bool:
        """Note what a value is; True where nothing below it is to be searched."""
        found, key = self.found, path[-1] if path else ""
        pairs = named(value)
        names = {name for name, _ in pairs if type(name) is str}
        if is_optimizer(pairs) or "param_groups" in names or _is_bare_optimizer(key, names, pairs):
            found.optimizers.append((path, value))
        elif is_scheduler(value, names):
            found.schedulers.append((path, value))
        elif names >= _SCALER:
            found.scalers.append((path, value))
        elif self._is_random(key, names):
            found.random_states += sorted(names) if names else [key]
        elif key == "callbacks" and len(path) == 1:
            found.callbacks = value
        elif len(path) <= 2 and (is_plain_object(value) or (_SETTINGS.search(key.lower()) and type(value) in (Dict, Call) and bool(pairs))):
            found.settings.append((path, value))
        else:
            return key == "loops" and len(path) == 1
        return True

    def _is_random(self, key: str, names: set[str]) -> bool:
        return bool(_RANDOM.search(key)) or (not key and "python" in names and names <= _RANDOM_KEYS)

    def _below(self, value: Value, path: Path) -> Iterator[tuple[Value, Path]]:
        key = path[-1] if path else ""
        if type(value) in (list, tuple, Set):
            items = value.items if type(value) is Set else value
            if key == "optimizer_history" and items:
                self._history(items[-1])
                yield items[-1], path
                return
            yield from ((item, (*path, str(index))) for index, item in enumerate(islice(items, ITEMS)))
            return
        for name, item in entries(named(value)[:WIDTH]):
            below = (*path, key_text(name))
            if self.scalars.is_one(item):
                if len(below) <= SCALAR_DEPTH and item is not None and type(name) is str:
                    self.found.scalars.append((below, item))
            else:
                yield item, below

    def _history(self, last: Value) -> None:
        """fairseq writes down which optimizer it used, by name."""
        for name, item in named(last):
            if name == "optimizer_name" and type(name) is str and type(item) is str:
                self.found.optimizer_name = item


def named(value: Value) -> Pairs:
    """The entries of a mapping, or an object's entries and attributes."""
    pairs = pairs_of(value)
    if pairs is not None:
        return pairs
    if type(value) is not Call:
        return []
    found = list(value.pairs or ())
    for state in value.states:
        for part in state if type(state) is tuple else (state,):
            found += pairs_of(part) or []
    return found


def _is_bare_optimizer(key: str, names: set[str], pairs: Pairs) -> bool:
    """`{"state": {0: {"momentum_buffer": T}}}` under a key that says optimizer: hand-made files leave the groups out."""
    if "optim" not in key.lower() or "state" not in names:
        return False
    state = next((item for name, item in pairs if name == "state" and type(name) is str), None)
    below = pairs_of(state)
    return bool(below) and all(pairs_of(item) is not None for _, item in (below or [])[:ITEMS])


def is_scheduler(value: Value, names: set[str]) -> bool:
    """A scheduler's state carries its own counter and rates; a pickled one its class."""
    if "last_epoch" in names and names & {"base_lrs", "_step_count", "_last_lr", "_schedulers"}:
        return True
    if any(known <= names for known in _SCHEDULERS):
        return True
    return type(value) is Call and ".lr_scheduler." in class_of(value)
