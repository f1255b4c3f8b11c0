"""Real children for the tests of the walls around them: started as the client starts its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ptinspect
from ptinspect.runner.surroundings import environment

SOURCE = str(Path(ptinspect.__file__).parents[1])
CONFINED = """
import json, os, sys
from ptinspect.runner.confinement import confine, die_with_parent
die_with_parent()
confined = confine(os.getcwd(), {memory}, {seconds})
"""


def command(code):
    return [sys.executable, "-P", "-c", code]


def start(code, folder, **more):
    surroundings = environment(str(folder)) | {"PYTHONPATH": SOURCE}
    pipe = subprocess.PIPE
    options = {"stdin": pipe, "stdout": pipe, "stderr": pipe, "cwd": folder, "env": surroundings, "text": True, "start_new_session": True}
    return subprocess.Popen(command(code), **(options | more))


def finished(code, folder, memory=None, seconds=60.0, timeout=120):
    """The status, the lines and the errors of a confined child."""
    child = start(CONFINED.format(memory=memory, seconds=seconds) + code, folder)
    try:
        said, complained = child.communicate(timeout=timeout)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    return child.returncode, said, complained


def told(code, folder, **bounds):
    """What a confined child printed last, as JSON."""
    status, said, complained = finished(code, folder, **bounds)
    assert status == 0, complained[-3000:]
    return json.loads(said.splitlines()[-1])


def alive(group):
    """The processes of a group that have not ended."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            state, _, number = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[:3]
            if int(number) == group and state not in "ZX":
                found.append(int(name))
    return found


def gone(is_gone, within=2.0):
    """Whether it was true in time."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        if is_gone():
            return True
        time.sleep(0.01)
    return False
