"""The application's verbs. Each makes the next state and tells whoever draws; none of them touches a screen or waits for a file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ptinspect.frozen import replace
from ptinspect.session import settings as settings_file
from ptinspect.session.columns import ColumnChoice
from ptinspect.session.copying import Form, rows_text, table_text
from ptinspect.session.filters import Listing, Narrowed, narrow
from ptinspect.session.freeing import free
from ptinspect.session.inspectors import INSPECTORS, Inspector
from ptinspect.session.naming import architecture_name
from ptinspect.session.numbers import Numbers
from ptinspect.session.opening import open_document
from ptinspect.session.reading import Reading
from ptinspect.session.resolve import resolve
from ptinspect.session.rows import Row, RowTable
from ptinspect.session.settings import MOST_RECENT, Recent, Settings, Theme
from ptinspect.session.state import Message, Opened, State, Tab
from ptinspect.session.tasks import Context, Post, Tasks
from ptinspect.session.troubles import Trouble, trouble_of
from ptinspect.session.views import WindowView
from ptinspect.session.watching import Stamp, stamp_of

if TYPE_CHECKING:
    from ptinspect.session.pages import Pages

MOST_TABS, MOST_DEEP = 60, 1_500


class Application:
    """Holds the state; verbs change it, `changed` is told the new view."""

    def __init__(self, post: Post, folder: Path | None = None, settings: Settings | None = None) -> None:
        self.tasks = Tasks(post)
        self.folder = folder
        self.changed: Callable[[WindowView], None] = _nobody
        self.state = State(settings=settings or (settings_file.load(folder) if folder else Settings()))
        self._listings: dict[int, Listing] = {}
        self._stamps: dict[int, Stamp | None] = {}
        self._undescribed: set[int] = set()
        self.reading = Reading(self.tasks, lambda id_: self.state.tab if id_ is None else self.state.find(id_), self._update, self.say)

    @property
    def view(self) -> WindowView:
        """What the window shows."""
        return resolve(self.state)

    def _set(self, state: State) -> None:
        self.state = state
        self.changed(resolve(state))

    def _update(self, id_: int, **changes: object) -> None:
        """Change one tab, if it is still there."""
        tabs = tuple(replace(tab, **changes) if tab.id == id_ else tab for tab in self.state.tabs)  # type: ignore[arg-type]
        self._set(replace(self.state, tabs=tabs))

    # -- files ------------------------------------------------------------------------------------------------------------------

    def open(self, paths: Iterable[str]) -> None:
        """A tab for each file, the last one in front; a file that is open already comes to the front."""
        for path in list(paths)[:MOST_TABS]:
            full = os.path.abspath(path)
            known = next((tab for tab in self.state.tabs if tab.path == full), None)
            if known is not None:
                self.activate(known.id)
                continue
            tab = Tab(self.state.next_id, full)
            self._set(replace(self.state, tabs=(*self.state.tabs, tab), active=tab.id, next_id=tab.id + 1))
            self._read(tab.id, full)

    def restore(self) -> None:
        """Open what was open when the window was last closed, as far as it is still there."""
        settings = self.state.settings
        paths = [path for path in settings.session if os.path.isfile(path)]
        front = settings.session[settings.active] if settings.active < len(settings.session) else ""
        self.open(paths)
        self.activate(next((tab.id for tab in self.state.tabs if tab.path == front), self.state.active))

    def reload(self, id_: int) -> None:
        """Read a file again; selection and what is open in its tree stay."""
        tab = self.state.find(id_)
        if tab is not None:
            self._update(id_, is_reading=True, is_stale=False)
            self._read(id_, tab.path)

    def _read(self, id_: int, path: str) -> None:
        self._stamps[id_] = stamp_of(path)

        def work(context: Context) -> Opened | Trouble:
            try:
                return open_document(path, context)
            except Exception as error:  # noqa: BLE001 - what is no problem of the file is a bug, and told as one in the tab
                context.raise_if_cancelled()
                return trouble_of(path, error)

        self.tasks.run(f"open {id_}", work, lambda found: self._opened(id_, found), self._failed)

    def _opened(self, id_: int, found: Opened | Trouble) -> None:
        tab = self.state.find(id_)
        if tab is None:
            return
        self._listings.pop(id_, None)
        self._undescribed.discard(id_)
        self.reading.close(id_)
        if isinstance(found, Trouble):
            self._update(id_, trouble=found, opened=None, pages=None, narrowed=None, kept=None, is_reading=False)
            self._remember(tab.path, found.kind, dict(found.facts).get("This file", ""), found.tone)
            return
        expanded = found.first | tab.expanded if tab.opened is None else tab.expanded
        selected = tab.selected if found.table.find(tab.selected or "layer:") else ""
        fresh = {"trouble": None, "pages": None, "is_reading": False, "narrowed": None, "kept": None, "numbers": Numbers()}
        self._update(id_, opened=found, expanded=expanded, selected=selected, **fresh)
        what = " ".join(filter(None, (found.banner[0].text, architecture_name(found.checkpoint))))
        dangerous = found.safety.tone == "danger"
        self._remember(tab.path, found.safety.text if dangerous else what, found.checkpoint.identity.size, "danger" if dangerous else "")
        if tab.filter:
            self.filter(tab.filter, id_)

    def describe(self, id_: int) -> None:
        """Work out what the pages beside the tree say. Asked for once the rows are painted: they must not wait for it."""
        tab = self.state.find(id_)
        slot = f"pages {id_}"
        if tab is None or tab.opened is None or tab.pages is not None or slot in self.tasks.slots or id_ in self._undescribed:
            return
        opened = tab.opened

        def described(pages: Pages) -> None:
            self._update(id_, pages=pages)
            self.reading.count(id_)

        self.tasks.run(slot, lambda _: _pages(opened), described, lambda error: self._pages_failed(id_, error))

    def _pages_failed(self, id_: int, error: Exception) -> None:
        """The file opened, but what stands beside the tree could not be worked out."""
        self._undescribed.add(id_)
        self._failed(error)

    def _failed(self, error: Exception) -> None:
        found = trouble_of("", error)
        self._set(replace(self.state, message=Message(found.title, found.hint, found.report)))

    def dismiss(self) -> None:
        """Take the message away."""
        self._set(replace(self.state, message=None))

    def say(self, text: str, hint: str = "", report: str = "") -> None:
        """One line in the message bar."""
        self._set(replace(self.state, message=Message(text, hint, report)))

    def close(self, id_: int) -> None:
        """Close a tab, whatever it is doing; its neighbour comes to the front."""
        at = next((at for at, tab in enumerate(self.state.tabs) if tab.id == id_), None)
        if at is None:
            return
        for slot in ("open", "pages", "filter"):
            self.tasks.cancel(f"{slot} {id_}")
        self.reading.close(id_)
        self._listings.pop(id_, None)
        self._stamps.pop(id_, None)
        self._free(self.state.tabs[at].opened)
        tabs = self.state.tabs[:at] + self.state.tabs[at + 1 :]
        active = self.state.active
        if active == id_:
            active = tabs[min(at, len(tabs) - 1)].id if tabs else None
        self._set(replace(self.state, tabs=tabs, active=active))

    def _free(self, opened: Opened | None) -> None:
        """Let go of a file in the background: a million objects at once would hold the window up."""
        if opened is not None:
            last: list[object] = [opened]
            self.tasks.run(f"free {id(opened)}", lambda context: free(last, context), _nobody, _nobody)

    def activate(self, id_: int | None) -> None:
        """Bring a tab to the front; None is the start page."""
        if id_ is None or self.state.find(id_) is not None:
            self._set(replace(self.state, active=id_))

    def move(self, id_: int, to: int) -> None:
        """Put a tab in another place."""
        tab = self.state.find(id_)
        if tab is not None:
            tabs = [other for other in self.state.tabs if other is not tab]
            tabs.insert(to, tab)
            self._set(replace(self.state, tabs=tuple(tabs)))

    def step(self, by: int) -> None:
        """The next tab, or the one before."""
        tabs = self.state.tabs
        if tabs:
            at = next((at for at, tab in enumerate(tabs) if tab.id == self.state.active), -1 if by > 0 else 0)
            self.activate(tabs[(at + by) % len(tabs)].id)

    def look_for_changes(self) -> None:
        """Compare the open files with what lies on disk, in the background; a rewritten one is offered to be read again."""
        watched = [(tab.id, tab.path) for tab in self.state.tabs if not tab.is_reading and not tab.is_stale]
        if not watched:
            return
        known = dict(self._stamps)

        def work(context: Context) -> list[int]:
            now = ((id_, stamp_of(path)) for id_, path in watched)
            return [id_ for id_, stamp in now if stamp is not None and stamp != known.get(id_)]

        self.tasks.run("watch", work, self._changed_on_disk, self._failed)

    def _changed_on_disk(self, ids: list[int]) -> None:
        for id_ in ids:
            tab = self.state.find(id_)
            if tab is not None and tab.trouble is not None:
                self.reload(id_)  # what was missing may have arrived
            elif tab is not None and not tab.is_reading:
                self._update(id_, is_stale=True)

    # -- the tree ---------------------------------------------------------------------------------------------------------------

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
        keys: list[str] = []
        level: list[Row] = list(tab.opened.table.root.below) if depth > 0 else []
        for _ in range(depth):
            opened = [row for row in level if row.kind == "layer" and row.has_below]
            keys += [row.key for row in opened[: MOST_DEEP - len(keys)]]
            if len(keys) >= MOST_DEEP or not opened:
                break
            level = [below for row in opened for below in row.below]
        self._update(tab.id, expanded=frozenset(keys))

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
            self._update(number, filter=text, narrowed=None, kept=None)
            return
        self._update(number, filter=text)
        tree, listing = tab.opened.tree, self._listings.get(number)

        def work(context: Context) -> tuple[Listing, Narrowed]:
            known = listing or Listing(tree)
            context.raise_if_cancelled()
            return known, narrow(known, text, context.raise_if_cancelled)

        self.tasks.run(slot, work, lambda found: self._narrowed(number, found[0], found[1]), self._failed)

    def _narrowed(self, id_: int, listing: Listing, found: Narrowed) -> None:
        if self.state.find(id_) is not None:
            self._listings[id_] = listing
            tab = self.state.find(id_)
            opened = tab.opened if tab else None
            kept = RowTable(opened.tree, opened.facts, found.kept) if opened is not None and not found.problem else None
            self._update(id_, narrowed=found, kept=kept)

    def inspect(self, page: Inspector) -> None:
        """Bring a page beside the tree to the front."""
        tab = self.state.tab
        if tab is not None and page in INSPECTORS:
            settings = replace(self.state.settings, is_inspector_shown=True)
            self.state = replace(self.state, settings=settings)
            self._update(tab.id, inspector=page)

    # -- copying ----------------------------------------------------------------------------------------------------------------

    def copy_table(self, form: Form) -> str:
        """The whole table of the tab in front, with the columns that are shown."""
        tab = self.state.tab
        if tab is None or tab.opened is None:
            return ""
        table = tab.kept or tab.opened.table
        return table_text(table, self._columns(), form)

    def copy_row(self, form: Form = "text") -> str:
        """The selected row."""
        row = self.selected_row()
        return rows_text([(row, 0)], self._columns(), form) if row is not None else ""

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

    # -- settings ---------------------------------------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Light, dark, or as the system."""
        self._keep(replace(self.state.settings, theme=theme))

    def set_columns(self, choice: ColumnChoice) -> None:
        """Which columns, in which order and how wide."""
        if choice != self.state.settings.columns:
            self._keep(replace(self.state.settings, columns=choice))

    def set_inspector(self, width: int | None = None, is_shown: bool | None = None) -> None:
        """How wide the pages beside the tree are, and whether they are there."""
        settings = self.state.settings
        shown = settings.is_inspector_shown if is_shown is None else is_shown
        self._keep(replace(settings, inspector=width or settings.inspector, is_inspector_shown=shown))

    def set_window(self, rectangle: tuple[int, int, int, int], is_maximized: bool) -> None:
        """Where the window stands, to be found there again."""
        settings = self.state.settings
        window = settings.window if is_maximized else rectangle
        self.state = replace(self.state, settings=replace(settings, window=window, is_maximized=is_maximized))

    def forget_recent(self) -> None:
        """Empty the list of recent files."""
        self._keep(replace(self.state.settings, recent=()))

    def _remember(self, path: str, what: str, size: int | str, tone: str) -> None:
        known = tuple(recent for recent in self.state.settings.recent if recent.path != path)
        entry = Recent(path, what, size if isinstance(size, int) else stamp.size if (stamp := stamp_of(path)) else 0, time.time(), tone)
        self._keep(replace(self.state.settings, recent=(entry, *known)[:MOST_RECENT]))

    def _keep(self, settings: Settings) -> None:
        self._set(replace(self.state, settings=settings))
        self.save()

    def save(self) -> None:
        """Write the settings, with what is open, in the background."""
        if self.folder is None:
            return
        folder, settings = self.folder, self.settings_to_keep()
        self.tasks.run("settings", lambda _: settings_file.save(folder, settings), _nobody, _nobody)

    def settings_to_keep(self) -> Settings:
        """The settings, and which files are open."""
        paths = tuple(tab.path for tab in self.state.tabs if tab.trouble is None)[:MOST_RECENT]
        tab = self.state.tab
        active = paths.index(tab.path) if tab is not None and tab.path in paths else 0
        return replace(self.state.settings, session=paths, active=active)

    def quit(self) -> None:
        """Stop all work and write the settings at once."""
        self.tasks.cancel_all()
        if self.folder is not None:
            settings_file.save(self.folder, self.settings_to_keep())


def _pages(opened: Opened) -> Pages:
    from ptinspect.session.pages import pages_of  # noqa: PLC0415 - the tree is painted before its pages are even imported

    return pages_of(opened.checkpoint, opened.tree)


def _nobody(_: object) -> None:
    """Nobody wants to know."""
