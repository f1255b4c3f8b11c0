import importlib.util
import json
import os
import shutil
import signal
import sys

import pytest

from ptinspect.runner import bounds, confinement
from ptinspect.runner.client import run
from ptinspect.runner.landlock import landlock_version
from ptinspect.runner.protocol import FileAsked, Measured, RunRequest
from tests.runner.children import finished, told

pytestmark = pytest.mark.skipif(sys.platform != "linux" or landlock_version() < 6, reason="the walls are those of Linux 6.12")
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")

OUTSIDE = {
    "make a file": "open(there('new'), 'w')",
    "write a file": "open(there('kept'), 'r+')",
    "empty a file by its path": "os.truncate(there('kept'), 0)",
    "make a folder": "os.mkdir(there('folder'))",
    "make a link by name": "os.symlink('/etc/passwd', there('symlink'))",
    "make a pipe": "os.mkfifo(there('pipe'))",
    "remove a file": "os.remove(there('kept'))",
    "remove a folder": "os.rmdir(there('empty'))",
    "rename a file": "os.rename(there('kept'), there('other'))",
    "move a file in": "os.rename(there('kept'), 'mine')",
    "move a file out": "os.rename('own', there('own'))",
    "link a file in": "os.link(there('kept'), 'linked')",
    "write through a link of its own": "os.symlink(there('kept'), 'way out'); open('way out', 'w')",
    "write through a path that climbs": "open('../outside/kept', 'w')",
    "write from a thread": "threaded(lambda: open(there('new'), 'w'))",
    "write from a program it starts": "subprocess.run(['sh', '-c', 'echo x > ' + there('new')], check=True, stderr=subprocess.DEVNULL)",
    "write from a fork": "forked(lambda: open(there('new'), 'w'))",
    "mount something": "subprocess.run(['mount', '-t', 'tmpfs', 'none', there('empty')], check=True, stderr=subprocess.DEVNULL)",
}
NETWORK = {
    "IPv4": "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
    "IPv4 datagrams": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "IPv6": "socket.socket(socket.AF_INET6, socket.SOCK_STREAM)",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "packets": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "a machine's host": "socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
    "a socket of the session by name": "socket.socket(socket.AF_UNIX).connect(there('bus'))",
    "a socket without a file": "socket.socket(socket.AF_UNIX).connect(chr(0) + 'bus')",
    "a datagram to the session": "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "a pair of datagrams": "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)",
    "a ring": "called(425, 8, ctypes.create_string_buffer(256))",
    "IPv4 in a program it starts": "subprocess.run([sys.executable, '-c', 'import socket; socket.socket()'], check=True, stderr=-3)",
}
OTHERS = {
    "signal its parent": "os.kill(os.getppid(), 0)",
    "signal its guard": "os.kill(guard(), 9)",
    "trace its parent": "called(101 if os.uname().machine == 'x86_64' else 117, 16, os.getppid(), 0, 0)",
    "read its parent's memory": "open(f'/proc/{os.getppid()}/mem', 'rb')",
    "become another user": "os.setuid(1) if os.geteuid() == 0 else os.setuid(0)",
    "raise its bound on open memory again": "resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))",
}
INSIDE = {
    "make, write and remove a file": "open('a', 'w').write('x'); os.truncate('a', 0); os.rename('a', 'b'); os.remove('b')",
    "make a folder and move between folders": "os.makedirs('c/d'); open('e', 'w').close(); os.rename('e', 'c/d/e'); os.link('c/d/e', 'f')",
    "make a temporary file": "tempfile.NamedTemporaryFile().write(b'x')",
    "find its home and caches in its folder": "assert os.path.expanduser('~') == tempfile.gettempdir() == os.getcwd()",
    "read what lies outside": "assert open(there('kept')).read() == 'kept'",
    "write to /dev/null": "open('/dev/null', 'w').write('x')",
    "share memory": "m = shared_memory.SharedMemory(create=True, size=4096); m.close(); m.unlink()",
    "hold a pair of sockets": "a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'",
    "hold a pair that keeps messages apart": "socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)",
    "listen in its folder": "s = socket.socket(socket.AF_UNIX); s.bind('listening'); s.listen()",
    "run an event loop": "asyncio.run(asyncio.sleep(0))",
    "start a process": "assert subprocess.run(['true']).returncode == 0",
    "ask for a session of its own, and stay in its group": "os.setsid(); assert os.getpgrp() == os.getpid() == os.getsid(0)",
    "start a process in a session of its own, and keep it": (
        "code = 'import os; print(os.getpgrp())';"
        "assert int(subprocess.check_output([sys.executable, '-c', code], start_new_session=True)) == os.getpgrp()"
    ),
    "signal a process it started": "p = subprocess.Popen(['sleep', '60']); p.kill(); assert p.wait() == -9",
    "raise no bound and dump no core": "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)",
}
ATTEMPTS = """
import asyncio, ctypes, resource, socket, subprocess, tempfile, threading
from multiprocessing import shared_memory
there = lambda name: os.path.join(os.path.dirname(os.getcwd()), "outside", name)
libc = ctypes.CDLL(None, use_errno=True)
def called(*values):
    if libc.syscall(*values) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def threaded(work):
    caught = []
    def run():
        try: work()
        except OSError as error: caught.append(error)
    thread = threading.Thread(target=run); thread.start(); thread.join()
    if caught: raise caught[0]
def forked(work):
    pid = os.fork()
    if not pid:
        try: work(); os._exit(0)
        except OSError: os._exit(1)
    if os.waitpid(pid, 0)[1]: raise PermissionError("in the fork")
def guard():
    for name in filter(str.isdigit, os.listdir("/proc")):
        try: fields = open(f"/proc/{name}/stat").read().rpartition(")")[2].split()
        except OSError: continue
        if int(fields[2]) == os.getpgrp() and int(name) != os.getpid(): return int(name)
found = {}
for name, code in json.loads(sys.stdin.readline()).items():
    try: exec(code); found[name] = ""
    except Exception as error: found[name] = type(error).__name__ + ": " + str(error)
print(json.dumps([found, [confined.memory, confined.time, confined.network, confined.writes, confined.why]]))
"""


