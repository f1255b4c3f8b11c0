"""What the page of a broken file shows of it, and what it says of that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import FileProblem
from ptinspect.session.troubles import Trouble, trouble_of

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 15058\n"


def told(path: Path) -> Trouble:
    with pytest.raises(FileProblem) as caught:
        open_checkpoint(path)
    return trouble_of(str(path), caught.value)


@pytest.mark.parametrize(
    ("content", "lines", "note"),
    [
        (b"404: Not Found", 1, "14 bytes, all of it"),
        (b"<html>\n" + b"<p>\n" * 20, 8, "its beginning, of 87 bytes"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), 3, "46 bytes, all of it"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(200), 6, "its beginning, of 206 bytes"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(5_000), 6, "its beginning, of 5.0 KB"),
    ],
)
def test_that_the_excerpt_says_whether_it_is_all(tmp_path: Path, content: bytes, lines: int, note: str) -> None:
    (tmp_path / "file.pt").write_bytes(content)
    found = told(tmp_path / "file.pt")
    assert (len(found.excerpt), found.excerpt_note) == (lines, note)


def test_that_a_pointer_of_git_lfs_has_its_story_its_size_and_the_commands_to_type(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(POINTER)
    found = told(tmp_path / "model.pt")
    assert found.detail.startswith("Git stored a short note")
    assert dict(found.facts)["The real file"] == "15.1 KB"
    assert [command for _, command in found.commands] == ["git lfs install", 'git lfs pull --include="model.pt"']
    assert "`" not in found.hint


def test_that_nothing_is_said_of_the_content_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    found = told(tmp_path / "none.pt")
    assert (found.kind, found.detail, found.excerpt) == ("Cannot be opened", "Nothing of it could be read.", ())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names here")
def test_that_a_pipe_is_explained_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    found = told(tmp_path / "pipe.pt")
    assert (found.title, found.excerpt) == ("This is a pipe, not a file", ())
