"""`ptinspect desktop` as people and scripts call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.desktop.homes import environment, snapshot

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a home of freedesktop.org")
SRC = str(Path(__file__).parents[2] / "src")


def call(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = environment(home, PYTHONPATH=SRC, PYTHONDONTWRITEBYTECODE="1", **more)
    command = [sys.executable, "-m", "ptinspect", "desktop", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_that_it_installs_tells_and_takes_away(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    assert call(home, "status").stdout.startswith("Not installed")
    done = call(home, "install")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Installed: 18 of 18 files in place.\n")
    told = json.loads(call(home, "status", "--json").stdout)
    assert (told["schema"], told["action"], told["state"], told["program_exists"]) == (1, "status", "installed", True)
    assert all(os.path.isfile(file["path"]) for file in told["files"])
    assert Path(told["program"][0]).parent == Path(sys.executable).parent
    gone = json.loads(call(home, "uninstall", "--json").stdout)
    assert sorted(gone["removed"]) == sorted(file["path"] for file in told["files"])
    assert snapshot(home) == {}
    assert call(home, "uninstall").stdout == "Nothing was installed.\n"


def test_that_it_goes_where_the_user_keeps_such_things(tmp_path: Path) -> None:
    """Without XDG_DATA_HOME, or with one that is not absolute, it is ~/.local/share."""
    for given in ("", "somewhere/else"):
        home = tmp_path / f"home{len(given)}"
        home.mkdir()
        assert call(home, "install", XDG_DATA_HOME=given, XDG_CONFIG_HOME=given).returncode == 0
        assert (home / ".local" / "share" / "applications" / "ptinspect.desktop").is_file()
        assert (home / ".config" / "mimeapps.list").is_file()
        assert call(home, "uninstall", XDG_DATA_HOME=given, XDG_CONFIG_HOME=given).returncode == 0
        assert snapshot(home) == {}


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_that_a_home_that_takes_nothing_is_two_lines_and_status_two(tmp_path: Path, form: list[str]) -> None:
    done = call(tmp_path, "install", *form, XDG_DATA_HOME="/proc/nowhere")  # read-only for root too
    assert done.returncode == 2
    assert done.stderr.count("\n") == 2
    assert done.stderr.startswith("/proc/nowhere/ptinspect/desktop.json cannot be written: ")
    assert not form or json.loads(done.stdout)["error"]["type"] == "OutputProblem"
    assert snapshot(tmp_path) == {}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_that_a_read_only_home_is_two_lines_and_status_two(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    done = call(tmp_path, "install")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 2)
    assert "Permission denied" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["frob"], ["install", "extra"]])
def test_that_a_wrong_call_is_two_lines_and_status_two(tmp_path: Path, arguments: list[str]) -> None:
    done = call(tmp_path, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 2)


def test_that_a_name_in_a_path_cannot_steer_the_terminal(tmp_path: Path) -> None:
    home = tmp_path / "ho\x1b[31mme"
    home.mkdir()
    done = call(home, "install")
    entry = home / "data" / "applications" / "ptinspect.desktop"
    entry.write_text("mine")
    done = call(home, "uninstall")
    assert "stays" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_that_it_loads_neither_qt_nor_numpy(tmp_path: Path) -> None:
    seen = "print(sorted({'PySide6', 'numpy', 'rich', 'torch'} & set(sys.modules)))"
    code = f"import sys; from ptinspect.cli.main import main; main(['desktop', 'status']); {seen}"
    env = environment(tmp_path, PYTHONPATH=SRC)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
