"""The program as a process: exit status, two lines for every error, no traceback whatever the terminal, the pipe or the disk does."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ptinspect import __version__, resources
from ptinspect.cli.main import COMMANDS, main
from tests.attacks.payloads import pickled, text

SRC = Path(__file__).parents[2] / "src"
PYTHON = [sys.executable, "-m", "ptinspect"]
ASCII = (
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1:strict"},
)
FILE_COMMANDS = ("info", "tree", "scan")
posix = pytest.mark.skipif(os.name != "posix", reason="pipes, devices and signals of POSIX")


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
    return kept | {"PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"} | more


def call(*arguments: str | bytes, **options) -> subprocess.CompletedProcess[bytes]:
    env = environment(**options.pop("env", {}))
    return subprocess.run([*PYTHON, *arguments], env=env, timeout=60, check=False, **{"capture_output": True, **options})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small file with a name and keys that no ASCII terminal can spell."""
    path = tmp_path / "größe-重み.pkl"
    path.write_bytes(pickled(b"}(" + text("größe") + b"K\x01" + text("重み\x1b[31m") + b"K\x02u"))
    return path


def assert_two_lines(err: bytes) -> None:
    assert b"Traceback" not in err, err
    assert err.count(b"\n") == 2
    assert err.endswith(b"\n")
    assert all(line.isprintable() and line for line in err.decode("utf-8", "replace").splitlines())


# -- how it is called ---------------------------------------------------------------------------------------------------------


def test_that_version_and_help_answer_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ptinspect {__version__}\n"
    for arguments in (["--help"], ["-h"], *([command, "--help"] for command in COMMANDS)):
        assert main(arguments) == 0
        out, err = capsys.readouterr()
        assert out.startswith("usage: ptinspect")
        assert err == ""


@pytest.mark.parametrize(
    "arguments", [["frob"], ["\x1b[31mfrob\n"], ["info"], ["info", "a", "\x1b[31mb"], ["scan"], ["tree", "a", "--depth", "x"]]
)
@pytest.mark.parametrize("as_json", [False, True])
def test_that_a_wrong_call_is_an_error_like_others(capsys: pytest.CaptureFixture[str], arguments: list[str], as_json: bool) -> None:
    assert main([*arguments, *(["--json"] if as_json else [])]) == 2
    out, err = capsys.readouterr()
    assert_two_lines(err.encode())
    assert_error(out) if as_json else None
    assert as_json or out == ""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