@pytest.fixture(scope="module")
def attempts(tmp_path_factory):
    """What came of each attempt, and what the child believed of its walls: one child for them all."""
    base = tmp_path_factory.mktemp("confined")
    (base / "inside").mkdir()
    (base / "outside" / "empty").mkdir(parents=True)
    (base / "outside" / "kept").write_text("kept")
    (base / "inside" / "own").write_text("own")
    asked = repr(json.dumps(OUTSIDE | NETWORK | OTHERS | INSIDE))
    code = ATTEMPTS.replace("sys.stdin.readline()", asked)
    found, confined = told(code, base / "inside", memory=4 << 30)
    yield found, confined
    assert (base / "outside" / "kept").read_text() == "kept"
    assert sorted(os.listdir(base / "outside")) == ["empty", "kept"]


@pytest.mark.parametrize("what", [*OUTSIDE, *NETWORK, *OTHERS])
def test_that_a_confined_child_cannot(attempts, what):
    refusal = attempts[0][what]
    refusals = ("PermissionError", "OSError", "CalledProcessError", "ValueError: not allowed to raise")
    assert refusal.startswith(refusals), refusal or "it could"


@pytest.mark.parametrize("what", INSIDE)
def test_that_a_confined_child_still_can(attempts, what):
    assert not attempts[0][what]


def test_that_a_confined_child_knows_what_holds_and_says_what_does_not(attempts):
    memory, lasts, network, writes, why = attempts[1]
    assert [memory, lasts, network, writes] == [True] * 4
    assert [sentence for sentence in why if "rights, owner and times" in sentence]


def test_that_memory_past_the_bound_is_a_memory_error_and_not_the_end(tmp_path):
    code = """
try: block = bytearray(1 << 30)
except MemoryError: block = b""
print(json.dumps([len(block), confined.memory, len(bytearray(64 << 20))]))
"""
    assert told(code, tmp_path, memory=512 << 20) == [0, True, 64 << 20]


def test_that_addresses_kept_free_do_not_count_as_memory(tmp_path):
    """What CUDA does: hundreds of gigabytes of addresses that hold nothing."""
    code = """
import ctypes, mmap
libc = ctypes.CDLL(None); libc.mmap.restype = ctypes.c_long
print(json.dumps(libc.mmap(None, ctypes.c_size_t(256 << 30), 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, -1, 0) > 0))
"""
    assert told(code, tmp_path, memory=512 << 20) is True


def test_that_processor_time_past_the_bound_ends_the_child(tmp_path):
    code = """
import resource
soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
assert 30 <= soft <= 30 + 2 * os.cpu_count() + 5, soft
resource.setrlimit(resource.RLIMIT_CPU, (1, hard))
while True: pass
"""
    status, _, _ = finished(code, tmp_path, seconds=2.0)
    assert status == -signal.SIGXCPU


def test_that_a_crash_leaves_no_core(tmp_path):
    status, _, _ = finished("os.abort()", tmp_path)
    assert status == -signal.SIGABRT
    assert os.listdir(tmp_path) == []


