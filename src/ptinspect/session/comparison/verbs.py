"""The verbs of a comparison: begin it, stop it, write it down. All work is in the background."""

from __future__ import annotations

import time
from collections.abc import Callable

from ptinspect.session.chips import KINDS
from ptinspect.session.comparison.banner import safety_of
from ptinspect.session.comparison.browsing import Find, PairBrowsing, found_since
from ptinspect.session.comparison.cells import change_text, side_text, state_text
from ptinspect.session.comparison.request import COMPARISON_PAGES, ComparisonPage
from ptinspect.session.comparison.rows import PairRow, PairTable
from ptinspect.session.comparison.work import Aligning, Compared, Heard, Part, Rematched, Typed, Unreadable, compare
from ptinspect.session.comparison.writing import text_of, write
from ptinspect.session.copying import Form
from ptinspect.session.freeing import free
from ptinspect.session.numbers import Busy
from ptinspect.session.state import ComparisonTab
from ptinspect.session.tasks import Context, Tasks
from ptinspect.session.words import plain

SELDOM = 2.0  # seconds


class Comparing(PairBrowsing):
    """One for the application. `remember` takes a file into the list of those that were open."""

    def __init__(
        self,
        tasks: Tasks,
        find: Find,
        update: Callable[..., None],
        say: Callable[..., None],
        remember: Callable[[str, str, int, str], None],
    ) -> None:
        super().__init__(tasks, find, update, say)
        self._remember = remember

    @property
    def pages(self) -> tuple[ComparisonPage, ...]:
        """The pages beside the tree, in their order."""
        return COMPARISON_PAGES

    # -- the work -------------------------------------------------------------------------------------------------------------------

    def begin(self, id_: int) -> None:
        """Compare what the tab asks for, from the beginning."""
        tab = self._find(id_)
        if tab is None:
            return
        slot, request = f"compare {id_}", tab.request
        self._update(id_, is_reading=True, is_stale=False, stopped="", report=None, busy=Busy(slot, "Opening both files", None))
        self.tasks.run(
            slot,
            lambda context: compare(request, context),
            lambda found: self._ended(id_, found),
            lambda error: self._failed(id_, error),
            partial=lambda part: self._parted(id_, part),
        )

    def _parted(self, id_: int, part: Part) -> None:
        tab = self._find(id_)
        if tab is None:
            return
        if isinstance(part, Aligning):
            self._aligned(tab, part)
        elif isinstance(part, Typed) and tab.aligned is not None:
            tab.aligned.types = (part.left, part.right)
            self._update(id_, revision=tab.revision + 1)
        elif isinstance(part, Rematched):
            self.release(tab)
            self._update(id_, aligned=part.aligned, table=PairTable(part.aligned), histograms={}, looks=(), shown=None, narrowed=None)
            self._arrange(id_)
        elif isinstance(part, Heard) and tab.aligned is not None:
            tab.aligned.take(part.pairs)
            tab.histograms.update(part.histograms)
            looks = tuple((place, found_since(tab, place, found)) for place, found in tab.looks)
            self._update(id_, revision=tab.revision + 1, busy=Busy(f"compare {id_}", part.text, part.share), looks=looks)
            if tab.hidden and time.monotonic() - self._arranged >= SELDOM:  # what was found to be the same goes, but rows do not flicker
                self._arrange(id_)

    def _aligned(self, tab: ComparisonTab, part: Aligning) -> None:
        self.release(tab)
        table = PairTable(part.aligned)
        selected = tab.selected if tab.selected and table.find(tab.selected) else ""
        self._update(
            tab.id, aligned=part.aligned, table=table, stamps=part.stamps, is_reading=False, trouble=None, selected=selected,
            histograms={}, looks=(), revision=tab.revision + 1, shown=None, narrowed=None,
            busy=Busy(f"compare {tab.id}", "Looking for equal bytes", None),
        )  # fmt: skip
        self._arrange(tab.id)
        for side in (part.aligned.outline.right, part.aligned.outline.left):
            checkpoint = side.checkpoint
            is_bad = checkpoint.safety.verdict == "dangerous"
            what = safety_of(part.aligned.outline).text if is_bad else KINDS[checkpoint.kind][0]
            self._remember(checkpoint.path, what, checkpoint.identity.size, "danger" if is_bad else "")

    def _ended(self, id_: int, found: Compared | Unreadable) -> None:
        tab = self._find(id_)
        if tab is None:
            return
        if isinstance(found, Unreadable):
            self.release(tab)
            fresh = {"aligned": None, "table": None, "is_reading": False, "busy": None}
            self._update(id_, trouble=found.trouble, side=found.side, stamps=found.stamps, **fresh)
            return
        self._update(id_, report=found, busy=None, revision=tab.revision + 1)
        if tab.hidden or tab.filter:
            self._arrange(id_)
        leaf = tab.aligned.leaf_of(found.first) if tab.aligned is not None and found.first is not None else None
        if not tab.selected and leaf is not None:
            self._show(id_, leaf)

    def cancel(self, id_: int) -> None:
        """Stop it; what is known stays."""
        self.tasks.cancel(f"compare {id_}")
        self._update(id_, busy=None, is_reading=False, stopped="stopped by you")

    def release(self, tab: ComparisonTab) -> None:
        """Let go of two files in the background; a tree of a hundred thousand pairs at once would hold the window up."""
        if tab.aligned is not None:
            last: list[object] = [[tab.aligned, tab.table, tab.report]]
            self.tasks.run(f"free {id(tab.aligned)}", lambda context: free(last, context), _nobody, _nobody)

    def close(self, id_: int) -> None:
        """Nothing of it is wanted any more."""
        for slot in self.tasks.slots:
            if slot.partition(" ")[0] in ("compare", "arrange", "pair", "side", "report") and slot.endswith(f" {id_}"):
                self.tasks.cancel(slot)

    def save(self, path: str) -> None:
        """Write the report, in the form that the name ends with."""
        tab = self._find(None)
        if tab is None or tab.report is None:
            return
        found, histograms, tolerance = tab.report.comparison, dict(tab.histograms), tab.request.tolerance
        self.tasks.run(
            f"report {tab.id}",
            lambda _: write(found, path, histograms, tolerance),
            lambda _: self._say(f"Saved as {plain(path, 300)}"),
            lambda error: self._not_seen(tab.id, error, is_stale=False),
        )

    def markdown(self) -> str:
        """The report to paste into a pull request."""
        tab = self._find(None)
        return "" if tab is None or tab.report is None else "".join(text_of(tab.report.comparison, ".md", {}))

    def row_text(self) -> str:
        """The selected row as a line, cell by cell."""
        tab = self._find(None)
        row = tab.table.find(tab.selected) if tab is not None and tab.table is not None and tab.selected else None
        if not isinstance(row, PairRow):
            return ""
        cells = (plain(row.path), state_text(row), side_text(row, "left"), side_text(row, "right"), change_text(row))
        return "\t".join(cells)

    def copy_table(self, form: Form, done: Callable[[str], None]) -> None:
        """All rows that are shown, as they stand."""
        tab = self._find(None)
        if tab is not None and tab.table is not None:
            id_, table = tab.id, tab.table.twin()

            def work(context: Context) -> str:
                from ptinspect.session.comparison.copying import pairs_text  # noqa: PLC0415 - only who copies needs it

                return pairs_text(table, form, context.raise_if_cancelled)

            self.tasks.run("copy", work, done, lambda error: self._failed(id_, error))

    def show_pairing(self) -> None:
        """Show how names were paired."""
        tab = self._find(None)
        if tab is not None:
            self._update(tab.id, page="changes", is_pairing=True)


def _nobody(_: object) -> None:
    """Nobody waits for it."""
