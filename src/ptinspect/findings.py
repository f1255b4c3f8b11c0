"""A finding is something suspicious or unhealthy in a file that opens all the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "notice", "warning", "danger"]

SEVERITIES: tuple[Severity, ...] = ("info", "notice", "warning", "danger")


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation: how bad, what, why it matters, and where in the file."""

    severity: Severity
    title: str
    detail: str = ""
    where: str | None = None