def test_that_without_a_bound_on_memory_the_child_says_so(tmp_path):
    memory, why = told("print(json.dumps([confined.memory, confined.why]))", tmp_path)
    assert memory is False
    assert "memory is not bounded: no bound was asked for" in why


@pytest.mark.parametrize(
    ("missing", "lost", "sentence"),
    [
        ("landlock_version=lambda: 0", "writes", "this kernel has no Landlock, or the container forbids it"),
        ("restrict_writes=refused", "writes", "files outside the folder can be written: not on this processor"),
        ("refuse_calls=refused", "network", "the network is open: not on this processor"),
        ("refuse_calls=refused", "network", "TCP is refused, all else of the network is open"),
        ("keep_read_capability_alone=refused", "", "the process keeps the rights of root: not on this processor"),
    ],
)
def test_that_a_wall_the_system_lacks_is_told_and_the_run_goes_on(tmp_path, missing, lost, sentence):
    """In a child of its own, because the walls that do stand could not be taken down again."""
    code = f"""
from ptinspect.runner import confinement
def refused(*values): raise OSError("not on this processor")
confinement.__dict__.update({missing})
confined = confinement.confine(os.getcwd(), 1 << 30, 5)
print(json.dumps([[name for name in ("time", "network", "writes") if not getattr(confined, name)], confined.why]))
"""
    gaps, why = told(code, tmp_path)
    assert gaps == [lost] * bool(lost)
    assert any(said.endswith(sentence) for said in why)


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_that_another_system_is_told_what_it_lacks(tmp_path, monkeypatch, system):
    monkeypatch.setattr(confinement.sys, "platform", system)
    monkeypatch.setattr(bounds, "_lower", lambda *bounds: None)
    confined = confinement.confine(str(tmp_path), 1 << 30, 5)
    assert (confined.memory, confined.network, confined.writes) == (False, False, False)
    assert any("the network and files outside the folder are open" in sentence for sentence in confined.why)


def test_that_threads_which_ran_before_are_named_and_writes_are_not_said_to_be_held(tmp_path):
    code = """
import threading
from ptinspect.runner.confinement import confine
from ptinspect.runner.client import run
from ptinspect.runner.landlock import landlock_version
from ptinspect.runner.protocol import FileAsked, Measured, RunRequest
threading.Thread(target=threading.Event().wait, daemon=True).start()
again = confine(os.getcwd(), 1 << 30, 5)
print(json.dumps([again.writes, landlock_version() >= 8, again.why]))
"""
    writes, can_hold_all, why = told(code, tmp_path)
    assert writes is can_hold_all
    assert writes or "files outside the folder can be written: 1 threads were running before" in why


def test_that_the_child_of_a_run_stands_within_every_wall(tmp_path):
    """It confines itself before anything starts a thread, torch or its own listening."""
    events = run(RunRequest(FileAsked(str(tmp_path / "none.pt"), (0, 0, 0, 0))))
    walls = next(event.value for event in events if isinstance(event, Measured) and event.name == "confined")
    events.close()
    assert {name for name, holds in walls.items() if holds is True} == {"memory", "time", "network", "writes"}


@needs_torch
@pytest.mark.parametrize("first", ["confined", pytest.param("torch", marks=pytest.mark.slow)])
def test_that_a_model_runs_on_the_processor_in_bounds(tmp_path, first):
    code = """
import torch
model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(4))
shape = list(model(torch.randn(2, 3, 32, 32)).shape)
try: torch.zeros(1 << 31)
except RuntimeError as error: said = str(error)
print(json.dumps([shape, "allocate memory" in said]))
"""
    if first == "torch":
        code = "from ptinspect.runner.confinement import confine\nimport torch\nconfine(os.getcwd(), 2 << 30, 60)\n" + code
    assert told(code, tmp_path, memory=2 << 30 if first == "confined" else None) == [[2, 4], True]


@pytest.mark.slow
@needs_torch
@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no compiler")
def test_that_a_compiled_model_is_compiled_inside_the_folder(tmp_path):
    code = """
import torch
print(json.dumps([torch.compile(lambda x: x.sin() + x)(torch.zeros(100)).tolist() == [0.0] * 100, os.path.isdir("inductor")]))
"""
    assert told(code, tmp_path, seconds=300) == [True, True]


def test_that_memory_too_small_for_torch_is_told() -> None:
    request = RunRequest(FileAsked("model.pt", (0, 0, 0, 0)), memory=60 << 20)
    end = list(run(request))[-1]
    assert getattr(end, "message", "") == "60 MB of memory are too few to start torch in"
