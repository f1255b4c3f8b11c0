"""What is done with the rows of a comparison: select, open, filter, sort, hide, go from difference to difference, look at a pair."""

from __future__ import annotations

import time
from collections.abc import Callable

from ptinspect.analysis.compare.model import Status
from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.errors import ChangedOnDisk, InspectError
from ptinspect.session.comparison.looks import Known, PairLook, look, with_histograms
from ptinspect.session.comparison.request import COMPARISON_PAGES, ComparisonPage
from ptinspect.session.comparison.rows import Order, PairTable, SortedBy, kept_of
from ptinspect.session.filters import Narrowed, narrow
from ptinspect.session.state import ComparisonTab
from ptinspect.session.tasks import Context, Tasks
from ptinspect.session.words import MISTAKE, plain, told

MOST_LOOKS = 24
MOST_ROWS = 12_000  # rows that are laid out when levels are opened at once
Find = Callable[[int | None], ComparisonTab | None]


class PairBrowsing:
    """`find` gives a comparison by its number, None the one in front; `update` changes it; `say` tells the user."""

    def __init__(self, tasks: Tasks, find: Find, update: Callable[..., None], say: Callable[..., None]) -> None:
        self.tasks = tasks
        self._find, self._update, self._say = find, update, say
        self._looking: tuple[int, int, int] | None = None
        self._arranged = 0.0

    def _failed(self, id_: int, error: Exception) -> None:
        """What was known by then stays on the screen, with the reason why there is no more."""
        if isinstance(error, InspectError):
            self._update(id_, busy=None, is_reading=False, stopped=plain(error.message, 300), is_stale=isinstance(error, ChangedOnDisk))
            return
        self._update(id_, busy=None, is_reading=False, stopped=MISTAKE)
        self._say(*told(error))

    def select(self, key: str) -> None:
        """Select a row."""
        tab = self._find(None)
        if tab is not None and tab.selected != key:
            self._update(tab.id, selected=key)

    def expand(self, key: str, is_open: bool) -> None:
        """Open or close a layer."""
        tab = self._find(None)
        if tab is None or (tab.narrowed is not None and key in tab.narrowed.expanded):
            return
        if (key in tab.expanded) != is_open:
            self._update(tab.id, expanded=tab.expanded | {key} if is_open else tab.expanded - {key})

    def expand_to(self, depth: int) -> None:
        """Open so many levels, and no more; 0 closes everything."""
        tab = self._find(None)
        if tab is None or tab.table is None:
            return
        keys, shown, level = list[str](), 0, list(tab.table.root.below)
        for _ in range(depth):
            opened = [row for row in level if row.has_below]
            level = []
            for row in opened:
                shown += len(row.below)
                if shown > MOST_ROWS:
                    break
                keys.append(row.key)
                level += row.below
        self._update(tab.id, expanded=frozenset(keys))

    def show_page(self, page: ComparisonPage) -> None:
        """Bring a page beside the tree to the front."""
        tab = self._find(None)
        if tab is not None and page in COMPARISON_PAGES:
            self._update(tab.id, page=page)

    def show_place(self, place: int) -> None:
        """Select the row of a pair."""
        tab = self._find(None)
        leaf = tab.aligned.leaf_of(place) if tab is not None and tab.aligned is not None else None
        if tab is not None and leaf is not None:
            self._show(tab.id, leaf)

    def show_rank(self, rank: int) -> None:
        """Select the row of a place among all, with the way to it open."""
        tab = self._find(None)
        if tab is None or tab.aligned is None or not 0 <= rank < len(tab.aligned.leaves):
            return
        self._show(tab.id, tab.aligned.leaves[rank])

    def _show(self, id_: int, leaf: TensorRow) -> None:
        tab = self._find(id_)
        aligned = tab.aligned if tab is not None else None
        if tab is None or aligned is None:
            return
        keys, at = list[str](), aligned.above.get(id(leaf))
        while at is not None and at is not aligned.root:
            keys.append(f"layer:{at.path}")
            at = aligned.above.get(id(at))
        self._update(tab.id, selected=f"tensor:{leaf.path}", expanded=tab.expanded | frozenset(keys))

    def step(self, by: int) -> None:
        """The next difference of those that are shown, or the one before; from the end back to the beginning."""
        tab = self._find(None)
        if tab is None or tab.aligned is None:
            return
        marks = tab.aligned.differences(tab.shown)
        at = rank_of(tab)
        if by > 0:
            found = marks.find(1, at + 1)
            found = marks.find(1) if found < 0 else found
        else:
            found = marks.rfind(1, 0, max(0, at))
            found = marks.rfind(1) if found < 0 else found
        if found >= 0:
            self.show_rank(found)

    def look(self, place: int) -> None:
        """Read the pair of a place, unless that is done or on its way; the newest wish wins."""
        tab = self._find(None)
        if tab is None or tab.aligned is None or not 0 <= place < len(tab.aligned.pairs):
            return
        id_, aligned, pair = tab.id, tab.aligned, tab.aligned.pairs[place]
        kept, is_coming = tab.look(place), tab.busy is not None and pair.difference is None
        if kept is not None and (kept.is_whole or (is_coming and kept.seen is None)):
            return
        if self._looking == (id_, id(aligned), place) and f"pair {id_}" in self.tasks.slots:
            return
        self._looking = (id_, id(aligned), place)
        known = Known(tab.histograms.get(place), is_coming)

        def done(found: PairLook) -> None:
            now = self._find(id_)
            if now is not None and now.aligned is aligned:
                looks = [one for one in now.looks if one[0] != place]
                self._update(id_, looks=(*looks, (place, found_since(now, place, found)))[-MOST_LOOKS:])

        self.tasks.run(
            f"pair {id_}",
            lambda context: look(aligned.outline, pair, context, known),
            done,
            lambda error: self._not_seen(id_, error),
            partial=done,
        )

    def _not_seen(self, id_: int, error: Exception, is_stale: bool = True) -> None:
        """A file that changed under a look makes all of the comparison stale."""
        if isinstance(error, InspectError):
            self._update(id_, is_stale=is_stale)
            self._say(*told(error))
        else:
            self._failed(id_, error)

    def toggle(self, status: Status) -> None:
        """Hide the rows of a state, or show them again."""
        tab = self._find(None)
        if tab is not None:
            self._update(tab.id, hidden=tab.hidden ^ {status})
            self._arrange(tab.id)

    def sort(self, by: SortedBy) -> None:
        """Sort neighbours by a column: down, up, then as the file has them."""
        tab = self._find(None)
        if tab is None:
            return
        order = tab.order
        starts_down = by != "name"
        if order.by != by or by == "file":
            order = Order(by, starts_down)
        elif order.is_down == starts_down:
            order = Order(by, not starts_down)
        else:
            order = Order()
        self._update(tab.id, order=order)
        self._arrange(tab.id)

    def filter(self, text: str) -> None:
        """Keep the rows that a text asks for."""
        tab = self._find(None)
        if tab is not None and tab.aligned is not None:
            self._update(tab.id, filter=text)
            self._arrange(tab.id)

    def _arrange(self, id_: int) -> None:
        """Which rows are there, and in which order: worked out in the background, the newest wish wins."""
        tab = self._find(id_)
        if tab is None or tab.aligned is None:
            return
        self._arranged = time.monotonic()
        aligned, hidden, text, order = tab.aligned, tab.hidden, tab.filter.strip(), tab.order
        expanded = tab.expanded

        def work(context: Context) -> tuple[Narrowed | None, PairTable, bytes | None]:
            narrowed = narrow(aligned.listing, text, context.raise_if_cancelled) if text else None
            hits = narrowed.kept if narrowed is not None and not narrowed.problem else None
            kept, shown = kept_of(aligned, hidden, hits) if hits is not None or hidden else (None, None)
            table = PairTable(aligned, kept, order)
            table.prepare((*expanded, *(narrowed.expanded if hits is not None and narrowed is not None else ())))
            return narrowed, table, shown

        def done(found: tuple[Narrowed | None, PairTable, bytes | None]) -> None:
            now = self._find(id_)
            if now is not None and now.aligned is aligned:
                self._update(id_, narrowed=found[0], table=found[1], shown=found[2])

        self.tasks.run(f"arrange {id_}", work, done, lambda error: self._failed(id_, error))


def found_since(tab: ComparisonTab, place: int, found: PairLook) -> PairLook:
    """A look at a pair that was still to be compared, with what the comparison says of it by now."""
    pair = tab.aligned.pairs[place] if tab.aligned is not None else found.pair
    if found.pair.difference is not None or pair.difference is None:
        return found
    kept = tab.histograms.get(place)
    is_all = pair.status == "same" or kept is not None
    return found.of(with_histograms(pair, kept), found.left, found.right, found.seen is None and is_all)


def rank_of(tab: ComparisonTab) -> int:
    """The place of the selected row among all; of a layer the place before its first tensor; -1 for nothing."""
    row = tab.table.find(tab.selected) if tab.table is not None and tab.selected else None
    if row is None or tab.aligned is None or row.parent is None:
        return -1
    source = row.source
    if isinstance(source, LayerNode):
        first = next((leaf for node in source.walk() for leaf in node.tensors), None)
        return tab.aligned.ranks[id(first)] - 1 if first is not None else -1
    return tab.aligned.ranks.get(id(source), -1)
