"""A whole install in a throwaway home, judged by the tools that desktops use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ptinspect import resources
from ptinspect.desktop.linux import TYPES
from ptinspect.desktop.record import load
from ptinspect.errors import OutputProblem
from tests.corpus import Row, each, rows
from tests.desktop.homes import desktop, environment, needs, snapshot

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="desktops of freedesktop.org")
WORDS = (sys.executable, "-m", "ptinspect")
CHECKPOINT, SAFETENSORS = TYPES
DATABASES = ("update-mime-database", "update-desktop-database")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the environment of someone who lives there."""
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    for name, text in environment(tmp_path / "home").items():
        monkeypatch.setenv(name, text)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def told_by(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


# -- what a desktop says then -------------------------------------------------------------------------------------------------


@needs(*DATABASES, "xdg-mime", "gio")
@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("model.pt", "samples/model.pt", CHECKPOINT),
        ("model.pth", "samples/weights.pt", CHECKPOINT),
        ("last.ckpt", "samples/checkpoint.pt", CHECKPOINT),
        ("exported.pt2", b"\x80\x04", CHECKPOINT),
        ("model_best.pth.tar", "samples/weights.pt", CHECKPOINT),
        ("pytorch_model.bin", "samples/weights.pt", CHECKPOINT),
        ("no ending (2)", "samples/scripted.pt", CHECKPOINT),
        ("cut.pt", b"PK\3\4\x14" + bytes(40), CHECKPOINT),
        ("model.safetensors", b"version https://git-lfs", SAFETENSORS),
        ("weights", b'\x40\0\0\0\0\0\0\0{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', SAFETENSORS),
        ("paths.pth", b"import site\n/opt/lib\n", "text/plain"),
        ("template.pt", b'<div tal:content="here/title" />\n', "text/plain"),
        ("login page.pt", b"<!DOCTYPE html><html><title>Log in</title>", CHECKPOINT),  # which the window then explains
        ("firmware.bin", bytes(range(256)), "application/octet-stream"),
        ("zipped again", b"PK\3\4\x14\0\0\0\0\0" + bytes(16) + b"\x0e\0\0\0model/data.pkl\x80\2}", CHECKPOINT),
        ("archive.zip", b"PK\3\4\x14\0\0\0\0\0" + bytes(16) + b"\5\0\0\0a.txt", "application/zip"),
    ],
)
def test_that_a_file_is_known_by_what_it_is(home: Path, name: str, content: str | bytes, kind: str) -> None:
    assert desktop(home).install(WORDS, default=False, force=False) == ()
    file = home / name
    file.write_bytes(content if isinstance(content, bytes) else resources.path(content).read_bytes())
    assert told_by("xdg-mime", "query", "filetype", str(file)) == kind


@needs(*DATABASES, "xdg-mime")
def test_that_it_becomes_the_program_for_its_types(home: Path) -> None:
    desktop(home).install(WORDS, default=False, force=False)
    assert [told_by("xdg-mime", "query", "default", kind) for kind in TYPES] == ["ptinspect.desktop"] * 2
    assert desktop(home).status(WORDS).default_for == TYPES


