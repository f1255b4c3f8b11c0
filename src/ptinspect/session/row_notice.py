"""What is to be said above the layers: a filter that cannot be read, tensors that a filter or an order knows nothing of yet."""

from __future__ import annotations

from ptinspect.session.sorting import Order
from ptinspect.session.state import Tab
from ptinspect.session.views import Notice
from ptinspect.session.words import plain, plural


def notice_of(tab: Tab) -> Notice | None:
    """The line of a tab, if there is anything to say."""
    narrowed = tab.narrowed
    if narrowed is not None and narrowed.problem:
        return Notice(plain(narrowed.problem, 300), "warn")
    if narrowed is not None and narrowed.uncounted:
        return _missing(tab, narrowed.uncounted, "A NaN, an Inf or a finding in them is not known")
    order = tab.kept.order if tab.kept is not None else None
    if tab.opened is None or not isinstance(order, Order) or not order.is_live:
        return None
    facts = tab.opened.facts
    missing = facts.counts[id(tab.opened.tree)] - len(facts.shelf)
    return _missing(tab, missing, "What is not known stands last") if missing > 0 and tab.numbers.findings is None else None


def _missing(tab: Tab, count: int, what: str) -> Notice:
    if tab.numbers.is_busy(f"count {tab.id}"):
        return Notice(f"Counting, {plural(count, 'tensor')} to come", more="What is found shows up here, when nobody scrolls or types")
    return Notice(f"{plural(count, 'tensor')} not counted yet", can_count=tab.pages is not None, more=what)


def is_behind(tab: Tab) -> bool:
    """Whether more was counted since the rows were filtered or sorted by what was counted."""
    stamp = tab.kept.stamp if tab.kept is not None else None
    return stamp is not None and stamp != tab.numbers.stamp
