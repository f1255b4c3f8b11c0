"""The layers of a run as rows below rows, by their paths; filled while the run goes on.

A layer of which only the layers in it were called (a list of them) is a row without figures of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ptinspect.session.batch.heard import DEEPEST, MOST_LAYERS, Gap, LayerFigures, figure
from ptinspect.session.words import TIMES, count_text

COLUMNS = ("layer", "type", "output", "time", "mean", "std", "values", "apart", "parameters", "mult_adds")
TITLES = {
    "layer": "Layer", "type": "Type", "output": "Output", "time": "Time, ms", "mean": "Mean", "std": "Std", "values": "Values",
    "apart": "Apart, %", "parameters": "Parameters", "mult_adds": "Mult-adds",
}  # fmt: skip
NUMBERS = frozenset(("time", "mean", "std", "apart", "parameters", "mult_adds"))
_LISTS = ("", "Sequential", "ModuleList", "ModuleDict")


class LayerRow:
    """One layer."""

    __slots__ = ("at", "below", "figures", "gap", "inside", "name", "named", "parent", "path")

    def __init__(self, name: str, path: str, parent: LayerRow | None, at: int) -> None:
        self.name, self.path, self.parent, self.at = name, path, parent, at
        self.figures: LayerFigures | None = None
        self.gap: Gap | None = None  # how far it is from another run
        self.below: list[LayerRow] = []
        self.named: dict[str, LayerRow] = {}
        self.inside = 0  # bad layers below it

    @property
    def key(self) -> str:
        """What names this row across runs."""
        return f"layer:{self.path}"

    @property
    def level(self) -> int:
        """0 for a layer of the model itself."""
        count, above = -1, self.parent
        while above is not None:
            count, above = count + 1, above.parent
        return count

    @property
    def spent(self) -> float | None:
        """Its milliseconds; of a mere list those of what is in it."""
        if self.figures is not None:
            return self.figures.time_ms
        found = [spent for row in self.below if (spent := row.spent) is not None]
        return sum(found) if found else None

    @property
    def parameters(self) -> int:
        """Its own and those of the layers in it."""
        own = self.figures.parameters if self.figures is not None else 0
        return own + sum(row.parameters for row in self.below)

    @property
    def type(self) -> str:
        """Its class; of a list, what is in it."""
        kind = self.figures.type if self.figures is not None else ""
        if kind not in _LISTS or not self.below:
            return kind
        kinds = {row.figures.type for row in self.below if row.figures is not None}
        one = len(self.below) == 1
        noun = "block" if len(kinds) == 1 and all(row.below for row in self.below) else "layer"
        return f"{len(self.below):,} {noun}{'' if one else 's'}"


class LayerTable:
    """All rows. `structure` counts what came in as rows, `revision` also what came in as figures."""

    def __init__(self) -> None:
        self.root = LayerRow("", "", None, 0)
        self.structure = self.revision = self.count = self.more = 0
        self.slowest = 0.0
        self.is_compared = False
        self.first_bad: LayerRow | None = None
        self._by_path: dict[str, LayerRow] = {"": self.root}

    def put(self, found: LayerFigures) -> None:
        """A layer, or more about one."""
        row = self._by_path.get(found.path)
        if row is None or (row.figures is None and row is not self.root):
            if self.count >= MOST_LAYERS:
                self.more += 1
                return
            row = self._made(found.path)
            self.count += 1
        if found.is_bad and (row.figures is None or not row.figures.is_bad):
            self._tell_above(row)
        row.figures = found
        self.revision += 1
        if found.time_ms is not None and row is not self.root:
            self.slowest = max(self.slowest, found.time_ms)
        if found.is_first_bad and row is not self.root and self._is_before(row):
            self.first_bad = row

    def compare(self, gaps: Mapping[str, Gap]) -> None:
        """How far each layer is from another run."""
        self.is_compared = True
        for path, gap in gaps.items():
            row = self._by_path.get(path)
            if row is not None:
                row.gap = gap
        self.revision += 1

    def _is_before(self, row: LayerRow) -> bool:
        """A layer within the one that is known says it better; otherwise the first counts."""
        known = self.first_bad
        return known is None or known is row or row.path.startswith(f"{known.path}.")

    def _tell_above(self, row: LayerRow) -> None:
        above = row.parent
        while above is not None:
            above.inside += 1
            above = above.parent

    def _made(self, path: str) -> LayerRow:
        row, at = self.root, ""
        for name in path.split(".", DEEPEST - 1):
            at = f"{at}.{name}" if at else name
            below = row.named.get(name)
            if below is None:
                below = LayerRow(name, at, row, len(row.below))
                row.below.append(below)
                row.named[name] = below
                self._by_path[at] = below
                self.structure += 1
            row = below
        return row

    def find(self, key: str) -> LayerRow | None:
        """The row of a key; the model as a whole has none."""
        row = self._by_path.get(key.partition(":")[2]) if key.startswith("layer:") else None
        return None if row is self.root else row

    def walk(self) -> Iterator[LayerRow]:
        """All rows, from the top."""
        stack = list(reversed(self.root.below))
        while stack:
            row = stack.pop()
            yield row
            stack += reversed(row.below)

    def first_open(self) -> frozenset[str]:
        """What is open at first: the way through single layers, and to the trouble."""
        keys, row = set[str](), self.root
        while len(row.below) == 1 and row.below[0].below and len(keys) < DEEPEST:
            row = row.below[0]
            keys.add(row.key)
        return frozenset(keys) | self.way_to(self.first_bad)

    def way_to(self, row: LayerRow | None) -> frozenset[str]:
        """The keys of the rows above one."""
        keys = set[str]()
        while row is not None and row.parent is not None and row.parent is not self.root:
            row = row.parent
            keys.add(row.key)
        return frozenset(keys)


def text_of(row: LayerRow, column: str) -> str:
    """What a cell says."""
    found = row.figures
    if column == "layer":
        return row.name or "(unnamed)"
    if column == "type":
        return row.type
    if column == "time":
        spent = row.spent
        return "" if spent is None else f"{spent:,.0f}" if spent >= 10_000 else f"{spent:,.2f}" if spent >= 0.005 or not spent else "<0.01"
    if column == "apart":
        return apart_text(row.gap)
    if column == "parameters":
        return f"{row.parameters:,}" if row.parameters else ""
    if found is None:
        return values_text(row) if column == "values" else ""
    if column == "output":
        return shape_text(found.output_shape)
    if column == "mult_adds":
        return count_text(found.mult_adds) if found.mult_adds else ""
    if column == "values":
        return values_text(row)
    return figure(found.mean if column == "mean" else found.std)


def apart_text(gap: Gap | None) -> str:
    """The distance in per cent of its length; of other shapes there is none."""
    if gap is None:
        return ""
    if gap.shapes is not None:
        return "other shape"
    return "" if gap.relative is None else "0" if gap.relative == 0 else f"{100 * gap.relative:.3g}"


def time_text(spent: float | None) -> str:
    """Milliseconds; what is hardly anything is said to be that."""
    if spent is None or spent == 0 or spent >= 0.1:
        return figure(spent, 2)
    return figure(spent, 3) if spent >= 0.001 else "<0.001"


def shape_text(sizes: tuple[int, ...] | None) -> str:
    """Sizes as people write them; no tensor is a dash."""
    if sizes is None:
        return ""
    return TIMES.join(map(str, sizes[:8])) + (f"{TIMES}…" if len(sizes) > 8 else "") if sizes else "one number"


def values_text(row: LayerRow) -> str:
    """Whether its values are numbers: OK, or what is not, and in how many samples."""
    found = row.figures
    if row.inside and row.below:
        return f"{_bad_inside(row)} inside"
    if found is None:
        return ""
    if found.is_bad:
        kind = "Inf" if found.infs and not found.nans else "NaN" if found.nans and not found.infs else "NaN, Inf"
        samples = found.output_shape[0] if found.output_shape else 0
        return f"{kind}, {found.bad_samples:,} of {samples:,}" if found.bad_samples and samples >= found.bad_samples else kind
    return "OK" if found.has_numbers else ""


def _bad_inside(row: LayerRow) -> str:
    """What the first bad layer in it has."""
    stack = list(reversed(row.below))
    while stack:
        one = stack.pop()
        if one.figures is not None and one.figures.is_bad and not one.below:
            return "Inf" if one.figures.infs and not one.figures.nans else "NaN"
        stack += reversed(one.below)
    return "NaN" if row.figures is not None and row.figures.nans else "Inf"


__all__ = ["COLUMNS", "NUMBERS", "TITLES", "LayerRow", "LayerTable", "apart_text", "shape_text", "text_of", "time_text", "values_text"]
