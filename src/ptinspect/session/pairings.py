"""The verbs that change what a comparison compares: its sides, their weight sets, the rules by which names are paired."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptinspect.errors import InspectError
from ptinspect.frozen import replace
from ptinspect.session.browsing import Browsing
from ptinspect.session.settings import LONGEST_TEXT, MOST_PAIRINGS, Settings
from ptinspect.session.state import ComparisonTab
from ptinspect.session.tasks import Post

if TYPE_CHECKING:
    from ptinspect.session.comparison.request import ComparisonRequest, Names
    from ptinspect.session.comparison.verbs import Comparing


class Pairings(Browsing):
    """The comparison in front, asked anew; rules that were made for two files are kept."""

    def __init__(self, post: Post, folder: Path | None = None, settings: Settings | None = None) -> None:
        super().__init__(post, folder, settings)
        self._comparing: Comparing | None = None

    @property
    def comparing(self) -> Comparing:
        """The verbs of the comparison in front; most windows never need them, so they are brought in by the first who asks."""
        if self._comparing is None:
            from ptinspect.session.comparison.verbs import Comparing  # noqa: PLC0415

            self._comparing = Comparing(self.tasks, self._comparison, self._update, self.say, self._remember)
        return self._comparing

    def _comparison(self, id_: int | None) -> ComparisonTab | None:
        found = self.state.comparison if id_ is None else self.state.at(id_)
        return found if isinstance(found, ComparisonTab) else None

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
        for known in map(request_of, self.state.settings.pairings):
            if known is not None and known.has_files_of(request):
                return replace(request, rules=known.rules, refused=known.refused)
            if known is not None and (turned := known.swapped()).has_files_of(request):
                return replace(request, rules=turned.rules, refused=turned.refused)
        return request

    def _keep_pairing(self, request: ComparisonRequest) -> None:
        """Remember the rules for these weights, the newest first."""
        kept = []
        for text in self.state.settings.pairings:
            known = request_of(text)
            if known is not None and not known.has_files_of(request) and not known.swapped().has_files_of(request):
                kept.append(text)
        if request.rules or request.refused:
            kept.insert(0, text_of(request))
        pairings = tuple(text for text in kept if len(text) <= LONGEST_TEXT)[:MOST_PAIRINGS]
        if pairings != self.state.settings.pairings:
            self._keep(replace(self.state.settings, pairings=pairings))


def text_of(request: ComparisonRequest, **more: Any) -> str:
    """A comparison as the settings keep it."""
    from ptinspect.session.comparison.request import as_fields  # noqa: PLC0415

    return json.dumps({**as_fields(request), **more})


def fields_of(text: str) -> dict[str, Any]:
    """What is kept, if it is anything."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def request_of(text: str) -> ComparisonRequest | None:
    """The comparison that is kept, if it is one."""
    from ptinspect.session.comparison.request import of_fields  # noqa: PLC0415

    return of_fields(fields_of(text))
