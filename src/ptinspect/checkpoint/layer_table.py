"""The layer table as text: names indented by depth, types, shapes, parameters and their share, then the totals.

Nobody's depth or width breaks it: long cells are cut, a deep nest stops moving to the right, and thousands of rows stream out line
by line. Counts in parentheses are those of tensors that stand in an earlier row already: what is left adds up to the total. What
an optimizer keeps for one parameter is one line, named by that parameter; `--json` has every tensor of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ptinspect.checkpoint.layers import LayerNode, TensorRow, ValueRow
from ptinspect.checkpoint.model import memory_of
from ptinspect.frozen import frozen
from ptinspect.quantities import count_text, plural, size_text
from ptinspect.spelled import plain

_TRAIN = {True: "trained", False: "frozen", "mixed": "mixed", None: ""}
_NARROW, _WIDE = 100, 160
_TYPE, _SHAPE, _COUNT, _SHARE, _NOTE = 16, 18, 14, 8, 7
_FEW = 8


@frozen
class Columns:
    """The width of the table and of its first column; the others keep theirs, and long type texts run over the shape's."""

    width: int
    name: int

    @property
    def kind(self) -> int:
        """Type and shape together, which a module's type with its arguments may fill."""
        return self.width - self.name - _COUNT - _SHARE - _NOTE - 4

    @property
    def rest(self) -> int:
        """Everything behind a name and a type, which a plain value may fill."""
        return self.width - self.name - _TYPE - 4

    def line(self, name: str, kind: str, count: str = "", share: str = "", note: str = "") -> str:
        """One row; a long `kind` runs to the end of a line that has nothing else, and is cut before numbers."""
        kind = _shortened(kind, self.kind if count or share or note else self.width - self.name - 2)
        return f"{name}  {kind:<{self.kind}}{count:>{_COUNT}}{share:>{_SHARE}}  {note}".rstrip()

    def typed(self, kind: str, shape: str) -> str:
        """A type on the left and a shape on the right."""
        return f"{cut(kind, _TYPE)}{cut(shape, self.kind - _TYPE).strip():>{self.kind - _TYPE}}"