@needs(*DATABASES, "xdg-mime", "desktop-file-validate")
def test_that_another_program_keeps_its_types_until_asked(home: Path) -> None:
    other = home / "data" / "applications" / "other.desktop"
    other.parent.mkdir(parents=True)
    other.write_text(f"[Desktop Entry]\nType=Application\nName=Other\nExec=cat %F\nMimeType={CHECKPOINT};\n")
    subprocess.run(["xdg-mime", "default", "other.desktop", CHECKPOINT], check=True)
    before = (home / "config" / "mimeapps.list").read_bytes()
    (note,) = desktop(home).install(WORDS, default=False, force=False)
    assert "other.desktop" in note
    assert told_by("xdg-mime", "query", "default", CHECKPOINT) == "other.desktop"
    assert told_by("xdg-mime", "query", "default", SAFETENSORS) == "ptinspect.desktop"
    assert desktop(home).install(WORDS, default=True, force=False) == ()
    assert told_by("xdg-mime", "query", "default", CHECKPOINT) == "ptinspect.desktop"
    desktop(home).uninstall(WORDS)
    assert told_by("xdg-mime", "query", "default", CHECKPOINT) == "other.desktop"
    assert (home / "config" / "mimeapps.list").read_bytes() == before


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the types installed, for many files."""
    home = tmp_path_factory.mktemp("home")
    desktop(home).install(WORDS, default=False, force=False)
    return home


EXPECTED = {"safetensors": SAFETENSORS} | dict.fromkeys(
    ("torch-zip", "torch-legacy", "torch-tar", "torchscript", "torch-export", "torch-package"), CHECKPOINT
)
# A member called `datap.kl`, made to mislead scanners; a tar that begins with a Mac's `./._@PaxHeader`.
ODD = ("malicious1_central_directory.zip", "legacy_serialized.pt")


@needs("update-mime-database", "gio")
@each(lambda row: row.hostile == "no" and row.container in EXPECTED)
def test_that_a_real_file_is_known_without_its_name(row: Row, database: Path, tmp_path: Path) -> None:
    if row.path.name in ODD:
        pytest.skip("its first bytes are those of any other archive; its ending tells")
    nameless = tmp_path / "file"
    nameless.symlink_to(row.path)
    command = ["gio", "info", "-a", "standard::content-type", str(nameless)]
    done = subprocess.run(command, env=environment(database), capture_output=True, text=True, check=True)
    assert done.stdout.split("standard::content-type: ")[1].split() == [EXPECTED[row.container]]


@needs("update-mime-database")
@pytest.mark.skipif(not rows(), reason="the corpus is not beside this checkout")
def test_that_qt_agrees_and_claims_nothing_else(database: Path, tmp_path: Path) -> None:
    """The second reader of these databases, KDE's: every file of the corpus in one process."""
    script = (
        "import sys; from PySide6.QtCore import QMimeDatabase as D; database = D()\n"
        "for path in sys.stdin.read().splitlines(): print(database.mimeTypeForFile(path, D.MatchContent).name())"
    )
    told = [row for row in rows() if row.path.name not in ODD and row.hostile in ("no", "notfile", "benign", "code")]
    done = subprocess.run(
        [sys.executable, "-c", script], input="\n".join(str(row.path) for row in told), env=environment(database),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = dict(zip(told, done.stdout.split(), strict=True))
    assert {row.id for row in told if row.container in EXPECTED and found[row] != EXPECTED[row.container]} == set()
    assert {row.id for row in told if row.hostile == "notfile" and found[row] in TYPES} == set()


# -- there and gone again -----------------------------------------------------------------------------------------------------


def others(home: Path) -> None:
    """What other programs put there before."""
    for name, text in {
        "data/applications/other.desktop": "[Desktop Entry]\nType=Application\nName=Other\nExec=cat %F\nMimeType=text/x-other;\n",
        "data/mime/packages/other.xml": '<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">'
        '<mime-type type="text/x-other"><comment>o</comment><glob pattern="*.other"/></mime-type></mime-info>',
        "config/mimeapps.list": "[Default Applications]\ntext/html=other.desktop\n",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    for tool, folder in zip(DATABASES, ("mime", "applications"), strict=True):
        subprocess.run([tool, str(home / "data" / folder)], check=True)


@needs(*DATABASES)
@pytest.mark.parametrize("lived_in", [False, True], ids=["empty home", "home with other programs"])
def test_that_uninstall_leaves_no_trace_and_twice_is_once(home: Path, lived_in: bool) -> None:
    if lived_in:
        others(home)
    before = snapshot(home)
    desktop(home).install(WORDS, default=False, force=False)
    once = snapshot(home)
    desktop(home).install(WORDS, default=False, force=False)
    assert snapshot(home) == once
    assert desktop(home).status(WORDS).state == "installed"
    removed = desktop(home).uninstall(WORDS)
    assert (len(removed.gone), removed.left, removed.notes) == (18, (), ())
    assert snapshot(home) == before
    assert desktop(home).status(WORDS).state == "not installed"
    assert desktop(home).uninstall(WORDS).gone == ()


@needs(*DATABASES)
def test_that_what_came_from_an_earlier_version_goes_with_the_next(home: Path) -> None:
    before = snapshot(home)
    desktop(home).install(WORDS, default=False, force=False)
    record = desktop(home).record
    old = home / "data" / "applications" / "old.desktop"
    record.write_text(record.read_text().replace("ptinspect.desktop", "old.desktop"))
    (home / "data" / "applications" / "ptinspect.desktop").rename(old)
    desktop(home).install(WORDS, default=False, force=False)
    assert not old.exists()
    desktop(home).uninstall(WORDS)
    assert snapshot(home) == before


@needs(*DATABASES)
def test_that_a_file_that_the_user_changed_is_left_and_told(home: Path) -> None:
    desktop(home).install(WORDS, default=False, force=False)
    entry = home / "data" / "applications" / "ptinspect.desktop"
    entry.write_text(entry.read_text() + "X-Mine=1\n")
    (note,) = desktop(home).install(WORDS, default=False, force=False)
    assert str(entry) in note
    status = desktop(home).status(WORDS)
    assert "ptinspect.desktop" in status.notes[0]
    removed = desktop(home).uninstall(WORDS)
    assert removed.left == (entry,)
    stays = [name for name, content in snapshot(home).items() if content is not None]
    assert stays == ["data/applications/mimeinfo.cache", "data/applications/ptinspect.desktop"]


@needs(*DATABASES)
def test_that_force_writes_a_changed_file_anew(home: Path) -> None:
    desktop(home).install(WORDS, default=False, force=False)
    once = snapshot(home)
    (home / "data" / "applications" / "ptinspect.desktop").write_text("mine")
    desktop(home).install(WORDS, default=False, force=True)
    assert snapshot(home) == once


@needs(*DATABASES)
def test_that_another_environment_takes_over_and_the_status_says_whose_it_is(home: Path, tmp_path: Path) -> None:
    program = tmp_path / "old env" / "ptinspect"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    desktop(home).install((str(program),), default=False, force=False)
    status = desktop(home).status(WORDS)
    assert (status.program, status.program_exists) == ((str(program),), True)
    assert "another environment" in status.notes[0]
    program.unlink()
    status = desktop(home).status(WORDS)
    assert not status.program_exists
    assert "gone" in status.notes[0]
    assert desktop(home).install(WORDS, default=False, force=False) == ()
    assert desktop(home).status(WORDS).program == WORDS


@needs(*DATABASES)
@pytest.mark.parametrize("written", [0, 1, 5, 17])
def test_that_a_run_that_was_cut_off_is_told_completed_and_undone(home: Path, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    """It dies after some of its files."""
    from ptinspect.desktop import placing

    before, real, count = snapshot(home), placing.write, 0

    def dying(path: Path, content: bytes, is_program: bool = False) -> None:
        nonlocal count
        count += 1
        if count > written + 1:  # the record comes first
            raise KeyboardInterrupt
        real(path, content, is_program)

    for finish in ("uninstall", "install"):
        count = 0
        monkeypatch.setattr(placing, "write", dying)
        with pytest.raises(KeyboardInterrupt):
            desktop(home).install(WORDS, default=False, force=False)
        monkeypatch.setattr(placing, "write", real)
        status = desktop(home).status(WORDS)
        assert status.state == "partly installed"
        assert sum(state != "missing" for _, state in status.files) == written
        if finish == "uninstall":
            desktop(home).uninstall(WORDS)
            assert snapshot(home) == before
        else:
            assert desktop(home).install(WORDS, default=False, force=False) == ()
            assert desktop(home).status(WORDS).state == "installed"


@needs(*DATABASES)
@pytest.mark.parametrize("finish", ["install", "uninstall"])
@pytest.mark.parametrize("died", ["before", "after"])
def test_that_a_change_of_environment_that_was_cut_off_is_no_change_of_the_users(
    home: Path, monkeypatch: pytest.MonkeyPatch, finish: str, died: str
) -> None:
    """It dies before or after the entry is written for the new one, between the two states of the record."""
    from ptinspect.desktop import placing

    before, real = snapshot(home), placing.write
    desktop(home).install(("/old/ptinspect",), default=False, force=False)

    def dying(path: Path, content: bytes, is_program: bool = False) -> None:
        if path.suffix != ".desktop" or died == "after":
            real(path, content, is_program)
        if path.suffix == ".desktop":
            raise KeyboardInterrupt

    monkeypatch.setattr(placing, "write", dying)
    with pytest.raises(KeyboardInterrupt):
        desktop(home).install(WORDS, default=False, force=False)
    monkeypatch.setattr(placing, "write", real)
    if finish == "install":
        assert desktop(home).install(("/third/ptinspect",), default=False, force=False) == ()
    assert desktop(home).uninstall(WORDS).left == ()
    assert snapshot(home) == before


@needs(*DATABASES)
def test_that_files_without_a_record_are_taken_for_half_an_install(home: Path) -> None:
    desktop(home).install(WORDS, default=False, force=False)
    desktop(home).record.write_text("{")
    assert load(desktop(home).record) is None
    assert desktop(home).status(WORDS).state == "partly installed"
    removed = desktop(home).uninstall(WORDS)
    assert len(removed.gone) == 18
    assert desktop(home).status(WORDS).state == "not installed"


def test_that_missing_tools_are_told_and_stop_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    notes = desktop(home).install(WORDS, default=False, force=False)
    assert [note.partition(" is missing")[0] for note in notes] == list(DATABASES)
    assert "shared-mime-info" in notes[0]
    status = desktop(home).status(WORDS)
    assert status.state == "installed"
    assert "update-mime-database" in status.notes[0]
    desktop(home).uninstall(WORDS)
    assert snapshot(home) == {}


@needs(*DATABASES)
def test_that_a_tool_that_fails_is_told_with_what_it_said(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = tmp_path / "tools" / "update-mime-database"
    failing.parent.mkdir()
    failing.write_text("#!/bin/sh\necho no luck today >&2\nexit 3\n")
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{failing.parent}:{os.environ['PATH']}")
    assert desktop(home).install(WORDS, default=False, force=False) == ("update-mime-database failed: no luck today",)


@needs(*DATABASES, "gtk-update-icon-cache")
def test_that_a_cache_of_icons_knows_them_and_forgets_them(home: Path) -> None:
    """Where there is such a cache, GTK looks nowhere else."""
    theme = home / "data" / "icons" / "hicolor"
    (theme / "16x16" / "apps").mkdir(parents=True)
    (theme / "index.theme").write_text("[Icon Theme]\nName=Hicolor\nDirectories=16x16/apps\n[16x16/apps]\nSize=16\n")
    (theme / "16x16" / "apps" / "other.png").write_bytes(resources.path("desktop/ptinspect-16.png").read_bytes())
    cache = theme / "icon-theme.cache"
    subprocess.run(["gtk-update-icon-cache", "-f", "-q", str(theme)], check=True)
    assert b"ptinspect" not in cache.read_bytes()
    assert desktop(home).install(WORDS, default=False, force=False) == ()
    assert b"ptinspect" in cache.read_bytes()
    desktop(home).uninstall(WORDS)
    assert b"ptinspect" not in cache.read_bytes()


def test_that_a_home_that_takes_nothing_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the home should be")
    with pytest.raises(OutputProblem) as caught:
        desktop(tmp_path / "home").install(WORDS, default=False, force=False)
    assert "cannot be written" in caught.value.message
    assert caught.value.hint
