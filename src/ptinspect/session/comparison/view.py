"""What the window shows of a comparison, from its tab alone."""

from __future__ import annotations

from ptinspect.session.chips import Chip
from ptinspect.session.comparison.aligned import CODES
from ptinspect.session.comparison.banner import WORDS, ComparisonBanner, Toggle, banner_of, safety_of
from ptinspect.session.comparison.browsing import rank_of
from ptinspect.session.settings import Settings
from ptinspect.session.state import ComparisonTab
from ptinspect.session.troubles import Trouble
from ptinspect.session.views import ComparisonView, OpeningView, StatusView, TabView, TroubleView
from ptinspect.session.words import plain, plural, size_text

BETWEEN = " ↔ "


def head_of(tab: ComparisonTab) -> TabView:
    """The head of the tab: both names, without what they end in."""
    left, right = tab.request.sides
    names = f"{_stem(left.name)}{BETWEEN}{_stem(right.name)}"
    if left.path == right.path:
        names = f"{left.weights or 'main'}{BETWEEN}{right.weights or 'main'}"
    tone = tab.trouble.tone if tab.trouble is not None else "plain"
    icon = tab.trouble.icon if tab.trouble is not None else "compare"
    return TabView(tab.id, plain(names, 80), plain(f"{left.path}{BETWEEN}{right.path}"), icon, tone, tab.is_reading)


def _stem(name: str) -> str:
    stem = name.rpartition(".")[0] or name
    return stem if len(stem) <= 28 else f"{stem[:13]}…{stem[-14:]}"


def page_of(tab: ComparisonTab, settings: Settings) -> ComparisonView | OpeningView | TroubleView:
    """The page of the tab."""
    if tab.trouble is not None:
        side = Chip(f"The {tab.side} file", icon=tab.trouble.icon, tone=tab.trouble.tone)
        path = tab.request.left.path if tab.side == "left" else tab.request.right.path
        banner = (side, Chip(tab.trouble.kind), Chip(plain(path, 120)))
        return TroubleView(tab.id, path, tab.trouble, banner, Chip("Nothing was run", icon="shield-check", tone="good"))
    if (tab.aligned is None or tab.table is None) and tab.stopped:
        return _stopped(tab)
    if tab.aligned is None or tab.table is None:
        return OpeningView(tab.id, f"{tab.request.left.name}{BETWEEN}{tab.request.right.name}")
    marks, rank = tab.aligned.differences(tab.shown), rank_of(tab)
    is_one = 0 <= rank < len(marks) and marks[rank] == 1
    return ComparisonView(
        tab=tab.id,
        state=tab,
        table=tab.table,
        banner=_banner(tab),
        toggles=_toggles(tab),
        expanded=tab.expanded | tab.narrowed.expanded if tab.narrowed is not None and not tab.narrowed.problem else tab.expanded,
        rank=rank,
        differences=marks.count(1),
        place=marks.count(1, 0, rank + 1) if is_one else 0,
        inspector_width=settings.inspector,
        is_inspector_shown=settings.is_inspector_shown,
    )


def _stopped(tab: ComparisonTab) -> TroubleView:
    """It came to an end before there was anything to show."""
    both = ", ".join(plain(side.path, 300) for side in tab.request.sides)
    title = f"The comparison was {tab.stopped}" if tab.stopped.startswith("stopped") else tab.stopped
    trouble = Trouble(
        kind="Not compared", icon="compare", tone="warn", title=title,
        detail="Nothing of both files was compared yet.", hint="Try again reads them from the beginning", where="", commands=(),
        facts=(("Files", both),), excerpt=(), excerpt_note="",
    )  # fmt: skip
    return TroubleView(tab.id, tab.request.left.path, trouble, (Chip("Not compared", icon="compare", tone="warn"),), None)


def _banner(tab: ComparisonTab) -> ComparisonBanner:
    if tab.report is not None:
        return tab.report.banner
    if tab.aligned is None:
        raise ValueError("nothing is aligned yet")
    glance = tab.aligned.glance
    if tab.busy is None:
        return banner_of(glance)
    return ComparisonBanner("Comparing:", plain(glance.sentence, 600), plain(glance.sentence), (), safety_of(tab.aligned.outline))


def _toggles(tab: ComparisonTab) -> tuple[Toggle, ...]:
    counts = tab.aligned.counts if tab.aligned is not None else {}
    return tuple(
        Toggle(status, WORDS[status], counts.get(status, 0), status not in tab.hidden)
        for status in CODES
        if status is not None and (status != "dtype_changed" or counts.get(status, 0))
    )


def status_of(tab: ComparisonTab) -> StatusView:
    """The line at the bottom."""
    if tab.trouble is not None:
        return StatusView(tab.trouble.title, tab.trouble.icon, tab.trouble.tone, ("read-only",))
    facts = _facts(tab)
    if tab.busy is not None:
        return StatusView(tab.busy.text, "loader", "plain", facts, is_busy=True, share=tab.busy.share or 0.0, slot=tab.busy.slot)
    if tab.narrowed is not None and tab.narrowed.problem:
        return StatusView(f"The filter: {tab.narrowed.problem}", "triangle-alert", "warn", facts)
    if tab.report is None:
        return StatusView(f"Not compared to the end: {tab.stopped or 'stopped'}", "triangle-alert", "warn", facts)
    count = plural(len(tab.report.comparison.pairs), "tensor")
    return StatusView(f"Compared {count} by name and value in {tab.report.seconds:.1f} s", "circle-check", "good", facts)


def _facts(tab: ComparisonTab) -> tuple[str, ...]:
    if tab.aligned is None:
        return ()
    outline = tab.aligned.outline
    sizes = (f"{name} {size_text(side.checkpoint.identity.size)}" for name, side in (("Left", outline.left), ("Right", outline.right)))
    left_out = (f"{tab.aligned.left_out:,} more pairs have no row",) if tab.aligned.left_out else ()
    tolerance = tab.request.tolerance
    part = (f"only {plain(tab.request.match, 60)}",) if tab.request.match else ()
    return (*part, *left_out, *sizes, f"tolerance {tolerance:g}" if tolerance else "tolerance 0 (bit for bit)")
