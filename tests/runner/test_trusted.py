"""The pickled model itself: it runs what the file names, after consent and on no other path; refused, it leaves no trace."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import ArchitectureUnknown
from ptinspect.runner.consent import consented, digest_of
from ptinspect.runner.trusted import unpickled
from tests.attacks.payloads import call, pickled, text

SRC = Path(__file__).parents[2] / "src"


class Net(nn.Module):
    """A class of somebody's own."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x).relu()


def digest(path: Path) -> str:
    checkpoint = open_checkpoint(path)
    with checkpoint.source as source:
        return digest_of(source, checkpoint)


def loaded(path: Path, place: str | None = None) -> nn.Module:
    checkpoint = open_checkpoint(path)
    if place is None:
        place = checkpoint.main.path if checkpoint.main is not None else ""
    with consented(checkpoint, digest(path)) as file:
        return unpickled(file, checkpoint.document.container, place, str(path))


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
def test_that_the_model_of_a_file_runs(tmp_path: Path, form: str) -> None:
    model, path = Net().eval(), tmp_path / "net.pt"
    if form == "pickle":
        path.write_bytes(pickle.dumps(model))
    else:
        torch.save(model, path, _use_new_zipfile_serialization=form == "zip")
    found = loaded(path)
    assert type(found).__name__ == "Net"
    assert torch.equal(found(torch.ones(2, 3)), model(torch.ones(2, 3)))


def test_that_a_checkpoints_model_is_found_by_its_path(tmp_path: Path) -> None:
    torch.save({"nets": [nn.Linear(1, 1), {"a.b": nn.Linear(3, 5)}], "epoch": 3, "ema": nn.Linear(4, 4)}, tmp_path / "net.pt")
    assert loaded(tmp_path / "net.pt", "nets.1.a.b").out_features == 5
    assert loaded(tmp_path / "net.pt", "ema").out_features == 4
    assert loaded(tmp_path / "net.pt", "not.there").out_features == 4


def test_that_what_spreads_a_model_over_gpus_is_taken_off(tmp_path: Path) -> None:
    torch.save(nn.DataParallel(nn.Linear(3, 2)), tmp_path / "net.pt")
    assert type(loaded(tmp_path / "net.pt")) is nn.Linear


@pytest.mark.parametrize(("held", "words"), [(nn.Linear(1, 1).state_dict(), "a state_dict: weights by name"), ([1, 2], "holds a list")])
def test_that_a_file_without_a_model_is_told(tmp_path: Path, held: object, words: str) -> None:
    torch.save(held, tmp_path / "net.pt")
    with pytest.raises(ArchitectureUnknown, match=words) as caught:
        loaded(tmp_path / "net.pt", "")
    assert "--model" in caught.value.hint


def missing(path: Path, module: str, name: str) -> ArchitectureUnknown:
    path.write_bytes(pickled(call(module, name)))
    with pytest.raises(ArchitectureUnknown, match="cannot be loaded") as caught:
        loaded(path, "")
    return caught.value


def test_that_a_missing_class_is_explained_with_where_to_look(tmp_path: Path) -> None:
    runs = tmp_path / "runs" / "exp"
    runs.mkdir(parents=True)
    path = runs / "best.pkl"
    found = missing(path, "models_of_mine", "Net")
    assert found.message == "the pickled model cannot be loaded: ModuleNotFoundError: No module named 'models_of_mine'"
    assert found.hint.startswith("Point to the folder that holds models_of_mine: --path DIR.")
    (tmp_path / "models_of_mine.py").write_text("")
    assert missing(path, "models_of_mine", "Net").hint == f"There is {tmp_path / 'models_of_mine.py'}: add --path {tmp_path}"
    (tmp_path / "yolo_of_mine" / "nets").mkdir(parents=True)
    (tmp_path / "yolo_of_mine" / "nets" / "deep.py").write_text("")
    assert missing(path, "yolo_of_mine.nets.deep", "Net").hint == f"There is {tmp_path / 'yolo_of_mine'}: add --path {tmp_path}"
    assert "--model SCRIPT.py:Gone" in missing(path, "__main__", "Gone").hint
    assert "was found and has no Gone" in missing(path, "json", "Gone").hint


