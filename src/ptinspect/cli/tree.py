"""`ptinspect tree FILE`: the layers as torchsummary's users know them, with what the file adds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, islice, repeat

from ptinspect.checkpoint.layer_table import table_lines
from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.cli.output import quoted, terminal_width
from ptinspect.errors import InspectError
from ptinspect.plain_json import SCHEMA, dumps
from ptinspect.spelled import plain

AT_ONCE = 1_000  # nodes; a write for each would cost more than the text of it


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--depth", type=int, metavar="N", help="show N levels; what is below is added up")
    parser.add_argument("--match", metavar="GLOB", help="only paths that fit; `*` crosses dots, several by commas")
    parser.add_argument("--weights", metavar="PATH", help="only this weight set")


def run(arguments: argparse.Namespace) -> int:
    """Open, build the tree, print."""
    if arguments.depth is not None and arguments.depth < 0:
        raise InspectError(f"--depth {arguments.depth} is no number of levels", "Give 1 or more, or leave it out to see every level.")
    checkpoint = arguments.opened = open_checkpoint(arguments.file)  # kept there to the end of the process, as run_and_exit wants it
    root = arguments.root = layer_tree(checkpoint, arguments.weights, arguments.match)
    if arguments.json:
        head = dumps({"schema": SCHEMA, "path": arguments.file})
        pieces = chain((head[:-1], ', "root": '), node_json(root, arguments.depth), ("}\n",))
        while together := "".join(islice(pieces, AT_ONCE)):
            sys.stdout.write(together)
    elif arguments.match and not (root.children or root.tensors or root.values):
        print(f"no path matches {plain(arguments.match)}")
    else:
        sys.stdout.writelines(f"{line}\n" for line in table_lines(root, arguments.depth, terminal_width()))
    return 0


def node_json(root: LayerNode, depth: int | None = None) -> Iterator[str]:
    """The tree as JSON, piece by piece and without recursion.

    100,000 tensors as one nest of dicts would take 200 MB, and an encoder's call for each of them a second; numbers and lists of
    whole numbers read the same in Python and in JSON, so only text goes through the encoder. Each piece is a node up to its
    children; before the next one, those are closed that it does not stand in.
    """
    todo, last = [(root, 0)], -1
    while todo:
        node, level = todo.pop()
        yield _node(node) if level > last else f"{']}' * (last - level + 1)}, {_node(node)}"
        last = level
        if node.children and (depth is None or level < depth):
            todo.extend(zip(reversed(node.children), repeat(level + 1)))
    yield "]}" * (last + 1)


def _node(node: LayerNode) -> str:
    """One node up to its children."""
    rows = _tensor(node.tensors[0]) if len(node.tensors) == 1 else ", ".join([_tensor(row) for row in node.tensors])
    more = _more(node) if node.because or node.class_name or node.slot_of or node.values else ""
    return (
        f'{{"name": {quoted(node.name)}, "path": {quoted(node.path)}, "type": {_text(node.type)}, "certainty": {_text(node.certainty)}, '
        f"{_sums(node.parameters, node.trainable, node.training, node.bytes)}"
        f'"extra": {_text(node.extra)}{more}, "tensors": [{rows}], "children": ['
    )


def _more(node: LayerNode) -> str:
    """What only some nodes have."""
    more = (("class", node.class_name), ("because", node.because), ("slot_of", node.slot_of))
    text = "".join([f', "{name}": {_text(value)}' for name, value in more if value is not None])
    if node.real_parameters is not None:
        text += f', "real_parameters": {node.real_parameters}'
    if node.values:
        text += f', "values": {dumps([{"name": v.name, "type": v.type, "text": v.text} for v in node.values])}'
    return text


def _tensor(row: TensorRow) -> str:
    tensor = row.tensor
    problem = f', "problem": {quoted(tensor.problem)}' if tensor.problem else ""
    shared = ", ".join(map(quoted, row.shared_with)) if row.shared_with else ""
    return (
        f'{{"name": {quoted(row.name)}, "path": {quoted(row.path)}, '
        f'{_layout(tensor.shape, tensor.dtype.name, row.role, row.requires_grad)}"shared_with": [{shared}]{problem}}}'
    )


# What many nodes and tensors say alike is spelled once.


@lru_cache(maxsize=4_096)
def _sums(parameters: int, trainable: bool | str | None, training: bool | None, nbytes: int) -> str:
    return f'"parameters": {parameters}, "trainable": {_WORDS[trainable]}, "training": {_WORDS[training]}, "bytes": {nbytes}, '


@lru_cache(maxsize=4_096)
def _layout(shape: tuple[int, ...], dtype: str, role: str, requires_grad: bool | None) -> str:
    return f'"shape": {list(shape)}, "dtype": "{dtype}", "role": "{role}", "requires_grad": {_WORDS[requires_grad]}, '


@lru_cache(maxsize=4_096)
def _text(value: str | None) -> str:
    return "null" if value is None else quoted(value)


_WORDS: dict[object, str] = {True: "true", False: "false", None: "null", "mixed": '"mixed"'}
