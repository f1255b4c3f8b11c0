"""Weight sets by structure, never by key names: mappings of tensors and module-like objects, at any depth.

Optimizers are not searched. The search is breadth first, so that the shallowest set comes first, and visits each object once.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Literal

from ptinspect.checkpoint.guessed_roles import Names, guessed_role
from ptinspect.checkpoint.model import Entry, Evidence, Role, WeightSet, count_elements
from ptinspect.checkpoint.modules import Module, module_of, state_entries
from ptinspect.formats.document import Document
from ptinspect.formats.reach import key_text
from ptinspect.frozen import replace
from ptinspect.pickles.values import Call, Dict, Global, Pairs, Set, Value, entries, lookup, pairs_of
from ptinspect.tensors import TensorInfo

WRAPPERS = frozenset({"DataParallel", "DistributedDataParallel", "OptimizedModule", "FullyShardedDataParallel", "AveragedModel"})
DROPPED = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
PREFIXES = ("module.", "model.", "net.")
MOST_WRAPPERS = 16  # a wrapper that holds itself has no end
EMA_WORDS = ("ema", "averaged", "shadow", "teacher", "target")
LIVE_BESIDE_AVERAGE = "current_model_state"
OPTIMIZER_STATE = frozenset(
    "step exp_avg exp_avg_sq max_exp_avg_sq exp_inf momentum_buffer square_avg grad_avg acc_delta sum eta ax mu mu_product prev"
    " step_size".split()
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
HOLDING = frozenset({Call, Dict, list, tuple, Set})
_SCALARS = (int, float, bool, complex, type(None))


class WeightSearch:
    """Looks for weight sets below a root."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.found: list[WeightSet] = []
        self.optimizers: list[str] = []
        self.seen: set[int] = set()
        self.depth = 0

    def below(self, root: Value) -> list[WeightSet]:
        """Every weight set that `root` is or holds, the shallowest first."""
        todo: deque[tuple[Value, str, int]] = deque([(root, "", 0)])
        while todo:
            value, path, depth = todo.popleft()
            if type(value) not in HOLDING or id(value) in self.seen or id(value) in self.document.by_value:
                continue
            self.seen.add(id(value))
            self.depth = depth
            if not self._take(value, path):
                todo.extend((item, joined(path, key), depth + 1) for key, item in steps_below(value) if type(item) in HOLDING)
                todo.extend((state, path, depth + 1) for state in getattr(value, "states", ()) if not _is_attributes(state))
        return self.found

    def _take(self, value: Value, path: str) -> bool:
        """Note what a value is; True where nothing below it is to be searched."""
        module = module_of(value, self.document)
        if module is not None:
            self.found.append(self._model(module, path, value))
            return True
        pairs = mapping_of(value)
        if is_optimizer(attributes_of(value) if pairs is None else pairs):
            self.optimizers.append(path)
            return True
        if pairs is not None and path in self.document.signatures:
            self.found.append(self._exported(value, pairs, path))
            return True
        if pairs is not None and self.is_state_dict(pairs) and (value is self.document.root or not self._is_bookkeeping(pairs)):
            self.found.append(self._state_dict(value, pairs, path))
            return True
        return False

    def is_state_dict(self, pairs: Pairs) -> bool:
        """At least half tensors under text keys, the rest None, dtypes, scalars or extra state."""
        tensors = 0
        for key, item in pairs:
            if type(key) is not str:
                return False
            if self._holds_tensor(item):
                tensors += 1
            elif not (_is_scalar(item) or key.rpartition(".")[2] == "_extra_state"):
                return False
        return tensors > 0 and tensors * 2 >= len(pairs)

    def _is_bookkeeping(self, pairs: Pairs) -> bool:
        """Scores by path (Lightning's best models) and what an optimizer keeps for one parameter are no weights."""
        found = [(key, tensor) for key, item in pairs for _, tensor in self._tensors_of(key, item)]
        return all(not tensor.shape for _, tensor in found) or all(key in OPTIMIZER_STATE for key, _ in found)

    def _holds_tensor(self, item: Value) -> bool:
        if id(item) in self.document.by_value:
            return True
        return type(item) is tuple and any(id(part) in self.document.by_value for part in item)

    def _tensors_of(self, name: str, item: Value) -> Sequence[tuple[str, TensorInfo]]:
        known = self.document.by_value.get
        tensor = known(id(item))
        if tensor is not None:
            return ((name, tensor),)
        parts = [(index, known(id(part))) for index, part in enumerate(item)] if type(item) is tuple else ()
        return [(f"{name}.{index}", inner) for index, inner in parts if inner is not None]

    def _state_dict(self, value: Value, pairs: Pairs, path: str) -> WeightSet:
        names = Names(pairs)
        found = tuple(
            Entry(name, tensor, guessed_role(name, tensor, names))
            for key, item in entries(pairs)
            for name, tensor in self._tensors_of(key, item)
        )
        return WeightSet(path, "state_dict", None, (), prefix_of(found), found, "inferred", value, count_elements(found), depth=self.depth)

    def _exported(self, value: Value, pairs: Pairs, path: str) -> WeightSet:
        """The state_dict of an exported program: its graph's signature says what is a parameter, what a persistent buffer."""
        signature = self.document.signatures[path]
        roles: dict[str, Role] = dict.fromkeys(signature.parameters, "parameter")
        roles.update({name: "buffer" for name in signature.buffers if name not in signature.non_persistent})
        named = [(key, self.document.by_value.get(id(item))) for key, item in entries(pairs) if type(key) is str and key in roles]
        found = tuple(Entry(key, tensor, roles[key]) for key, tensor in named if tensor is not None)
        counts = count_elements(found)
        return WeightSet(path, "state_dict", None, (), prefix_of(found), found, "confirmed", value, counts, depth=self.depth)

    def _model(self, module: Module, path: str, value: Value) -> WeightSet:
        wrapped: list[str] = []
        inner = module
        while inner.class_name.rpartition(".")[2] in WRAPPERS and len(inner.children) == 1 and len(wrapped) < MOST_WRAPPERS:
            child = module_of(inner.children[0][1], self.document)
            if child is None:
                break
            wrapped.append(inner.class_name)
            inner = child
        found = tuple(Entry(name, tensor, role) for name, tensor, role in state_entries(value, self.document))
        counts, prefix = count_elements(found), prefix_of(found)
        return WeightSet(path, "model", inner.class_name, tuple(wrapped), prefix, found, "confirmed", value, counts, depth=self.depth)


