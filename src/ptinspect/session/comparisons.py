"""The verbs that open comparisons, change what they compare, and bring them back after a restart."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ptinspect.errors import InspectError
from ptinspect.frozen import replace
from ptinspect.session.browsing import Browsing
from ptinspect.session.freeing import free
from ptinspect.session.settings import Settings
from ptinspect.session.stage import nobody
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

    def _comparison(self, id_: int | None) -> ComparisonTab | None:
        found = self.state.comparison if id_ is None else self.state.at(id_)
        return found if isinstance(found, ComparisonTab) else None

    def compare(self, left: str, right: str, weights: tuple[str | None, str | None] = (None, None)) -> None:
        """A tab for two files, or for two weight sets of one; one that is open already comes to the front."""
        from ptinspect.session.comparison.request import Chosen, ComparisonRequest  # noqa: PLC0415

        sides = Chosen(os.path.abspath(left), weights[0]), Chosen(os.path.abspath(right), weights[1])
        self.compare_again(self._with_pairing(ComparisonRequest(*sides)))

    def compare_again(self, request: ComparisonRequest) -> None:
        """The same by its request, as a restart has it."""
        from ptinspect.session.comparison.rows import Order  # noqa: PLC0415

        self.dismiss_offer()
        known = next((tab for tab in self.state.tabs if isinstance(tab, ComparisonTab) and tab.request.has_files_of(request)), None)
        if known is not None:
            self._set(replace(self.state, active=known.id))
            return
        tab = ComparisonTab(self.state.next_id, request, Order())
        self._set(replace(self.state, tabs=(*self.state.tabs, tab), active=tab.id, next_id=tab.id + 1))
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
        """With the rules that the user made for these weights before."""
        return request

    def _keep_pairing(self, request: ComparisonRequest) -> None:
        """Remember the rules for these weights."""

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

    # -- the end --------------------------------------------------------------------------------------------------------------------

    def _free_comparison(self, tab: ComparisonTab) -> None:
        """Let go of two files in the background."""
        if tab.aligned is not None:
            last: list[object] = [[tab.aligned, tab.table, tab.report]]
            self.tasks.run(f"free {id(tab.aligned)}", lambda context: free(last, context), nobody, nobody)
