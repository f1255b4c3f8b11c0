"""Which part of a network is its head: what is replaced when it learns a new task.

Descend from the root while exactly one child holds anything; there it is the last such child in the file's order, and every
child with one of the usual names.
"""

from __future__ import annotations

from collections.abc import Iterable

HEADS = frozenset({"fc", "classifier", "head", "heads", "lm_head", "score", "qa_outputs", "class_embed", "bbox_embed"})


def heads(names: Iterable[str]) -> tuple[str, ...]:
    """The head's children by their dotted paths, each with its final dot; empty where there are no modules."""
    base, inside = "", list(names)
    while True:
        split = [name.partition(".") for name in inside]
        children = list(dict.fromkeys([first for first, dot, _ in split if dot]))
        if len(children) != 1:
            return tuple(f"{base}{child}." for child in children if child in HEADS or child == children[-1])
        base += f"{children[0]}."
        inside = [rest for _, dot, rest in split if dot]
