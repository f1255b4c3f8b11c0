"""Whether a window can open here. Qt ends the process where its platform plugin fails, so the plugin is tried before Qt is.

The check reads only what Qt would read a moment later: the plugin's own libraries, and a connection to the display.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from ptinspect.errors import InspectError

_PACKAGES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libxcb.so.1": "libxcb1",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
}
WITHOUT = "`ptinspect info FILE` and the other commands work without a screen."
_MISSING = re.compile(r"(lib[\w.+-]+\.so(?:\.\d+)*): cannot open")


class Unusable(InspectError):
    """No window can open here."""


def check() -> None:
    """Raises Unusable with what is missing and what to do about it."""
    try:
        import PySide6.QtWidgets  # noqa: F401, PLC0415
    except ImportError as error:
        raise missing(str(error)) from None
    if sys.platform != "linux":
        return
    problems = []
    for name in _platforms():
        problem = _problem(name)
        if problem is None:
            return
        problems.append(problem)
    raise problems[0] if problems else Unusable("there is no screen here: neither DISPLAY nor WAYLAND_DISPLAY is set", WITHOUT)


def has_screen() -> bool:
    """Whether a window would be seen by somebody."""
    names = _platforms()
    if (sys.platform == "linux" and not names) or not {"offscreen", "minimal"}.isdisjoint(names):
        return False
    try:
        check()
    except Unusable:
        return False
    return True


def _platforms() -> list[str]:
    """What Qt will try, in its order."""
    given = os.environ.get("QT_QPA_PLATFORM")
    if given:
        return [part.partition(":")[0] for part in given.split(";") if part]
    return [name for name, variable in (("wayland", "WAYLAND_DISPLAY"), ("xcb", "DISPLAY")) if os.environ.get(variable)]


def _problem(name: str) -> Unusable | None:
    """Why a platform cannot be used; None where it can."""
    if name in ("offscreen", "minimal"):
        return None
    import ctypes  # noqa: PLC0415 - not where the screen is told by name

    import PySide6  # noqa: PLC0415

    plugin = Path(PySide6.__file__).parent / "Qt" / "plugins" / "platforms" / f"libq{name}.so"
    if not plugin.parent.is_dir():
        return None
    if not plugin.exists():
        return Unusable(f"Qt has no platform called {name}", f"Unset QT_QPA_PLATFORM. {WITHOUT}")
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return missing(str(error))
    if name.startswith("wayland"):
        return _without_compositor()
    return _unreachable() if name == "xcb" else None


def _without_compositor() -> Unusable | None:
    """A Wayland display that nobody serves would make Qt end the process as well."""
    import socket  # noqa: PLC0415

    if os.environ.get("WAYLAND_SOCKET"):
        return None  # a connection that is open already, for one to use
    display = os.environ.get("WAYLAND_DISPLAY") or "wayland-0"
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(2)
            probe.connect(os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), display))
    except OSError:
        hint = f"Set WAYLAND_DISPLAY and XDG_RUNTIME_DIR as a running desktop has them, or log in to one. {WITHOUT}"
        return Unusable(f"the Wayland display {display!r} does not answer", hint)
    return None


def _unreachable() -> Unusable | None:
    """An X display that does not answer would make Qt end the process."""
    import ctypes  # noqa: PLC0415

    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return None
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if not failed:
        return None
    display = os.environ.get("DISPLAY", "")
    return Unusable(f"the display {display!r} does not answer", f"Set DISPLAY to a running one, or log in to a desktop. {WITHOUT}")


def missing(text: str) -> Unusable:
    """A library that the system lacks, with the Debian package that has it."""
    found = _MISSING.search(text)
    if found is None:
        return Unusable(f"Qt cannot be loaded: {text[:300]}", f"Reinstall PySide6-Essentials. {WITHOUT}")
    library = found[1]
    package = _PACKAGES.get(library)
    what = f"Install {package}: `sudo apt install {package}`." if package else f"Install the system package that holds {library}."
    return Unusable(f"the window needs {library}, which this system lacks", f"{what} {WITHOUT}")
