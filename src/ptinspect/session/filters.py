"""The little language of the filter field: words, /patterns/, dtype:, shape:, size>, type:, nan: and health:, all of which must hold.

A row is kept with everything that leads to it. The paths of a document are listed once; a query then is a pass over them. What asks
for values looks at those that were counted already and tells how many tensors were not: nothing is read for a filter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import compress

from ptinspect.checkpoint.layers import LayerNode, TensorRow, ValueRow
from ptinspect.dtypes import BY_NAME
from ptinspect.errors import InspectError
from ptinspect.findings import SEVERITIES, Severity
from ptinspect.frozen import frozen
from ptinspect.patterns import pattern
from ptinspect.session.columns import HEALTH
from ptinspect.session.expressions import Costly, Expression, expression
from ptinspect.session.rows import Source
from ptinspect.session.shelf import INF, NAN, Shelf

MOST_EXPANDED = 300  # layers that a filter opens by itself
AT_ONCE = 2_000
MOST_SHOWN = 2_000  # rows that it shows by that
_SHORT = {"f": "float", "i": "int", "u": "uint", "b": "bool", "c": "complex", "bf": "bfloat", "fp": "float"}
_COMPARISON = pattern(r"(size|bytes)(<=|>=|<|>|=|:)([\d.,_]+)\s*([kmgtb]?)(?:i?b)?$", re.IGNORECASE)
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    ":": lambda a, b: a == b,
}
_VALUES = pattern(r"(nan|inf):(.*)", re.IGNORECASE | re.DOTALL)
_MARKS = {"nan": NAN | INF, "inf": INF}
Test = Callable[[TensorRow], bool]


class BadFilter(InspectError):
    """A filter that cannot be read."""


@frozen
class Query:
    """A filter as it was understood: what every path must match, and what tensors must be."""

    words: tuple[str, ...] = ()
    patterns: tuple[Expression, ...] = ()
    tests: tuple[Test, ...] = ()
    types: tuple[str, ...] = ()
    marks: tuple[int, ...] = ()  # NAN, INF or both: tensors that hold one of them
    health: tuple[frozenset[Severity], ...] = ()  # rows that a finding of such a severity names

    @property
    def is_about_values(self) -> bool:
        """Whether it finds more when more is counted."""
        return bool(self.marks or self.health)

    def spans(self, name: str) -> tuple[tuple[int, int], ...]:
        """Where a row's name was hit, to be marked."""
        lower = name.lower()
        found = [(at, at + len(word)) for word in self.words if (at := lower.find(word.rpartition(".")[2] or word)) >= 0]
        found = [(at, min(end, len(name))) for at, end in found]
        found += [
            match.span() for pattern in self.patterns if len(name) <= pattern.most and (match := pattern.search(name)) and match.group()
        ]
        return tuple(sorted(found))


@frozen
class Narrowed:
    """What a filter left: the rows that are kept, those that were hit, and the layers to open so that hits are seen."""

    text: str
    query: Query
    kept: frozenset[int]
    hits: int
    first: str = ""
    expanded: frozenset[str] = frozenset()
    problem: str = ""
    found: frozenset[int] = frozenset()  # the rows that were hit, as `kept` names rows
    uncounted: int = 0  # tensors that fit so far, but whose values are not known

    @property
    def is_about_values(self) -> bool:
        """Whether it is worth another look when more is counted."""
        return self.query.is_about_values


class Listing:
    """Every row of a tree in order, flat: its source, its path in lower case and the place of the row above."""

    __slots__ = ("above", "paths", "sources", "types")

    def __init__(self, root: LayerNode) -> None:
        self.sources: list[Source] = []
        self.paths: list[str] = []
        self.above: list[int] = []
        todo: list[tuple[LayerNode, int]] = [(root, -1)]
        while todo:
            node, at = todo.pop()
            if node is not root:
                self._add(node, node.path, at)
                at = len(self.sources) - 1
            for row in node.tensors:
                self._add(row, row.path, at)
            lead = f"{node.path}." if node.path else ""
            for value in node.values:
                self._add(value, f"{lead}{value.name}", at)
            todo.extend((child, at) for child in reversed(node.children))

    def _add(self, source: Source, path: str, above: int) -> None:
        self.sources.append(source)
        lower = path.lower()
        self.paths.append(path if lower == path else lower)  # most are in lower case already: one text instead of two
        self.above.append(above)


