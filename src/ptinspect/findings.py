"""A finding is something suspicious or unhealthy in a file that opens all the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ptinspect.frozen import frozen

Severity = Literal["info", "notice", "warning", "danger"]

SEVERITIES: tuple[Severity, ...] = ("info", "notice", "warning", "danger")


@frozen
class Finding:
    """One observation: how bad, what, why it matters, and where in the file."""

    severity: Severity
    title: str
    detail: str = ""
    where: str | None = None


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The gravest first; those of one severity in the order in which they were found."""
    return tuple(sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity)))


def finding_fields(finding: Finding) -> dict[str, str | None]:
    """One finding as JSON."""
    return {"severity": finding.severity, "title": finding.title, "detail": finding.detail, "where": finding.where}
