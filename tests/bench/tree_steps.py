"""What is done with the layer tree of a file of a hundred thousand tensors: `tests.bench.stalls FILE --scroll` runs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from ptinspect.session.columns import COLUMNS
from ptinspect.ui.panels.layer_tree import LayerTree
from ptinspect.ui.window import Window

Figures = Iterator[tuple[str, str, float]]
Rest = Callable[[], None]
Wait = Callable[[Callable[[], bool]], None]
FRAMES, WHEEL = 150, 72  # three rows, as a notch of the wheel moves


def walking(window: Window, begin: Rest, longest: Callable[[], float], wait: Wait, rest: Rest) -> Figures:
    """Open levels, type, select, copy, sort; then scroll."""
    application, tree = window.application, window.document.tree  # type: ignore[union-attr]

    def idle() -> bool:
        return not any(slot.partition(" ")[0] in ("order", "filter", "copy") for slot in application.tasks.slots)

    steps: list[tuple[str, Callable[[], object]]] = [
        ("open 3 levels", lambda: application.expand_to(3)),
        ("type a letter", lambda: tree.keyboardSearch("1")),
        ("type what there is not", lambda: tree.keyboardSearch("zq")),
        ("select all", tree.selectAll),
        ("copy all that is selected", window.commands.copy_row.trigger),
        ("select one", lambda: tree.setCurrentIndex(tree.model().index(0, 0))),
        ("copy as Markdown", window.commands.copy_markdown.trigger),
        ("copy as CSV", window.commands.copy_csv.trigger),
        ("copy the summary", window.commands.copy_summary.trigger),
    ]
    for name, step in steps:
        begin()
        step()
        wait(idle)
        rest()
        yield name, "stall", longest()
    slowest = 0.0
    begin()
    for column in COLUMNS:
        if column.name in application.state.settings.columns.shown:
            start = time.perf_counter()
            application.sort(column.name)
            wait(idle)  # which looks every 5 ms
            slowest = max(slowest, time.perf_counter() - start)
    rest()
    yield "sort", "answer", slowest
    yield "sort", "stall", longest()
    yield from _scrolling("scroll", tree)
    tree.selectAll()
    rest()
    yield from _scrolling("scroll, all selected", tree)


def _scrolling(name: str, tree: LayerTree) -> Figures:
    """By the wheel from the top, then in leaps."""
    bar, frames = tree.verticalScrollBar(), []
    for at in range(FRAMES):
        bar.setValue(at * WHEEL if at < FRAMES // 2 else bar.maximum() * at // FRAMES)
        start = time.perf_counter()
        tree.viewport().repaint()
        frames.append(time.perf_counter() - start)
    yield name, "frame", max(frames[2:])
    yield f"{name}, usually", "frame", sorted(frames)[len(frames) // 2]
