"""macOS: a minimal bundle in ~/Applications.

    ptinspect.app/Contents/Info.plist        the types it opens, and what the endings mean
    ptinspect.app/Contents/PkgInfo           eight bytes that say "application"
    ptinspect.app/Contents/MacOS/ptinspect   a shell script that becomes the environment's Python
    ptinspect.app/Contents/Resources/*.icns  its icon and that of the files

Finder hands files over as events, not as arguments: the script replaces itself by Python, so Qt is the process that gets them.
The bundle offers itself (`LSHandlerRank` Alternate) and never takes files from another program: which program opens a type is chosen
in Finder (Get Info, Open with, Change All).
"""

from __future__ import annotations

import plistlib
import shlex
import subprocess
from pathlib import Path
from typing import Any

from ptinspect import __version__, resources
from ptinspect.desktop import program
from ptinspect.desktop.placing import Planned, Removed, finish, left_notes, place, survey, take_away
from ptinspect.desktop.record import load
from ptinspect.desktop.status import Status, judged
from ptinspect.frozen import frozen

IDENTIFIER = "io.github.ptinspect"
KINDS = (
    ("org.pytorch.checkpoint", "PyTorch checkpoint", ("pt", "pth", "ckpt", "pt2")),
    ("co.huggingface.safetensors", "Safetensors weights", ("safetensors",)),
)
_REGISTER = Path("/System/Library/Frameworks/CoreServices.framework/Frameworks/LaunchServices.framework/Support/lsregister")


@frozen
class Bundle:
    """One user's applications."""

    home: Path
    register: Path = _REGISTER

    @property
    def app(self) -> Path:
        """The bundle."""
        return self.home / "Applications" / "ptinspect.app"

    @property
    def record(self) -> Path:
        """Where the record lies."""
        return self.home / "Library" / "Application Support" / "ptinspect" / "desktop.json"

    def install(self, words: tuple[str, ...], default: bool, force: bool) -> tuple[str, ...]:
        """Put it in place."""
        left = place(self.plan(words), self.record, words, (), force)
        notes = left_notes(left)
        if default:
            notes.append("The default program is chosen in Finder: Get Info on a checkpoint, Open with, Change All.")
        return (*notes, *self._tell("-f"), *program.doubts(words))

    def uninstall(self, words: tuple[str, ...]) -> Removed:
        """Take it away."""
        notes = self._tell("-u") if self.app.exists() else ()
        removed = take_away(self.plan(words), self.record)
        finish(self.record)
        return Removed(removed.gone, removed.left, notes)

    def status(self, words: tuple[str, ...]) -> Status:
        """What is there."""
        record = load(self.record)
        return judged(record, words, survey(self.plan(words), record))

    def plan(self, words: tuple[str, ...]) -> tuple[Planned, ...]:
        """Every file."""
        contents = self.app / "Contents"
        return (
            Planned(contents / "Info.plist", plistlib.dumps(information())),
            Planned(contents / "PkgInfo", b"APPL????"),
            Planned(contents / "MacOS" / "ptinspect", launcher(words).encode(), is_program=True),
            *(
                Planned(contents / "Resources" / f"{name}.icns", resources.path(f"desktop/{name}.icns").read_bytes())
                for name in ("ptinspect", "checkpoint")
            ),
        )

    def _tell(self, how: str) -> tuple[str, ...]:
        """Have Launch Services look at the bundle; without that it does so by itself, some time."""
        if not self.register.is_file():
            return ("lsregister is missing: Finder will notice at the next login.",)
        try:
            done = subprocess.run([str(self.register), how, str(self.app)], capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return (f"lsregister did not run: {error}",)
        return (f"lsregister failed: status {done.returncode}",) if done.returncode else ()


def launcher(words: tuple[str, ...]) -> str:
    """A script that becomes the program."""
    return f'#!/bin/sh\nexec {" ".join(shlex.quote(program.as_text(word)) for word in words)} "$@"\n'


def information() -> dict[str, Any]:
    """Info.plist: the program, the types it declares and the documents it opens."""
    return {
        "CFBundleIdentifier": IDENTIFIER,
        "CFBundleName": "ptinspect",
        "CFBundleExecutable": "ptinspect",
        "CFBundleIconFile": "ptinspect",
        "CFBundlePackageType": "APPL",
        "CFBundleShortVersionString": __version__,
        "CFBundleVersion": __version__,
        "CFBundleInfoDictionaryVersion": "6.0",
        "LSMinimumSystemVersion": "12.0",
        "NSHighResolutionCapable": True,
        "UTExportedTypeDeclarations": [_declared(*kind) for kind in KINDS],
        "CFBundleDocumentTypes": [_document(*kind) for kind in KINDS],
    }


def _declared(identifier: str, what: str, endings: tuple[str, ...]) -> dict[str, Any]:
    return {
        "UTTypeIdentifier": identifier,
        "UTTypeDescription": what,
        "UTTypeConformsTo": ["public.data"],
        "UTTypeIconFile": "checkpoint",
        "UTTypeTagSpecification": {"public.filename-extension": list(endings)},
    }


def _document(identifier: str, what: str, endings: tuple[str, ...]) -> dict[str, Any]:
    return {
        "CFBundleTypeName": what,
        "CFBundleTypeRole": "Viewer",
        "CFBundleTypeIconFile": "checkpoint",
        "LSHandlerRank": "Alternate",
        "LSItemContentTypes": [identifier],
        "CFBundleTypeExtensions": list(endings),
    }
