"""The layer tree as rows to look at: made when they are asked for, one small object each.

A row points at what the checkpoint already holds and copies nothing. Its key names it across reloads; a tensor and a layer may
share a path, so the key says which of them it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock
from typing import Literal

from ptinspect.checkpoint.layers import LayerNode, TensorRow, ValueRow
from ptinspect.session.shelf import Shelf
from ptinspect.session.words import plain, plural, shape_text

RowKind = Literal["layer", "tensor", "value"]
Source = LayerNode | TensorRow | ValueRow
_MAKING = Lock()
_DICTS = frozenset(("dict", "OrderedDict", "list", "tuple", "defaultdict", "Counter", "Namespace"))
_FEW = 8


class Facts:
    """What a layer's row tells of everything below it, found in one pass from the leaves up: tensors and their dtype."""

    __slots__ = ("counts", "dtypes", "has_tensors", "main", "main_dtype", "shelf", "tells_trained", "total")

    def __init__(self, root: LayerNode, main: str = "") -> None:
        self.counts: dict[int, int] = {}
        self.dtypes: dict[int, str] = {}
        self.main = main
        self.total = 0
        self.main_dtype = ""
        self.tells_trained = False
        self.shelf = Shelf()
        order = [root]
        for node in order:
            order.extend(node.children)
        for node in reversed(order):
            self.tells_trained = self.tells_trained or node.trainable is not None
            if node.path == main:
                self.total = node.parameters
            count = len(node.tensors)
            found: tuple[set[str], set[str]] = (set(), set())
            for row in node.tensors:
                found[row.role == "parameter"].add(row.tensor.dtype.name)
            for child in node.children:
                count += self.counts[id(child)]
                if dtype := self.dtypes[id(child)]:
                    found[child.parameters > 0].add(dtype)
            names = found[1] or found[0]  # a counter among the buffers does not make a float32 layer mixed
            self.counts[id(node)] = count
            self.dtypes[id(node)] = next(iter(names), "") if len(names) < 2 else "mixed"
            if node.path == main:
                self.main_dtype = self.dtypes[id(node)]
        self.has_tensors = self.counts[id(root)] > 0


class Row:
    """One row and, once asked for, those below it."""

    __slots__ = ("_below", "_named", "at", "has_below", "kind", "parent", "source", "table")

    def __init__(self, table: RowTable, source: Source, parent: Row | None, at: int, kind: RowKind) -> None:
        self.table = table
        self.source = source
        self.parent = parent
        self.at = at
        self.kind = kind
        self._below: Sequence[Row] | None = None
        self._named: dict[str, dict[str, Row]] | None = None
        self.has_below = kind == "layer" and _has_below(source, table.kept)

    @property
    def name(self) -> str:
        """The last step of its path."""
        return self.source.name

    @property
    def path(self) -> str:
        """The full path."""
        source = self.source
        if isinstance(source, ValueRow):
            above = self.parent.path if self.parent else ""
            return f"{above}.{source.name}" if above else source.name
        return source.path

    @property
    def key(self) -> str:
        """What names this row across reloads."""
        return f"{self.kind}:{self.path}"

    @property
    def level(self) -> int:
        """How many rows stand above it, the root among them."""
        count, above = 0, self.parent
        while above is not None:
            count, above = count + 1, above.parent
        return count

    @property
    def place(self) -> tuple[int, ...]:
        """Where it stands: its place and those of the rows above, from the top."""
        places, row = list[int](), self
        while row.parent is not None:
            places.append(row.at)
            row = row.parent
        return tuple(reversed(places))

    @property
    def below(self) -> Sequence[Row]:
        """Tensors of the layer itself, then its layers, then plain values; or in the order that the user chose."""
        if self._below is None:
            made = self._made()
            with _MAKING:  # rows are also made ahead in other threads; whoever draws points at them, so the first ones stay
                if self._below is None:
                    self._below = made
        return self._below

    def _made(self) -> Sequence[Row]:
        node, table = self.source, self.table
        if not isinstance(node, LayerNode):
            return ()
        kept = table.kept
        sources: list[tuple[Source, RowKind]] = [(row, "tensor") for row in node.tensors]
        sources += [(child, "layer") for child in node.children]
        sources += [(value, "value") for value in node.values]
        if kept is not None:
            sources = [pair for pair in sources if id(pair[0]) in kept]
        made = [Row(table, source, self, at, kind) for at, (source, kind) in enumerate(sources)]
        if table.order is not None and len(made) > 1:
            made = table.order(made)
            for at, row in enumerate(made):
                row.at = at
        return made

    @property
    def made(self) -> Sequence[Row]:
        """Those below it that are made already."""
        return self._below or ()

    def part(self) -> None:
        """Forget the rows around it, and what it shows, which would go with it as a whole: the file was closed."""
        self.parent = self._below = self._named = None
        del self.source, self.table

    def named(self, kind: str, path: str) -> Row | None:
        """The row right below that has a path. There is an index, for a layer may hold ten thousand."""
        if self._named is None:
            lead, below = f"{self.path}." if self.path else "", self.below[::-1]  # of two with one path the first is found
            self._named = {
                "layer": {row.source.path: row for row in below if row.kind == "layer"},  # type: ignore[union-attr]
                "tensor": {row.source.path: row for row in below if row.kind == "tensor"},  # type: ignore[union-attr]
                "value": {f"{lead}{row.source.name}": row for row in below if row.kind == "value"},
            }
        return self._named.get(kind, {}).get(path)


