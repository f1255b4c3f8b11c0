"""What a file is, decided by the first rule that fits, with the evidence for it."""

from __future__ import annotations

from ptinspect.checkpoint.model import Evidence, Kind, WeightSet
from ptinspect.checkpoint.numpy_values import array_of
from ptinspect.checkpoint.weight_sets import HOLDING, WeightSearch, metadata_of
from ptinspect.formats.document import Container, Document
from ptinspect.pickles.values import Value, children

MOST_LOOKED_AT = 20_000

_BY_CONTAINER: dict[Container, Kind] = {"torchscript": "torchscript", "torch-export": "exported_program"}


def kind_of(document: Document, search: WeightSearch) -> tuple[Kind, Evidence]:
    """The kind and why."""
    by_container = _BY_CONTAINER.get(document.container)
    if by_container is not None:
        claim = "a TorchScript program" if by_container == "torchscript" else "an exported program"
        return by_container, Evidence(claim, "confirmed", "the archive holds a program beside its tensors")
    at_root = next((weights for weights in search.found if weights.depth == 0), None)
    if at_root is not None and at_root.form == "model":
        because = f"the root is an object of class {at_root.class_name} that carries modules and parameters"
        return "model", Evidence("a pickled model", "confirmed", because)
    if not document.tensors:
        arrays = _arrays(document.root)
        beside = f"; its {arrays:,} numpy array{'s are values' if arrays > 1 else ' is a value'}" if arrays else ""
        return "other", Evidence("a file without tensors", "confirmed", f"nothing that is reachable from its root is a tensor{beside}")
    return _by_structure(document, search, at_root)


def _arrays(root: Value) -> int:
    """How many numpy arrays lie below a root, as far as a bounded look goes: weights kept as arrays look like no weights at all."""
    todo, seen, found = [root], set[int](), 0
    while todo and len(seen) < MOST_LOOKED_AT:
        value = todo.pop()
        if type(value) not in HOLDING or id(value) in seen:
            continue
        seen.add(id(value))
        if array_of(value) is not None:
            found += 1
        else:
            todo.extend(children(value))
    return found


def _by_structure(document: Document, search: WeightSearch, at_root: WeightSet | None) -> tuple[Kind, Evidence]:
    if search.optimizers and (not search.optimizers[0] or not search.found):
        where = f"`{search.optimizers[0]}`" if search.optimizers[0] else "the root"
        because = f"{where} holds `state` and `param_groups`, and no weights lie beside"
        return "optimizer", Evidence("an optimizer's state", "confirmed", because)
    if at_root is not None:
        return "state_dict", _bare_weights(at_root, document)
    if search.found:
        first = search.found[0]
        what = "a module" if first.form == "model" else "a mapping of names to tensors"
        where = f"`{first.path}`" if first.path else "the state of the root's object"
        return "checkpoint", Evidence("a checkpoint", "confirmed", f"{where} is {what} inside a larger structure")
    return "tensors", Evidence("tensors", "confirmed", "the root holds tensors that are no mapping from names to weights")


def _bare_weights(weights: WeightSet, document: Document) -> Evidence:
    if metadata_of(weights.value) is not None:
        return Evidence("bare weights (a state_dict)", "confirmed", "torch's own `_metadata` is attached to it")
    dotted = sum("." in entry.name for entry in weights.entries)
    if dotted:
        return Evidence("bare weights (a state_dict)", "confirmed", f"{dotted:,} of {len(weights.entries):,} names are dotted module names")
    return Evidence("bare weights (a state_dict)", "inferred", "the root maps names to tensors; plain data could look the same")
