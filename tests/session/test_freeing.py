"""What a closed file leaves behind goes, all of it, and nothing that others hold."""

from __future__ import annotations

import gc
import weakref

from ptinspect.checkpoint.layers import LayerNode
from ptinspect.session import freeing
from ptinspect.session.rows import Row
from ptinspect.session.tasks import Context
from tests.session.working import CHECKPOINT, Session


class Thing:
    """Something that can be watched."""

    def __init__(self, *held: object) -> None:
        self.held = list(held)


def context() -> Context:
    return Context(lambda share, text: None)


def test_that_everything_is_freed_but_what_others_hold(monkeypatch) -> None:
    monkeypatch.setattr(freeing, "PATIENCE", 0.0)
    shared, leaf = Thing(), Thing()
    last: list[object] = [Thing([leaf, shared], {"a": (leaf,)}, *(Thing() for _ in range(2_000)))]
    root, below = weakref.ref(last[0]), weakref.ref(leaf)
    del leaf
    freeing.free(last, context())
    assert root() is None
    assert below() is None
    assert shared.held == []


def test_that_a_crowd_goes_a_few_at_a_time_unless_somebody_holds_it(monkeypatch) -> None:
    monkeypatch.setattr(freeing, "PATIENCE", 0.0)
    emptied: list[int] = []
    monkeypatch.setattr(freeing, "_empty", lambda crowd, empty=freeing._empty: (emptied.append(len(crowd)), empty(crowd)))
    kept = {str(at): at for at in range(5_000)}
    freeing.free([Thing(kept, {at: str(at) for at in range(6_000)})], context())
    assert emptied == [6_000]
    assert len(kept) == 5_000


def test_that_a_closed_tab_is_freed_in_the_background(monkeypatch) -> None:
    monkeypatch.setattr(freeing, "PATIENCE", 0.0)
    session = Session().open(CHECKPOINT)
    tab = session.tab
    checkpoint = tab.opened.checkpoint
    path = checkpoint.path
    number = tab.id
    del tab
    session.views.clear()
    session.app.close(number)
    session.settle()
    assert checkpoint.path == path  # whoever still holds a part of it keeps it whole
    assert session.app.state.tabs == ()


def test_that_nothing_of_a_closed_file_waits_for_the_collector(monkeypatch) -> None:
    monkeypatch.setattr(freeing, "PATIENCE", 0.0)

    def living() -> int:
        gc.unfreeze()
        return sum(type(one) in (LayerNode, Row) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = living()
        session = Session().open(CHECKPOINT)
        session.app.expand_to(3)
        session.app.filter("weight")
        session.settle()
        assert living() > before
        session.views.clear()
        session.app.close(session.tab.id)
        session.settle()
        assert living() == before
    finally:
        gc.enable()