def _has_below(source: Source, kept: frozenset[int] | None) -> bool:
    """Whether there is anything below, without making it."""
    if not isinstance(source, LayerNode):
        return False
    if kept is None:
        return bool(source.tensors or source.children or source.values)
    return any(id(below) in kept for part in (source.tensors, source.children, source.values) for below in part)


class RowTable:
    """The rows of one document: all of them or those that a filter kept, as the file has them or in an order.

    `stamp` says how much was counted when what it shows depends on that, else it is None.
    """

    __slots__ = ("facts", "kept", "order", "root", "source", "stamp")

    def __init__(
        self, root: LayerNode, facts: Facts, kept: frozenset[int] | None = None, order: Callable[[Sequence[Row]], list[Row]] | None = None
    ) -> None:
        self.facts = facts
        self.kept = kept
        self.order = order
        self.stamp: object = None
        self.source = root
        self.root = Row(self, root, None, 0, "layer")

    def prepare(self, opened: Iterable[str]) -> None:
        """Make the rows that are seen when these layers are open, so that nobody has to wait for them later."""
        for key in ("layer:", *opened):
            row = self.find(key)
            if row is not None:
                len(row.below)

    def twin(self) -> RowTable:
        """The same rows, made anew: for a walk over all of them that nobody sees and that leaves nothing behind."""
        twin = RowTable(self.source, self.facts, self.kept, self.order)
        twin.stamp = self.stamp
        return twin

    def part(self) -> None:
        """Forget its rows: the file was closed."""
        del self.root

    def part_rows(self) -> None:
        """Take the rows that were made apart: nobody shows them any more, and they know each other."""
        todo = [self.root]
        while todo:
            row = todo.pop()
            todo += row.made
            row.part()

    def find(self, key: str) -> Row | None:
        """The row of a key, made on the way to it; None where there is none."""
        kind, _, path = key.partition(":")
        if kind == "layer" and not path:
            return self.root
        row: Row | None = self.root
        while row is not None:
            found = row.named(kind, path)
            if found is not None:
                return found
            row = _on_the_way(row, path)
        return None

    def layers(self, keys: frozenset[str]) -> Iterator[Row]:
        """The layers of some keys, from the top down; only what is below one of them is looked at."""
        todo = [self.root]
        for above in todo:
            for row in above.below:
                if row.kind == "layer" and f"layer:{row.source.path}" in keys:  # type: ignore[union-attr]
                    yield row
                    todo.append(row)

    def walk(self) -> Iterator[tuple[Row, int]]:
        """Every row with its level, parents first."""
        todo = [(row, 0) for row in reversed(self.root.below)]
        while todo:
            row, level = todo.pop()
            yield row, level
            todo.extend((below, level + 1) for below in reversed(row.below))


