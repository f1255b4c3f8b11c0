"""`ptinspect run`, with real children."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ptinspect.cli.run import _shown
from ptinspect.errors import RunCrashed
from ptinspect.runner.protocol import Measured, Started
from ptinspect.runner.results import Result
from tests import check

FIELDS = {
    "schema", "path", "device", "torch", "model", "input", "output", "top", "latency_ms", "throughput_per_s", "peak_memory_bytes", "totals",
    "layers", "load", "findings",
}  # fmt: skip
LAYER = {
    "path", "type", "input_shape", "output_shape", "parameters", "mult_adds", "time_ms", "mean", "std", "min", "max", "nans", "infs",
}  # fmt: skip


def ptinspect(*arguments: object, config: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(check.ROOT / "src"), "PTINSPECT_CONFIG": str(config), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "ptinspect", "run", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pickled model of torch's own layers, which is rebuilt without its pickle."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64, 3)
    )
    path = tmp_path_factory.mktemp("models") / "network.pt"
    torch.save(module.eval(), path)
    return path


@pytest.fixture(scope="module")
def answer(network: Path) -> dict[str, Any]:
    done = ptinspect(network, "--json", "--batch", 2, "--repeats", 2, "--input", "random:1x28x28", config=network.parent)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_that_the_document_has_the_fields_of_the_contract(answer: dict[str, Any]) -> None:
    assert answer.keys() >= FIELDS
    assert all(layer.keys() >= LAYER for layer in answer["layers"])
    assert answer["model"] == {"source": "rebuilt", "trusted": False, "architecture": None}
    assert answer["input"] == [{"shape": [2, 1, 28, 28], "dtype": "float32", "source": "random:1x28x28"}]
    assert [layer["path"] for layer in answer["layers"]] == ["", "0", "1", "2", "3", "4", "5"]
    assert answer["totals"]["parameters"] == 40 + 8 + 195


def test_that_the_walls_that_hold_are_told(answer: dict[str, Any]) -> None:
    walls = answer["confined"]
    assert sys.platform != "linux" or walls["memory"]
    assert all(walls[name] or walls["why"] for name in ("memory", "time", "network", "writes"))


@pytest.mark.slow
def test_that_the_text_tells_the_same(network: Path) -> None:
    done = ptinspect(network, "--repeats", 2, config=network.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Model    rebuilt (nothing of the file was run)" in done.stdout
    assert "243 parameters, 243 trainable" in done.stdout
    assert "AdaptiveAvgPool2d" in done.stdout


def test_that_a_failure_keeps_what_was_measured_and_ends_with_two_lines(network: Path) -> None:
    done = ptinspect(network, "--json", "--input", "random:3x28x28", config=network.parent)
    assert done.returncode == 2
    assert "0 (Conv2d) failed on an input of 1 × 3 × 28 × 28" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    found = json.loads(done.stdout)
    assert found["error"]["type"] == "InputDoesNotFit"
    assert found["input"][0]["shape"] == [1, 3, 28, 28]


class _Own(nn.Module):
    """A class that no library has."""


def test_that_code_of_the_file_is_not_run_unless_somebody_agreed(tmp_path: Path) -> None:
    torch.save(_Own(), tmp_path / "own.pt")
    for arguments in ((), ("--model", "pickled")):
        done = ptinspect(tmp_path / "own.pt", *arguments, config=tmp_path)
        assert done.returncode == 2
        assert "--trust" in done.stderr
    assert not (tmp_path / "consents.json").exists()


@pytest.mark.parametrize("arguments", [("--batch", "0"), ("--timeout", "soon"), ("--device", "tpu"), ("--input", "cube:3")])
def test_that_nonsense_is_told_in_two_lines(network: Path, arguments: tuple[str, str]) -> None:
    done = ptinspect(network, *arguments, config=network.parent)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.slow
def test_that_a_run_that_takes_too_long_is_stopped(network: Path) -> None:
    done = ptinspect(network, "--timeout", "0.5", config=network.parent)
    assert done.returncode == 2
    assert "stopped after" in done.stderr


def test_that_a_python_that_is_none_is_told(network: Path, tmp_path: Path) -> None:
    done = ptinspect(network, "--python", tmp_path / "python", config=network.parent)
    assert done.returncode == 2
    assert "cannot be started" in done.stderr


@pytest.mark.slow
def test_that_two_files_run_on_one_batch(network: Path, tmp_path: Path) -> None:
    other = torch.load(network, weights_only=False)
    with torch.no_grad():
        other[5].bias.add_(1)
    torch.save(other, tmp_path / "other.pt")
    done = ptinspect(network, "--json", "--against", tmp_path / "other.pt", "--repeats", 1, config=tmp_path)
    assert json.loads(done.stdout)["parting"]["parts_at"] == "5"


@pytest.mark.slow
def test_that_a_trace_is_saved(network: Path, tmp_path: Path) -> None:
    done = ptinspect(network, "--trace", tmp_path / "trace.json", "--repeats", 1, config=tmp_path)
    assert done.returncode == 0
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    (tmp_path / "folder").mkdir()
    done = ptinspect(network, "--trace", tmp_path / "folder", "--repeats", 1, config=tmp_path)
    assert (done.returncode, "Latency" in done.stdout, "cannot be written" in done.stderr) == (2, True, True)


def test_that_a_trace_without_a_folder_is_refused_before_anything_runs(network: Path, tmp_path: Path) -> None:
    done = ptinspect(network, "--trace", tmp_path / "none" / "trace.json", config=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no folder" in done.stderr


def test_that_an_answer_of_another_form_is_a_sentence() -> None:
    result = Result()
    result.take(Started({"type": "cpu", "name": "CPU"}, "2.13.0", {"source": "pickled"}))
    result.take(Measured("output", [{"shape": "\x1b[31m", "mean": "many"}]))
    problem = _shown(result)
    assert isinstance(problem, RunCrashed)


def test_that_a_bare_server_needs_numpy_and_torch_alone(network: Path, tmp_path: Path) -> None:
    """No window, no tables, no compiled loops, no pictures: in neither process."""
    missing = ("PySide6", "pyqtgraph", "rich", "numba", "ml_dtypes", "torchinfo", "torchvision", "PIL", "timm", "transformers")
    blocker = f"import sys\nsys.modules.update(dict.fromkeys({missing!r}))\n"
    (tmp_path / "sitecustomize.py").write_text(blocker)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(check.ROOT / "src"))), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "ptinspect", "run", str(network), "--json", "--repeats", "1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["totals"]["torchinfo"] is None
