"""A whole process under Python's audit hook: while hostile files are opened, nothing is imported that they name, nothing is
started, reached, written, or opened but the files themselves and what Python and ptinspect are made of.

The hook is set before the first line of ptinspect runs, and cannot be removed. The child also puts a trap in the way of every
import: whatever a payload would import by name is a module of its folder that leaves a marker.
"""

from __future__ import annotations

import base64
import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.attacks.payloads import P4, SYSTEM, call, name, pickled, raw, short, text
from tests.corpus import needs_corpus, rows

SRC = Path(__file__).parents[1] / "src"

WATCH = r"""
import json, os, sys, sysconfig

source, *files = json.loads(sys.stdin.read())
resources = os.path.join(os.path.dirname(source), "resources")
homes = [os.path.realpath(p) for p in {source, resources, sys.base_prefix, sys.prefix, *sysconfig.get_paths().values()}]
allowed = {os.path.realpath(os.fsencode(p)) for p in files}
seen, listening = [], True

def of_python(path):
    real = os.path.realpath(os.fsdecode(path))
    return any(real == home or real.startswith(home + os.sep) for home in homes)

def look(event, args):
    global listening
    if not listening:
        return
    if event in ("open", "os.listdir", "os.scandir"):
        path, flags = args[0], args[2] if event == "open" else 0
        listening = False
        try:
            if isinstance(path, int) and event != "open":
                return
            writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))
            known = isinstance(path, (str, bytes)) and (of_python(path) or os.path.realpath(os.fsencode(path)) in allowed)
            if writes or not known:
                seen.append(f"{event} {path!r} {flags:#o}")
        finally:
            listening = True
    elif event == "import":
        modules.append(args[0])
    elif event.startswith(FORBIDDEN):
        seen.append(f"{event} {args!r:.300}")

FORBIDDEN = (
    "subprocess.", "socket.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "os.remove", "os.rename",
    "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.putenv", "os.unsetenv", "os.utime",
    "os.kill", "os.setxattr", "shutil.", "ctypes.", "pickle.", "mmap.", "urllib.", "http.", "ftplib.", "smtplib.", "imaplib.", "poplib.",
    "telnetlib.", "webbrowser.", "sqlite3.", "code.__new__", "function.__new__", "pty.", "fcntl.", "signal.", "tempfile.", "glob.",
    "builtins.input", "builtins.breakpoint", "cpython.run_", "sys.setprofile", "sys.settrace", "sys._current_frames", "syslog.", "gc.",
)
modules, before = [], set(sys.modules)
sys.addaudithook(look)
from ptinspect.cli.main import main

statuses = []
for path in files:
    for command in (["info"], ["info", "--json"], ["tree"], ["tree", "--json"], ["scan"], ["scan", "--json"]):
        try:
            statuses.append(main([command[0], path, *command[1:]]))
        except BaseException as error:
            seen.append(f"{command} {path!r}: {type(error).__name__} {error}")
listening = False
loaded = sorted({*sys.modules, *modules} - before - {""})
known = {"ptinspect", "org", *sys.stdlib_module_names, *(module.partition(".")[0] for module in before)}  # copy.py asks for Jython's org
strange = sorted({module.partition(".")[0] for module in loaded} - known)
sys.__stdout__.flush()
sys.__stderr__.write("\n" + json.dumps({"seen": seen, "strange": strange, "loaded": loaded, "statuses": statuses}))
"""

# Loaded by Python itself or by what argparse, json and zlib need; anything else of the standard library that can act is not.
NEVER = set(
    "subprocess socket ssl _socket urllib.request http.client ctypes _ctypes pickle _pickle marshal.loads shelve mmap multiprocessing"
    " webbrowser ftplib smtplib sqlite3 runpy pdb pty code codeop doctest timeit profile cProfile trace tempfile tarfile asyncio"
    " torch numpy torchvision rich PySide6 safetensors site_trap".split()
)


