"""What was seen, before it is told: one symptom of one tensor, and how symptoms of one kind become findings.

A network repeats its layers, so one cause shows in hundreds of tensors: a few are told one by one, more of them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ptinspect.findings import Finding, Severity, worst_first
from ptinspect.frozen import frozen
from ptinspect.limits import DEFAULT, Limits

MOST_EACH = 5
SHOWN = 4
_NAME = 160


@frozen
class Kind:
    """One condition: its title, why it matters, and whether tensors with it are told together however few they are."""

    title: str
    why: str
    together: bool = False


@frozen
class Symptom:
    """A condition that one tensor has. `told` says how much, where in it, and how sure that is; without a full stop."""

    kind: Kind
    severity: Severity
    path: str
    told: str


def as_findings(symptoms: Iterable[Symptom], limits: Limits = DEFAULT) -> tuple[Finding, ...]:
    """The worst first, then in the order of the kinds as they were met; bounded."""
    groups: dict[tuple[str, Severity], list[Symptom]] = {}
    for symptom in symptoms:
        groups.setdefault((symptom.kind.title, symptom.severity), []).append(symptom)
    found = [finding for group in groups.values() for finding in _told(group)]
    return worst_first(found)[: limits.findings]


def _told(group: Sequence[Symptom]) -> list[Finding]:
    kind, severity = group[0].kind, group[0].severity
    if len(group) == 1 or (len(group) <= MOST_EACH and not kind.together):
        return [Finding(severity, kind.title, f"{_sentence(one.told)} {kind.why}", one.path) for one in group]
    shown = "; ".join(f"`{short(one.path)}` ({one.told})" for one in group[:SHOWN])
    more = f"; and {len(group) - SHOWN:,} more" if len(group) > SHOWN else ""
    return [Finding(severity, kind.title, f"{len(group):,} tensors: {shown}{more}. {kind.why}", group[0].path)]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def short(name: str) -> str:
    """A name of reasonable length."""
    return name if len(name) <= _NAME else f"{name[: _NAME // 2]}…{name[-_NAME // 2 :]}"


def numbers(found: Sequence[int], most: int = 6) -> str:
    """The first few of many, in order: `3, 17, 40 to 99 and 12 more`."""
    runs: list[list[int]] = []
    for place, one in enumerate(found):
        if runs and one == runs[-1][1] + 1:
            runs[-1][1] = one
        elif len(runs) < most:
            runs.append([one, one])
        else:
            return f"{_runs(runs)} and {len(found) - place:,} more"
    return _runs(runs)


def _runs(runs: Sequence[Sequence[int]]) -> str:
    return ", ".join(str(first) if first == last else f"{first}{', ' if last == first + 1 else ' to '}{last}" for first, last in runs)


def share(part: int, whole: int) -> str:
    """A percentage with as many digits as it takes to be none of 0 and 100."""
    percent = 100 * part / whole
    return f"{percent:.0f} %" if 1 <= percent <= 99 or part == whole else f"{percent:.2g} %" if percent < 1 else f"{percent:.4g} %"


__all__ = ["MOST_EACH", "Kind", "Symptom", "as_findings", "numbers", "share", "short"]
