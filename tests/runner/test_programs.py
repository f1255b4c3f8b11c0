"""TorchScript and exported programs run from the open file that somebody agreed to."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import ArchitectureUnknown, ChangedOnDisk
from ptinspect.runner.consent import consented, digest_of
from ptinspect.runner.programs import program

pytestmark = pytest.mark.filterwarnings("ignore")


def loaded(path: Path, **changes: Any) -> nn.Module:
    checkpoint = open_checkpoint(path)
    with checkpoint.source as source:
        agreed = digest_of(source, checkpoint)
    with consented(checkpoint, agreed) as file:
        return program(file, changes.get("container", checkpoint.document.container))


def saved(folder: Path, form: str) -> tuple[nn.Module, Path]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    if form == "torchscript":
        torch.jit.script(model).save(str(folder / "net.pt"))
    else:
        torch.export.save(torch.export.export(model, (torch.ones(2, 3),)), folder / "net.pt")
    return model, folder / "net.pt"


@pytest.mark.parametrize("form", ["torchscript", "torch-export"])
def test_that_a_program_answers_as_the_model_did(tmp_path: Path, form: str) -> None:
    model, path = saved(tmp_path, form)
    inputs = torch.rand(2, 3)
    assert torch.allclose(loaded(path)(inputs), model(inputs))


def test_that_a_program_torch_cannot_load_is_told(tmp_path: Path) -> None:
    _, path = saved(tmp_path, "torchscript")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"linear", b"xinear"))
    with pytest.raises(ArchitectureUnknown, match=r"cannot load this TorchScript program: RuntimeError: ") as caught:
        loaded(path)
    assert "--python" in caught.value.hint
    with pytest.raises(ArchitectureUnknown, match="holds no program"):
        loaded(path, container="torch-zip")


@pytest.mark.parametrize("form", ["torchscript", "torch-export"])
def test_that_code_swapped_after_the_consent_is_not_loaded(tmp_path: Path, form: str) -> None:
    _, path = saved(tmp_path, form)
    checkpoint = open_checkpoint(path)
    with checkpoint.source as source:
        agreed = digest_of(source, checkpoint)
    with pytest.raises(ChangedOnDisk), consented(checkpoint, agreed) as file:
        program(_overwritten(path, file), checkpoint.document.container)


def _overwritten(path: Path, file: io.BufferedReader) -> io.BufferedReader:
    at = path.read_bytes().index(b"linear")
    with path.open("r+b") as evil:
        evil.seek(at)
        evil.write(b"evil")
    return file
