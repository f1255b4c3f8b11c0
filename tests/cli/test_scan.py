"""`scan`: exit status, JSON, and that one bad file does not keep the others from being scanned."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.cli.main import main
from tests.attacks.payloads import SYSTEM, call, name, pickled, text
from tests.cli.test_info import CONTAINERS, FINDINGS, KINDS, SAFETY, check, strictly
from tests.formats.opened import edited

SCANNED = {"path": str, "container": CONTAINERS, "kind": KINDS, "safety": SAFETY, "findings": FINDINGS}
FAILED = {"path": str, "error": {"type": str, "message": str, "hint": str}}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """One for each answer."""
    torch.save({"a.w": torch.ones(2)}, tmp_path / "data.pt")
    torch.save(nn.Linear(2, 2), tmp_path / "code.pt")
    (tmp_path / "dangerous.pkl").write_bytes(SYSTEM)
    (tmp_path / "page.pt").write_text("<!DOCTYPE html><html></html>")
    found = {path.stem: str(path) for path in tmp_path.iterdir()}
    return {**found, "missing": str(tmp_path / "missing.pt")}


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (["data"], 0),
        (["code"], 1),
        (["dangerous"], 1),
        (["missing"], 2),
        (["page"], 2),
        (["data", "code"], 1),
        (["data", "missing"], 2),
        (["missing", "data"], 2),
        (["missing", "code"], 1),
        (["dangerous", "page", "data"], 1),
        (["data", "data"], 0),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_that_code_comes_before_failure_and_failure_before_nothing(files, capsys, names: list[str], status: int, as_json: bool) -> None:
    assert main(["scan", *(files[name] for name in names), *(["--json"] if as_json else [])]) == status
    out, err = capsys.readouterr()
    failed = sum(name in ("missing", "page") for name in names)
    assert err.count("\n") == 2 * failed  # with --json too
    if as_json:
        answers = strictly(out)["files"]
        assert [answer["path"] for answer in answers] == [files[name] for name in names]
        assert sum("error" in answer for answer in answers) == failed
    else:
        assert sum(line.startswith(("data", "code", "dangerous")) for line in out.splitlines()) == len(names) - failed


def test_that_every_answer_fits_the_contract(files, capsys) -> None:
    main(["scan", *files.values(), "--json"])
    found = strictly(capsys.readouterr().out)
    assert found["schema"] == 1
    assert len(found["files"]) == len(files)
    for answer in found["files"]:
        check(answer, FAILED if "error" in answer else SCANNED)
        assert ("error" in answer) != ("safety" in answer)


def verdict(path: Path, capsys) -> tuple[str, str]:
    main(["scan", str(path), "--json"])
    answer = strictly(capsys.readouterr().out)["files"][0]
    return answer["safety"]["verdict"], answer["kind"]


def test_that_kind_and_verdict_are_those_of_info(files, capsys) -> None:
    for key in ("data", "code", "dangerous"):
        main(["info", files[key], "--json"])
        info = strictly(capsys.readouterr().out)
        assert verdict(Path(files[key]), capsys) == (info["safety"]["verdict"], info["kind"])


def test_that_a_pickle_in_a_storage_record_is_found_by_scan(tmp_path: Path, capsys) -> None:
    """S-17: `info` reads no record, `scan` the first 64 bytes of each."""
    torch.save({"a.w": torch.ones(100)}, tmp_path / "file.pt")
    path = edited(tmp_path / "file.pt", lambda content: content.update({"data/0": SYSTEM.ljust(400, b"\0")}))
    assert verdict(path, capsys)[0] == "dangerous"
    main(["info", str(path), "--json"])
    assert strictly(capsys.readouterr().out)["safety"]["verdict"] == "data"


def test_that_a_pickle_in_an_ordinary_zip_is_scanned(tmp_path: Path, capsys) -> None:
    """S-17: a member under an odd name."""
    path = tmp_path / "weights.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.p", SYSTEM)
    assert verdict(path, capsys) == ("dangerous", "other")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.p", pickled(b"N"))
    assert main(["scan", str(path)]) == 2


def test_that_what_a_file_names_never_steers_the_terminal(tmp_path: Path, capsys) -> None:
    """S-32: names of globals and their arguments with escapes."""
    path = tmp_path / "\x1b[31mred\n.pkl"
    path.write_bytes(pickled(b"(" + name("mine\x1b[2J", "cls\x1b]0;x\x07") + call("os", "system", text("\x1b[31m\u202e\r\nid")) + b"t"))
    assert main(["scan", str(path)]) == 1
    out = capsys.readouterr().out
    assert all(line.isprintable() for line in out.split("\n"))
    assert "\\x1b" in out
    assert main(["scan", str(path / "missing")]) == 2
    assert all(line.isprintable() for line in capsys.readouterr().err.split("\n"))


def test_that_a_name_of_code_is_told_once(tmp_path, capsys):
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), tmp_path / "m.pt")
    assert main(["scan", str(tmp_path / "m.pt")]) == 1
    assert capsys.readouterr().out.count("torch.nn.modules.linear.Linear") == 1
