"""The entry in Windows' Start menu: what PowerShell is asked for, and what becomes of the link."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ptinspect.desktop.start_menu import SCRIPT, StartMenu
from ptinspect.desktop.windows import UserClasses
from tests.desktop.homes import snapshot
from tests.desktop.test_windows import WORDS, Imagined


class Shell:
    """Writes a link as Windows would, and remembers what it was asked."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem
        self.asked: list[tuple[list[str], dict[str, str]]] = []

    def __call__(self, command, values) -> None:
        self.asked.append((list(command), dict(values)))
        if self.problem is not None:
            raise self.problem
        link = Path(values["PTINSPECT_LINK"])
        link.parent.mkdir(parents=True, exist_ok=True)
        link.write_bytes(b"L\0\0\0" + values["PTINSPECT_TARGET"].encode())


def classes(tmp_path: Path, shell: Shell) -> UserClasses:
    return UserClasses(Imagined(), tmp_path / "ours", StartMenu(tmp_path / "Programs", shell))


def test_that_install_makes_an_entry_and_uninstall_takes_it_away(tmp_path: Path) -> None:
    (tmp_path / "Programs").mkdir()
    shell = Shell()
    ours = classes(tmp_path, shell)
    assert ours.install(WORDS, default=False, force=False) == ()
    assert ours.install(WORDS, default=False, force=False) == ()
    assert (tmp_path / "Programs" / "ptinspect.lnk").is_file()
    assert ours.status(WORDS).state == "installed"
    ours.uninstall(WORDS)
    assert snapshot(tmp_path / "Programs") == {}
    assert not (tmp_path / "ours").exists()


def test_that_no_path_is_part_of_the_command(tmp_path: Path) -> None:
    shell = Shell()
    StartMenu(tmp_path / "O'Neil $(calc)", shell).make(WORDS, tmp_path / "ptinspect.ico")
    ((command, values),) = shell.asked
    assert command[0].endswith(r"\System32\WindowsPowerShell\v1.0\powershell.exe")
    assert command[-1] == SCRIPT
    assert "$(calc)" not in " ".join(command)
    assert values["PTINSPECT_TARGET"] == WORDS[0]
    assert values["PTINSPECT_ARGUMENTS"] == "-m ptinspect"
    assert values["PTINSPECT_LINK"].endswith("ptinspect.lnk")


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (FileNotFoundError(2, "No such file"), "No such file"),
        (subprocess.CalledProcessError(1, ["powershell"], stderr=b"Cannot create type.\nmore"), "Cannot create type"),
        (subprocess.TimeoutExpired(["powershell"], 60), "took too long"),
    ],
)
def test_that_a_shell_that_writes_no_link_leaves_the_rest_in_place(tmp_path: Path, problem: Exception, words: str) -> None:
    ours = classes(tmp_path, Shell(problem))
    (note,) = ours.install(WORDS, default=False, force=False)
    assert "Start menu" in note
    assert words in note
    assert ours.status(WORDS).state == "installed"


def test_that_a_link_of_somebody_else_stays(tmp_path: Path) -> None:
    link = tmp_path / "Programs" / "ptinspect.lnk"
    link.parent.mkdir()
    link.write_bytes(b"theirs")
    ours = classes(tmp_path, Shell())
    (note,) = ours.install(WORDS, default=False, force=False)
    assert "left alone" in note
    ours.uninstall(WORDS)
    assert link.read_bytes() == b"theirs"
