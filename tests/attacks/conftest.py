"""Nothing that a payload names may be imported, opened or started while we look at it: Python's own audit events prove it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.attacks.payloads import P4, SYSTEM, parsed, pickled, raw, text

FORBIDDEN = (
    "import",
    "open",
    "exec",
    "compile",
    "pickle.",
    "marshal.",
    "os.",
    "subprocess.",
    "socket.",
    "shutil.",
    "ctypes.",
    "urllib.",
    "ftplib.",
    "smtplib.",
    "imaplib.",
    "webbrowser.",
    "sqlite3.",
    "code.",
    "pty.",
    "builtins.input",
    "builtins.breakpoint",
)
_seen: list[str] | None = None


def _hook(event: str, args: tuple[object, ...]) -> None:
    if _seen is not None and event.startswith(FORBIDDEN) and "PYTEST_CURRENT_TEST" not in str(args[:1]):
        _seen.append(f"{event} {args!r:.200}")


sys.addaudithook(_hook)  # it cannot be removed; it costs nothing while nobody listens


@pytest.fixture(autouse=True)
def inert() -> Iterator[None]:
    """Listen from the first payload to the end of the test; what our own modules import late is imported before."""
    global _seen  # noqa: PLW0603 - an audit hook has no other way to be switched
    parsed(SYSTEM)
    parsed(pickled(raw(SYSTEM) + text("gAJjcG9zaXgKc3lzdGVtCi4=") + b"\x86", P4))
    _seen = []
    yield
    seen, _seen = _seen, None
    assert seen == []
