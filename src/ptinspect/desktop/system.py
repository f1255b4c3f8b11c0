"""The desktop of the system that this runs on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

from ptinspect.desktop.placing import Removed
from ptinspect.desktop.status import Status


class Desktop(Protocol):
    """What each system can do. `words` is the command that a double click starts."""

    def install(self, words: tuple[str, ...], default: bool, force: bool) -> tuple[str, ...]:
        """Put everything in place; returns what there is to say about it."""

    def uninstall(self, words: tuple[str, ...]) -> Removed:
        """Take everything away."""

    def status(self, words: tuple[str, ...]) -> Status:
        """What is there."""


def this_desktop() -> Desktop:
    """By the system's name; every other Unix has freedesktop.org's."""
    makers = {"win32": _windows, "darwin": _macos}
    return makers.get(sys.platform, _freedesktop)()


def _windows() -> Desktop:
    from ptinspect.desktop.registry import user_registry  # noqa: PLC0415 - each system reads its own
    from ptinspect.desktop.start_menu import StartMenu, user_programs  # noqa: PLC0415
    from ptinspect.desktop.windows import UserClasses, user_folder  # noqa: PLC0415

    return UserClasses(user_registry(), user_folder(), StartMenu(user_programs()))


def _macos() -> Desktop:
    from ptinspect.desktop.macos import Bundle  # noqa: PLC0415

    return Bundle(Path.home())


def _freedesktop() -> Desktop:
    from ptinspect.desktop.linux import here  # noqa: PLC0415

    return here()