def table_lines(root: LayerNode, depth: int | None = None, room: int = 0) -> Iterator[str]:
    """Header, one line a module or tensor, totals, as wide as there is room for within reason."""
    width = max(_NARROW, min(_WIDE, room))
    columns = Columns(width, 29 + (width - _NARROW) // 2)
    yield columns.line(cut("Layer", columns.name), columns.typed("Type", "Shape"), "Parameters", "Share", "Note")
    yield "─" * width
    seen: dict[object, str] = {}
    for node, level in _levels(root, depth):
        if level < 0 and (node.class_name or node.certainty == "inferred"):
            yield _node_line(node, 0, columns, max(1, root.parameters))
        if level >= 0:
            yield _node_line(node, level, columns, max(1, root.parameters))
        if _in_one_line(node) or (depth is not None and level + 1 >= depth):
            continue
        yield from (_tensor_line(row, level + 1, columns, seen) for row in node.tensors)
        yield from (_value_line(value, level + 1, columns) for value in node.values)
    yield "─" * width
    yield from _totals(root)


def _levels(root: LayerNode, depth: int | None) -> Iterator[tuple[LayerNode, int]]:
    todo = [(root, -1)]
    while todo:
        node, level = todo.pop()
        yield node, level
        if depth is None or level + 1 < depth:
            todo.extend((child, level + 1) for child in reversed(node.children))


def _in_one_line(node: LayerNode) -> bool:
    """An optimizer's slot, or one of its groups: nothing below it but a few tensors and numbers."""
    return node.in_optimizer and not node.children and bool(node.tensors or node.values) and node.name.isdecimal()


def _node_line(node: LayerNode, level: int, columns: Columns, total: int) -> str:
    name = _name(f"{node.name} ({node.slot_of})" if node.slot_of else node.name if node.path else "(the root)", level, columns)
    if _in_one_line(node):
        return f"{name}  {_shortened(_optimizer_text(node), columns.width - columns.name - 2)}".rstrip()
    kind = plain(node.type or "") + ("?" if node.certainty == "inferred" else "")
    kind += f"({plain(node.extra)})" if node.extra else ""
    if not kind and not (node.tensors or node.children or node.values):
        kind = "no weights"
    share = f"{100 * node.parameters / total:.1f} %" if node.parameters else ""
    return columns.line(name, kind, f"{node.parameters:,}" if node.parameters else "", share, _TRAIN[node.trainable])


def _optimizer_text(node: LayerNode) -> str:
    """`step, exp_avg and exp_avg_sq (64, 3, 7, 7)`, or a group's options without those that are off."""
    by_shape: dict[tuple[int, ...], list[str]] = {}
    for row in node.tensors:
        by_shape.setdefault(row.tensor.shape, []).append(plain(row.name))
    texts = [f"{', '.join(names)} {_shape(shape)}" if shape else ", ".join(names) for shape, names in list(by_shape.items())[:_FEW]]
    texts += [f"{plain(value.name)}={plain(value.text)}" for value in node.values if value.text not in ("None", "False")]
    return ", ".join(texts)


def _tensor_line(row: TensorRow, level: int, columns: Columns, seen: dict[object, str]) -> str:
    tensor = row.tensor
    count = f"{tensor.elements:,}" if row.role == "parameter" else ""
    note: str = "" if row.role == "parameter" else row.role
    if row.shared_with:
        first = seen.setdefault(memory_of(tensor), row.path)
        if first != row.path:
            count, note = f"({count})" if count else "", f"= {plain(first)}"
    note = plain(tensor.problem) if tensor.problem else note
    name = _name(row.name if row.path else "(the root)", level, columns)
    return columns.line(name, columns.typed(tensor.dtype.name, _shape(tensor.shape)), count, "", note)


def _value_line(value: ValueRow, level: int, columns: Columns) -> str:
    name = _name(value.name, level, columns)
    return f"{name}  {cut(plain(value.type), _TYPE)}  {_shortened(plain(value.text), columns.rest)}".rstrip()


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"


def _name(name: str, level: int, columns: Columns) -> str:
    """A name under its parents; a deep nest keeps half of the column for the name."""
    return cut("  " * min(level, columns.name // 4) + plain(name), columns.name)


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def cut(text: str, width: int) -> str:
    """Exactly `width` wide; the middle of a longer text is left out."""
    if len(text) <= width:
        return f"{text:<{width}}"
    tail = (width - 1) // 2
    return text[: width - 1 - tail] + "…" + text[len(text) - tail :]


def _totals(root: LayerNode) -> Iterator[str]:
    nodes = list(root.walk())
    rows = [row for node in nodes for row in node.tensors]
    yield f"Parameters  {_counted(root.parameters)}"
    packed = [node for node in nodes if node.real_parameters is not None]
    real = root.parameters + sum((node.real_parameters or 0) - node.parameters for node in packed)
    if real != root.parameters:
        yield f"Unpacked    {_counted(real)} where packed weights count as what they stand for"
    sums = _sums(rows)
    if "trained" in sums or "frozen" in sums:
        yield f"Trainable   {sums.get('trained', 0):,}"
        yield f"Frozen      {sums.get('frozen', 0):,}"
    yield from _mode(nodes)
    if sums.get("buffer"):
        yield f"Buffers     {sums['buffer']:,}"
    yield f"Size        {root.bytes:,} bytes ({size_text(root.bytes)}) in {plural(len(rows), 'tensor')}"
    if any(node.certainty == "inferred" for node in nodes):
        yield "A type with ? is inferred from names and shapes."


def _mode(nodes: list[LayerNode]) -> Iterator[str]:
    """Whether the modules were saved in train or in eval mode, where the file says it."""
    known = [node.training for node in nodes if node.training is not None]
    trains = sum(known)
    if known and trains in (0, len(known)):
        yield f"Mode        {'train' if trains else 'eval'}"
    elif known:
        yield f"Mode        train in {trains:,} of {len(known):,} modules, eval in the rest"


def _counted(number: int) -> str:
    return f"{number:,} ({count_text(number)})" if number >= 1_000 else str(number)


def _sums(rows: list[TensorRow]) -> dict[str, int]:
    """Elements that are trained, frozen, in buffers; tied tensors once."""
    sums: dict[str, int] = {}
    seen: set[object] = set()
    for row in rows:
        label = "buffer" if row.role == "buffer" else _TRAIN[row.requires_grad] if row.role == "parameter" else ""
        if row.shared_with and label:
            key = memory_of(row.tensor)
            label = "" if key in seen else label
            seen.add(key)
        if label:
            sums[label] = sums.get(label, 0) + row.tensor.elements
    return sums
