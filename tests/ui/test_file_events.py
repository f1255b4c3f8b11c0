"""Files that macOS hands over by events; a program has one application, so each is tried in a process of its own."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
from PySide6.QtCore import QEvent
from PySide6.QtGui import QFileOpenEvent
from ptinspect.ui.file_events import Program
program, got = Program(["ptinspect"]), []
send = lambda event: Program.sendEvent(program, event)
assert send(QFileOpenEvent("/tmp/early.pt"))
program.hand_files_to(got.append)
send(QFileOpenEvent("/tmp/a name.pt"))
send(QEvent(QEvent.Type.User))
print(got)
"""


def test_that_files_of_the_system_are_opened_also_those_that_came_before_the_window() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout.strip() == "[['/tmp/early.pt'], ['/tmp/a name.pt']]", ended.stderr