def test_that_a_file_that_ends_the_process_only_fails(tmp_path: Path) -> None:
    (tmp_path / "net.pkl").write_bytes(pickled(call("sys", "exit", text("bye"))))
    with pytest.raises(ArchitectureUnknown, match="SystemExit: bye"):
        loaded(tmp_path / "net.pkl", "")


REFUSED = r"""
import json, os, sys

src, work, *targets = json.loads(sys.stdin.read())
sys.path[:0] = [src, work]
seen, listening = [], False

def look(event, args):
    if listening and event.startswith(("os.system", "subprocess.", "socket.", "pickle.", "os.posix_spawn", "os.fork")):
        seen.append(event)
    if listening and event == "compile" and not bytes(args[0]).startswith(b"def __init__(self"):  # our own frozen classes
        seen.append(f"compile {args!r:.200}")
    if listening and event == "exec" and "__init__" not in args[0].co_names:
        seen.append(f"exec {args!r:.200}")
    if listening and event == "open" and isinstance(args[0], str) and os.path.realpath(args[0]) not in targets:
        seen.append(f"open {args[0]}")
    if listening and event == "import":
        seen.append(f"import {args[0]}")

sys.addaudithook(look)
import torch
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import InspectError
from ptinspect.runner.consent import consented, refuse_unless
from ptinspect.runner.own_factory import made_by
from ptinspect.runner.programs import program
from ptinspect.runner.rebuilt import rebuilt
from ptinspect.runner.trusted import unpickled
from ptinspect.checkpoint import storage_bytes, scalars, training, architectures

said = []

def refused(run):
    try:
        run()
        said.append("RAN")
    except InspectError as error:
        said.append(type(error).__name__)

def load(checkpoint, agreed, loader):
    with consented(checkpoint, agreed) as file:
        loader(file)

def attempt(target):
    checkpoint = open_checkpoint(target)
    for agreed in (None, "", "0" * 64, "*"):
        refused(lambda: load(checkpoint, agreed, lambda file: unpickled(file, checkpoint.document.container, "", target)))
        refused(lambda: load(checkpoint, agreed, lambda file: program(file, checkpoint.document.container)))
    if checkpoint.main is not None:
        refused(lambda: rebuilt(checkpoint, checkpoint.main))

for target in targets:
    open_checkpoint(target)  # what our own modules import late is imported before
listening = True
for target in targets:
    attempt(target)
listening = False
strange = sorted({"site_trap", "evil", "models"} & set(sys.modules))
sys.__stdout__.write("\n" + json.dumps({"seen": sorted(set(seen)), "said": said, "strange": strange}))
"""


@pytest.mark.filterwarnings("ignore")
def test_that_trust_refused_leaves_no_trace(tmp_path: Path) -> None:
    """In a process of its own, under Python's audit hook: nothing that the files name is imported, opened or started."""
    work, attack, program, model = tmp_path / "work", tmp_path / "attack.pkl", tmp_path / "program.pt", tmp_path / "model.pt"
    work.mkdir()
    for module in ("evil", "models"):
        (work / f"{module}.py").write_text(f"open({str(work / 'MARKER')!r}, 'w').close()\n")
    attack.write_bytes(pickled(call("os", "system", text(f"touch {work / 'MARKER'}")) + call("evil", "run", text("x")) + b"\x86"))
    torch.jit.script(Net()).save(str(program))
    torch.save(nn.Sequential(Net()), model)
    model.write_bytes(model.read_bytes().replace(b"tests.runner.test_trusted", b"models.runner.test_truste"))
    request = json.dumps([str(SRC), str(work), *map(os.path.realpath, (attack, program, model))])
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", REFUSED], input=request, cwd=work, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout.rpartition("\n")[2])
    assert found["seen"] == []
    assert found["strange"] == []
    assert "RAN" not in found["said"]
    assert found["said"].count("NotTrusted") == 3 * 8
    assert found["said"].count("ArchitectureUnknown") == 2
    assert sorted(os.listdir(work)) == ["evil.py", "models.py"]
    with pytest.raises(ArchitectureUnknown, match="evil"):  # the trap is a real one
        loaded(attack, "")
    assert (work / "MARKER").exists()
