"""The application's verbs. Each makes the next state and tells whoever draws; none of them touches a screen or waits for a file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ptinspect.frozen import replace
from ptinspect.session.arranging import arranged
from ptinspect.session.batches import Batches
from ptinspect.session.filters import Listing
from ptinspect.session.freeing import free
from ptinspect.session.naming import architecture_name
from ptinspect.session.numbers import Numbers
from ptinspect.session.opening import open_document
from ptinspect.session.reading import Reading
from ptinspect.session.settings import Settings
from ptinspect.session.stage import nobody
from ptinspect.session.state import AnyTab, BatchTab, ComparisonTab, Opened, Tab
from ptinspect.session.tasks import Context, Post
from ptinspect.session.troubles import Trouble, trouble_of
from ptinspect.session.watching import Stamp, stamp_of

if TYPE_CHECKING:
    from ptinspect.session.pages import Pages

MOST_TABS = 60
UNSEEN = 1 << 30  # bytes of a file that is counted though its tab was not looked at yet; a larger one waits for that


class Application(Batches):
    """Files in tabs, and all that can be done with them."""

    def __init__(self, post: Post, folder: Path | None = None, settings: Settings | None = None) -> None:
        super().__init__(post, folder, settings)
        self._stamps: dict[int, Stamp | None] = {}
        self._undescribed: set[int] = set()
        self.reading = Reading(self.tasks, lambda id_: self.state.tab if id_ is None else self.state.find(id_), self._update, self.say)
        self.reading.rested = self._count_next

    def open(self, paths: Iterable[str]) -> None:
        """A tab for each file, the last one in front; a file that is open already comes to the front."""
        for path in list(paths)[:MOST_TABS]:
            full = os.path.abspath(path)
            known = next((tab for tab in self.state.documents if tab.path == full), None)
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
        self.activate(next((tab.id for tab in self.state.documents if tab.path == front), self.state.active))
        self.restore_comparisons()

    def reload(self, id_: int) -> None:
        """Read a file again, or compare two again; selection and what is open in the tree stay."""
        if isinstance(self.state.at(id_), ComparisonTab):
            self.comparing.begin(id_)
        self.reload_batch(id_)
        tab = self.state.find(id_)
        if tab is not None:
            self._update(id_, is_reading=True, is_stale=False)
            self._read(id_, tab.path)

    def _read(self, id_: int, path: str) -> None:
        stamp = stamp_of(path)

        def work(context: Context) -> Opened | Trouble:
            try:
                found = open_document(path, context)
                if self.order is not None:
                    found.sorted = arranged(found, None, self.order, Numbers().stamp, found.first)
                return found
            except Exception as error:  # noqa: BLE001 - what is no problem of the file is a bug, and told as one in the tab
                context.raise_if_cancelled()
                return trouble_of(path, error)

        self.tasks.run(
            f"open {id_}",
            work,
            lambda found: self._opened(id_, found, stamp),
            self._failed,
            progress=lambda share, _: self._update(id_, share=share),
        )

    def _opened(self, id_: int, found: Opened | Trouble, stamp: Stamp | None) -> None:
        tab = self.state.find(id_)
        if tab is None:
            return
        self._stamps[id_] = stamp
        self._undescribed.discard(id_)
        self.reading.close(id_)
        self._free(tab)
        if isinstance(found, Trouble):
            self._update(id_, trouble=found, opened=None, pages=None, narrowed=None, kept=None, is_reading=False, share=None)
            self._remember(tab.path, found.kind, dict(found.facts).get("This file", ""), found.tone)
            return
        expanded = found.first | tab.expanded if tab.opened is None else tab.expanded
        selected = tab.selected if found.table.find(tab.selected or "layer:") else ""
        fresh = {"trouble": None, "pages": None, "is_reading": False, "share": None, "narrowed": None, "kept": found.sorted}
        self._update(id_, opened=found, expanded=expanded, selected=selected, numbers=Numbers(), **fresh)
        what = ", ".join(filter(None, (found.banner[0].text, architecture_name(found.checkpoint))))
        dangerous = found.safety.tone == "danger"
        self._remember(tab.path, found.safety.text if dangerous else what, found.checkpoint.identity.size, "danger" if dangerous else "")
        self.arrange(self.state.find(id_))
        if tab.filter:
            self.filter(tab.filter, id_)

    def cancel(self, slot: str) -> None:
        """Stop one of the things that go on."""
        kind, _, number = slot.rpartition(" ")
        if kind == "compare":
            self.comparing.cancel(int(number))
        elif kind == "batch":
            self.testing.cancel(slot)
        elif kind == "open":
            self._leave(int(number))
        else:
            self.reading.cancel(slot)

    def _leave(self, id_: int) -> None:
        """Read a file no further: what was shown of it stays, and is offered anew where the file differs from it."""
        tab = self.state.find(id_)
        if tab is None or (tab.opened is None and tab.trouble is None):
            self.close(id_)
            return
        self.tasks.cancel(f"open {id_}")
        if tab.trouble is not None:
            self._stamps[id_] = stamp_of(tab.path)  # or it would be read again at once
        self._update(id_, is_reading=False, share=None)

    def describe(self, id_: int) -> None:
        """Work out what the pages beside the tree say. Asked for once the rows are painted: they must not wait for it."""
        tab = self.state.find(id_)
        slot = f"pages {id_}"
        if tab is None or tab.opened is None or tab.pages is not None or slot in self.tasks.slots or id_ in self._undescribed:
            return
        opened = tab.opened

        def described(found: tuple[Pages, Listing]) -> None:
            pages, self._listings[id_] = found
            self._update(id_, pages=pages)
            self.reading.count(id_)

        self.tasks.run(slot, lambda _: (_pages(opened), Listing(opened.tree)), described, lambda error: self._pages_failed(id_, error))

    def _count_next(self) -> None:
        """Go on with a tab that nobody has looked at yet, as those of a session that was restored: one at a time."""
        if any(slot.startswith(("open ", "pages ", "count ")) for slot in self.tasks.slots):
            return
        for tab in self.state.documents:
            is_fit = tab.opened is not None and tab.opened.checkpoint.identity.size <= UNSEEN
            if is_fit and tab.pages is None and tab.id not in self._undescribed:
                self.describe(tab.id)
                return

    def _pages_failed(self, id_: int, error: Exception) -> None:
        """The file opened, but what stands beside the tree could not be worked out."""
        self._undescribed.add(id_)
        self._failed(error)

    def close(self, id_: int) -> None:
        """Close a tab, whatever it is doing; its neighbour comes to the front."""
        at = next((at for at, tab in enumerate(self.state.tabs) if tab.id == id_), None)
        if at is None:
            return
        for slot in ("open", "pages", "filter", "order"):
            self.tasks.cancel(f"{slot} {id_}")
        self.reading.close(id_)
        self._stamps.pop(id_, None)
        self._free(self.state.tabs[at])
        tabs = self.state.tabs[:at] + self.state.tabs[at + 1 :]
        active = self.state.active
        if active == id_:
            active = tabs[min(at, len(tabs) - 1)].id if tabs else None
        self._set(replace(self.state, tabs=tabs, active=active))
        self.arrange(self.state.tab)

    def _free(self, tab: AnyTab) -> None:
        """Let go of a file in the background: a million objects at once would hold the window up."""
        if isinstance(tab, ComparisonTab):
            self.comparing.close(tab.id)
            self.comparing.release(tab)
        elif isinstance(tab, BatchTab):
            self.testing.close(tab.id)
            self._free_batch(tab)
        elif tab.opened is not None:
            last: list[object] = [[tab.opened, tab.kept, self._listings.pop(tab.id, None)]]
            self.tasks.run(f"free {id(tab.opened)}", lambda context: free(last, context), nobody, nobody)

    def activate(self, id_: int | None) -> None:
        """Bring a tab to the front; None is the start page."""
        super().activate(id_)
        self.arrange(self.state.tab)

    def step(self, by: int) -> None:
        """The next tab, or the one before."""
        tabs = self.state.tabs
        if tabs:
            at = next((at for at, tab in enumerate(tabs) if tab.id == self.state.active), -1 if by > 0 else 0)
            self.activate(tabs[(at + by) % len(tabs)].id)

    def look_for_changes(self) -> None:
        """Compare the open files with what lies on disk, in the background; a rewritten one is offered to be read again."""
        seen = [tab for tab in self.state.tabs if not tab.is_reading and not tab.is_stale]
        watched = [(tab.id, tab.path, self._stamps.get(tab.id)) for tab in seen if isinstance(tab, Tab)]
        watched += [(tab.id, tab.path, tab.stamp) for tab in seen if isinstance(tab, BatchTab)]
        watched += [(tab.id, *side) for tab in seen if isinstance(tab, ComparisonTab) for side in tab.watched]
        if not watched:
            return

        def work(context: Context) -> list[int]:
            now = ((id_, stamp_of(path), known) for id_, path, known in watched)
            return list(dict.fromkeys(id_ for id_, stamp, known in now if stamp is not None and stamp != known))

        self.tasks.run("watch", work, self._changed_on_disk, self._failed)

    def _changed_on_disk(self, ids: list[int]) -> None:
        for id_ in ids:
            tab = self.state.at(id_)
            if tab is not None and tab.trouble is not None:
                self.reload(id_)  # what was missing may have arrived
            elif tab is not None and not tab.is_reading:
                self._update(id_, is_stale=True)


def _pages(opened: Opened) -> Pages:
    from ptinspect.session.pages import pages_of  # noqa: PLC0415 - the tree is painted before its pages are even imported

    return pages_of(opened.checkpoint, opened.tree)
