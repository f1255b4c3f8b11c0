"""Files that would do harm if they were loaded, opened in the window: shown as data, with every page, and nothing happens."""

from __future__ import annotations

import pytest

from ptinspect.session.views import DocumentView, TroubleView
from tests import corpus

HOSTILE = [row for row in corpus.rows() if row.hostile in ("code", "damaged", "notfile")][::6]


@corpus.needs_corpus
@pytest.mark.parametrize("row", HOSTILE, ids=lambda row: row.id)
def test_that_a_hostile_file_is_shown_and_not_run(opened, qtbot, row: corpus.Row) -> None:
    window = opened(row.path)
    page = window.application.view.page
    assert isinstance(page, DocumentView | TroubleView)
    if isinstance(page, DocumentView):
        assert row.hostile != "code" or page.safety.tone in ("warn", "danger")
        for name in ("safety", "code", "training", "tensor"):
            window.application.inspect(name)
    assert not window.grab().isNull()
    assert window.application.state.message is None
