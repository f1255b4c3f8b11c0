"""The way to the first painted row: what it may import, what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ptinspect import resources

SOURCES = Path(__file__).parents[2] / "src"
SAMPLE = resources.path("samples/checkpoint.pt")
HEAVY = {"numpy", "pyqtgraph", "numba", "torch", "rich", "ml_dtypes"}
LATER = {"PySide6.QtSvg", "PySide6.QtNetwork", "PySide6.QtOpenGL", "ptinspect.ui.panels.safety", "ptinspect.session.pages"}
CODE = """
import sys
from ptinspect.ui import benchmark
before = benchmark.resident
def resident():
    sys.stderr.write(" ".join(sys.modules))
    return before()
benchmark.resident = resident
from ptinspect.cli.main import main
sys.exit(main(["--benchmark-open", sys.argv[1]]))
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(SOURCES), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run([sys.executable, *command], env=env, capture_output=True, text=True, timeout=120, check=False)


def test_that_nothing_heavy_is_imported_before_the_rows_are_painted() -> None:
    done = run("-c", CODE, str(SAMPLE))
    assert done.returncode == 0, done.stderr
    modules = set(done.stderr.split())
    assert "PySide6.QtWidgets" in modules
    assert not modules & (HEAVY | LATER)
    assert {name for name in modules if name.startswith("PySide6.Qt")} == {"PySide6.QtCore", "PySide6.QtGui", "PySide6.QtWidgets"}


def test_that_the_benchmark_prints_time_and_memory_and_quits() -> None:
    done = run("-m", "ptinspect", "--benchmark-open", str(SAMPLE))
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(found) == {"paint_ms", "rss_mb"}
    assert 0 < found["rss_mb"] < 120
    assert found["paint_ms"] > 0


def test_that_the_benchmark_of_a_file_that_cannot_be_shown_is_an_error(tmp_path: Path) -> None:
    done = run("-m", "ptinspect", "--benchmark-open", str(tmp_path / "none.pt"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
