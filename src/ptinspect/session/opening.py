"""Reads a file for a tab, in the background: its headers, its layers, then what its pages say."""

from __future__ import annotations

import gc
import time

from ptinspect.checkpoint.headers import collector_paused
from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.session.state import Opened
from ptinspect.session.tasks import Context

_PARSED, _OPENED, _LAID_OUT = 0.36, 0.66, 0.92  # of the whole, as measured with 100,000 tensors
SOON, OFTEN = 0.3, 0.1  # seconds until something is told, and between
MOST_AT_FIRST = 400  # rows that a layer may have and still be opened unasked


def open_document(path: str, context: Context) -> Opened:
    """The file's headers and the tree of its layers. What lives on is frozen, so that no collection walks it again."""
    with collector_paused():
        steps = _Steps(context)
        checkpoint = open_checkpoint(path, watch=steps.reached)
        steps.tell(_OPENED)
        tree = layer_tree(checkpoint)
        steps.tell(_LAID_OUT)
        opened = Opened(checkpoint, tree)
        opened.first = first_expanded(opened)
        gc.freeze()
    return opened


class _Steps:
    """Tells how far the reading is, of what takes long and not too often; a pickle is a part of it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next = time.monotonic() + SOON

    def reached(self, done: int, total: int) -> None:
        """So many bytes of so many."""
        self.tell(_PARSED * done / total)

    def tell(self, share: float) -> None:
        """So much of the whole."""
        self._context.raise_if_cancelled()
        now = time.monotonic()
        if now >= self._next:
            self._next = now + OFTEN
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
