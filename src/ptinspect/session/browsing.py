"""The verbs of the layer tree: select, open, filter, copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ptinspect.checkpoint.layers import LayerNode
from ptinspect.frozen import replace
from ptinspect.session.arranging import Arranging, arranged
from ptinspect.session.copying import Form, rows_text, summary_text, table_text
from ptinspect.session.filters import Listing, Narrowed, narrow
from ptinspect.session.inspectors import INSPECTORS, Inspector
from ptinspect.session.rows import Row, RowTable
from ptinspect.session.settings import Settings
from ptinspect.session.state import Opened
from ptinspect.session.tasks import Context, Post

MOST_DEEP, MOST_ROWS = 1_500, 12_000  # layers that are opened at once, and rows that are then laid out


class Browsing(Arranging):
    """What is done with the rows of the tab in front."""

    def __init__(self, post: Post, folder: Path | None = None, settings: Settings | None = None) -> None:
        super().__init__(post, folder, settings)
        self._listings: dict[int, Listing] = {}

    def select(self, key: str) -> None:
        """Select a row of the tab in front. Who selects a layer or a tensor beside the overview wants to see it."""
        tab = self.state.tab
        if tab is not None and tab.selected != key:
            wanted = "tensor" if tab.inspector == "overview" and not key.startswith("value:") else tab.inspector
            self._update(tab.id, selected=key, inspector=wanted)

    def expand(self, key: str, is_open: bool) -> None:
        """Open or close one layer."""
        tab = self.state.tab
        if tab is None or (tab.narrowed is not None and key in tab.narrowed.expanded):
            return  # what a filter opens is no choice of the user's
        if (key in tab.expanded) != is_open:
            self._update(tab.id, expanded=tab.expanded | {key} if is_open else tab.expanded - {key})

    def expand_to(self, depth: int) -> None:
        """Open so many levels, and no more; 0 closes everything."""
        tab = self.state.tab
        if tab is None or tab.opened is None:
            return
        root = tab.opened.tree
        self._update(tab.id, expanded=frozenset(_deep(root.children, depth, len(root.children))) if depth > 0 else frozenset())

    def expand_below(self) -> None:
        """Open everything below the selected layer, as far as a screen is still of use for it."""
        tab, row = self.state.tab, self.selected_row()
        if tab is not None and row is not None and isinstance(row.source, LayerNode):
            self._update(tab.id, expanded=tab.expanded | frozenset(_deep([row.source], MOST_DEEP, 0)))

    def collapse_below(self) -> None:
        """Close the selected layer and everything below it."""
        tab, row = self.state.tab, self.selected_row()
        if tab is not None and row is not None:
            lead = f"{row.key}."
            self._update(tab.id, expanded=frozenset(key for key in tab.expanded if key != row.key and not key.startswith(lead)))

    def show(self, path: str) -> None:
        """Select the row of a path and open the way to it; a path that names no row leaves everything as it is."""
        tab = self.state.tab
        if tab is None or tab.opened is None:
            return
        table = tab.opened.table
        row = next((row for kind in ("tensor", "layer", "value") if (row := table.find(f"{kind}:{path}")) is not None), None)
        if row is None or row.parent is None:
            return
        keys, above = list[str](), row.parent
        while above.parent is not None:
            keys.append(above.key)
            above = above.parent
        if tab.filter:
            self.filter("")
        self._update(tab.id, selected=row.key, expanded=tab.expanded | frozenset(keys))

    def filter(self, text: str, id_: int | None = None) -> None:
        """Keep the rows that a text asks for. The pass over all paths runs in the background; the newest text wins."""
        tab = self.state.find(id_) if id_ is not None else self.state.tab
        if tab is None or tab.opened is None:
            return
        slot, number = f"filter {tab.id}", tab.id
        if not text.strip():
            self.tasks.cancel(slot)
            self._show_rows(tab, None, filter=text, narrowed=None)
            self.arrange(self.state.find(number))
            return
        self._update(number, filter=text)
        opened, order, stamp = tab.opened, self.order, tab.numbers.stamp
        listing, expanded = self._listings.get(number), tab.expanded

        def work(context: Context) -> tuple[Listing, Narrowed, RowTable | None]:
            known = listing or Listing(opened.tree)
            context.raise_if_cancelled()
            found = narrow(known, text, context.raise_if_cancelled, opened.facts.shelf)
            if found.problem and order is None:
                return known, found, None
            table = arranged(opened, None if found.problem else found.kept, order, stamp, expanded | found.expanded)
            if found.is_about_values:
                table.stamp = stamp
            return known, found, table

        self.tasks.run(slot, work, lambda found: self._narrowed(number, opened, *found), self._failed)

    def _narrowed(self, id_: int, opened: Opened, listing: Listing, found: Narrowed, table: RowTable | None) -> None:
        tab = self.state.find(id_)
        if tab is not None and tab.opened is opened:
            self._listings[id_] = listing
            self._show_rows(tab, table, narrowed=found)
            self.arrange(self.state.find(id_))

    def refresh(self, id_: int) -> None:
        """Look again, for more was counted: filter anew what asks for values, sort anew what is sorted by them."""
        tab = self.state.find(id_)
        if tab is None or f"filter {id_}" in self.tasks.slots:
            return
        if tab.narrowed is not None and tab.narrowed.is_about_values:
            self.filter(tab.filter, id_)
        else:
            self.arrange(tab, again=True)

    def inspect(self, page: Inspector) -> None:
        """Bring a page beside the tree to the front."""
        tab = self.state.tab
        if tab is not None and page in INSPECTORS:
            settings = replace(self.state.settings, is_inspector_shown=True)
            self.state = replace(self.state, settings=settings)
            self._update(tab.id, inspector=page)

    def copy_table(self, form: Form, done: Callable[[str], None]) -> None:
        """The whole table of the tab in front, with the columns that are shown. A hundred thousand rows take a while."""
        tab = self.state.tab
        if tab is None or tab.opened is None:
            return
        table, columns = (tab.kept or tab.opened.table).twin(), self._columns()
        self.tasks.run("copy", lambda context: table_text(table, columns, form, context.raise_if_cancelled), done, self._failed)

    def copy_summary(self, done: Callable[[str], None]) -> None:
        """The layer table of the whole file with its totals, as `ptinspect tree` prints it."""
        tab = self.state.tab
        if tab is not None and tab.opened is not None:
            tree = tab.opened.tree
            self.tasks.run("copy", lambda context: summary_text(tree, context.raise_if_cancelled), done, self._failed)

    def copy_rows(self, keys: Iterable[str], form: Form, done: Callable[[str], None]) -> None:
        """Some rows, as they follow each other on the screen."""
        tab = self.state.tab
        if tab is None or tab.opened is None:
            return
        table, columns = (tab.kept or tab.opened.table).twin(), self._columns()

        def work(context: Context) -> str:
            rows = sorted((row for key in keys if (row := table.find(key)) is not None), key=lambda row: row.place)
            context.raise_if_cancelled()
            return rows_text([(row, 0) for row in rows], columns, form) if rows else ""

        self.tasks.run("copy", work, done, self._failed)

    def copy_path(self) -> str:
        """The selected row's path, as it is written in the file."""
        row = self.selected_row()
        return row.path if row is not None else ""

    def selected_row(self) -> Row | None:
        """The selected row of the tab in front."""
        tab = self.state.tab
        return tab.opened.table.find(tab.selected) if tab is not None and tab.opened is not None and tab.selected else None

    def _columns(self) -> tuple[str, ...]:
        choice = self.state.settings.columns
        return tuple(name for name in choice.order if name in choice.shown)


def _deep(nodes: Sequence[LayerNode], depth: int, shown: int) -> Iterator[str]:
    """The keys of layers to open, level by level, until there are too many of them or of the rows that are then seen."""
    count = 0
    for _ in range(depth):
        opened, nodes = nodes, []
        for node in opened:
            below = len(node.tensors) + len(node.children) + len(node.values)
            if not below:
                continue
            shown, count = shown + below, count + 1
            if shown > MOST_ROWS or count > MOST_DEEP:
                return
            yield f"layer:{node.path}"
            nodes.extend(node.children)
        if not nodes:
            return
