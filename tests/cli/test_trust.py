"""`ptinspect trust` as people and scripts call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ptinspect.cli.main import main
from ptinspect.runner.consents import FILE, Consents

ONE, TWO = "ab12" + "0" * 60, "cd34" + "1" * 60


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Consents:
    monkeypatch.setenv("PTINSPECT_CONFIG", str(tmp_path / "config"))
    return Consents(tmp_path / "config")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["trust", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_that_nothing_is_trusted_to_begin_with(kept: Consents, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trust", "list"]) == 0
    assert capsys.readouterr().out == "Nobody agreed to run any code.\n"
    assert answer(capsys, "list") == {"schema": 1, "action": "list", "consents": []}
    assert answer(capsys, "forget", "--all") == {"schema": 1, "action": "forget", "forgotten": []}
    assert not kept.folder.exists()


def test_that_what_was_agreed_to_is_listed_with_what_it_names(kept: Consents, capsys: pytest.CaptureFixture[str]) -> None:
    given = kept.add(ONE, "/models/net.pt", "a pickled model", ("models.Net", "os.system"))
    assert main(["trust", "list"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"ab1200000000  a pickled model, agreed to {given.date}"
    assert [line.strip() for line in rest] == [given.path, "names models.Net, os.system"]
    fields = {"digest": ONE, "path": given.path, "date": given.date, "kind": "a pickled model", "globals": ["models.Net", "os.system"]}
    assert answer(capsys, "list")["consents"] == [fields]


def test_that_consents_are_forgotten_by_path_digest_or_all(kept: Consents, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = kept.add(ONE, "a.pt", "a pickled model"), kept.add(TWO, "b.pt", "a program in the file")
    assert [one["digest"] for one in answer(capsys, "forget", "ab12")["forgotten"]] == [ONE]
    assert main(["trust", "forget", second.path]) == 0
    assert capsys.readouterr().out == f"Forgotten: cd3411111111 {second.path}\n"
    assert kept.given() == ()
    kept.add(ONE, first.path, "a pickled model")
    assert len(answer(capsys, "forget", "--all")["forgotten"]) == 1
    assert kept.given() == ()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["forget", "nothing.pt"], "no consent was given for that"),
        (["forget", "ab12", "nothing.pt"], "no consent was given for that"),
        (["forget"], "nothing is named to forget"),
        (["forget", "ab12", "--all"], "takes no further words"),
        (["list", "ab12"], "takes no further words"),
        (["list", "--all"], "takes no further words"),
        (["trust"], "invalid choice"),
        ([], "required: action"),
    ],
)
def test_that_a_slip_is_two_lines_and_forgets_nothing(
    kept: Consents, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    kept.add(ONE, "a.pt", "a pickled model")
    assert main(["trust", *words, "--json"]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 2
    assert message in said.err.splitlines()[0]
    assert json.loads(said.out)["error"]["message"] in said.err
    assert kept.has(ONE)


def test_that_a_list_cannot_move_the_terminals_cursor(kept: Consents, capsys: pytest.CaptureFixture[str]) -> None:
    kept.add(ONE, "/a\x1b[2J\n\u202e.pt", "kind\x07", ("a\rb",))
    assert main(["trust", "list"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 3
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(out)


@pytest.mark.parametrize("text", [b"", b"{]", b"[" * 50_000, b'{"schema": 1, "consents": [1, {}, {"digest": 3}]}'])
def test_that_a_damaged_list_is_an_empty_one(kept: Consents, capsys: pytest.CaptureFixture[str], text: bytes) -> None:
    kept.folder.mkdir()
    (kept.folder / FILE).write_bytes(text)
    assert answer(capsys, "list")["consents"] == []
    assert answer(capsys, "forget", "--all")["forgotten"] == []
    assert json.loads((kept.folder / FILE).read_bytes()) == {"schema": 1, "consents": []}
