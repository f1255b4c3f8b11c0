"""What a pickle can hold, inert.

None, bool, int, float, str, small bytes, tuple and list are Python's own: they cannot run anything, and a tuple or list of
ours is never hashed, compared, printed or walked by recursion. The rest are the small classes below. They are mutable while
the machine builds them (cycles need that), plain slots rather than dataclasses (one file holds a million), and compared by
identity alone: a shared or cyclic object is the same object wherever it is met.

A mapping keeps its pairs in a list. A dict would hash its keys, and a nest of tuples as a key takes torch.load for ever (S-21).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Value = Any
Pairs = list[tuple[Value, Value]]

CALLS_KEPT = 8
ALL_CALLS = 100_000
JUDGED_BY_ARGUMENTS = frozenset(
    f"{module}.{name}"
    for module, names in {
        "builtins": ("getattr",),
        "__builtin__": ("getattr",),
        "operator": ("attrgetter", "itemgetter", "methodcaller"),
        "_operator": ("attrgetter", "itemgetter", "methodcaller"),
        "torch.fx.graph_module": ("reduce_graph_module", "reduce_package_graph_module", "reduce_deploy_graph_module"),
        "dill._dill": ("_load_type",),
    }.items()
    for name in names
)


class Global:
    """A name that loading would import. `calls` keeps the first few uses, also those whose result the stream threw away.

    `keep` is how many: all of them for a name that is harmless or an attack by what it is called with, or a ninth call would hide.
    """

    __slots__ = ("built", "called", "calls", "keep", "name", "named")

    def __init__(self, name: str) -> None:
        self.name = name
        self.named = 0
        self.called = 0
        self.built = 0
        self.calls: list[Call] = []
        self.keep = ALL_CALLS if name in JUDGED_BY_ARGUMENTS else CALLS_KEPT

    def remember(self, call: Call) -> None:
        """Count a call of it, and keep it if it is among the first."""
        self.called += 1
        if self.called <= self.keep:
            self.calls.append(call)

    @property
    def uses(self) -> int:
        """How often the stream calls it, or names it where it never does."""
        return self.called or self.named


class Call:
    """What loading would make by calling or constructing `fn`; never done.

    `how` is the instruction (reduce, new, new_ex, object), `states` what BUILD would set, `pairs` and `items` what would be put in.
    """

    __slots__ = ("args", "fn", "how", "items", "pairs", "states")

    def __init__(self, fn: Value, args: Value, how: str = "reduce") -> None:
        self.fn = fn
        self.args = args
        self.how = how
        self.states: tuple[Value, ...] = ()
        self.pairs: Pairs | None = None
        self.items: list[Value] | None = None

    @property
    def name(self) -> str:
        """The full name of what would be called; empty where that is no plain name."""
        return self.fn.name if type(self.fn) is Global else ""

    @property
    def state(self) -> Value:
        """The last state set by BUILD, or None."""
        return self.states[-1] if self.states else None


class Persistent:
    """A reference to something outside the stream: for torch, a storage."""

    __slots__ = ("id",)

    def __init__(self, id_: Value) -> None:
        self.id = id_


def class_outside(value: Value) -> Global | None:
    """The class in ("module", class, file, source), or in (class, file, source) of a tar: a module's class before torch 1.6."""
    found = value.id if type(value) is Persistent else None
    if type(found) is not tuple or not 3 <= len(found) <= 4 or type(found[-3]) is not Global:
        return None
    return found[-3] if len(found) == 3 or (type(found[0]) in (str, bytes) and found[0] in ("module", b"module")) else None


class Unknown:
    """Something the stream does not define: a missing memo entry, an out-of-band buffer, a number too long to read."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


class Dict:
    """A mapping in file order; a key that is written twice stands twice in `pairs`."""

    __slots__ = ("pairs", "states")

    def __init__(self) -> None:
        self.pairs: Pairs = []
        self.states: tuple[Value, ...] = ()


class Set:
    """A set or frozenset in file order."""

    __slots__ = ("frozen", "items")

    def __init__(self, items: list[Value], frozen: bool = False) -> None:
        self.items = items
        self.frozen = frozen


class Bytes:
    """A long byte string left where it lies, `offset` counted in the stream's source."""

    __slots__ = ("length", "mutable", "offset")

    def __init__(self, offset: int, length: int, mutable: bool = False) -> None:
        self.offset = offset
        self.length = length
        self.mutable = mutable


MAPPINGS = frozenset({"collections.OrderedDict", "collections.defaultdict", "collections.Counter", "builtins.dict", "__builtin__.dict"})


def pairs_of(value: Value) -> Pairs | None:
    """The entries of a dict or of one of its plain relatives, None for everything else."""
    kind = type(value)
    if kind is Dict:
        return value.pairs  # type: ignore[no-any-return]
    if kind is Call and type(value.fn) is Global and value.fn.name in MAPPINGS:
        return _argument_pairs(value) + (value.pairs or [])
    return None


def _argument_pairs(call: Call) -> Pairs:
    """Python 2 and Counter pass their entries as an argument: OrderedDict([[k, v], ...]), Counter({k: n})."""
    args = call.args if type(call.args) is tuple else ()
    for arg in args:
        if type(arg) is Dict:
            return arg.pairs
        if type(arg) is list and all(type(pair) in (list, tuple) and len(pair) == 2 for pair in arg):
            return [(pair[0], pair[1]) for pair in arg]
    return []


def entries(pairs: Pairs) -> Iterator[tuple[Value, Value]]:
    """The pairs as a dict would show them: the last value of a plain key, at the place of the first."""
    texts = {key for key, _ in pairs if type(key) is str}
    if len(texts) == len(pairs):
        yield from pairs
        return
    last: dict[Value, Value] = {}
    plain = [(key, value) for key, value in pairs if type(key) in (str, int, bytes, float, bool)]
    last.update(((type(key), key), value) for key, value in plain)
    if len(last) == len(pairs):
        yield from pairs
        return
    for key, value in pairs:
        if type(key) not in (str, int, bytes, float, bool):
            yield key, value
        elif (type(key), key) in last:
            yield key, last.pop((type(key), key))


def lookup(value: Value, key: str) -> Value:
    """The entry of a mapping under a text key, None where there is none."""
    found = None
    for name, item in pairs_of(value) or ():
        if type(name) is str and name == key:
            found = item
    return found


def children(value: Value) -> Iterable[Value]:
    """Everything one step below, for walkers that only need to reach all; they keep their own `seen`."""
    kind = type(value)
    if kind is tuple or kind is list:
        return value  # type: ignore[no-any-return]
    if kind is Dict:
        return [side for pair in value.pairs for side in pair] + list(value.states)
    if kind is Set:
        return value.items  # type: ignore[no-any-return]
    if kind is Call:
        pairs = [side for pair in value.pairs or () for side in pair]
        return [value.fn, value.args, *value.states, *pairs, *(value.items or ())]
    if kind is Persistent:
        return (value.id,)
    return ()
