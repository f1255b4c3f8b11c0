"""`resolve(state)`: what the window looks like in a state. Pure, so that everything on the screen can be tested without one."""

from __future__ import annotations

import os
from functools import lru_cache

from ptinspect import __version__, resources
from ptinspect.session.chips import KINDS, Chip
from ptinspect.session.health_page import health_badge
from ptinspect.session.naming import CONTAINERS
from ptinspect.session.row_notice import is_behind, notice_of
from ptinspect.session.state import AnyTab, BatchTab, ComparisonTab, Opened, State, Tab
from ptinspect.session.troubles import Tone
from ptinspect.session.views import (
    DocumentView,
    OpeningView,
    PageView,
    StatusView,
    TabView,
    TroubleView,
    WelcomeView,
    WindowView,
)
from ptinspect.session.words import plain, plural, size_text

SAMPLES = (
    ("checkpoint.pt", "A training checkpoint", "Weights, optimizer, epoch and loss", "file-box"),
    ("weights.pt", "Bare weights", "The state_dict of a small network", "layers"),
    ("model.pt", "A whole model, pickled", "Named classes, shows the Safety page", "package"),
    ("scripted.pt", "A TorchScript program", "Its source, shown and never run", "file-code"),
)


def resolve(state: State) -> WindowView:
    """The window of a state."""
    tab = state.front
    narrowed = tab.narrowed if tab else None
    return WindowView(
        title=f"{_title(tab)} — ptinspect" if tab else "ptinspect",
        tabs=tuple(_tab(one, state) for one in state.tabs),
        active=state.active,
        page=_page(state, tab),
        status=_status(tab),
        filter=tab.filter if tab else "",
        filter_note=(narrowed.problem or _hits(narrowed.hits)) if narrowed else "",
        can_filter=(isinstance(tab, Tab) and tab.opened is not None) or (isinstance(tab, ComparisonTab) and tab.aligned is not None)
        or (isinstance(tab, BatchTab) and tab.record is not None),
        theme=state.settings.theme,
        message=state.message,
        offer=state.offer if isinstance(tab, Tab) and state.offer and tab.path in (state.offer.left, state.offer.right) else None,
    )


def _title(tab: AnyTab) -> str:
    if isinstance(tab, ComparisonTab):
        return f"{plain(tab.request.left.name, 100)} ↔ {plain(tab.request.right.name, 100)}"
    name = plain(os.path.basename(tab.path), 200)
    return f"Test batch — {name}" if isinstance(tab, BatchTab) else name


def _hits(count: int) -> str:
    return plural(count, "hit") if count else "no hit"


def _tab(tab: AnyTab, state: State) -> TabView:
    """A tab's head; two files of one name show the folder too."""
    if isinstance(tab, ComparisonTab):
        from ptinspect.session.comparison.view import head_of  # noqa: PLC0415 - most windows show no comparison

        return head_of(tab)
    if isinstance(tab, BatchTab):
        from ptinspect.session.batch import view as batch  # noqa: PLC0415 - nor a test batch

        return batch.head_of(tab)
    name = os.path.basename(tab.path)
    twin = any(other is not tab and os.path.basename(other.path) == name for other in state.documents)
    title = plain(f"{os.path.basename(os.path.dirname(os.path.abspath(tab.path)))}/{name}" if twin else name, 80)
    if tab.trouble is not None:
        return TabView(tab.id, title, plain(tab.path), tab.trouble.icon, tab.trouble.tone)
    icon = KINDS[tab.opened.checkpoint.kind][1] if tab.opened else "file-box"
    return TabView(tab.id, title, plain(tab.path), icon, "plain", tab.is_reading)