def steps_below(value: Value) -> Iterator[tuple[str, Value]]:
    """Everything one step below a container or an object, under the key that a path spells."""
    if type(value) in (list, tuple, Set):
        items = value.items if type(value) is Set else value
        yield from ((str(index), item) for index, item in enumerate(items))
        return
    pairs = pairs_of(value)
    if pairs is None:
        args = value.args if type(value.args) is tuple else ()
        yield from ((str(index), arg) for index, arg in enumerate(args))
        pairs = value.pairs or []
        yield from ((str(index), item) for index, item in enumerate(value.items or ()))
    yield from ((key_text(key), item) for key, item in entries(pairs))
    yield from ((key_text(key), item) for key, item in attributes_of(value))


def mapping_of(value: Value) -> Pairs | None:
    """The entries of a mapping, one of a class of its own (`class Weights(dict)`) included."""
    pairs = pairs_of(value)
    return value.pairs if pairs is None and type(value) is Call else pairs


def attributes_of(value: Value) -> Pairs:
    """What an object's states set by name: its `__dict__`, its slots."""
    parts = [part for state in getattr(value, "states", ()) for part in (state if type(state) is tuple else (state,))]
    return [pair for part in parts for pair in entries(pairs_of(part) or [])]


def _is_attributes(state: Value) -> bool:
    """Whether a state is a `__dict__`, or a pair of it and slots; `__getstate__` may return anything else."""
    return all(part is None or pairs_of(part) is not None for part in (state if type(state) is tuple else (state,)))


def joined(path: str, key: str) -> str:
    """One step further, bounded: a path of 200,000 steps is nobody's name."""
    return f"{path}.{key}"[-4_096:] if path else key