def parse(text: str) -> Query:
    """A filter's text as a query; raises BadFilter with what is wrong with it."""
    words, patterns, tests, types = [], [], [], []
    marks, health = list[int](), list[frozenset[Severity]]()
    for term in _terms(text):
        if asked := _VALUES.match(term):
            marks.append(_MARKS[asked[1].lower()])
            term = asked[2]  # noqa: PLW2901 - nan:conv asks for both
        if term.lower().startswith("health:"):
            health.append(_severities(term[7:].lower()))
        elif len(term) > 2 and term.startswith("/") and term.endswith("/"):
            try:
                patterns.append(expression(term[1:-1]))
            except Costly as error:
                raise BadFilter(f"{term} {error}; write it in a simpler way") from None
            except (re.error, OverflowError, RecursionError) as error:
                raise BadFilter(f"{term} is no regular expression: {error}") from None
        elif term.lower().startswith("type:"):
            types.append(term[5:].lower())
        elif (test := _test(term)) is not None:
            tests.append(test)
        elif term not in ("", "/", "//"):
            words.append(term.lower())
    return Query(tuple(words), tuple(patterns), tuple(tests), tuple(types), tuple(marks), tuple(health))


def _terms(text: str) -> Iterator[str]:
    """Split at spaces, but not inside a pattern between slashes."""
    for match in re.finditer(r"/(?:[^/\\]|\\.)+/(?=\s|$)|\S+", text):
        yield match.group()


def _test(term: str) -> Test | None:
    head, colon, rest = term.partition(":")
    key = head.lower() if colon else ""
    if key == "dtype":
        return _dtype(rest)
    if key == "shape":
        return _shape(rest)
    if key == "role":
        return lambda row: row.role.startswith(rest.lower())
    comparison = _COMPARISON.match(term)
    if comparison is not None:
        return _size(*comparison.groups())
    if re.match(r"(size|bytes)[<>=:]", term, re.IGNORECASE):
        raise BadFilter(f"{term} compares with no number; write size>1M")
    return None


def _severities(text: str) -> frozenset[Severity]:
    """`broken`, `danger`, or the beginning of either; nothing is any of them."""
    found = frozenset(one for one in SEVERITIES if one.startswith(text) or HEALTH[one].lower().startswith(text))
    if not found:
        raise BadFilter(f"health:{text} is none of {', '.join(HEALTH[one].lower() for one in SEVERITIES)}")
    return found


def _anything(_: TensorRow) -> bool:
    """What a term asks for that is still being typed."""
    return True


def _dtype(text: str) -> Test:
    wanted = tuple(_long(part.lower().removeprefix("torch.")) for part in text.split(",") if part)
    if not wanted:
        return _anything  # the name of the dtype is still being typed
    return lambda row: row.tensor.dtype.name.startswith(wanted)


def _long(name: str) -> str:
    """`f16`, `bf16` and `half` as the table of dtypes spells them."""
    known = BY_NAME.get(name)
    if known is not None and name not in ("int", "float"):  # whoever writes those means all sizes
        return known.name
    match = re.match(r"([a-z]+?)(\d.*)$", name)
    return _SHORT[match[1]] + match[2] if match and match[1] in _SHORT else name


def _shape(text: str) -> Test:
    """`64,3,7,7` or `64x3x7x7`, `*` for any size; a single number is one of the sizes."""
    parts = [part for part in re.split(r"[x×,]", text.strip("()[]").lower()) if part]
    sizes = [None if part in ("*", "?") else int(part) if part.isdecimal() and len(part) < 20 else -1 for part in parts]
    if -1 in sizes:
        raise BadFilter(f"shape:{text} holds no sizes; write shape:64,3,*,*")
    if not sizes:
        return _anything
    if len(sizes) == 1 and not text.endswith((",", "x")):
        only = sizes[0]
        return lambda row: only in row.tensor.shape or (only is None and len(row.tensor.shape) == 1)
    count, known = len(sizes), [(at, size) for at, size in enumerate(sizes) if size is not None]
    return lambda row: len(row.tensor.shape) == count and all(row.tensor.shape[at] == size for at, size in known)


def _size(what: str, sign: str, number: str, unit: str) -> Test:
    compare = _COMPARE[sign]
    try:
        bound = float(number.replace(",", "").replace("_", "")) * _FACTORS[unit.lower()]
    except ValueError:
        raise BadFilter(f"{number} is no number") from None
    if what.lower() == "bytes":
        return lambda row: compare(row.tensor.dtype.nbytes(row.tensor.elements), bound)
    return lambda row: compare(row.tensor.elements, bound)


