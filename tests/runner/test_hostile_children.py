import contextlib
import os
import resource
import signal
import stat
import sys
import time

import pytest

from ptinspect.errors import RunProblem
from ptinspect.runner.client import Patience, run
from ptinspect.runner.protocol import MOST_TEXT, Cancelled, Crashed, Failed, FileAsked, Finished, Progress, RunRequest, is_end
from tests.runner.children import SOURCE, alive, gone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

HURRY = Patience(asked=0.2, told=0.2, last=0.4)
FINISHED = '{"event": "Finished", "seconds": 1.0}'
PROGRESS = '{"event": "Progress", "stage": "pass", "done": 1, "total": 2, "figures": {}}'
FIRST = f"""
import json, os, signal, subprocess, sys, threading, time
open(sys.argv[1], "w").write(str(os.getpid()))
say = lambda line: (sys.stdout.write(line + "\\n"), sys.stdout.flush())
finished, progress = {FINISHED!r}, {PROGRESS!r}
"""
WALLS = f"""
sys.path.insert(0, {SOURCE!r})
from ptinspect.runner.confinement import confine, die_with_parent
die_with_parent(); confine(os.getcwd(), 256 << 20, 5)
"""


class Hostile:
    """Runs a child that does not keep to what was agreed: its events, and how long they took."""

    def __init__(self, folder):
        self.pids, self.script, self.python = (str(folder / name) for name in ("pids", "script.py", "python"))
        self.seconds = 0.0

    def events(self, code, is_cancelled=lambda: False, seconds=60.0, patience=HURRY):
        with open(self.script, "w", encoding="utf-8") as file:
            file.write(FIRST + code)
        with open(self.python, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nexec '{sys.executable}' '{self.script}' '{self.pids}'\n")
        os.chmod(self.python, stat.S_IRWXU)
        began = time.monotonic()
        found = list(run(RunRequest(FileAsked("model.pt", (0, 0, 0, 0)), seconds=seconds), is_cancelled, self.python, patience))
        self.seconds = time.monotonic() - began
        assert [is_end(event) for event in found] == [False] * (len(found) - 1) + [True]
        return found

    def group(self):
        with open(self.pids, encoding="utf-8") as file:
            return int(file.read())


@pytest.fixture
def hostile(tmp_path):
    found = Hostile(tmp_path)
    yield found
    if os.path.exists(found.pids):
        left = not gone(lambda: not alive(found.group()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(found.group(), signal.SIGKILL)
        assert not left, "something of the child is left"


ENDS = {
    "finishes": ("say(progress); say(finished)", Finished, ""),
    "fails": ('say(json.dumps({"event": "Failed", "type": "OutOfMemory", "message": "no memory"}))', Failed, "no memory"),
    "says nothing": ("", Crashed, "ended without an answer"),
    "ends with a status": ("say(progress); os._exit(3)", Crashed, "ended with status 3"),
    "aborts": ("say(progress); os.abort()", Crashed, "SIGABRT"),
    "reads where there is nothing": ("import ctypes; ctypes.string_at(0)", Crashed, "SIGSEGV"),
    "is killed": ("os.kill(os.getpid(), signal.SIGKILL)", Crashed, "was killed"),
    "raises": ("raise ValueError('broken model')", Crashed, "status 1 before anything ran: ValueError: broken model"),
    "is no Python of ours": ("print('Unknown option: -P', file=sys.stderr); sys.exit(2)", Crashed, "anything ran: Unknown option: -P"),
    "says nonsense": ("say('model loaded!')", Crashed, "no answer"),
    "says bytes": ("sys.stdout.buffer.write(bytes(range(256)) * 99)", Crashed, "no answer"),
    "says JSON that is no event": ("say('[[[]]]')", Crashed, "no answer"),
    "says an unknown event": ('say(\'{"event": "Unpickled"}\')', Crashed, "no answer"),
    "says an event with a field too many": ("say(finished[:-1] + ', \"more\": 1}')", Crashed, "no answer"),
    "says a crash, which only we may": ('say(\'{"event": "Crashed", "message": "x"}\')', Crashed, "no answer"),
    "says brackets without end": ("say('[' * 4_000_000)", Crashed, "no answer"),
    "ends within a line": ("sys.stdout.write(finished)", Crashed, "no answer"),
    "finishes and lives on": ("say(finished); time.sleep(60)", Finished, ""),
    "goes on after its end": ("say(finished)\nwhile True: say(progress)", Finished, ""),
    "prints on the other stream without end": (
        "threading.Timer(0.3, lambda: say(finished)).start()\nwhile True: os.write(2, b'x' * 65536)",
        Finished,
        "",
    ),
    "closes its pipe and lives on": ("os.close(1); time.sleep(60)", Crashed, "fell silent"),
    "closes every pipe and lives on": ("for number in range(3): os.close(number)\ntime.sleep(60)", Crashed, "fell silent"),
    "ends and leaves a process": ("subprocess.Popen(['sleep', '60']); os._exit(3)", Crashed, "status 3"),
    "eats memory inside its walls": (WALLS + "block = []\nwhile True: block.append(bytearray(1 << 24))", Crashed, "status 1"),
    "leaves a daemon inside its walls": (
        WALLS + "os.fork() or (os.setsid(), os.fork() and os._exit(0), time.sleep(60)); os._exit(3)",
        Crashed,
        "status 3",
    ),
}


@pytest.mark.parametrize("what", ENDS)
def test_that_the_run_has_one_end_where_the_child(hostile, what):
    code, kind, said = ENDS[what]
    end = hostile.events(code)[-1]
    assert type(end) is kind
    assert said in (end.message if said else said)
    assert hostile.seconds < 5


def test_that_what_a_child_told_before_it_crashed_is_kept_and_its_last_output_too(hostile):
    first, end = hostile.events("say(progress); print('last words', file=sys.stderr, flush=True); os.abort()")
    assert first == Progress("pass", 1, 2, {})
    assert end.output == "last words\n"


@pytest.mark.slow
def test_that_gigabytes_of_output_leave_its_end_alone(hostile):
    end = hostile.events("for _ in range(4000): os.write(2, b'x' * (1 << 16))\nos.write(2, b'the end'); os.abort()")[-1]
    assert end.output.endswith("xthe end")
    assert len(end.output) <= MOST_TEXT


FLOODS = {
    "one line": "while True: os.write(1, b'x' * 65536)",
    "lines": "while True: os.write(1, (progress + chr(10)).encode() * 500)",
    "long lines": "line = (progress[:-1] + ' ' * (7 << 20) + '}' + chr(10)).encode()\nwhile True: sys.stdout.buffer.write(line)",
}


@pytest.mark.slow
@pytest.mark.parametrize("flood", FLOODS)
def test_that_a_flood_ends_the_run_in_bounded_memory(hostile, flood):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = hostile.events(FLOODS[flood], seconds=2.0)[-1]
    assert type(end) is Crashed
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 600 << 10, f"{grown >> 10} MB"
    assert hostile.seconds < 10


HANGS = {
    "sleeps": "time.sleep(60)",
    "counts": "while True: pass",
    "holds the GIL": "import ctypes; ctypes.PyDLL(None).sleep(60)",
    "takes no signal": "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64)); time.sleep(60)",
    "is stopped": "os.kill(os.getpid(), signal.SIGSTOP)",
    "leaves its pipe to a process": "subprocess.Popen(['sleep', '60']); time.sleep(60)",
}


@pytest.mark.parametrize("hang", HANGS)
def test_that_a_child_is_stopped_that_hangs_because_it(hostile, hang):
    asked = []

    def is_cancelled():
        asked.append(time.monotonic())
        return len(asked) > 5

    assert hostile.events("say(progress)\n" + HANGS[hang], is_cancelled)[-1] == Cancelled()
    assert hostile.seconds < 3


def test_that_a_run_past_its_time_is_ended(hostile):
    end = hostile.events("say(progress); time.sleep(60)", seconds=0.5)[-1]
    assert "stopped after" in end.message
    assert hostile.seconds < 3


@pytest.mark.slow
def test_that_a_process_which_left_the_group_with_the_pipe_cannot_hold_the_run(hostile):
    """Where no call filter keeps it in the group: other systems than Linux."""
    code = "left = subprocess.Popen(['sleep', '5'], start_new_session=True); say(progress); os._exit(3)"
    end = hostile.events(code)[-1]
    assert type(end) is Crashed
    assert hostile.seconds < 3


def test_that_a_listener_who_goes_leaves_no_child(hostile):
    hostile.events("say(finished)")
    with open(hostile.script, "a", encoding="utf-8") as file:
        file.write("\nwhile True: say(progress)\n")
    events = run(RunRequest(FileAsked("model.pt", (0, 0, 0, 0))), python=hostile.python, patience=HURRY)
    next(events)
    events.close()
    assert gone(lambda: not alive(hostile.group()))


def test_that_a_python_that_is_none_is_a_sentence(tmp_path):
    with pytest.raises(RunProblem, match="cannot be started"):
        list(run(RunRequest(FileAsked("model.pt", (0, 0, 0, 0))), python=str(tmp_path / "none")))
