"""What is done with the layers of a test batch: select, open, filter, go to a page or to another sample."""

from __future__ import annotations

from collections.abc import Callable

from ptinspect.session.batch.choices import BATCH_PAGES, BatchPage
from ptinspect.session.batch.narrowing import narrow
from ptinspect.session.state import BatchTab

MOST_ROWS = 12_000  # rows that are laid out when levels are opened at once
Find = Callable[[int | None], BatchTab | None]


class LayerBrowsing:
    """`find` gives a batch by its number, None the one in front; `update` changes it."""

    def __init__(self, find: Find, update: Callable[..., None]) -> None:
        self._find, self._update = find, update

    def select(self, key: str) -> None:
        """Select a layer of the batch in front; an empty key is none."""
        tab = self._find(None)
        if tab is not None and tab.selected != key:
            self._update(tab.id, selected=key)

    def reveal(self, path: str) -> None:
        """Select a layer by its path and open the way to it."""
        tab = self._find(None)
        row = tab.record.table.find(f"layer:{path}") if tab is not None and tab.record is not None else None
        if tab is not None and tab.record is not None and row is not None:
            if tab.filter:
                self._narrow(tab.id, "")
            self._update(tab.id, selected=row.key, expanded=tab.expanded | tab.record.table.way_to(row), page="layers")

    def expand(self, key: str, is_open: bool) -> None:
        """Open or close one layer."""
        tab = self._find(None)
        if tab is not None and (key in tab.expanded) != is_open:
            self._update(tab.id, expanded=tab.expanded | {key} if is_open else tab.expanded - {key})

    def expand_to(self, depth: int) -> None:
        """Open so many levels, and no more."""
        tab = self._find(None)
        if tab is None or tab.record is None:
            return
        keys = [row.key for row in tab.record.table.walk() if row.below and row.level < depth][:MOST_ROWS]
        self._update(tab.id, expanded=frozenset(keys))

    def filter(self, text: str) -> None:
        """Keep the layers that a text asks for. There are some thousand at most: that is done at once."""
        tab = self._find(None)
        if tab is not None:
            self._narrow(tab.id, text)

    def _narrow(self, id_: int, text: str) -> None:
        tab = self._find(id_)
        if tab is None or tab.record is None or not text.strip():
            self._update(id_, filter=text, narrowed=None, kept=None)
            return
        narrowed, kept = narrow(tab.record.table, text)
        self._update(id_, filter=text, narrowed=narrowed, kept=kept)

    def show_page(self, page: str) -> None:
        """Layers, charts or the graph."""
        tab = self._find(None)
        found: BatchPage | None = next((one for one in BATCH_PAGES if one == page), None)
        if tab is not None and found is not None:
            self._update(tab.id, page=found)

    def show_sample(self, by: int) -> None:
        """The next sample of the batch, or the one before."""
        tab = self._find(None)
        if tab is not None:
            self._update(tab.id, sample=max(0, tab.sample + by), selected="")