def narrow(listing: Listing, text: str, stop: Callable[[], None] = lambda: None, shelf: Shelf | None = None) -> Narrowed:
    """The rows that a filter keeps. A filter that cannot be read keeps everything and says why.

    `shelf` holds what was counted so far, for what asks for values.
    """
    try:
        query = parse(text)
    except BadFilter as error:
        return Narrowed(text, Query(), frozenset(), 0, problem=error.message)
    hits = _hits(listing, query, stop)
    stop()
    sources, uncounted = listing.sources, 0
    if query.is_about_values:
        hits, uncounted = _counted(listing, query, hits, Shelf() if shelf is None else shelf)
    kept, below = _leading(listing, hits)
    keys, shown = list[str](), 0
    for at, count in below:  # in the order of the rows: what is near the top is opened first
        if count + shown > MOST_SHOWN or len(keys) >= MOST_EXPANDED:
            break
        shown += count
        keys.append(f"layer:{sources[at].path}")  # type: ignore[union-attr]
    first = _key(listing, hits[0]) if hits else ""
    found = kept if len(kept) == len(hits) else frozenset([id(sources[at]) for at in hits])
    return Narrowed(text, query, kept, len(hits), first, frozenset(keys), found=found, uncounted=uncounted)


def _leading(listing: Listing, hits: list[int]) -> tuple[frozenset[int], Iterable[tuple[int, int]]]:
    """The hits with everything that leads to them, and how many kept rows stand right below each layer that does."""
    sources, above = listing.sources, listing.above
    if len(hits) > len(above) // 8:
        return _leading_many(listing, hits)
    kept = {id(sources[at]) for at in hits}
    below: dict[int, int] = {}
    counted: set[int] = set()
    for hit in hits:
        at = hit
        while at not in counted:
            counted.add(at)
            step = above[at]
            if step < 0:
                break
            below[step] = below.get(step, 0) + 1
            kept.add(id(sources[step]))
            at = step
    return frozenset(kept), sorted(below.items())


def _leading_many(listing: Listing, hits: list[int]) -> tuple[frozenset[int], Iterable[tuple[int, int]]]:
    """The same in one pass over all rows."""
    above = listing.above
    is_kept, counts = bytearray(len(above)), [0] * len(above)
    for at in hits:
        is_kept[at] = 1
    for at in range(len(above) - 1, -1, -1):  # what leads to a row stands before it
        if is_kept[at] and (step := above[at]) >= 0:
            is_kept[step] = 1
            counts[step] += 1
    return frozenset(map(id, compress(listing.sources, is_kept))), ((at, count) for at, count in enumerate(counts) if count)


def _key(listing: Listing, at: int) -> str:
    source = listing.sources[at]
    if isinstance(source, LayerNode):
        return f"layer:{source.path}"
    if isinstance(source, TensorRow):
        return f"tensor:{source.path}"
    up = listing.above[at]
    lead = f"{listing.sources[up].path}." if up >= 0 else ""  # type: ignore[union-attr]
    return f"value:{lead}{source.name}"


def _hits(listing: Listing, query: Query, stop: Callable[[], None]) -> list[int]:
    """The places of the rows that pass; words first, since they are cheapest and leave least to the rest."""
    paths, sources = listing.paths, listing.sources
    found: list[int] | range = range(len(paths))
    for word in query.words:
        found = [at for at in found if word in paths[at]]
    for one in query.patterns:
        search, left = one.search, list[int]()
        for begin in range(0, len(found), AT_ONCE):
            left += [at for at in found[begin : begin + AT_ONCE] if search(paths[at])]
            stop()  # a newer filter need not wait for a slow pattern
        found = left
    if query.types:
        found = [at for at in found if all(kind in _type_of(listing, at) for kind in query.types)]
    for test in query.tests:
        found = [at for at in found if isinstance(row := sources[at], TensorRow) and test(row)]
    return list(found)


def _counted(listing: Listing, query: Query, fitting: list[int], shelf: Shelf) -> tuple[list[int], int]:
    """Those that hold what is asked for, and how many tensors are not counted yet: among them may be more."""
    sources = listing.sources
    is_known = shelf.has if not query.health or shelf.is_judged else _no
    uncounted = sum(not is_known(row) for at in fitting if isinstance(row := sources[at], TensorRow))
    found = fitting
    for marks in query.marks:
        found = [at for at in found if shelf.bad(sources[at]) & marks]
    for wanted in query.health:
        found = [at for at in found if not isinstance(row := sources[at], ValueRow) and shelf.finding(row.path) in wanted]
    return found, uncounted


def _no(_: object) -> bool:
    return False


def _type_of(listing: Listing, at: int) -> str:
    """The type of a layer, or of the layer that a tensor stands in."""
    source = listing.sources[at]
    if isinstance(source, TensorRow) and listing.above[at] >= 0:
        source = listing.sources[listing.above[at]]
    return (source.type or "").lower() if not isinstance(source, TensorRow) else ""
