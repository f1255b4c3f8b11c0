"""What a closed file leaves behind goes, all of it, and nothing that others hold."""

from __future__ import annotations

import weakref

from ptinspect.session import freeing
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
