"""The layer table as text: names indented by depth, types, shapes, parameters and their share, then the totals.

Nobody's depth or width breaks it: long cells are cut in the middle, and thousands of rows stream out line by line.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from ptinspect.checkpoint.layers import LayerNode, TensorRow, ValueRow
from ptinspect.cli.output import count_text, plain, plural, size_text

_TRAIN = {True: "trained", False: "frozen", "mixed": "mixed", None: ""}
_NARROW = 100


def table_lines(root: LayerNode, depth: int | None) -> Iterator[str]:
    """Header, one line a module or tensor, totals."""
    width = max(_NARROW, min(160, shutil.get_terminal_size((_NARROW, 24)).columns))
    name = width - 67
    line = "─" * width
    yield f"{'Layer':<{name}}  {'Type':<20}{'Shape':>18}  {'Parameters':>13}{'Share':>8}  "
    yield line
    total = max(1, root.parameters)
    for node, level in _levels(root, depth):
        if level >= 0:
            yield _node_line(node, level, name, total)
        if depth is None or level + 1 < depth or not node.children:
            yield from (_tensor_line(row, level + 1, name) for row in node.tensors)
            yield from (_value_line(value, level + 1, name) for value in node.values)
    yield line
    yield from _totals(root)


def _levels(root: LayerNode, depth: int | None) -> Iterator[tuple[LayerNode, int]]:
    todo = [(root, -1)]
    while todo:
        node, level = todo.pop()
        yield node, level
        if depth is None or level + 1 < depth:
            todo.extend((child, level + 1) for child in reversed(node.children))


def _node_line(node: LayerNode, level: int, width: int, total: int) -> str:
    kind = node.type or ""
    kind += "?" if node.certainty == "inferred" else ""
    share = f"{100 * node.parameters / total:.1f} %" if node.parameters else ""
    count = f"{node.parameters:,}" if node.parameters else ""
    text = f"{_name(node.name, level, width)}  {_cut(plain(kind), 20)}{'':>18}  {count:>13}{share:>8}  {_TRAIN[node.trainable]}"
    return f"{text.rstrip()}{'  ' + plain(node.extra) if node.extra else ''}"


def _tensor_line(row: TensorRow, level: int, width: int) -> str:
    tensor = row.tensor
    shape = "(" + ", ".join(map(str, tensor.shape)) + ")"
    count = f"{tensor.elements:,}" if row.role == "parameter" else ""
    note = tensor.problem or ("shared" if row.shared_with else "") or ("" if row.role == "parameter" else row.role)
    text = f"{_name(row.name, level, width)}  {_cut(tensor.dtype.name, 20)}{_cut(shape, 18).rstrip():>18}  {count:>13}{'':>8}  {note}"
    return text.rstrip()


def _value_line(value: ValueRow, level: int, width: int) -> str:
    return f"{_name(value.name, level, width)}  {_cut(value.type, 20)}{_cut(plain(value.text), 40)}".rstrip()


def _name(name: str, level: int, width: int) -> str:
    return _cut("  " * level + plain(name), width)


def _cut(text: str, width: int) -> str:
    """Exactly `width` wide; the middle of a longer text is left out."""
    if len(text) <= width:
        return f"{text:<{width}}"
    tail = (width - 1) // 2
    return text[: width - 1 - tail] + "…" + text[len(text) - tail :]


def _totals(root: LayerNode) -> Iterator[str]:
    rows = [row for node in root.walk() for row in node.tensors]
    buffers = sum(row.tensor.elements for row in rows if row.role == "buffer")
    yield f"Parameters  {root.parameters:,} ({count_text(root.parameters)})"
    known = [row for row in rows if row.role == "parameter" and row.requires_grad is not None]
    if known:
        yield f"Trainable   {sum(row.tensor.elements for row in known if row.requires_grad):,}"
        yield f"Frozen      {sum(row.tensor.elements for row in known if not row.requires_grad):,}"
    if buffers:
        yield f"Buffers     {buffers:,}"
    yield f"Size        {root.bytes:,} bytes ({size_text(root.bytes)}) in {plural(len(rows), 'tensor')}"
    if any(node.certainty == "inferred" for node in root.walk()):
        yield "A type with ? is inferred from names and shapes."
