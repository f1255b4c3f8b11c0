"""The verbs that bring rows into an order. The work is done in the background: a layer may hold a hundred thousand rows."""

from __future__ import annotations

import time
from collections.abc import Collection

from ptinspect.frozen import replace
from ptinspect.session.columns import ColumnChoice
from ptinspect.session.keeping import Keeping
from ptinspect.session.rows import RowTable
from ptinspect.session.sorting import Order, after_click, is_same, order_of
from ptinspect.session.stage import nobody
from ptinspect.session.state import Opened, Tab
from ptinspect.session.tasks import Context

PATIENCE = 0.5  # seconds until whoever showed rows has let go of them


class Arranging(Keeping):
    """How the rows of the tabs are sorted. The choice is one for all files; a tab follows it when it comes to the front."""

    @property
    def order(self) -> Order | None:
        """How rows are sorted; None is the file's order."""
        return order_of(self.state.settings.columns)

    def sort(self, column: str) -> None:
        """What a click on a column's head does: up, then down, then the file's order."""
        self.sort_by(after_click(self.state.settings.columns, column))

    def sort_by(self, order: Order | None) -> None:
        """Sort siblings by a column of theirs; None is the file's order."""
        by, is_descending = (order.column, order.is_descending) if order else ("", False)
        self.set_columns(replace(self.state.settings.columns, sorted_by=by, is_descending=is_descending))

    def set_columns(self, choice: ColumnChoice) -> None:
        """Which columns, how they are laid out and which of them sorts. One that is not shown does not: it would only puzzle."""
        if choice.sorted_by not in choice.shown:
            choice = replace(choice, sorted_by="", is_descending=False)
        super().set_columns(choice)
        self.arrange(self.state.tab)

    def arrange(self, tab: Tab | None, again: bool = False) -> None:
        """Bring the rows of a tab into the order that is chosen; `again` also where they are, for more is known by now."""
        if tab is None or tab.opened is None:
            return
        opened, narrowed, now, order = tab.opened, tab.narrowed, tab.kept or tab.opened.table, self.order
        slot, kept = f"order {tab.id}", now.kept
        if now.order == order and not again:
            self.tasks.cancel(slot)
            return
        if order is None and kept is None:
            self.tasks.cancel(slot)
            self._show_rows(tab, None)
            return
        stamp, expanded = tab.numbers.stamp, tab.expanded | narrowed.expanded if narrowed is not None else tab.expanded

        def work(context: Context) -> RowTable | None:
            table = arranged(opened, kept, order, stamp, expanded)
            context.raise_if_cancelled()
            return None if again and is_same(table, now, expanded) else table

        def done(found: RowTable | None) -> None:
            current = self.state.find(tab.id)
            if current is None or (current.kept or opened.table) is not now:
                return  # other rows came meanwhile
            if found is None:
                now.stamp = stamp
                self._update(tab.id)
            else:
                self._show_rows(current, found)

        self.tasks.run(slot, work, done, self._failed)

    def _show_rows(self, tab: Tab, table: RowTable | None, **changes: object) -> None:
        """Show other rows. Those that were shown are taken apart: nobody collects soon what lives in circles."""
        last = tab.kept
        self._update(tab.id, kept=table, **changes)
        if last is not None and last is not table and tab.id == self.state.active:
            self.tasks.run(f"part {id(last)}", lambda context: _part(last, context), nobody, nobody)


def arranged(opened: Opened, kept: frozenset[int] | None, order: Order | None, stamp: object, expanded: Collection[str]) -> RowTable:
    """The rows of a file in an order, made as far as they are open."""
    table = RowTable(opened.tree, opened.facts, kept, order)
    table.stamp = stamp if order is not None and order.is_live else None
    table.prepare(expanded)
    return table


def _part(table: RowTable, context: Context) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and not context.is_cancelled:
        time.sleep(0.02)
    table.part_rows()