def _on_the_way(row: Row, path: str) -> Row | None:
    """The layer right below that a path leads through."""
    end = path.find(".", len(row.path) + 1)
    while end >= 0:
        found = row.named("layer", path[:end])
        if found is not None:
            return found
        end = path.find(".", end + 1)
    return None


def type_text(row: Row) -> str:
    """What the row is."""
    source = row.source
    if isinstance(source, TensorRow):
        return "" if source.role == "parameter" else source.role
    if isinstance(source, ValueRow):
        return plain(source.type, 60)
    return plain(source.type or "", 60)


def form_text(row: Row) -> str:
    """The shape of a tensor, of a layer's weight, or how much a container holds; the text of a value."""
    source = row.source
    if isinstance(source, TensorRow):
        return shape_text(source.tensor.shape)
    if isinstance(source, ValueRow):
        return plain(source.text, 200)
    if source.slot_of:
        return plain(source.slot_of, 200)
    if row.parent is not None and row.parent.parent is None and row.table.facts.counts[id(source)] > 3:
        return plural(row.table.facts.counts[id(source)], "tensor") if source.children else _own_form(source)
    return _own_form(source)


def shape_of(row: Row) -> tuple[int, ...] | None:
    """The shape of a tensor or of a layer's weight; None for what holds no single one."""
    source = row.source
    if isinstance(source, TensorRow):
        return source.tensor.shape
    if isinstance(source, ValueRow) or source.slot_of:
        return None
    if source.children and row.parent is not None and row.parent.parent is None and row.table.facts.counts[id(source)] > 3:
        return None
    main = _weight(source)
    return main.tensor.shape if main is not None and (main.role == "parameter" or not source.children) else None


def _weight(node: LayerNode) -> TensorRow | None:
    """The tensor that stands for a layer: its weight, or the largest of a few; no single one stands for a crowd."""
    own = next((row for row in node.tensors if row.name == "weight"), None)
    if own is None and 0 < len(node.tensors) <= _FEW:
        return max(node.tensors, key=lambda row: row.tensor.elements)
    return own


def _own_form(node: LayerNode) -> str:
    main = _weight(node)
    if main is not None and (main.role == "parameter" or not node.children):
        return shape_text(main.tensor.shape)
    if node.tensors:
        return plural(len(node.tensors), "tensor")
    if (node.type or "") in _DICTS:
        return plural(len(node.children) + len(node.values), "entry")
    if node.children:
        blocks = node.type in ("Sequential", "ModuleList")
        return plural(len(node.children), "block" if blocks and node.children[0].children else "layer")
    return plural(len(node.values), "value") if node.values else "no weights"


def parameters_of(row: Row) -> int | None:
    """Elements of the row's parameters; None where it has none."""
    source = row.source
    if isinstance(source, TensorRow):
        return source.tensor.elements if source.role in ("parameter", "buffer") else None
    return (source.parameters or None) if isinstance(source, LayerNode) else None


def share_of(row: Row) -> float | None:
    """Its part of the parameters of the main weights; None outside them."""
    source, facts = row.source, row.table.facts
    if isinstance(source, TensorRow):
        count = source.tensor.elements if source.role == "parameter" else 0
    else:
        count = source.parameters if isinstance(source, LayerNode) else 0
    if not count or not facts.total or isinstance(source, ValueRow):
        return None
    path, main = source.path, facts.main
    return min(1.0, count / facts.total) if not main or path == main or path.startswith(f"{main}.") else None


def trained_of(row: Row) -> bool | Literal["mixed"] | None:
    """Whether it trains, as far as the file tells."""
    source = row.source
    if isinstance(source, TensorRow):
        return source.requires_grad if source.role == "parameter" else None
    return source.trainable if isinstance(source, LayerNode) else None


def dtype_of(row: Row) -> str:
    """The dtype of a tensor, or the one that all tensors below share."""
    source = row.source
    if isinstance(source, TensorRow):
        return source.tensor.dtype.name
    return row.table.facts.dtypes[id(source)] if isinstance(source, LayerNode) else ""


def bytes_of(row: Row) -> int | None:
    """Bytes of its elements."""
    source = row.source
    if isinstance(source, TensorRow):
        return source.tensor.dtype.nbytes(source.tensor.elements)
    return source.bytes if isinstance(source, LayerNode) and source.bytes else None
