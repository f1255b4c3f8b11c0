"""Reads a file for a tab, in the background: its headers, its layers, then what its pages say."""

from __future__ import annotations

import gc

from ptinspect.checkpoint.headers import collector_paused
from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.session.state import Opened
from ptinspect.session.tasks import Context

_READING = 0.66
MOST_AT_FIRST = 400  # rows that a layer may have and still be opened unasked


def open_document(path: str, context: Context) -> Opened:
    """The file's headers and the tree of its layers. What lives on is frozen, so that no collection walks it again."""
    with collector_paused():
        checkpoint = open_checkpoint(path, watch=_Steps(context).reached)
        context.raise_if_cancelled()
        tree = layer_tree(checkpoint)
        context.raise_if_cancelled()
        opened = Opened(checkpoint, tree)
        opened.first = first_expanded(opened)
        gc.freeze()
    return opened


class _Steps:
    """Tells how far the reading is, a hundredth at a time. What follows it takes about a third of the whole."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._last = 0.0

    def reached(self, done: int, total: int) -> None:
        """So many bytes of so many."""
        self._context.raise_if_cancelled()
        share = _READING * done / total
        if share - self._last >= 0.01:
            self._last = share
            self._context.progress(share)


def first_expanded(opened: Opened) -> frozenset[str]:
    """What is open at first: the way to the main weights, and single layers that only hold others."""
    keys: list[str] = []
    main = opened.checkpoint.main
    if main is not None and main.path:
        steps = main.path.split(".")
        keys += [f"layer:{'.'.join(steps[: end + 1])}" for end in range(len(steps))]
    row = opened.table.find(keys[-1]) if keys else opened.table.root
    while row is not None and len(row.below) == 1 and row.below[0].kind == "layer" and len(keys) < 20:
        row = row.below[0]
        if len(row.below) > MOST_AT_FIRST:
            break
        keys.append(row.key)
    return frozenset(keys)
