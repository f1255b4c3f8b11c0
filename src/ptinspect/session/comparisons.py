"""The verbs that open comparisons, change what they compare, and bring them back after a restart."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptinspect.errors import InspectError
from ptinspect.frozen import replace
from ptinspect.session.browsing import Browsing
from ptinspect.session.inspectors import INSPECTORS, Inspector
from ptinspect.session.settings import LONGEST_TEXT, MOST_PAIRINGS, MOST_RECENT, Settings
from ptinspect.session.state import ComparisonTab, Offer
from ptinspect.session.tasks import Post

if TYPE_CHECKING:
    from ptinspect.session.comparison.request import ComparisonRequest, Names
    from ptinspect.session.comparison.verbs import Comparing


class Comparisons(Browsing):
    """Two files in one tab."""

    def __init__(self, post: Post, folder: Path | None = None, settings: Settings | None = None) -> None:
        super().__init__(post, folder, settings)
        self._comparing: Comparing | None = None

    @property
    def comparing(self) -> Comparing:
        """The verbs of the comparison in front; most windows never need them, so they are brought in by the first who asks."""
        if self._comparing is None:
            from ptinspect.session.comparison.verbs import Comparing  # noqa: PLC0415

            self._comparing = Comparing(self.tasks, self._comparison, self._update, self.say)
        return self._comparing

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

    def _comparison(self, id_: int | None) -> ComparisonTab | None:
        found = self.state.comparison if id_ is None else self.state.at(id_)
        return found if isinstance(found, ComparisonTab) else None

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

    def swap(self) -> None:
        """Left becomes right."""
        tab = self.state.comparison
        if tab is not None:
            self._ask_anew(tab, tab.request.swapped())

    def choose_weights(self, side: str, path: str | None) -> None:
        """Another weight set of one side."""
        tab = self.state.comparison
        if tab is not None and side in ("left", "right"):
            given = replace(tab.request.left if side == "left" else tab.request.right, weights=path)
            request = replace(tab.request, left=given) if side == "left" else replace(tab.request, right=given)
            self._ask_anew(tab, request)

    def accept(self, pairs: Sequence[Names]) -> None:
        """Take proposed pairs for true: each becomes a rule."""
        from ptinspect.analysis.compare.rules import Rule  # noqa: PLC0415

        tab = self.state.comparison
        if tab is not None and pairs:
            rules = (*tab.request.rules, *(Rule(old, new) for old, new in pairs))
            self._ask_anew(tab, replace(tab.request, rules=rules))

    def refuse(self, names: Names) -> None:
        """A proposed pair is none."""
        tab = self.state.comparison
        if tab is not None:
            request = replace(tab.request, refused=(*tab.request.refused, names))
            self._update(tab.id, request=request)
            self._keep_pairing(request)

    def add_rule(self, text: str) -> None:
        """A rule as it is typed."""
        from ptinspect.analysis.compare.rules import parsed_rules  # noqa: PLC0415

        tab = self.state.comparison
        if tab is None or not text.strip():
            return
        try:
            made = parsed_rules([text.strip()])
        except InspectError as error:
            self.say(error.message, error.hint)
            return
        self._ask_anew(tab, replace(tab.request, rules=(*tab.request.rules, *made)))

    def remove_rule(self, at: int) -> None:
        """Pair without a rule again."""
        tab = self.state.comparison
        if tab is not None and 0 <= at < len(tab.request.rules):
            rules = tab.request.rules[:at] + tab.request.rules[at + 1 :]
            self._ask_anew(tab, replace(tab.request, rules=rules))

    def _ask_anew(self, tab: ComparisonTab, request: ComparisonRequest) -> None:
        self._update(tab.id, request=request)
        self._keep_pairing(request)
        self.comparing.begin(tab.id)

    def _with_pairing(self, request: ComparisonRequest) -> ComparisonRequest:
        """With the rules that the user made for these weights before, on whichever side they stood."""
        for known in map(_request, self.state.settings.pairings):
            if known is not None and known.has_files_of(request):
                return known
            if known is not None and known.swapped().has_files_of(request):
                return known.swapped()
        return request

    def _keep_pairing(self, request: ComparisonRequest) -> None:
        """Remember the rules for these weights, the newest first."""
        kept = []
        for text in self.state.settings.pairings:
            known = _request(text)
            if known is not None and not known.has_files_of(request) and not known.swapped().has_files_of(request):
                kept.append(text)
        if request.rules or request.refused:
            kept.insert(0, _text(request))
        pairings = tuple(text for text in kept if len(text) <= LONGEST_TEXT)[:MOST_PAIRINGS]
        if pairings != self.state.settings.pairings:
            self._keep(replace(self.state.settings, pairings=pairings))

    # -- from one start to the next -------------------------------------------------------------------------------------------------

    def _comparisons_to_keep(self) -> tuple[str, ...]:
        """Each with its place among the tabs, and whether it is in front."""
        texts = []
        for at, tab in enumerate(self.state.tabs):
            if isinstance(tab, ComparisonTab):
                texts.append(_text(tab.request, at=at, front=tab.id == self.state.active))
        return tuple(text for text in texts if len(text) <= LONGEST_TEXT)[:MOST_RECENT]

    def restore_comparisons(self) -> None:
        """Those that were open, as far as both files are still there. Only the one in front begins its work at once."""
        front = None
        for text in self.state.settings.comparisons:
            request, fields = _request(text), _fields(text)
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


def _text(request: ComparisonRequest, **more: Any) -> str:
    from ptinspect.session.comparison.request import as_fields  # noqa: PLC0415

    return json.dumps({**as_fields(request), **more})


def _fields(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _request(text: str) -> ComparisonRequest | None:
    from ptinspect.session.comparison.request import of_fields  # noqa: PLC0415

    return of_fields(_fields(text))