def _page(state: State, tab: AnyTab | None) -> PageView:
    if tab is None:
        return WelcomeView(state.settings.recent, samples())
    if isinstance(tab, ComparisonTab):
        from ptinspect.session.comparison.view import page_of  # noqa: PLC0415

        return page_of(tab, state.settings)
    if isinstance(tab, BatchTab):
        from ptinspect.session.batch import view as batch  # noqa: PLC0415

        return batch.page_of(tab, state.settings)
    if tab.trouble is not None:
        banner = (Chip(tab.trouble.kind, icon=tab.trouble.icon, tone=tab.trouble.tone), *_trouble_facts(tab))
        return TroubleView(tab.id, tab.path, tab.trouble, banner, Chip("Nothing was run", icon="shield-check", tone="good"))
    if tab.opened is None:
        return OpeningView(tab.id, tab.path)
    opened, settings = tab.opened, state.settings
    narrowed = tab.narrowed if tab.narrowed is not None and not tab.narrowed.problem else None
    return DocumentView(
        tab=tab.id,
        path=tab.path,
        banner=opened.banner,
        safety=opened.safety,
        table=tab.kept or opened.table,
        whole=opened.table,
        narrowed=narrowed,
        expanded=tab.expanded | narrowed.expanded if narrowed else tab.expanded,
        selected=tab.selected,
        columns=settings.columns,
        inspector=tab.inspector,
        inspector_width=settings.inspector,
        is_inspector_shown=settings.is_inspector_shown,
        badges=(*opened.badges, *health_badge(tab.numbers)),
        pages=tab.pages,
        is_stale=tab.is_stale,
        numbers=tab.numbers,
        is_behind=is_behind(tab),
        notice=notice_of(tab),
        unread=opened.broken,
    )


def _trouble_facts(tab: Tab) -> tuple[Chip, ...]:
    facts = dict(tab.trouble.facts) if tab.trouble else {}
    return (Chip(facts["This file"]),) if "This file" in facts else ()


@lru_cache(maxsize=1)
def samples() -> tuple[tuple[str, str, str, str], ...]:
    """The sample checkpoints that came along: path, title, what they show, icon."""
    folder = resources.path("samples")
    return tuple((str(folder / name), title, text, icon) for name, title, text, icon in SAMPLES if (folder / name).is_file())


def _status(tab: AnyTab | None) -> StatusView:
    if tab is None:
        note = "Files are read as data. Nothing in them is run."
        return StatusView(note, "shield-check", "good", (f"ptinspect {__version__}",))
    if isinstance(tab, ComparisonTab):
        from ptinspect.session.comparison.view import status_of  # noqa: PLC0415

        return status_of(tab)
    if isinstance(tab, BatchTab):
        from ptinspect.session.batch import view as batch  # noqa: PLC0415

        return batch.status_of(tab)
    if tab.share is not None:
        return _reading(tab)
    if tab.trouble is not None:
        facts = dict(tab.trouble.facts)
        return StatusView(tab.trouble.title, tab.trouble.icon, tab.trouble.tone, (facts.get("This file", ""), "read-only"))
    if tab.opened is None:
        return _reading(tab)
    checkpoint = tab.opened.checkpoint
    known = (
        size_text(checkpoint.identity.size),
        CONTAINERS.get(checkpoint.document.container, checkpoint.document.container),
        plural(len(checkpoint.document.tensors), "tensor"),
        "read-only",
    )
    busy = tab.numbers.busy[-1] if tab.numbers.busy else None
    if busy is not None:
        return StatusView(busy.text, "loader", "plain", known, is_busy=True, share=busy.share, slot=busy.slot)
    text, icon, tone = _summary(tab.opened, is_counted=tab.numbers.findings is not None)
    if tone == "good" and tab.numbers.stopped:
        text, icon, tone = f"Not all values read: {tab.numbers.stopped}", "circle-dashed", "plain"
    return StatusView(text, icon, tone, known)


def _reading(tab: Tab) -> StatusView:
    text = f"Reading {plain(os.path.basename(tab.path), 80)}"
    slot = f"open {tab.id}" if tab.share is not None else ""
    return StatusView(text, "loader", is_busy=True, share=tab.share, slot=slot)


def _summary(opened: Opened, is_counted: bool) -> tuple[str, str, Tone]:
    checkpoint = opened.checkpoint
    names = checkpoint.safety.globals
    bad = sum(found.verdict == "dangerous" for found in names)
    if bad:
        return f"Read as data — {plural(len(names), 'imported name')}, {bad:,} dangerous", "shield-alert", "danger"
    shared, wasted = len(checkpoint.totals.shared), checkpoint.totals.wasted
    parts = [plural(shared, "group") + " of tied tensors"] if shared else []
    parts += [f"{size_text(wasted)} wasted"] if wasted else []
    if opened.broken and is_counted:
        parts.append(f"{plural(opened.broken, 'tensor')} cannot be read")
        return ", ".join(["Values read", *parts]), "triangle-alert", "warn"
    if checkpoint.document.problem is not None:
        problem = plain(checkpoint.document.problem.message, 200)
        return f"{problem[:1].upper()}{problem[1:]}", "triangle-alert", "warn"
    return ", ".join(["All values read" if is_counted and checkpoint.document.tensors else "Headers read", *parts]), "circle-check", "good"