def is_optimizer(pairs: Pairs) -> bool:
    """`{"state": ..., "param_groups": ...}`, whatever else stands beside them."""
    keys = {key for key, _ in pairs if type(key) is str}
    return "param_groups" in keys and "state" in keys


def _is_scalar(item: Value) -> bool:
    """None, a number, a dtype; a numpy scalar or a Decimal is a number too."""
    if type(item) in _SCALARS or type(item) is Global:
        return True
    return type(item) is Call and item.name.endswith(("multiarray.scalar", "decimal.Decimal", "builtins.complex"))


def common_prefix(names: list[str]) -> str | None:
    """The leading `module.`, `model.`, `net.` that every name carries."""
    found = ""
    names = [name for name in names if name]
    while names:
        step = next((p for p in PREFIXES if all(name.startswith(p) for name in names)), None)
        if step is None:
            break
        found += step
        names = [name[len(step) :] for name in names]
    return found or None


def prefix_of(found: tuple[Entry, ...]) -> str | None:
    """The common prefix of a set's names, the segments that compiling and sharding put in left out."""
    return common_prefix([without_wrappers(entry.name) for entry in found])


def without_wrappers(name: str) -> str:
    """A name without the segments that compiling, sharding and checkpointing put into it."""
    if "_orig_mod" not in name and "_wrapped_module" not in name:
        return name
    return ".".join(segment for segment in name.split(".") if segment not in DROPPED)


def is_averaged(weights: WeightSet) -> bool:
    """Whether a set looks like a moving average, by a word of its path or a counter inside it."""
    words = {word.lower() for word in _WORD.findall(weights.path)}
    return not words.isdisjoint(EMA_WORDS) or any(f".{e.name}".endswith(".n_averaged") for e in weights.entries)


def with_roles(found: list[WeightSet]) -> tuple[tuple[WeightSet, ...], tuple[Evidence, ...]]:
    """Roles for every set, and which rule chose the main one: no average, then the shallowest, the largest, the first."""
    if not found:
        return (), ()
    pool, rules = _live(found)
    for rule, measure in (("it is the shallowest", _depth), ("it has the most parameters", _fewest)):
        best = min(measure(weights) for weights in pool)
        nearest = [weights for weights in pool if measure(weights) == best]
        if len(nearest) < len(pool):
            rules.append(rule)
        pool = nearest
    if len(pool) > 1:
        rules.append("it comes first in the file")
    main = pool[0]
    named = tuple(_role(weights, main) for weights in found)
    if not rules:
        return named, ()
    return named, (Evidence(f"the main weights are {f'`{main.path}`' if main.path else 'the root'}", "inferred", " and ".join(rules)),)


def _live(found: list[WeightSet]) -> tuple[list[WeightSet], list[str]]:
    """The sets that are no averages, unless only such exist. Lightning's WeightAveraging moves the live weights aside: what it
    leaves in their old place is what the file is for."""
    moved = {weights.path for weights in found if weights.path.rpartition(".")[2] == LIVE_BESIDE_AVERAGE}
    twins = {path.removesuffix(LIVE_BESIDE_AVERAGE) + "state_dict" for path in moved}
    if twins and twins <= {weights.path for weights in found}:
        because = f"Lightning's WeightAveraging stores the average there and the live weights in `{min(moved)}`"
        return [weights for weights in found if weights.path in twins], [because]
    live = [weights for weights in found if not is_averaged(weights)]
    if not live:
        return found, ["the file holds averages only, by their names"]
    return live, ["the others are averages by their names"] if len(live) < len(found) else []


def _depth(weights: WeightSet) -> int:
    return weights.depth


def _fewest(weights: WeightSet) -> int:
    return -weights.parameters


def _role(weights: WeightSet, main: WeightSet) -> WeightSet:
    role: Literal["main", "ema", "other"] = "main" if weights is main else "ema" if is_averaged(weights) else "other"
    return replace(weights, role=role)


def metadata_of(value: Value) -> Value:
    """The `_metadata` that torch saves as an attribute of a state_dict."""
    for state in getattr(value, "states", ()):
        found = lookup(state, "_metadata")
        if found is not None:
            return found
    return None
