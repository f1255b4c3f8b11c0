"""The kept list of consents: private, whole or not at all, and believed only where nobody else could have written it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from ptinspect.errors import OutputProblem, RunProblem
from ptinspect.runner.consents import FILE, Consents

ONE, TWO = "ab12" + "0" * 60, "ab34" + "1" * 60
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")


@pytest.fixture
def kept(tmp_path: Path) -> Consents:
    return Consents(tmp_path / "config")


def test_that_a_consent_is_found_by_content_alone(kept: Consents) -> None:
    given = kept.add(ONE, "net.pt", "pickled model", ("models.Net",))
    assert (given.path, given.kind, given.globals) == (os.path.abspath("net.pt"), "pickled model", ("models.Net",))
    again = Consents(kept.folder)
    assert again.has(ONE)
    assert not again.has(TWO)
    assert not again.has("")
    assert again.given() == (given,)


def test_that_an_installed_class_lies_nowhere(kept: Consents) -> None:
    assert kept.add(ONE, "torch.nn:Linear(3, 4)", "a function of the user's").path == "torch.nn:Linear(3, 4)"
    assert [given.digest for given in kept.forget("torch.nn:Linear(3, 4)")] == [ONE]


def test_that_one_given_again_is_kept_once(kept: Consents) -> None:
    kept.add(ONE, "a.pt", "pickled model")
    kept.add(TWO, "b.pt", "TorchScript")
    kept.add(ONE, "moved.pt", "pickled model")
    assert [(given.digest, Path(given.path).name) for given in kept.given()] == [(TWO, "b.pt"), (ONE, "moved.pt")]


def test_that_one_is_forgotten_by_digits_or_path(kept: Consents) -> None:
    kept.add(ONE, "a.pt", "pickled model")
    kept.add(TWO, "b.pt", "TorchScript")
    kept.add("ab12" + "2" * 60, "c.pt", "pickled model")
    with pytest.raises(RunProblem, match="2 consents begin with"):
        kept.forget("AB12")
    assert [given.digest for given in kept.forget("ab120")] == [ONE]
    assert [given.digest for given in kept.forget("b.pt")] == [TWO]
    for nothing in (ONE, "b.pt", "", "a", "ab1"):
        with pytest.raises(RunProblem, match="no consent"):
            kept.forget(nothing)
    assert len(kept.given()) == 1
    assert [given.path for given in kept.forget_all()] == [os.path.abspath("c.pt")]
    assert not kept.given()
    assert kept.forget_all() == ()


@posix
def test_that_it_is_for_its_owner_alone(kept: Consents) -> None:
    kept.add(ONE, "a.pt", "pickled model")
    assert (kept.folder / FILE).stat().st_mode & 0o777 == 0o600
    assert kept.folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in kept.folder.iterdir() if path.name.endswith(".part")] == []


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_that_a_file_others_may_write_is_not_believed(kept: Consents, mode: int) -> None:
    kept.add(ONE, "a.pt", "pickled model")
    (kept.folder / FILE).chmod(mode)
    assert not kept.has(ONE)
    kept.add(TWO, "b.pt", "pickled model")
    assert [given.digest for given in kept.given()] == [TWO]


GOOD = {"digest": ONE, "path": "/a.pt", "date": "2026-01-01", "kind": "pickled model", "globals": []}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"schema": 2, "consents": []}',
        b'{"schema": 1, "consents": {"digest": "' + ONE.encode() + b'"}}',
        b'{"schema": 1, "consents": [null, 1, [], {}, "x"]}',
        json.dumps({"schema": 1, "consents": [GOOD | {"digest": "*"}]}).encode(),
        json.dumps({"schema": 1, "consents": [GOOD | {"digest": ONE.upper()}]}).encode(),
        json.dumps({"schema": 1, "consents": [GOOD | {"digest": [ONE]}]}).encode(),
        json.dumps({"schema": 1, "consents": [GOOD | {"path": 1}]}).encode(),
        json.dumps({"schema": 1, "consents": [GOOD | {"digest": ONE + "\n"}]}).encode(),
    ],
)
def test_that_a_damaged_file_means_no_consents(kept: Consents, text: bytes) -> None:
    kept.folder.mkdir(mode=0o700)
    (kept.folder / FILE).write_bytes(text)
    (kept.folder / FILE).chmod(0o600)
    assert kept.given() == ()
    assert not kept.has(ONE)
    kept.add(TWO, "b.pt", "pickled model")
    assert kept.has(TWO)


def test_that_a_strange_entry_costs_only_itself(kept: Consents) -> None:
    kept.folder.mkdir(mode=0o700)
    strange = GOOD | {"digest": TWO, "globals": [1, "os.system", None], "path": "x" * 10_000}
    (kept.folder / FILE).write_text(json.dumps({"schema": 1, "consents": [{}, GOOD, strange]}), "utf-8")
    (kept.folder / FILE).chmod(0o600)
    assert kept.has(ONE)
    assert kept.given()[1].globals == ("os.system",)
    assert len(kept.given()[1].path) == 4_096


@posix
def test_that_a_pipe_or_a_folder_in_its_place_blocks_nothing(kept: Consents) -> None:
    kept.folder.mkdir()
    os.mkfifo(kept.folder / FILE)
    assert kept.given() == ()
    (kept.folder / FILE).unlink()
    (kept.folder / FILE).mkdir()
    assert kept.given() == ()
    with pytest.raises(OutputProblem):
        kept.add(ONE, "a.pt", "pickled model")


def test_that_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputProblem, match="cannot be written"):
        Consents(tmp_path / "file" / "config").add(ONE, "a.pt", "pickled model")
