"""`tensor:PATH`: arrays and tensors out of .npy, .npz, .pt, .safetensors and all else that our own readers open. Nothing is unpickled.

The first dimension is the samples, of which the first ones are read. A file of several arrays gives keyword inputs where the model
has arguments of their names; an array named like labels is the labels; else `tensor:PATH:x_test=y_test` says which are meant.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.checkpoint.storage_bytes import Bytes, InFile, Inflated, StorageBytes
from ptinspect.errors import InputDoesNotFit
from ptinspect.formats.source import FileSource
from ptinspect.formats.zip_directory import DEFLATED, ZipDirectory
from ptinspect.frozen import replace
from ptinspect.limits import DEFAULT
from ptinspect.runner.filling import Filling
from ptinspect.runner.inputs.columns import parse_columns
from ptinspect.runner.inputs.npy import MAGIC, Most, rows
from ptinspect.runner.inputs.part import Named, Part, sample
from ptinspect.runner.inputs.reading import exists, told
from ptinspect.runner.inputs.spec import Spec, place_of
from ptinspect.runner.inputs.taking import Taking
from ptinspect.tensors import TensorInfo, reach

_LABELS = ("label", "labels", "target", "targets", "y", "y_test", "y_train", "y_val", "classes")
_MOST_BYTES = 8 << 30
_FROM_NUMPY = {"uint16": np.int32, "uint32": np.int64, "uint64": np.int64, "float128": np.float64, "complex256": np.complex128}
MostOf = Callable[[str], Most]


def arrays(spec: Spec, count: int, taking: Taking, place: int = 0) -> Part:
    """The first `count` rows of what the spec names."""
    path, chosen = place_of(spec)
    exists(path, "file")
    choice = parse_columns(chosen)
    wanted, label = tuple(column.name for column in choice.columns), choice.label.name if choice.label else None
    with told(path):
        found = _first_rows(path, wanted, label, lambda name: _most(name, spec, count, taking, place))
    values, labels = _told_apart(found, wanted, label, path, taking)
    inputs, kept, notes = list[Named](), list[torch.Tensor](), list[str]()
    for at, (name, value) in enumerate(values.items()):
        keyword = spec.name if len(values) == 1 else _keyword(name, taking)
        fitted, note = _fitted(value, taking, replace(spec, name=keyword), place + at)
        kept.append(fitted[:count])
        inputs.append(Named(kept[-1], spec.text, keyword))
        notes += [note] if note else []
    sizes = [len(value) for value in kept]
    if len(set(sizes)) > 1:
        listed = ", ".join(f"{name or 'the array'}: {size:,}" for name, size in zip(values, sizes, strict=True))
        raise InputDoesNotFit(f"the arrays of `{path}` have different numbers of samples ({listed})", "Save one row of each for a sample.")
    numbers = tuple(int(label) for label in labels[: sizes[0]].tolist()) if labels is not None else None
    samples = tuple(sample(f"row {at}", path) for at in range(sizes[0]))
    notes = list(dict.fromkeys(notes))
    return Part(tuple(inputs), sizes[0], "numbers as they are in the file", samples, numbers, notes=tuple(notes))


def _most(name: str, spec: Spec, count: int, taking: Taking, place: int) -> Most:
    """How many rows of an array are read: all where it is a single sample, whose rows are no samples."""
    sizes = taking.shape(replace(spec, name=_keyword(name, taking) or spec.name), place)
    return lambda shape: None if _is_one(shape, sizes) else count


def _is_one(shape: tuple[int, ...], sizes: tuple[int, ...] | None) -> bool:
    """Whether an array of that shape is one sample without a batch dimension; grey pictures without a channel are many."""
    grey = sizes is not None and len(sizes) == 3 and sizes[0] == 1 and len(shape) == 3 and shape[0] != 1
    return not shape or (bool(sizes) and sizes is not None and len(shape) == len(sizes) and not grey)


def _keyword(name: str, taking: Taking) -> str | None:
    """An array that is named like an argument is that argument; arr_0, arr_1 ... come in order."""
    return name if name in [argument.name for argument in taking.arguments] else None


def _told_apart(
    found: Mapping[str, torch.Tensor], chosen: tuple[str, ...], label: str | None, path: str, taking: Taking
) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
    """The inputs and the labels among the arrays."""
    arguments = [argument.name for argument in taking.arguments]
    if label is None and len(found) > 1:
        label = next((name for name, one in found.items() if _is_labels(name, one) and name not in arguments), None)
    values = {name: value for name, value in found.items() if name != label}
    if chosen:
        values = {name: found[name] for name in chosen}
    elif len(values) > 1:
        in_order = all(name.startswith("arr_") for name in values)
        by_name = {name: value for name, value in values.items() if name in arguments}
        if not in_order and not by_name:
            hint = f"The model takes {', '.join(arguments) or 'an input'}. Choose: tensor:{path}:{next(iter(values))}"
            raise InputDoesNotFit(f"`{path}` holds {len(found)} arrays: {', '.join(list(found)[:10])}", hint)
        values = values if in_order else by_name
    if not values:
        raise InputDoesNotFit(f"`{path}` holds no array that could go in", f"It holds {', '.join(found) or 'none'}.")
    return values, found[label].reshape(-1) if label else None


def _is_labels(name: str, value: torch.Tensor) -> bool:
    whole = not value.is_floating_point() and not value.is_complex()
    return name.lower() in _LABELS and whole and (value.dim() == 1 or (value.dim() == 2 and value.shape[1] == 1))


def _fitted(value: torch.Tensor, taking: Taking, spec: Spec, place: int) -> tuple[torch.Tensor, str]:
    """With a batch dimension, and in a type that the first layer computes with."""
    notes = []
    shape = taking.shape(spec, place)
    if _is_one(tuple(value.shape), shape):
        value = value.unsqueeze(0)
        notes.append("one sample: a batch dimension was put in front")
    elif shape and len(shape) == value.dim():
        value = value.unsqueeze(1)
        notes.append("a channel dimension was put in")
    if value.dtype == torch.float64:
        value = value.to(torch.float32)
        notes.append("float64 as float32")
    elif not value.is_floating_point() and not value.is_complex() and value.dtype != torch.bool:
        entry = taking.entry
        indexed = spec.name is not None or (entry is not None and entry.layer.startswith("Embedding"))
        value = value.to(torch.int64 if indexed else torch.float32)
        notes += [] if indexed else ["whole numbers as float32, not scaled"]
    _check_tokens(value, taking, spec)
    return value.contiguous(), ", ".join(notes)


def _check_tokens(value: torch.Tensor, taking: Taking, spec: Spec) -> None:
    """An index beyond an embedding ends a GPU's process without a word, so it is told here."""
    entry = taking.entry
    indexed = entry is not None and entry.layer.startswith("Embedding") and len(taking.arguments) == 1
    if indexed and value.dtype == torch.int64 and value.numel():
        low, high, rows_there = int(value.min()), int(value.max()), max(taking.vocabularies, default=0)
        if rows_there and (low < 0 or high >= rows_there):
            hint = "Number the tokens as the model was trained with, or take another model."
            raise InputDoesNotFit(f"`{spec.text}` holds tokens from {low:,} to {high:,}, and the embedding has {rows_there:,} rows", hint)


