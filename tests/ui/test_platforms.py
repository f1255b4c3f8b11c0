"""Whether a window can open, told before Qt ends the process."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from ptinspect.ui import platforms

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have one platform")


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("libxcb-cursor.so.0: cannot open shared object file: No such file or directory", "libxcb-cursor0"),
        ("libEGL.so.1: cannot open shared object file: No such file or directory", "libegl1"),
        ("libxkbcommon-x11.so.0: cannot open shared object file: No such file or directory", "libxkbcommon-x11-0"),
    ],
)
def test_that_a_missing_library_is_told_with_its_debian_package(text: str, package: str) -> None:
    problem = platforms.missing(text)
    assert text.partition(":")[0] in problem.message
    assert f"apt install {package}" in problem.hint
    assert "ptinspect info FILE" in problem.hint


def test_that_a_library_of_unknown_package_is_told_by_its_own_name() -> None:
    assert "libodd.so.3" in platforms.missing("libodd.so.3: cannot open shared object file").hint
    assert "Reinstall" in platforms.missing("undefined symbol: whatever").hint


@linux
def test_that_no_screen_a_dead_display_and_an_unknown_platform_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(platforms.Unusable, match="no screen"):
        platforms.check()
    monkeypatch.setenv("QT_QPA_PLATFORM", "nonsense")
    with pytest.raises(platforms.Unusable, match="nonsense"):
        platforms.check()
    monkeypatch.delenv("QT_QPA_PLATFORM")
    monkeypatch.setenv("DISPLAY", ":4711")
    with pytest.raises(platforms.Unusable, match=r"4711|lacks"):
        platforms.check()


@linux
def test_that_a_wayland_display_that_nobody_serves_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    with pytest.raises(platforms.Unusable, match=r"wayland-7|lacks"):
        platforms.check()
    with socket.socket(socket.AF_UNIX) as served:
        served.bind(str(tmp_path / "wayland-7"))
        served.listen()
        assert platforms._without_compositor() is None


def test_that_the_offscreen_platform_is_always_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    platforms.check()
