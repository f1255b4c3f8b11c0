"""The bundle, as macOS would read it."""

from __future__ import annotations

import plistlib
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from ptinspect.desktop.macos import Bundle, information, launcher
from ptinspect.desktop.program import NotExpressible
from tests.desktop.homes import snapshot

WORDS = ("/opt/env/bin/ptinspect",)
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and shells of POSIX")


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A home without Launch Services."""
    return Bundle(tmp_path, tmp_path / "lsregister")


@posix
def test_that_the_bundle_names_files_that_are_in_it(bundle: Bundle) -> None:
    bundle.install(WORDS, default=False, force=False)
    contents = bundle.app / "Contents"
    told = plistlib.loads((contents / "Info.plist").read_bytes())
    assert (contents / "MacOS" / told["CFBundleExecutable"]).stat().st_mode & stat.S_IXUSR
    for icon in [told["CFBundleIconFile"], *(kind["CFBundleTypeIconFile"] for kind in told["CFBundleDocumentTypes"])]:
        head = (contents / "Resources" / f"{icon}.icns").read_bytes()
        assert head[:4] == b"icns"
        assert struct.unpack(">I", head[4:8])[0] == len(head)


def test_that_every_document_type_is_declared_with_its_endings() -> None:
    told = information()
    tags = {kind["UTTypeIdentifier"]: kind["UTTypeTagSpecification"] for kind in told["UTExportedTypeDeclarations"]}
    declared = {identifier: tag["public.filename-extension"] for identifier, tag in tags.items()}
    opened = {kind["LSItemContentTypes"][0]: kind["CFBundleTypeExtensions"] for kind in told["CFBundleDocumentTypes"]}
    assert declared == opened
    assert {ending for endings in opened.values() for ending in endings} == {"pt", "pth", "ckpt", "pt2", "safetensors"}


@posix
@pytest.mark.parametrize("folder", ["plain", "with space", "it's \"so\"", "$HOME `id` $(id)", "größe 100% \\"])
def test_that_the_launcher_becomes_the_program_wherever_it_lies(tmp_path: Path, folder: str) -> None:
    program = tmp_path / folder / "ptinspect"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s|" "$$" "$@"\n')
    program.chmod(0o755)
    script = tmp_path / "launcher"
    script.write_text(launcher((str(program), "-m", "a b")), "utf-8")
    script.chmod(0o755)
    with subprocess.Popen([str(script), "one two.pt"], stdout=subprocess.PIPE, text=True) as process:
        said, _ = process.communicate(timeout=60)
    assert said == f"{process.pid}|-m|a b|one two.pt|"  # the same process: macOS sends files to the one that it started


def test_that_a_place_that_no_script_can_hold_is_refused() -> None:
    with pytest.raises(NotExpressible):
        launcher(("/a\nb/python",))


def test_that_uninstall_leaves_no_trace_and_twice_is_once(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "Applications").mkdir()
    before = snapshot(tmp_path)
    (note,) = bundle.install(WORDS, default=False, force=False)
    assert "lsregister" in note
    once = snapshot(tmp_path)
    bundle.install(WORDS, default=False, force=False)
    assert snapshot(tmp_path) == once
    assert bundle.status(WORDS).state == "installed"
    bundle.uninstall(WORDS)
    assert snapshot(tmp_path) == before
    assert bundle.status(WORDS).state == "not installed"


@posix
def test_that_a_launcher_that_lost_its_mode_gets_it_back(bundle: Bundle) -> None:
    bundle.install(WORDS, default=False, force=False)
    script = bundle.app / "Contents" / "MacOS" / "ptinspect"
    script.chmod(0o600)
    bundle.install(WORDS, default=False, force=False)
    assert script.stat().st_mode & 0o777 == 0o755


@posix
def test_that_launch_services_are_told_of_what_comes_and_goes(bundle: Bundle, tmp_path: Path) -> None:
    bundle.register.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/told"\n')
    bundle.register.chmod(0o755)
    assert bundle.install(WORDS, default=False, force=False) == ()
    bundle.uninstall(WORDS)
    assert (tmp_path / "told").read_text() == f"-f {bundle.app}\n-u {bundle.app}\n"