def watched(paths: list[Path], folder: Path) -> tuple[dict, list[str]]:
    """Run every command on every file in one process; what the hook saw, and what lies in its folder afterwards."""
    work = folder / "work"
    work.mkdir()
    for module in ("site_trap", "models", "evil", "mine"):
        (work / f"{module}.py").write_text(f"open({str(work / 'MARKER')!r}, 'w').close()\n")
    before = sorted(os.listdir(work))
    request = json.dumps([str(SRC), *map(str, paths)])
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    env |= {"PYTHONPATH": os.pathsep.join((str(SRC), str(work))), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(work), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-c", WATCH], input=request, cwd=work, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert "Traceback" not in done.stderr
    return json.loads(done.stderr.rpartition("\n")[2]), sorted(set(os.listdir(work)) - set(before))


def assert_inert(paths: list[Path], folder: Path) -> dict:
    found, left = watched(paths, folder)
    assert found["seen"] == []
    assert found["strange"] == []
    assert left == []
    assert NEVER.isdisjoint(found["loaded"]), NEVER & set(found["loaded"])
    assert len(found["statuses"]) == 6 * len(paths)
    return found


def payloads() -> dict[str, bytes]:
    """S-01 to S-20, as plain pickles; the zip and legacy forms are made of them."""
    inner = pickled(call("posix", "system", text("touch MARKER")))
    frame = b"\x95" + struct.pack("<Q", 3)
    eval_ = call("builtins", "eval", text("open('MARKER', 'w')"))
    built = name("numpy", "size") + name("numpy", "__builtins__") + b"b"
    return {
        "S-01 system": SYSTEM,
        "S-01 eval": pickled(eval_),
        "S-01 a module of the folder": pickled(call("evil", "run", text("x")) + name("models", "Net") + b")\x81"),
        "S-05 then broken": P4 + call("os", "system", text("touch MARKER")) + b"\xff\xff",
        "S-08 numpy's runstring": pickled(call("numpy.testing._private.utils", "runstring", text("open('MARKER','w')"), b"}")),
        "S-09 runpy": pickled(call("runpy", "run_path", text("evil.py")) + call("importlib", "import_module", text("evil"))),
        "S-10 a file": pickled(call("_io", "FileIO", text("MARKER"), text("w")) + call("logging", "FileHandler", text("MARKER"))),
        "S-10 the network": pickled(call("urllib.request", "urlopen", text("http://127.0.0.1:9/x"))),
        "S-10 object and pop": pickled(b"(" + name("smtplib", "SMTP") + text("127.0.0.1") + b"o0N"),
        "S-11 dotted": pickled(short("pathlib") + short("os.system") + b"\x93" + text("touch MARKER") + b"\x85R", P4),
        "S-12 inst": pickled(b"(" + text("touch MARKER") + b"ios\nsystem\n"),
        "S-12 registry": pickled(b"\x82\x05)R"),
        "S-12 persistent": pickled(call("os", "system", text("touch MARKER")) + b"Q"),
        "S-13 build": pickled(built),
        "S-14 frame": P4 + frame + name("os", "system") + frame + short("touch MARKER") + b"\x85R.",
        "S-15 stacked": pickled(b"}") + pickled(b"]") + inner,
        "S-16 nested bytes": pickled(raw(inner)),
        "S-16 nested base64": pickled(text(base64.b64encode(inner).decode())),
        "S-16 loaders": pickled(call("pickle", "loads", raw(inner)) + call("torch", "load", text("evil.pt"))),
        "S-16 torch's own loader": pickled(call("torch.storage", "_load_from_bytes", raw(inner))),
        "S-21 hash": pickled(b"}" + b")q\x00" + b"".join(b"h" + bytes((i,)) + b"\x86q" + bytes((i + 1,)) for i in range(60)) + b"K\x01s"),
        "S-27 laughs": pickled(b"]" + b"".join(b"q\x00(" + b"h\x00" * 10 + b"l" for _ in range(39))),
        "S-28 deep": pickled(b"]" * 5_000 + b"a" * 4_999),
        "S-29 a cycle": pickled(b"]q\x00h\x00a"),
        "S-30 memo": pickled(b"Nr\xff\xff\xff\x7f"),
        "S-32 keys": pickled(b"}(" + text("\x1b]0;x\x07\u202e\n../../etc/passwd") + text("<img src=x>") + b"u"),
        "a path to open": pickled(call("builtins", "open", call("pathlib", "PosixPath", text("/etc/passwd")))),
        "getattr": pickled(call("builtins", "getattr", name("os", "path"), text("join"))),
    }  # fmt: skip


def in_zip(payload: bytes) -> bytes:
    """The same pickle as torch.save's own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, data in (
            ("data.pkl", payload),
            ("byteorder", b"little"),
            ("data/0", payload),
            ("version", b"3\n"),
            ("config.p", payload),
        ):
            archive.writestr(f"archive/{member}", data)
    return buffer.getvalue()


def in_legacy(payload: bytes) -> bytes:
    """Magic number, protocol and system info before it, no storages after it."""
    magic = pickled(b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19")
    return magic + pickled(b"M\xe9\x03") + pickled(b"}") + payload + pickled(b"]")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("hostile")
    for title, payload in payloads().items():
        for form, wrap in (("pkl", bytes), ("zip.pt", in_zip), ("legacy.pt", in_legacy)):
            (folder / f"{title.replace(' ', '-')}.{form}").write_bytes(wrap(payload))
    return sorted(folder.iterdir())


def test_that_hostile_files_are_read_and_nothing_else_happens(hostile: list[Path], tmp_path: Path) -> None:
    """S-01, S-05, S-08 to S-16, S-21, S-27 to S-32: as plain pickles, in zips, in legacy streams."""
    found = assert_inert(hostile, tmp_path)
    assert 1 in found["statuses"]
    assert 0 in found["statuses"]


class Net(nn.Module):
    """Its class is here and not on the child's path: a file that names it must not need it."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)


def test_that_honest_files_need_nothing_more(tmp_path: Path) -> None:
    """Pickled models, TorchScript, training states: the window shows them without torch, numpy or rich."""
    model = Net()
    torch.save(model, tmp_path / "model.pt")
    torch.save({"model": model.state_dict(), "opt": torch.optim.Adam(model.parameters()).state_dict()}, tmp_path / "checkpoint.pt")
    torch.save(OrderedDict(model.state_dict()), tmp_path / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.jit.script(nn.Linear(2, 2)).save(tmp_path / "script.pt")
    found = assert_inert(sorted(tmp_path.glob("*.pt")), tmp_path)
    assert set(found["statuses"]) == {0, 1}


def test_that_the_hook_sees_what_it_should(tmp_path: Path) -> None:
    """The guard itself: a file that is not there is looked for, and a process that would import torch is caught."""
    assert {"seen", "strange", "loaded"} <= watched([tmp_path / "missing.pt"], tmp_path)[0].keys()
    deeds = "import site_trap, subprocess; open('MARKER2', 'w').close(); subprocess.run(['true'])"
    probe = WATCH.replace("statuses = []", f"statuses = []; {deeds}")
    (tmp_path / "site_trap.py").write_text("")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(SRC), str(tmp_path)))}
    request = json.dumps([str(SRC)])
    done = subprocess.run([sys.executable, "-c", probe], input=request, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    found = json.loads(done.stderr.rpartition("\n")[2])
    assert found["strange"] == ["site_trap"]
    assert any("MARKER2" in event for event in found["seen"])
    assert any(event.startswith("subprocess.Popen") for event in found["seen"])


@needs_corpus
def test_that_hostile_files_of_the_corpus_are_inert(tmp_path: Path) -> None:
    """Real malicious samples and other scanners' test files, read in place."""
    paths = [row.path for row in rows() if row.hostile not in ("no", "") and row.path.stat().st_size < 1 << 20]
    assert paths
    assert_inert(paths, tmp_path)
