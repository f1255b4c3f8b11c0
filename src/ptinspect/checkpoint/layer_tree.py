"""The finished layer tree of a checkpoint: built, typed, told what trains, added up, and narrowed to what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate

from ptinspect.checkpoint.layer_folding import fold, holds_wrapper, raw_paths
from ptinspect.checkpoint.layer_totals import add_totals
from ptinspect.checkpoint.layer_types import inferred_types
from ptinspect.checkpoint.layers import MOST_ROWS, LayerNode, TensorRow, TreeBuilder
from ptinspect.checkpoint.model import Checkpoint, WeightSet
from ptinspect.checkpoint.slots import trainable_of
from ptinspect.checkpoint.weight_sets import joined, metadata_of, without_wrappers
from ptinspect.errors import InspectError
from ptinspect.pickles.values import entries, lookup, pairs_of


def layer_tree(checkpoint: Checkpoint, weights: str | None = None, match: str | None = None) -> LayerNode:
    """The tree of the whole file, of one weight set, or of the paths that fit a glob."""
    builder = TreeBuilder(checkpoint)
    root = builder.build()
    for found in checkpoint.weights:
        _mark_trained(builder, found, checkpoint)
        if found.form == "state_dict":
            _infer(builder, found)
    _name_slots(builder, checkpoint)
    if checkpoint.document.container == "safetensors":  # its header is an unordered mapping: names sort as people count
        _sort(root)
    if any(holds_wrapper(found) for found in checkpoint.weights):
        fold(list(root.walk()), {found.path for found in checkpoint.weights})
    if weights is not None:
        root = builder.nodes[chosen(checkpoint, weights).path]
    if match:
        _narrow(root, globs(match))
    add_totals(root)
    return root


def tensor_rows(checkpoint: Checkpoint, weights: str | None = None, match: str | None = None) -> list[TensorRow]:
    """The rows of that tree alone, in its order, without what it takes to say which layers they belong to."""
    builder = TreeBuilder(checkpoint)
    root = builder.build()
    if checkpoint.document.container == "safetensors":
        _sort(root)
    if weights is not None:
        root = builder.nodes[chosen(checkpoint, weights).path]
    if match:
        _narrow(root, globs(match))
    return [row for node in root.walk() for row in node.tensors]


def chosen(checkpoint: Checkpoint, path: str) -> WeightSet:
    """The weight set of that path, or an error that lists those there are."""
    for found in checkpoint.weights:
        if found.path == path:
            return found
    names = ", ".join(f"`{found.path}`" if found.path else "the root (an empty path)" for found in checkpoint.weights[:20]) or "none"
    raise InspectError(f"there is no weight set `{path}` in this file", f"Its weight sets: {names}.")


def globs(text: str) -> re.Pattern[str]:
    """Case-sensitive globs by commas, as one pattern; `*` crosses dots."""
    return re.compile("|".join(f"(?:{translate(part.strip())})" for part in text.split(",")))


def _mark_trained(builder: TreeBuilder, weights: WeightSet, checkpoint: Checkpoint) -> None:
    """What each parameter's row says: its own requires_grad in a pickled module, else what the optimizer lists, else unknown."""
    trained = trainable_of(weights, checkpoint.training.fits if checkpoint.training else ())
    if weights.form != "state_dict" and trained is None:
        return
    names = trained.names if trained else {}
    for entry in weights.entries:
        row = builder.rows.get(joined(weights.path, entry.name))
        if row is not None:
            row.requires_grad = names.get(entry.name) if entry.role == "parameter" else None


def _name_slots(builder: TreeBuilder, checkpoint: Checkpoint) -> None:
    """Which parameter each slot of an optimizer's state belongs to."""
    for fit in checkpoint.training.fits if checkpoint.training else ():
        state = joined(fit.optimizer, "state")
        for slot, name in fit.names.items():
            node = builder.nodes.get(f"{state}.{slot}")
            if node is not None:
                node.slot_of = name


def _infer(builder: TreeBuilder, weights: WeightSet) -> None:
    """Types by names and shapes, with the versions that a saved `_metadata` holds."""
    versions: dict[str, int] = {}
    for key, item in entries(pairs_of(metadata_of(weights.value)) or []):
        version = lookup(item, "version")
        if type(key) is str and type(version) is int:
            versions[key] = version
    named = ((entry.name, entry.tensor) for entry in weights.entries[:MOST_ROWS])
    raw: dict[str, str] = {}
    if holds_wrapper(weights):  # neighbours know each other by the names that they have without wrappers
        raw = raw_paths(builder.nodes[weights.path])
        named = ((without_wrappers(name), tensor) for name, tensor in named)
        versions = {without_wrappers(name): version for name, version in versions.items()}
    for path, guess in inferred_types(named, versions).items():
        node = builder.nodes.get(raw.get(path) or (joined(weights.path, path) if path else weights.path))
        if node is not None and (node.type is None or node.path == weights.path):
            node.type, node.certainty, node.because = guess.type, "inferred", guess.because
            node.extra, node.real_parameters = guess.extra, guess.parameters


def _sort(root: LayerNode) -> None:
    for node in root.walk():
        node.children = sorted(node.children, key=lambda child: counted(child.name))
        node.tensors.sort(key=lambda row: counted(row.name))


def counted(name: str) -> list[tuple[int, int, str]]:
    """A sort key under which layer.2 comes before layer.10."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part), "") if part.isdecimal() and part.isascii() and len(part) < 20 else (1, 0, part) for part in parts]


def _narrow(root: LayerNode, pattern: re.Pattern[str]) -> None:
    """Keep the rows whose path fits, and the nodes that lead to one or fit themselves."""
    kept: set[int] = set()
    for node in reversed(list(root.walk())):
        fits = bool(node.path) and pattern.match(node.path) is not None
        if not fits:
            node.tensors = [row for row in node.tensors if pattern.match(row.path)]
            node.values = [value for value in node.values if pattern.match(joined(node.path, value.name))]
            node.children = _below(node.children, kept)
        if fits or node.tensors or node.values or node.children:
            kept.add(id(node))


def _below(children: Iterable[LayerNode], kept: set[int]) -> list[LayerNode]:
    return [child for child in children if id(child) in kept]