@pytest.mark.parametrize("arguments", [[], ["model.pt"], ["--benchmark-open", "model.pt"]])
def test_that_without_a_screen_the_window_says_so_in_two_lines(tmp_path: Path, arguments: list[str]) -> None:
    env = {"PTINSPECT_CONFIG": str(tmp_path), "DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    done = call(*arguments, env=env)
    assert (done.returncode, done.stdout) == (2, b"")
    assert_two_lines(done.stderr)
    assert b"ptinspect info FILE" in done.stderr


def assert_error(out: str) -> None:
    found = json.loads(out)
    assert found["schema"] == 1
    assert all(found["error"][field] for field in ("type", "message", "hint"))


# -- bad input ----------------------------------------------------------------------------------------------------------------


def bad_paths(folder: Path) -> dict[str, Path | str]:
    """What is no file to read, by what is wrong with it."""
    made: dict[str, Path | str] = {name: folder / name for name in ("missing.pt", "folder", "fifo", "socket", "loop", "empty")}
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo")
    os.symlink("loop", folder / "loop")
    (folder / "empty").touch()
    listening = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(folder)  # a socket's path is short
    listening.bind("socket")
    os.chdir(here)
    listening.close()
    made |= {"device": "/dev/zero", "terminal": "/dev/tty", "nothing": "", "NUL": "a\0b", "long": "x" * 5_000}
    made |= {"control characters": folder / "a\n\x1b[31m\rb.pt", "no UTF-8": os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.pt")}
    made |= {"below a file": folder / "empty" / "x", "a dash": "-", "dots": folder / ".." / "nope" / "x"}
    return made


BAD = ["missing.pt", "folder", "fifo", "socket", "loop", "empty", "device", "terminal", "nothing", "NUL", "long", "control characters"]


@posix
@pytest.mark.parametrize("what", [*BAD, "no UTF-8", "below a file", "a dash", "dots"])
def test_that_what_is_no_file_is_one_error_of_two_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    path = str(bad_paths(tmp_path)[what])
    for command in FILE_COMMANDS:
        assert main([command, path]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert_two_lines(err.encode("utf-8"))
        assert main([command, path, "--json"]) == 2
        out, err = capsys.readouterr()
        assert_two_lines(err.encode("utf-8"))
        if command == "scan":  # one document for all files, each with its own error
            found = json.loads(out)["files"][0]
        else:
            assert_error(out)
            found = json.loads(out)
        assert found["path"] == path
        assert found["error"]["hint"]


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_that_a_file_without_permission_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "closed.pt"
    path.write_bytes(b"x")
    path.chmod(0)
    assert main(["info", str(path)]) == 2
    assert_two_lines(capsys.readouterr().err.encode())


@posix
@pytest.mark.parametrize("env", [{}, *ASCII], ids=str)
def test_that_names_of_any_bytes_open_and_fail_alike(tmp_path: Path, env: dict[str, str]) -> None:
    """A Linux file name is bytes; JSON gives back what was given."""
    path = os.fsencode(tmp_path) + b"/\xffodd\n\x1b[31m.pkl"
    with open(path, "wb") as file:
        file.write(pickled(b"N"))
    done = call("info", path, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\x1b" not in done.stdout
    found = json.loads(call("info", path, "--json", env=env).stdout)
    assert os.fsencode(found["path"]) == path or env.get("LC_ALL") == "C"
    missing = call("info", path + b"x", env=env)
    assert (missing.returncode, missing.stdout) == (2, b"")
    assert_two_lines(missing.stderr)


# -- where it writes ----------------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("env", ASCII, ids=str)
def test_that_letters_the_terminal_lacks_are_spelled_out(file: Path, env: dict[str, str]) -> None:
    for command in FILE_COMMANDS:
        for more in ([], ["--json"]):
            done = call(command, os.fsencode(file), *more, env=env)
            assert (done.returncode, done.stderr) == (0, b""), done.stderr
            assert b"\x1b" not in done.stdout
            assert command == "tree" or b"\\u" in done.stdout


@posix
@pytest.mark.parametrize("command", [*FILE_COMMANDS, "--help", "--version"])
def test_that_a_full_disk_is_an_error_and_no_traceback(file: Path, command: str) -> None:
    arguments = [command] if command.startswith("-") else [command, str(file)]
    with open("/dev/full", "wb") as full:
        done = call(*arguments, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 2
    assert_two_lines(done.stderr)
    assert b"space" in done.stderr


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_that_a_closed_pipe_is_no_error(file: Path, unbuffered: str) -> None:
    for arguments in (["info", str(file)], ["tree", str(file), "--json"], ["--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = call(*arguments, stdout=writer, stderr=subprocess.PIPE, capture_output=False, env={"PYTHONUNBUFFERED": unbuffered})
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")


@posix
def test_that_output_which_is_closed_altogether_is_no_traceback(file: Path) -> None:
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *PYTHON, "info", str(file)], env=environment(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    done = subprocess.run(["sh", "-c", '"$@" >&- 2>&-', "sh", *PYTHON, "info", "missing"], env=environment(), check=False)
    assert done.returncode == 2


@posix
def test_that_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    """While it hashes a sparse file that takes long."""
    size = 60 << 30
    header = json.dumps({"a.w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + size)
    child = subprocess.Popen([*PYTHON, "info", "--hash", path], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    seconds = time.monotonic() + 20
    while time.monotonic() < seconds and not re.search(rb"large", _open_files(child.pid)):
        time.sleep(0.02)
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert (child.returncode, out, err) == (130, b"", b"")


def _open_files(pid: int) -> bytes:
    """The names of what a process has open, where the system tells; it is hashing once the file is."""
    try:
        folder = f"/proc/{pid}/fd"
        return b" ".join(os.readlink(os.fsencode(f"{folder}/{fd}")) for fd in os.listdir(folder))
    except OSError:
        return b""


@posix
def test_that_an_interrupted_run_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from ptinspect.cli import main as module

    ends: list[int] = []
    monkeypatch.setattr(module, "main", lambda argv, held: (_ for _ in ()).throw(KeyboardInterrupt))
    monkeypatch.setattr(module.os, "_exit", ends.append)
    monkeypatch.setattr(module, "speak_any_encoding", lambda: None)
    module.run_and_exit()
    assert ends == [130]


@pytest.mark.parametrize("command", ["info", "tree"])
def test_that_what_a_command_opened_is_held_for_the_end_of_the_process(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    held = argparse.Namespace()
    assert main([command, str(resources.path("samples/weights.pt"))], held) == 0
    assert held.opened.document.tensors
