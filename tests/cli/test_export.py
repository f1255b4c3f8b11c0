"""`ptinspect export` as people and scripts call it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from ptinspect.checkpoint.extract import Extracted
from ptinspect.cli.export import lines_of
from ptinspect.cli.main import main

ONE = torch.arange(6, dtype=torch.bfloat16).reshape(2, 3)


@pytest.fixture
def file(tmp_path: Path) -> str:
    torch.save({"epoch": 1, "model": {"fc.weight": ONE, "fc.bias": torch.ones(2)}}, tmp_path / "x.pt")
    return str(tmp_path / "x.pt")


def test_that_it_says_what_it_wrote_and_what_changed(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "fc.npy")
    assert main(["export", file, "fc.weight", out]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].split("  ")[:3] == ["model.fc.weight", "(2, 3)", "float32"]
    assert "note: bfloat16 has no name in .npy: every value was widened to float32 as it is" in said
    assert np.load(out).tolist() == ONE.tolist()


def test_that_its_json_has_what_the_contract_names(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "fc.safetensors")
    assert main(["export", "--json", file, "model.fc.weight", out]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "schema": 1,
        "path": file,
        "name": "model.fc.weight",
        "out": out,
        "shape": [2, 3],
        "dtype": "bfloat16",
        "written_as": "bfloat16",
        "bytes": os.path.getsize(out),
        "notes": [],
    }


@pytest.mark.parametrize(
    ("name", "out", "said"),
    [("fc.wieght", "a.npy", "no tensor"), ("fc.weight", "a.bin", "does not say how"), ("fc.weight", "none/a.csv", "cannot be written")],
)
def test_that_an_error_is_two_lines_and_status_two(name, out, said, file, tmp_path, capsys) -> None:
    before = sorted(os.listdir(tmp_path))
    assert main(["export", file, name, str(tmp_path / out)]) == 2
    caught = capsys.readouterr()
    lines = caught.err.splitlines()
    assert caught.out == ""
    assert len(lines) == 2
    assert said in lines[0]
    assert sorted(os.listdir(tmp_path)) == before
    assert main(["export", file, name, str(tmp_path / out), "--json"]) == 2
    assert said in json.loads(capsys.readouterr().out)["error"]["message"]


def test_that_an_existing_file_wants_force(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "a.csv")
    assert main(["export", file, "fc.bias", out]) == 0
    assert main(["export", file, "fc.bias", out]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["export", file, "fc.weight", out, "--force"]) == 0
    assert Path(out).read_text() == "0,1,2\n3,4,5\n"


def test_that_names_from_a_file_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"a\x1b[31m": torch.ones(2)}, tmp_path / "x.pt")
    assert main(["export", str(tmp_path / "x.pt"), "a\x1b[31m", str(tmp_path / "x.npy")]) == 0
    assert main(["export", str(tmp_path / "x.pt"), "b", str(tmp_path / "y.npy")]) == 2
    done = Extracted("a\x1b", (2,), "float32", "float32", 8, ("what pkg.\x1b[31mWrap wraps was written",))
    caught = capsys.readouterr()
    assert "\x1b" not in caught.out + caught.err + "".join(lines_of(done, "x.npy"))


def test_that_an_interruption_ends_with_its_status_and_leaves_nothing(file: str, tmp_path: Path) -> None:
    """Ctrl+C midway: status 130, no traceback, no half of a file."""
    torch.save({"x": torch.ones(1).expand(60_000_000)}, tmp_path / "large.pt")
    process = subprocess.Popen(
        [sys.executable, "-m", "ptinspect", "export", str(tmp_path / "large.pt"), "x", str(tmp_path / "x.csv")], stderr=subprocess.PIPE
    )
    before = {"x.pt", "large.pt"}
    for _ in range(500):
        time.sleep(0.02)
        if set(os.listdir(tmp_path)) != before:
            break
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 130
    assert set(os.listdir(tmp_path)) == before


def test_that_the_whole_program_writes_and_refuses_its_own_input(file: str, tmp_path: Path) -> None:
    """As a process: a hard link to the checkpoint is the checkpoint, whatever it is called."""
    os.link(file, tmp_path / "same.npy")
    before = Path(file).read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "ptinspect", "export", file, "fc.bias", str(tmp_path / "same.npy"), "--force"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "is the checkpoint itself" in done.stderr.splitlines()[0]
    assert Path(file).read_bytes() == before