def _first_rows(path: str, chosen: tuple[str, ...], label: str | None, most: MostOf) -> dict[str, torch.Tensor]:
    """The arrays of the file by name, those that were chosen if any were."""
    wanted = {*chosen, *([label] if label else [])} if chosen else None
    with FileSource(path) as source:
        head = source.read(0, 6)
        if head == MAGIC:
            whole = InFile(source, 0, source.size)
            return {"": _tensor(rows(whole.into, most(""), f"`{os.path.basename(path)}`"))}
        if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            directory = ZipDirectory(source, DEFAULT)
            names = {name.removesuffix(".npy"): name for name in directory.records if name.endswith(".npy")}
            if names and len(names) == len([name for name in directory.records if not name.endswith("/")]):
                _check_names(wanted, names, path)
                members = {short: _member(source, directory, full) for short, full in names.items() if wanted is None or short in wanted}
                return {short: _tensor(rows(member.into, most(short), f"`{short}.npy`")) for short, member in members.items()}
    return _of_checkpoint(open_checkpoint(path), wanted, most, path)


def _check_names(wanted: set[str] | None, there: Mapping[str, object], path: str) -> None:
    for name in wanted or ():
        if name not in there:
            raise InputDoesNotFit(f"there is no `{name}` in `{path}`", f"It holds {', '.join(list(there)[:12])}.")


def _member(source: FileSource, directory: ZipDirectory, name: str) -> Bytes:
    record = directory.records[name]
    begin = directory.locate(record)
    if record.is_plain:
        return InFile(source, begin, record.stored)
    if record.method != DEFLATED or record.flags & 0x61:
        raise InputDoesNotFit(f"`{name}` is encrypted or packed in an unknown way", "Save it with numpy.savez.")
    return Inflated(source, begin, record, DEFAULT)


def _tensor(values: np.ndarray[Any, Any]) -> torch.Tensor:
    kind = _FROM_NUMPY.get(values.dtype.name)
    return torch.from_numpy(values if kind is None else values.astype(kind))


def _of_checkpoint(checkpoint: Checkpoint, wanted: set[str] | None, most: MostOf, path: str) -> dict[str, torch.Tensor]:
    """The tensors that the file holds, under the names that `tree` prints."""
    there = {place.path: place.tensor for place in checkpoint.document.places}
    if not there:
        raise InputDoesNotFit(f"there is no tensor in `{path}`", "Save a tensor, or a dict of tensors, with torch.save.")
    _check_names(wanted, there, path)
    if len(there) > 64 and wanted is None:
        hint = f"Name the one that is meant: tensor:{path}:{next(iter(there))}"
        raise InputDoesNotFit(f"`{path}` holds {len(there):,} tensors, as a model's weights do", hint)
    heads = {name: _head(tensor, most(name)) for name, tensor in there.items() if wanted is None or name in wanted}
    for name, tensor in heads.items():
        size = tensor.span[1] - tensor.span[0]
        if max(size, tensor.elements * tensor.dtype.itemsize) > _MOST_BYTES:
            raise InputDoesNotFit(f"`{name}` needs {size:,} bytes of memory for this batch", "Take a smaller batch, or a smaller tensor.")
    with StorageBytes(checkpoint) as storages:
        return {name: Filling(storages, (tensor,)).tensor_of(tensor).contiguous() for name, tensor in heads.items()}


def _head(tensor: TensorInfo, most: Most) -> TensorInfo:
    """Its first rows, of a tensor that is laid out by strides."""
    if tensor.layout != "strided" or not tensor.shape or tensor.problem:
        return tensor
    wanted = most(tensor.shape)
    if wanted is None or wanted >= tensor.shape[0]:
        return tensor
    shape = (wanted, *tensor.shape[1:])
    return replace(tensor, shape=shape, span=reach(shape, tensor.strides, tensor.storage_offset, tensor.dtype.bits))


__all__ = ["arrays"]
