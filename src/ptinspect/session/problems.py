"""What there is to look at in a file, in the words of the overview; what is found many times is told once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ptinspect.findings import Finding, Severity
from ptinspect.frozen import frozen
from ptinspect.session.words import plain

FEW = 2  # of a kind that still stand one by one


@frozen
class Problem:
    """Something to look at, with the place to look."""

    severity: Severity
    title: str
    detail: str
    where: str
    key: str = ""
    times: int = 1


def problems_of(findings: Iterable[Finding]) -> list[Problem]:
    """In their order; those of one kind stand together where the first of them stood."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.severity, finding.title), []).append(finding)
    found: list[Problem] = []
    for alike in kinds.values():
        found += [_together(alike)] if len(alike) > FEW else [_single(finding) for finding in alike]
    return found


def _single(finding: Finding) -> Problem:
    where = plain(finding.where or "", 300)
    return Problem(finding.severity, _sentence(finding.title, 200), _sentence(finding.detail, 600), where, finding.where or "")


def _together(alike: Sequence[Finding]) -> Problem:
    first = alike[0]
    detail = _sentence(first.detail, 600)
    if any(finding.detail != first.detail for finding in alike):
        detail = f"The first: {detail}" if detail else ""
    places = [plain(finding.where, 120) for finding in alike[:2] if finding.where]
    more = len(alike) - len(places)
    where = f"{', '.join(places)} and {more:,} more" if places else ""
    title = f"{_sentence(first.title, 200)}, {len(alike):,} times"
    return Problem(first.severity, title, detail, where, first.where or "", len(alike))


def _sentence(text: str, longest: int) -> str:
    text = plain(text, longest).replace("`", "")
    return f"{text[:1].upper()}{text[1:]}"


__all__ = ["Problem", "problems_of"]
