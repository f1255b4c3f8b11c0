"""What a comparison is asked for, as one frozen value: it carries all that the work needs, and is what a restart brings back."""

from __future__ import annotations

import os
from typing import Any, Literal

from ptinspect.analysis.compare.rules import Rule
from ptinspect.frozen import frozen, replace

ComparisonPage = Literal["difference", "left", "right", "changes", "report"]
COMPARISON_PAGES: tuple[ComparisonPage, ...] = ("difference", "left", "right", "changes", "report")
SideName = Literal["left", "right"]
Names = tuple[str, str]
MOST_RULES = 5_000


@frozen
class Chosen:
    """A file, and which of its weight sets; None is the main one."""

    path: str
    weights: str | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return os.path.basename(self.path)


@frozen
class ComparisonRequest:
    """Two sides, the rules by which their names are paired, and the proposals that the user refused.

    `match` is a glob for those that are compared, empty for all; `thorough` tests every changed matrix for low rank.
    """

    left: Chosen
    right: Chosen
    rules: tuple[Rule, ...] = ()
    refused: tuple[Names, ...] = ()
    match: str = ""
    tolerance: float | None = None
    thorough: bool = False

    @property
    def sides(self) -> tuple[Chosen, Chosen]:
        """Left and right."""
        return self.left, self.right

    def swapped(self) -> ComparisonRequest:
        """The same, seen from the other side."""
        rules = tuple(rule.turned() for rule in self.rules)
        refused = tuple((new, old) for old, new in self.refused)
        return replace(self, left=self.right, right=self.left, rules=rules, refused=refused)

    def has_files_of(self, other: ComparisonRequest) -> bool:
        """Whether it compares the same weights, whatever the rules."""
        return self.sides == other.sides

    def asks_as(self, other: ComparisonRequest) -> bool:
        """Whether it also wants the same of them; without rules of its own it goes by those that there are."""
        wanted = (self.match, self.tolerance, self.thorough) == (other.match, other.tolerance, other.thorough)
        return wanted and self.rules in ((), other.rules)


def as_fields(request: ComparisonRequest) -> dict[str, Any]:
    """As JSON, for the settings and for a window that is open already."""
    return {
        "left": [request.left.path, request.left.weights],
        "right": [request.right.path, request.right.weights],
        "rules": [[rule.old, rule.new] for rule in request.rules],
        "refused": [list(names) for names in request.refused],
        "match": request.match,
        "tolerance": request.tolerance,
        "thorough": request.thorough,
    }


def of_fields(fields: object) -> ComparisonRequest | None:
    """The same back again; None where it is something else, for anybody could have written it."""
    if not isinstance(fields, dict):
        return None
    left, right = _chosen(fields.get("left")), _chosen(fields.get("right"))
    rules, refused = _pairs(fields.get("rules")), _pairs(fields.get("refused"))
    match, tolerance = fields.get("match", ""), fields.get("tolerance")
    is_distance = tolerance is None or (type(tolerance) in (int, float) and tolerance >= 0)
    if left is None or right is None or rules is None or refused is None or not isinstance(match, str) or not is_distance:
        return None
    made = tuple(Rule(old, new) for old, new in rules)
    return ComparisonRequest(left, right, made, refused, match, tolerance, fields.get("thorough") is True)


def _chosen(value: object) -> Chosen | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    path, weights = value
    if not isinstance(path, str) or not os.path.isabs(path) or "\0" in path or not isinstance(weights, str | None):
        return None
    return Chosen(path, weights)


def _pairs(value: object) -> tuple[Names, ...] | None:
    if not isinstance(value, list) or len(value) > MOST_RULES:
        return None
    good = all(isinstance(one, list) and len(one) == 2 and all(isinstance(name, str) for name in one) for one in value)
    return tuple((one[0], one[1]) for one in value) if good else None
