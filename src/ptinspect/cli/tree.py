"""`ptinspect tree FILE`: the layers as torchsummary's users know them, with what the file adds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.cli.output import SCHEMA, dumps
from ptinspect.cli.tree_text import table_lines


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--depth", type=int, metavar="N", help="show N levels; what is below is added up")
    parser.add_argument("--match", metavar="GLOB", help="only paths that fit; `*` crosses dots, several by commas")
    parser.add_argument("--weights", metavar="PATH", help="only this weight set")


def run(arguments: argparse.Namespace) -> int:
    """Open, build the tree, print."""
    checkpoint = open_checkpoint(arguments.file)
    root = layer_tree(checkpoint, arguments.weights, arguments.match)
    if arguments.json:
        head = dumps({"schema": SCHEMA, "path": arguments.file})
        sys.stdout.writelines((head[:-1], ', "root": ', *node_json(root, arguments.depth), "}\n"))
    else:
        print("\n".join(table_lines(root, arguments.depth)))
    return 0


def node_json(root: LayerNode, depth: int | None = None) -> Iterator[str]:
    """The tree as JSON, piece by piece and without recursion: 100,000 tensors as one nest of dicts would take 200 MB."""
    todo: list[tuple[LayerNode | str, int]] = [(root, 0)]
    while todo:
        node, level = todo.pop()
        if isinstance(node, str):
            yield node
            continue
        yield dumps(_fields(node))[:-1]
        yield ', "children": ['
        todo.append(("]}", level))
        if depth is None or level < depth:
            for index, child in enumerate(reversed(node.children)):
                todo.append((child, level + 1))
                if index < len(node.children) - 1:
                    todo.append((", ", level))


def _fields(node: LayerNode) -> dict[str, Any]:
    """One node without its children."""
    return {
        "name": node.name,
        "path": node.path,
        "type": node.type,
        "certainty": node.certainty,
        "class": node.class_name,
        "because": node.because,
        "parameters": node.parameters,
        "trainable": node.trainable,
        "training": node.training,
        "bytes": node.bytes,
        "extra": node.extra,
        "tensors": [_tensor_fields(row) for row in node.tensors],
        "values": [{"name": value.name, "type": value.type, "text": value.text} for value in node.values],
    }


def _tensor_fields(row: TensorRow) -> dict[str, Any]:
    tensor = row.tensor
    fields: dict[str, Any] = {
        "name": row.name,
        "path": row.path,
        "shape": tensor.shape,
        "dtype": tensor.dtype.name,
        "role": row.role,
        "requires_grad": row.requires_grad,
        "shared_with": row.shared_with,
    }
    if tensor.problem:
        fields["problem"] = tensor.problem
    return fields
