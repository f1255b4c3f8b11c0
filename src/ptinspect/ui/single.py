"""One window for one user: a second start hands its files over through a local socket that only this user can reach.

The socket lies in a folder of mode 0700 (the runtime folder where there is one), and Qt restricts the socket itself to its user
as well. What comes through it is a list of paths, bounded and checked: whoever could write to it could also start us with them.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtNetwork import QLocalServer, QLocalSocket

if TYPE_CHECKING:
    from ptinspect.session.comparison.request import ComparisonRequest

PATIENCE, ANSWER = 1_500, 5_000  # milliseconds; whoever listens but is busy gets more, or there would be two windows
LARGEST, MOST = 1 << 20, 200
LONGEST = 100  # bytes; Linux takes 107, macOS 103


def address(folder: Path) -> str:
    """The name of the socket: a path below this user's own folder, or a pipe's name on Windows."""
    if sys.platform == "win32":
        return f"ptinspect-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    mark = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    place = Path(runtime) if _is_private(runtime) else folder
    name = f"ptinspect-{mark}.socket"
    if len(os.fsencode(place / name)) > LONGEST:
        place = _short_place() or place
    return str(place / name)


def _short_place() -> Path | None:
    """A folder of this user's own whose name is short: the system cuts longer names of sockets, and nobody finds them then."""
    place = Path(tempfile.gettempdir()) / f"ptinspect-{os.getuid()}"
    with suppress(OSError):
        place.mkdir(mode=0o700, exist_ok=True)
    return place if _is_private(str(place)) and not place.is_symlink() else None


def _is_private(place: str) -> bool:
    """Whether a folder belongs to this user and to nobody else."""
    try:
        status = os.stat(place)
    except (OSError, ValueError):
        return False
    return os.path.isabs(place) and status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o077


def hand_over(folder: Path, paths: Sequence[str], comparison: ComparisonRequest | None = None) -> bool:
    """Give the files, or two to compare, to the window that is open; False where there is none that answers."""
    socket = QLocalSocket()
    socket.connectToServer(address(folder))
    if not socket.waitForConnected(PATIENCE):
        return False
    told: object = [os.path.abspath(path) for path in paths]
    if comparison is not None:
        from ptinspect.session.comparison.request import as_fields  # noqa: PLC0415 - only who compares

        told = as_fields(comparison)
    socket.write(json.dumps(told).encode() + b"\n")
    answered = socket.waitForBytesWritten(PATIENCE) and socket.waitForReadyRead(ANSWER)
    answer = bytes(socket.readAll().data()) if answered else b""
    socket.disconnectFromServer()
    return answer == b"ok\n"


class Listener(QObject):
    """Waits for files from later starts."""

    def __init__(
        self,
        folder: Path,
        take: Callable[[list[str]], None],
        parent: QObject,
        compare: Callable[[ComparisonRequest], None] | None = None,
    ) -> None:
        super().__init__(parent)
        self._take = take
        self._compare = compare
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._greet)
        name = address(folder)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if sys.platform != "win32" and not os.environ.get("XDG_RUNTIME_DIR"):
                folder.chmod(0o700)
        except OSError:
            return
        QLocalServer.removeServer(name)  # nobody answered there: it was left behind
        self._server.listen(name)

    @property
    def is_listening(self) -> bool:
        """Whether later starts can reach us."""
        return self._server.isListening()

    def close(self) -> None:
        """Later starts open windows of their own."""
        self._server.close()

    def _greet(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(lambda socket=socket: self._read(socket))
            socket.disconnected.connect(socket.deleteLater)
            if socket.canReadLine():
                self._read(socket)

    def _read(self, socket: QLocalSocket) -> None:
        if socket.bytesAvailable() > LARGEST:
            socket.abort()
            return
        if not socket.canReadLine():
            return
        line = bytes(socket.readLine().data())
        paths, comparison = _paths(line), _comparison(line) if self._compare is not None else None
        socket.write(b"ok\n" if paths is not None or comparison is not None else b"no\n")
        socket.flush()
        if paths is not None:
            self._take(paths)
        elif comparison is not None and self._compare is not None:
            self._compare(comparison)


def _comparison(line: bytes) -> ComparisonRequest | None:
    """Two files to compare, or None where the line is something else."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    from ptinspect.session.comparison.request import of_fields  # noqa: PLC0415

    return of_fields(found)


def _paths(line: bytes) -> list[str] | None:
    """Absolute paths, or None where the line is something else."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or len(found) > MOST:
        return None
    good = all(isinstance(path, str) and os.path.isabs(path) and "\0" not in path for path in found)
    return found if good else None
