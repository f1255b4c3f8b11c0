"""One door for background work: the newest task of a slot counts, and what comes late is dropped."""

from __future__ import annotations

import threading
import time

import pytest

from ptinspect.errors import Corrupt
from ptinspect.session.mailbox import Mailbox
from ptinspect.session.tasks import Tasks


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def settle(tasks: Tasks, mailbox: Mailbox) -> None:
    end = time.monotonic() + 10
    while tasks.slots or mailbox.calls:
        while mailbox.calls:
            mailbox.calls.popleft()()
        assert time.monotonic() < end
        time.sleep(0.001)


def test_that_work_runs_elsewhere_and_its_result_comes_here(mailbox: Mailbox) -> None:
    tasks, found = Tasks(mailbox.post), []
    tasks.run("a", lambda _: threading.current_thread(), lambda thread: found.append((thread, threading.current_thread())), found.append)
    settle(tasks, mailbox)
    [(worker, receiver)] = found
    assert worker is not receiver is threading.main_thread()


def test_that_a_new_task_stops_the_old_one_whose_result_is_dropped(mailbox: Mailbox) -> None:
    tasks, found, noticed = Tasks(mailbox.post), [], threading.Event()
    started = threading.Event()

    def slow(context) -> str:
        started.set()
        while not context.is_cancelled:
            time.sleep(0.001)
        noticed.set()
        return "old"

    tasks.run("a", slow, found.append, found.append)
    assert started.wait(5)
    tasks.run("a", lambda _: "new", found.append, found.append)
    settle(tasks, mailbox)
    assert noticed.wait(5)
    time.sleep(0.02)
    settle(tasks, mailbox)
    assert found == ["new"]


def test_that_cancelled_work_leaves_without_a_word(mailbox: Mailbox) -> None:
    tasks, found = Tasks(mailbox.post), []

    def work(context) -> None:
        while True:
            context.raise_if_cancelled()
            time.sleep(0.001)

    tasks.run("a", work, found.append, found.append)
    tasks.cancel_all(wait=5)
    settle(tasks, mailbox)
    assert found == []
    assert not [thread for thread in threading.enumerate() if thread.name == "ptinspect a"]


@pytest.mark.parametrize("error", [Corrupt("broken", "try another"), ZeroDivisionError()])
def test_that_a_failure_comes_as_the_error_it_is(mailbox: Mailbox, error: Exception) -> None:
    tasks, found = Tasks(mailbox.post), []

    def work(_) -> None:
        raise error

    tasks.run("a", work, lambda _: found.append("done"), found.append)
    settle(tasks, mailbox)
    assert found == [error]


def test_that_progress_is_told_in_order_and_only_of_the_newest(mailbox: Mailbox) -> None:
    tasks, told = Tasks(mailbox.post), []

    def work(context) -> None:
        for step in range(3):
            context.progress(step / 3, str(step))

    tasks.run("a", work, lambda _: None, told.append, lambda share, text: told.append(text))
    settle(tasks, mailbox)
    assert told == ["0", "1", "2"]
