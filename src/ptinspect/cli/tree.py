"""`ptinspect tree FILE`: the layers as torchsummary's users know them, with what the file adds."""

from __future__ import annotations

import argparse
from typing import Any

from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.cli.output import print_json
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
        print_json(arguments.file, {"root": node_fields(root, arguments.depth)})
    else:
        print("\n".join(table_lines(root, arguments.depth)))
    return 0


def node_fields(root: LayerNode, depth: int | None) -> dict[str, Any]:
    """The tree as nested JSON, built without recursion."""
    top = _fields(root)
    todo = [(root, top, 0)]
    while todo:
        node, fields, level = todo.pop()
        if depth is not None and level >= depth:
            continue
        for child in node.children:
            below = _fields(child)
            fields["children"].append(below)
            todo.append((child, below, level + 1))
    return top


def _fields(node: LayerNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "path": node.path,
        "type": node.type,
        "certainty": node.certainty,
        "class": node.class_name,
        "parameters": node.parameters,
        "trainable": node.trainable,
        "training": node.training,
        "bytes": node.bytes,
        "extra": node.extra,
        "tensors": [_tensor_fields(row) for row in node.tensors],
        "values": [{"name": value.name, "type": value.type, "text": value.text} for value in node.values],
        "children": [],
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
