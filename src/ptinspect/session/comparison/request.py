"""What a comparison is asked for, as one frozen value: it carries all that the work needs, and is what a restart brings back."""

from __future__ import annotations

import os
from typing import Literal

from ptinspect.analysis.compare.rules import Rule
from ptinspect.frozen import frozen

ComparisonPage = Literal["difference", "left", "right", "changes", "report"]
COMPARISON_PAGES: tuple[ComparisonPage, ...] = ("difference", "left", "right", "changes", "report")
SideName = Literal["left", "right"]
Names = tuple[str, str]


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
    """Two sides, the rules by which their names are paired, and the proposals that the user refused."""

    left: Chosen
    right: Chosen
    rules: tuple[Rule, ...] = ()
    refused: tuple[Names, ...] = ()

    @property
    def sides(self) -> tuple[Chosen, Chosen]:
        """Left and right."""
        return self.left, self.right

    def swapped(self) -> ComparisonRequest:
        """The same, seen from the other side."""
        rules = tuple(rule.turned() for rule in self.rules)
        return ComparisonRequest(self.right, self.left, rules, tuple((new, old) for old, new in self.refused))

    def has_files_of(self, other: ComparisonRequest) -> bool:
        """Whether it compares the same weights, whatever the rules."""
        return self.sides == other.sides
