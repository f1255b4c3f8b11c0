"""A rule is a check or it is no rule: what may import what, and what the way of `info` may not load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ptinspect import resources
from tests import check

SOURCES = check.ROOT / "src" / "ptinspect"
UNPICKLERS = {"pickle", "_pickle", "shelve"}  # marshal is always loaded: Python reads its own .pyc files with it
TORCH = {"torch", "torchvision", "torchinfo", "functorch"}
SLOW_TO_IMPORT = {"numpy", "rich", "ml_dtypes", "PySide6", "shiboken6", "pyqtgraph"}
SAMPLE = str(resources.path("samples/checkpoint.pt"))

needs_the_cli = pytest.mark.skipif(not (SOURCES / "cli" / "main.py").exists(), reason="the command line is not written yet")


def test_that_the_floors_and_every_other_import_contract_hold() -> None:
    done = check.run("contracts", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def dynamic_imports(tree: ast.AST) -> list[ast.Call]:
    names = ("import_module", "__import__", "find_loader", "run_module", "run_path")
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in names]


def names_our_own_module(call: ast.Call) -> bool:
    argument = call.args[0] if call.args else None
    first = argument.values[0] if isinstance(argument, ast.JoinedStr) else argument
    return isinstance(first, ast.Constant) and str(first.value).startswith("ptinspect.")


@pytest.mark.parametrize("source", sorted(SOURCES.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCES)))
def test_that_no_import_is_hidden_from_the_contracts(source: Path) -> None:
    """import-linter reads statements; an import by name could bring in anything, so it must begin with our own name."""
    hidden = [ast.unparse(call) for call in dynamic_imports(ast.parse(source.read_text("utf-8"))) if not names_our_own_module(call)]
    assert not hidden


@pytest.mark.parametrize(
    "line",
    [
        "import torch\ntorch.load('x')",
        "from torch import load",
        "import torch\ntorch.jit.load('x')",
        "import pickle",
        "from pickle import loads",
        "import _pickle",
        "import marshal",
        "import shelve",
        "import pickletools",
        "import numpy\nnumpy.load('x')",
        "eval('1')",
        "exec('1')",
        "import importlib\nimportlib.import_module('x')",
    ],
)
def test_that_lint_refuses(line: str) -> None:
    name = str(SOURCES / "formats" / "imagined.py")
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251,S102,S307", "--stdin-filename", name, "-"]
    done = subprocess.run(command, input=line + "\n", capture_output=True, text=True, cwd=check.ROOT, check=False)
    assert done.returncode == 1, done.stdout


def modules_after(*argv: str) -> set[str]:
    """The top-level names that a fresh process has imported once it has run this command."""
    code = (
        "import sys; from ptinspect.cli.main import main; status = main(sys.argv[1:]); sys.stdout.flush();"
        "print('\\nimported', *{name.partition('.')[0] for name in sys.modules}); sys.exit(status)"
    )
    environment = {"PYTHONPATH": str(SOURCES.parent), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, encoding="utf-8", env=environment, check=False)
    last = done.stdout.rpartition("\n")[0].rpartition("\n")[2]
    assert last.startswith("imported "), done.stderr
    return set(last.split())


@needs_the_cli
@pytest.mark.parametrize("command", ["info", "scan"])
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_that_a_file_is_read_without_numpy_rich_qt_or_torch(command: str, form: list[str]) -> None:
    unwanted = modules_after(command, SAMPLE, *form) & (SLOW_TO_IMPORT | TORCH | UNPICKLERS)
    assert not unwanted


@needs_the_cli
@pytest.mark.parametrize("command", [["tree", SAMPLE], ["demo"], ["--version"]], ids=lambda command: command[0])
def test_that_no_command_loads_torch(command: list[str]) -> None:
    if command[0].isalpha() and not (SOURCES / "cli" / f"{command[0]}.py").exists():
        pytest.skip(f"{command[0]} is not written yet")
    unwanted = modules_after(*command) & TORCH
    assert not unwanted
