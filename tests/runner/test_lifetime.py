import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.runner.children import CONFINED, SOURCE, alive, command, gone, start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

BUSY = {
    "sleeps": "time.sleep(60)",
    "holds the GIL in native code": "ctypes.PyDLL(None).sleep(60)",
    "is stopped": "os.kill(os.getpid(), signal.SIGSTOP)",
    "takes no signal": "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64)); time.sleep(60)",
    "waits for a program": "subprocess.run(['sleep', '60'])",
    "waits for a program in a session of its own": "subprocess.run(['sleep', '60'], start_new_session=True)",
    "left a daemon": "os.fork() or (os.setsid(), os.fork() and os._exit(0)); time.sleep(60)",
}
FIRST = CONFINED.format(memory=None, seconds=60) + "import ctypes, signal, subprocess, time\n"
PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(child.pid, child.stdout.read(1).decode(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def orphan(tmp_path):
    """A function that starts a parent with a child running that code, and kills the parent when the child is on its way; the group."""
    groups = []

    def orphaned(code):
        words = [sys.executable, "-c", PARENT, *command(code)]
        parent = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": SOURCE})
        groups.append(int(parent.stdout.readline().split()[0]))
        assert alive(groups[-1])
        parent.kill()
        parent.communicate()
        return groups[-1]

    yield orphaned
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


@pytest.mark.parametrize("busy", BUSY)
def test_that_a_child_and_all_it_started_end_with_a_parent_that_is_killed_while_it(orphan, busy):
    group = orphan(f"{FIRST}os.write(1, b'.'); {BUSY[busy]}")
    assert gone(lambda: not alive(group)), alive(group)


@pytest.mark.parametrize("end", ["os._exit(0)", "os.abort()", "os.kill(os.getpid(), 9)"])
def test_that_what_a_child_started_ends_with_it(tmp_path, end):
    starts = "subprocess.Popen(['sleep', '60'], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)"
    child = start(f"{FIRST}{starts}; os.write(1, b'.'); time.sleep(0.1); {end}", tmp_path)
    assert child.stdout.read(1) == "."
    assert len(alive(child.pid)) == 3, "the child, its guard and its program"
    child.wait(10)
    assert gone(lambda: not alive(child.pid)), alive(child.pid)
    child.communicate()


def test_that_a_child_outlives_the_thread_that_started_it(tmp_path):
    started = []
    thread = threading.Thread(target=lambda: started.append(start(f"{FIRST}print(1, flush=True); time.sleep(60)", tmp_path)))
    thread.start()
    thread.join()
    child = started[0]
    assert child.stdout.readline() == "1\n"
    time.sleep(0.2)
    assert child.poll() is None
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


def test_that_the_guard_holds_no_pipe_and_is_nobodys_child(tmp_path):
    code = f"""{FIRST}
try: os.wait()
except ChildProcessError: print("no child", flush=True)
for number in range(3): os.close(number)
time.sleep(60)
"""
    child = start(code, tmp_path)
    assert child.stdout.read() == "no child\n", "the end of the pipe comes while the child lives"
    assert len(alive(child.pid)) == 2
    os.killpg(child.pid, signal.SIGTERM)
    assert child.wait(5) == -signal.SIGTERM
    assert gone(lambda: not alive(child.pid)), "a guard takes no notice of SIGTERM, and ends with the child"
    child.communicate()


WITHOUT_GUARD = """
import os, time
from ptinspect.runner import lifetime
def refused(*values): raise OSError("no handles here")
lifetime._post_guard = refused
"""


def test_that_without_a_guard_the_kernel_still_ends_the_child(orphan):
    twin = "lifetime._end_after_parent = lambda: None\n"
    group = orphan(f"{WITHOUT_GUARD}{twin}assert 'no handles here' in lifetime.die_with_parent()[0]; os.write(1, b'.'); time.sleep(60)")
    assert gone(lambda: not alive(group))


def test_that_without_either_the_end_of_its_input_ends_the_child_and_takes_no_line_from_it(tmp_path):
    without = f"{WITHOUT_GUARD}lifetime._ask_for_death = lambda parent: None\n"
    child = start(f"{without}lifetime.die_with_parent(); time.sleep(0.2); print(input(), flush=True); time.sleep(60)", tmp_path)
    child.stdin.write("a line\n")
    child.stdin.flush()
    assert child.stdout.readline() == "a line\n"
    assert child.poll() is None
    child.stdin.close()
    assert child.wait(5) == 1
    child.stdout.close()
    child.stderr.close()
