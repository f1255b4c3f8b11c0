"""The verb that counts the values of a whole file, and what every verb that reads values does on its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ptinspect.errors import FileProblem, InspectError
from ptinspect.findings import Finding
from ptinspect.frozen import replace
from ptinspect.session.numbers import Busy, Numbers
from ptinspect.session.state import Opened, Tab
from ptinspect.session.tasks import Context, Tasks
from ptinspect.session.words import plain, told

if TYPE_CHECKING:
    from ptinspect.session.number_work import Counted

Find = Callable[[int | None], Tab | None]


class Counting:
    """`find` gives a tab by its number, None the one in front; `update` changes one; `say` tells the user."""

    def __init__(self, tasks: Tasks, find: Find, update: Callable[..., None], say: Callable[..., None]) -> None:
        self.tasks = tasks
        self.rested: Callable[[], None] = lambda: None  # what to do once a file was counted, or will not be
        self._find, self._update, self._say = find, update, say

    def count(self, id_: int, again: bool = False) -> None:
        """Count the values of a file, once its pages are there; `again` also where somebody stopped it."""
        tab = self._find(id_)
        if tab is None or tab.opened is None or tab.pages is None:
            return
        numbers, slot, opened = tab.numbers, f"count {id_}", tab.opened
        if numbers.is_busy(slot) or numbers.findings is not None or (numbers.stopped and not again):
            return
        self._change(id_, stopped="", busy=(*numbers.busy, Busy(slot, "Reading value statistics", 0.0)))
        self.tasks.run(
            slot,
            lambda context: _count(opened, context),
            lambda findings: self._healthy(id_, opened, findings),
            lambda error: self._stopped(id_, error),
            partial=lambda found: self._counted(id_, opened, found),
        )

    def _counted(self, id_: int, opened: Opened, found: Counted) -> None:
        shelf = opened.facts.shelf
        for row, packed, spark in found.rows:
            shelf.put(row, packed, spark)
        for node, spark in found.layers:
            shelf.put_layer(node, spark)
        tab = self._find(id_)
        if tab is not None and tab.opened is opened:
            busy = with_one(tab.numbers.busy, Busy(f"count {id_}", found.text, found.share))
            self._change(id_, revision=tab.numbers.revision + 1, busy=busy)

    def _healthy(self, id_: int, opened: Opened, findings: tuple[Finding, ...]) -> None:
        tab = self._find(id_)
        if tab is None or tab.opened is not opened:
            return
        opened.facts.shelf.mark_all(findings)
        self._idle(id_, f"count {id_}")
        self._change(id_, findings=findings)
        if tab.pages is not None:
            from ptinspect.session.overview import with_findings  # noqa: PLC0415 - pages come after the rows

            self._update(id_, pages=replace(tab.pages, overview=with_findings(tab.pages.overview, findings)))
        self.rested()

    def _stopped(self, id_: int, error: Exception) -> None:
        self._idle(id_, f"count {id_}")
        self._change(id_, stopped=plain(error.message if isinstance(error, InspectError) else str(error), 300) or "stopped")
        if not isinstance(error, FileProblem):
            self._tell(error)
        self.rested()

    # -- what all of them do --------------------------------------------------------------------------------------------------------

    def _progressed(self, id_: int, busy: Busy) -> None:
        tab = self._find(id_)
        if tab is not None:
            self._change(id_, busy=with_one(tab.numbers.busy, busy))

    def _idle(self, id_: int, slot: str) -> None:
        tab = self._find(id_)
        if tab is not None and tab.numbers.is_busy(slot):
            self._change(id_, busy=tuple(busy for busy in tab.numbers.busy if busy.slot != slot))

    def _change(self, id_: int, **changes: Any) -> None:
        tab = self._find(id_)
        if tab is not None:
            numbers: Numbers = replace(tab.numbers, **changes)
            self._update(id_, numbers=numbers)

    def _tell(self, error: Exception) -> None:
        self._say(*told(error))


def _count(opened: Opened, context: Context) -> tuple[Finding, ...]:
    from ptinspect.session.number_work import count_all  # noqa: PLC0415 - nothing of it is needed before the first paint

    return count_all(opened.checkpoint, opened.tree, context, context.partial)


def with_one(busy: tuple[Busy, ...], one: Busy) -> tuple[Busy, ...]:
    """What goes on, with one of its slot."""
    if any(other.slot == one.slot for other in busy):
        return tuple(one if other.slot == one.slot else other for other in busy)
    return (*busy, one)
