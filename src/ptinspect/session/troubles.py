"""A file that cannot be opened, explained: what it really is, how much of it is there, and what to do."""

from __future__ import annotations

import os
import stat
from typing import Literal

from ptinspect.errors import ChangedOnDisk, Corrupt, InspectError, LimitExceeded, NotACheckpoint, Truncated, Unsupported
from ptinspect.frozen import frozen
from ptinspect.session.words import plain, size_text

Tone = Literal["plain", "good", "warn", "danger", "accent"]
FIRST_BYTES = 2_048
MOST_LINES, MOST_ROWS = 8, 6
_KINDS: dict[type[InspectError], tuple[str, str, Tone]] = {
    NotACheckpoint: ("Not a checkpoint", "file-question", "warn"),
    Truncated: ("Incomplete", "file-warning", "danger"),
    Corrupt: ("Damaged", "octagon-alert", "danger"),
    LimitExceeded: ("Beyond a limit", "octagon-alert", "warn"),
    Unsupported: ("Not supported yet", "file-question", "warn"),
    ChangedOnDisk: ("Changed while it was read", "refresh", "warn"),
}


@frozen
class Trouble:
    """Why a tab shows no layers."""

    kind: str
    icon: str
    tone: Tone
    title: str
    detail: str
    hint: str
    where: str
    commands: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    excerpt: tuple[str, ...]
    excerpt_note: str
    report: str = ""


def trouble_of(path: str, error: Exception) -> Trouble:
    """Explain an error of a file. Reads its first bytes, so it belongs into the background."""
    if not isinstance(error, InspectError):
        return _bug(path, error)
    kind, icon, tone = next(
        (known for cls, known in _KINDS.items() if isinstance(error, cls)), ("Cannot be opened", "octagon-alert", "danger")
    )
    head, size = _beginning(path)
    message = plain(error.message, 400)
    excerpt, note = _excerpt(head, size)
    facts = [("Place", plain(os.path.dirname(os.path.abspath(path)), 300))]
    facts += [("This file", size_text(size))] if size is not None else []
    pointer = _pointer(head)
    facts += (
        [("The real file", size_text(int(pointer["size"])))] if pointer.get("size", "").isdecimal() and len(pointer["size"]) < 19 else []
    )
    facts += [("Where", plain(error.where, 200))] if error.where else []
    return Trouble(
        kind="Cannot be opened" if size is None and kind == "Not a checkpoint" else kind,
        icon=icon,
        tone=tone,
        title=_sentence(message),
        detail=_consequence(error, size, bool(pointer)),
        hint=_sentence(plain(error.hint, 800).replace("`", "")),
        where=plain(error.where or "", 200),
        commands=_commands(path, pointer),
        facts=tuple(facts),
        excerpt=excerpt,
        excerpt_note=note,
    )


def _bug(path: str, error: Exception) -> Trouble:
    """Something that no reader should let out: said as what it is, with a report to copy."""
    import traceback  # noqa: PLC0415 - only a bug needs it

    report = "".join(traceback.format_exception(error))
    return Trouble(
        "Internal error", "octagon-alert", "danger", "ptinspect made a mistake while it read this file", "Nothing in the file was run.",
        "Copy the report and send it to the project, with the file if you may share it.",
        "", (), (("Error", type(error).__name__),), (), "",
        report=report,
    )  # fmt: skip


def _beginning(path: str) -> tuple[bytes, int | None]:
    """The first bytes of a file and its size; nothing of what is none: a pipe would be waited for."""
    try:
        with open(path, "rb", buffering=0, opener=_at_once) as file:
            found = os.fstat(file.fileno())
            return (file.read(FIRST_BYTES), found.st_size) if stat.S_ISREG(found.st_mode) else (b"", None)
    except (OSError, ValueError):
        return b"", None


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") if "\n" not in text else text


def _consequence(error: InspectError, size: int | None, is_pointer: bool) -> str:
    if size is None:
        return "Nothing of it could be read."
    if is_pointer:
        return "Git stored a short note in place of the weights. The weights were never downloaded to this computer."
    if isinstance(error, Truncated):
        return "The file ends before its content does. What is missing cannot be made up from what is there."
    if isinstance(error, Corrupt):
        return "Parts of the file contradict each other, so nothing in it can be trusted to be what was saved."
    if isinstance(error, LimitExceeded):
        return "Honest files stay far below. Reading stopped there, so that the file cannot take this computer's memory."
    if isinstance(error, ChangedOnDisk):
        return "What was read belongs to two different files, so none of it is shown."
    return "There is nothing in it that could be shown as layers. Nothing was run."


def _pointer(head: bytes) -> dict[str, str]:
    """The lines of a Git LFS pointer."""
    if not head.startswith(b"version https://git-lfs"):
        return {}
    lines = head.decode("ascii", "replace").splitlines()
    return {key: value for line in lines[:6] for key, _, value in (line.partition(" "),)}


def _commands(path: str, pointer: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """What to type, step by step, where that is known."""
    name = os.path.basename(path)
    if not pointer or not name.replace(".", "").replace("_", "").replace("-", "").isalnum():
        return ()
    return (("Install Git LFS once", "git lfs install"), ("Fetch the real file", f'git lfs pull --include="{name}"'))


def _excerpt(head: bytes, size: int | None) -> tuple[tuple[str, ...], str]:
    """The file's first lines where it is text, its first bytes where not."""
    if not head:
        return ((), "the file is empty" if size == 0 else "")
    try:
        text = head.decode("utf-8") if len(head) < FIRST_BYTES else head[:-4].decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and sum(char.isprintable() or char in "\r\n\t" for char in text) >= 0.95 * len(text):
        lines = text.splitlines()
        is_all = len(lines) <= MOST_LINES and len(head) == size
        return tuple(plain(line, 160) for line in lines[:MOST_LINES]), _extent(size or 0, is_all)
    rows = [head[at : at + 16] for at in range(0, min(len(head), 16 * MOST_ROWS), 16)]
    shown = (f"{row.hex(' '):<47}   {''.join(chr(byte) if 32 <= byte < 127 else '·' for byte in row)}" for row in rows)
    return tuple(shown), _extent(size or 0, len(head) <= 16 * MOST_ROWS and len(head) == size)


def _extent(size: int, is_all: bool) -> str:
    return f"{size_text(size)}, all of it" if is_all else f"its beginning, of {size_text(size)}"
