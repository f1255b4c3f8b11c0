"""The health page: what was found in the values, why it matters and where; and its count on the tab."""

from __future__ import annotations

from ptinspect.findings import Finding, Severity
from ptinspect.frozen import frozen
from ptinspect.session.inspectors import Inspector
from ptinspect.session.numbers import Numbers
from ptinspect.session.troubles import Tone
from ptinspect.session.words import plain, plural

MOST = 200
_GRAVE: tuple[Severity, ...] = ("warning", "danger")


@frozen
class HealthLine:
    """One finding: how bad, what, why, and the path to look at."""

    severity: Severity
    title: str
    detail: str
    path: str


@frozen
class HealthPage:
    """All of the page. `title` says the sum of it, `can_count` offers to count what was stopped."""

    title: str
    text: str
    tone: Tone
    lines: tuple[HealthLine, ...] = ()
    more: int = 0
    can_count: bool = False
    icon: str = ""  # where the tone's own would say something else


def health_page(numbers: Numbers, has_tensors: bool = True, unread: int = 0) -> HealthPage:
    """The page for what is known of the values; `unread` tensors have some that cannot be read."""
    findings = numbers.findings
    if not has_tensors:
        return HealthPage("No values to look at", "There are no tensors in this file.", "plain", icon="info")
    if findings is None:
        if numbers.stopped:
            text = f"Counting was {numbers.stopped}." if numbers.stopped.startswith("stopped") else numbers.stopped
            return HealthPage("The values were not read to their end", text, "plain", can_count=True)
        text = "NaN, dead units and odd scales show in the values. They are being read in the background."
        return HealthPage("Reading values", text, "plain")
    grave = sum(finding.severity in _GRAVE for finding in findings)
    lines = tuple(_line(finding) for finding in findings[:MOST])
    more = len(findings) - len(lines)
    looked = "Every value was looked at."
    if unread:
        looked = f"The values of {plural(unread, 'tensor')} cannot be read; all others were looked at."
    if grave:
        tone: Tone = "danger" if any(finding.severity == "danger" for finding in findings) else "warn"
        return HealthPage(f"{plural(grave, 'finding')} worth a look", looked, tone, lines, more)
    text = "What is listed here is worth knowing and no reason to worry."
    if not findings:
        text = "No NaN or infinite values, no dead rows, no scale out of the ordinary."
    if unread:
        return HealthPage("Nothing stands out in what can be read", f"{looked} {text}", "warn", lines, more)
    return HealthPage("Nothing stands out", f"{looked} {text}", "good", lines, more)


def _line(finding: Finding) -> HealthLine:
    title, detail = plain(finding.title, 200), plain(finding.detail, 1_200).replace("`", "")
    return HealthLine(finding.severity, f"{title[:1].upper()}{title[1:]}", detail, plain(finding.where or "", 2_000))


def health_badge(numbers: Numbers) -> tuple[tuple[Inspector, int, Tone], ...]:
    """How many findings are worth a look, for the page's tab."""
    grave = [finding for finding in numbers.findings or () if finding.severity in _GRAVE]
    if not grave:
        return ()
    return (("health", len(grave), "danger" if any(finding.severity == "danger" for finding in grave) else "warn"),)
