"""A finding is something suspicious or unhealthy in a file that opens all the same."""

from __future__ import annotations

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
