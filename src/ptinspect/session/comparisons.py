"""The verbs that open comparisons, offer them, and bring them back after a restart."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ptinspect.frozen import replace
from ptinspect.session.inspectors import INSPECTORS, Inspector
from ptinspect.session.pairings import Pairings, fields_of, request_of, text_of
from ptinspect.session.settings import LONGEST_TEXT, MOST_RECENT
from ptinspect.session.state import ComparisonTab, Offer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptinspect.session.comparison.request import ComparisonRequest
    from ptinspect.session.copying import Form


class Comparisons(Pairings):
    """Two files in one tab."""

    def activate(self, id_: int | None) -> None:
        """Bring a tab to the front; one that was waiting for it begins its work."""
        if id_ is None or self.state.at(id_) is not None:
            self._set(replace(self.state, active=id_))
            self.begin_waiting(id_)

    def move(self, id_: int, to: int) -> None:
        """Put a tab in another place."""
        tab = self.state.at(id_)
        if tab is not None:
            tabs = [other for other in self.state.tabs if other is not tab]
            tabs.insert(to, tab)
            self._set(replace(self.state, tabs=tuple(tabs)))

    def compare(self, left: str, right: str, weights: tuple[str | None, str | None] = (None, None)) -> None:
        """A tab for two files, or for two weight sets of one; one that is open already comes to the front."""
        from ptinspect.session.comparison.request import Chosen, ComparisonRequest  # noqa: PLC0415

        sides = Chosen(os.path.abspath(left), weights[0]), Chosen(os.path.abspath(right), weights[1])
        self.show_comparison(ComparisonRequest(*sides))

    def show_comparison(self, request: ComparisonRequest) -> None:
        """A comparison as it was asked for elsewhere; without rules of its own it gets those that were made here before."""
        self.compare_again(request if request.rules else self._with_pairing(request))

    def compare_again(self, request: ComparisonRequest, now: bool = True) -> int:
        """The same by its request, as a restart has it; not `now` waits until the tab comes to the front. Its number."""
        from ptinspect.session.comparison.rows import Order  # noqa: PLC0415

        self.dismiss_offer()
        known = next((tab for tab in self.state.tabs if isinstance(tab, ComparisonTab) and tab.request.has_files_of(request)), None)
        if known is not None:
            self.begin_waiting(known.id)
            self._set(replace(self.state, active=known.id))
            if not request.asks_as(known.request):
                self._ask_anew(known, request if request.rules else replace(request, rules=known.request.rules))
            return known.id
        tab = ComparisonTab(self.state.next_id, request, Order())
        active = tab.id if now else self.state.active
        self._set(replace(self.state, tabs=(*self.state.tabs, tab), active=active, next_id=tab.id + 1))
        if now:
            self.comparing.begin(tab.id)
            self.save()
        return tab.id

    def begin_waiting(self, id_: int | None) -> None:
        """Begin a comparison that waited for somebody to look at it."""
        tab = self.state.at(id_)
        if isinstance(tab, ComparisonTab) and tab.is_reading and tab.busy is None:
            self.comparing.begin(tab.id)

    # -- from one start to the next -------------------------------------------------------------------------------------------------

    def _comparisons_to_keep(self) -> tuple[str, ...]:
        """Each with its place among the tabs, and whether it is in front."""
        texts = []
        for at, tab in enumerate(self.state.tabs):
            if isinstance(tab, ComparisonTab):
                texts.append(text_of(tab.request, at=at, front=tab.id == self.state.active))
        return tuple(text for text in texts if len(text) <= LONGEST_TEXT)[:MOST_RECENT]

    def restore_comparisons(self) -> None:
        """Those that were open, as far as both files are still there. Only the one in front begins its work at once."""
        front = None
        for text in self.state.settings.comparisons:
            request, fields = request_of(text), fields_of(text)
            if request is None or not all(os.path.isfile(side.path) for side in request.sides):
                continue
            id_ = self.compare_again(request, now=False)
            if type(fields.get("at")) is int:
                self.move(id_, fields["at"])
            front = id_ if fields.get("front") is True else front
        if front is not None:
            self.activate(front)

    # -- what both kinds of trees do ------------------------------------------------------------------------------------------------

    def filter(self, text: str, id_: int | None = None) -> None:
        """Keep the rows that a text asks for, in the tab in front."""
        if id_ is None and self.state.comparison is not None:
            self.comparing.filter(text)
        else:
            super().filter(text, id_)

    def expand_to(self, depth: int) -> None:
        """Open so many levels, and no more."""
        if self.state.comparison is not None:
            self.comparing.expand_to(depth)
        else:
            super().expand_to(depth)

    def inspect(self, page: Inspector) -> None:
        """Bring a page beside the tree to the front; of a comparison the one in the same place."""
        at = INSPECTORS.index(page) if page in INSPECTORS else -1
        if self.state.comparison is None:
            super().inspect(page)
        elif 0 <= at < len(self.comparing.pages):
            self.comparing.show_page(self.comparing.pages[at])

    def copy_path(self) -> str:
        """The selected row's path."""
        tab = self.state.comparison
        return tab.selected.partition(":")[2] if tab is not None else super().copy_path()

    def copy_table(self, form: Form, done: Callable[[str], None]) -> None:
        """The whole table of the tab in front."""
        if self.state.comparison is not None:
            self.comparing.copy_table(form, done)
        else:
            super().copy_table(form, done)

    def copy_pair(self) -> str:
        """The selected row of the comparison in front."""
        return self.comparing.row_text() if self.state.comparison is not None else ""

    # -- the offer ------------------------------------------------------------------------------------------------------------------

    def offer(self, left: str, right: str) -> None:
        """Offer to compare two files that came one after the other."""
        left, right = os.path.abspath(left), os.path.abspath(right)
        if left != right:
            self._set(replace(self.state, offer=Offer(left, right)))

    def take_offer(self) -> None:
        """Somebody took it."""
        found = self.state.offer
        if found is not None:
            self.compare(found.left, found.right)

    def dismiss_offer(self) -> None:
        """Nobody wants it."""
        if self.state.offer is not None:
            self._set(replace(self.state, offer=None))
