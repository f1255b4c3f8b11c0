"""How names are paired beyond what they say themselves: what is proposed, what the user accepted, and the rules behind it."""

from __future__ import annotations

import shlex
from itertools import islice
from typing import TYPE_CHECKING

from ptinspect.analysis.compare.rules import Rule
from ptinspect.frozen import frozen
from ptinspect.session.comparison.report_page import proposals_of
from ptinspect.session.comparison.request import Names
from ptinspect.session.words import plain, plural

if TYPE_CHECKING:
    from ptinspect.session.state import ComparisonTab

MOST = 400


@frozen
class Pairing:
    """What a page shows of it."""

    proposed: tuple[Names, ...]
    rules: tuple[tuple[str, str], ...]
    arguments: str
    is_editing: bool


def pairing_of(tab: ComparisonTab) -> Pairing:
    """Of a comparison: what could belong together, and the rules with how much each paired."""
    if tab.aligned is None:
        return Pairing((), (), "", tab.is_pairing)
    found = tab.report.comparison if tab.report is not None else tab.aligned.glance
    proposed = tuple(islice(proposals_of(found, tab.request.refused), MOST))
    used = {rule.text: count for rule, count in found.outline.alignment.used}
    counts = ((rule.text, used.get(rule.text, 0)) for rule in tab.request.rules)
    rules = tuple((plain(text, 300), plural(count, "pair") if count else "pairs nothing") for text, count in counts)
    return Pairing(proposed, rules, arguments(tab.request.rules), tab.is_pairing)


def arguments(rules: tuple[Rule, ...]) -> str:
    """The same for `ptinspect diff`."""
    return " ".join(f"--rename {shlex.quote(rule.text)}" for rule in rules)
