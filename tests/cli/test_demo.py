"""`demo` where no window can open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ptinspect import resources

SOURCES = Path(__file__).parents[2] / "src"


def demo(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    command = [sys.executable, "-m", "ptinspect", "demo", *words]
    return subprocess.run(command, env=kept | {"PYTHONPATH": str(SOURCES)} | more, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
@pytest.mark.parametrize("more", [{}, {"DISPLAY": ":4711"}, {"QT_QPA_PLATFORM": "offscreen"}], ids=["none", "dead", "offscreen"])
def test_that_without_a_screen_the_samples_are_printed(more: dict[str, str]) -> None:
    done = demo(**more)
    assert (done.returncode, done.stderr) == (0, "")
    for sample in resources.path("samples").iterdir():
        assert str(sample) in done.stdout
    assert "model_state_dict" in done.stdout


def test_that_a_script_gets_one_document() -> None:
    files = json.loads(demo("--json").stdout)["files"]
    assert [Path(one["path"]).name for one in files] == ["checkpoint.pt", "finetuned.pt", "model.pt", "scripted.pt", "weights.pt"]
