"""A desktop entry, quoted by the rules of the Desktop Entry Specification."""

from __future__ import annotations

import re

from ptinspect.desktop.program import as_text

_PLAIN = re.compile(r"[\w@+,./:-]+", re.ASCII)
_ESCAPED = re.compile(r'(["`$\\])')

_THROUGH_A_SHELL = r'"exec \"\$0\" \"\$@\""'


def entry(words: tuple[str, ...], types: tuple[str, ...]) -> str:
    """The menu entry that opens files with this command."""
    return "\n".join([
        "[Desktop Entry]",
        "Type=Application",
        "Version=1.1",
        "Name=ptinspect",
        "GenericName=Checkpoint Viewer",
        "Comment=Look into PyTorch checkpoints without running them",
        f"TryExec={value(as_text(words[0]))}",
        f"Exec={value(' '.join([_program(words[0]), *map(argument, words[1:])]))} %F",
        "Icon=ptinspect",
        "Terminal=false",
        "Categories=Development;",
        "Keywords=PyTorch;checkpoint;weights;safetensors;model;",
        f"MimeType={''.join(f'{one};' for one in types)}",
        "StartupNotify=true",
        "StartupWMClass=ptinspect",
        "",
    ])  # fmt: skip


def _program(word: str) -> str:
    """The first word may hold no `=`, and GLib looks for it before it reads `%%`: a shell takes such a path as an argument."""
    return argument(word) if not set("=%") & set(word) else f"/bin/sh -c {_THROUGH_A_SHELL} {argument(word)}"


def argument(word: str) -> str:
    """One word of Exec. What needs no quotes gets none: simple launchers do not know them."""
    if _PLAIN.fullmatch(as_text(word)):
        return word
    return '"' + _ESCAPED.sub(r"\\\1", word).replace("%", "%%") + '"'


def value(text: str) -> str:
    """A string value: its backslashes are doubled once more, after the quoting of Exec."""
    escaped = text.replace("\\", "\\\\")
    return "\\s" + escaped[1:] if escaped.startswith(" ") else escaped
