"""One row in full: what a tool tip and the tensor page say of it."""

from __future__ import annotations

from ptinspect.checkpoint.layers import LayerNode, TensorRow, ValueRow
from ptinspect.session import rows
from ptinspect.session.rows import Row
from ptinspect.session.words import plain, plural, shape_text, size_text

_TRAINED: dict[object, str] = {True: "trained", False: "frozen", "mixed": "partly trained"}


def sentence_of(row: Row) -> str:
    """The path, the type with its arguments, and what it rests on."""
    source = row.source
    parts = [plain(row.path, 400)]
    if isinstance(source, LayerNode):
        if source.type:
            extra = f"({plain(source.extra, 300)})" if source.extra else ""
            parts.append(f"{plain(source.type, 80)}{extra}")
        if source.because:
            parts.append(f"{source.certainty or 'inferred'}: {plain(source.because, 300)}")
        if source.parameters:
            parts.append(plural(source.parameters, "parameter"))
    elif isinstance(source, TensorRow):
        parts += [f"{source.tensor.dtype.name} {shape_text(source.tensor.shape)}, {plural(source.tensor.elements, 'value')}"]
        parts += [f"cannot be read: {plain(source.tensor.problem, 300)}"] if source.tensor.problem else []
    return " · ".join(parts)


def steps_of(row: Row) -> tuple[str, ...]:
    """The names from the top down to the row."""
    names, at = [], row
    while at.parent is not None:
        names.append(plain(at.name, 80))
        at = at.parent
    return tuple(reversed(names))


def headline_of(row: Row) -> str:
    """What it is, in one line."""
    source = row.source
    if isinstance(source, TensorRow):
        tensor = source.tensor
        parts = [shape_text(tensor.shape), tensor.dtype.name, plural(tensor.elements, "value"), size_text(rows.bytes_of(row) or 0)]
        parts += (
            [_TRAINED[trained]] if (trained := rows.trained_of(row)) is not None else [source.role] if source.role != "parameter" else []
        )
        return "   ·   ".join(parts)
    if isinstance(source, ValueRow):
        return plain(source.type, 80)
    parts = [plain(source.type, 80)] if source.type else []
    parts += [plural(row.table.facts.counts[id(source)], "tensor")]
    parts += [plural(source.parameters, "parameter")] if source.parameters else []
    parts += [size_text(source.bytes)] if source.bytes else []
    return "   ·   ".join(parts)


def facts_of(row: Row) -> tuple[tuple[str, str], ...]:
    """Names and values, as far as the headers tell them."""
    source = row.source
    facts = [("Path", plain(row.path, 1_000))]
    if isinstance(source, TensorRow):
        return (*facts, *_tensor_facts(source))
    if isinstance(source, ValueRow):
        return (*facts, ("Type", plain(source.type, 200)), ("Value", plain(source.text, 2_000)))
    facts += [("Type", f"{plain(source.type, 80)}, {source.certainty or 'confirmed'}")] if source.type else []
    facts += [("Class", plain(source.class_name, 300))] if source.class_name else []
    facts += [("Arguments", plain(source.extra, 600))] if source.extra else []
    facts += [("Because", plain(source.because, 400))] if source.because else []
    facts += [("Parameters", f"{source.parameters:,}"), ("Bytes", f"{source.bytes:,}")]
    facts += [("Trained", _TRAINED[source.trainable])] if source.trainable is not None else []
    facts += [("Mode when saved", "training" if source.training else "evaluation")] if source.training is not None else []
    return tuple(facts)


def _tensor_facts(source: TensorRow) -> list[tuple[str, str]]:
    tensor = source.tensor
    facts = [("Shape", shape_text(tensor.shape)), ("dtype", tensor.dtype.name), ("Elements", f"{tensor.elements:,}"), ("Role", source.role)]
    facts += [("Cannot be read", plain(tensor.problem, 400))] if tensor.problem else []
    facts += [("Strides", ", ".join(map(str, tensor.strides)) or "none"), ("Layout", tensor.layout)]
    facts += [("Class", plain(tensor.subclass, 200))] if tensor.subclass else []
    if tensor.storage is not None:
        place = "on the meta device" if tensor.storage.is_meta else plain(tensor.storage.record or "", 200)
        facts += [("Storage", f"{place}, {size_text(tensor.storage.nbytes)}" if place else size_text(tensor.storage.nbytes))]
        facts += [("Saved from", plain(tensor.storage.location, 60))]
        facts += [("Bytes begin at", f"{tensor.storage.offset:,}")] if tensor.storage.offset is not None else []
    facts += [("Shared with", ", ".join(plain(path, 200) for path in source.shared_with[:8]))] if source.shared_with else []
    return facts
