"""A function of the user's builds the model: only what they agreed to runs, and what goes wrong in it is one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.errors import ArchitectureUnknown, NotTrusted
from ptinspect.runner.named_factory import factory_digest
from ptinspect.runner.own_factory import made_by

GOOD = """
from torch import nn
WIDTH = 4
class Net(nn.Module):
    def __init__(self, width=WIDTH, names=()):
        super().__init__()
        self.fc, self.names = nn.Linear(3, width), names
    def forward(self, x):
        return self.fc(x)
def make_net(width=2):
    return Net(width)
ready = Net()
"""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Foreign modules and folders go again."""
    path, modules = sys.path[:], set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if not name.startswith(("torch", "ptinspect")):
            del sys.modules[name]


def agreed(text: str, paths: tuple[str, ...] = ()) -> nn.Module:
    return made_by(text, factory_digest(text, paths), paths)


def script(folder: Path, text: str, name: str = "nets.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def refusal(text: str, paths: tuple[str, ...] = ()) -> ArchitectureUnknown:
    with pytest.raises(ArchitectureUnknown) as caught:
        agreed(text, paths)
    assert "\n" not in caught.value.message
    return caught.value


CALLS = {"Net": 4, "Net()": 4, "make_net": 2, "make_net(width=5)": 5, "Net(7, names=['a'])": 7, "ready": 4}


@pytest.mark.parametrize(("call", "width"), CALLS.items())
def test_that_the_named_function_builds_the_model(tmp_path: Path, call: str, width: int) -> None:
    model = agreed(f"{script(tmp_path, GOOD)}:{call}")
    assert model(torch.ones(2, 3)).shape == (2, width)


def test_that_its_imports_are_found_beside_it_and_in_given_folders(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    script(tmp_path, "WIDTH = 6", "sizes_beside.py")
    script(tmp_path / "more", "DEPTH = 1", "sizes_elsewhere.py")
    text = script(tmp_path, "import sizes_beside as s, sizes_elsewhere\nfrom torch import nn\ndef make():\n  return nn.Linear(1, s.WIDTH)")
    assert agreed(f"{text}:make", (str(tmp_path / "more"),)).out_features == 6


def test_that_an_installed_class_can_be_named() -> None:
    assert str(agreed("torch.nn:Linear(3, 4, bias=False)")) == "Linear(in_features=3, out_features=4, bias=False)"


def test_that_a_module_of_a_given_folder_can_be_named(tmp_path: Path) -> None:
    package = tmp_path / "own_package"
    package.mkdir()
    script(package, "", "__init__.py")
    script(package, "from torch import nn\nfrom own_package.width import W\ndef make():\n  return nn.Linear(1, W)", "wide.py")
    script(package, "W = 9", "width.py")
    assert agreed("own_package.wide:make", (str(tmp_path),)).out_features == 9


@pytest.mark.parametrize("trust", [None, "0" * 64])
def test_that_nothing_runs_that_nobody_agreed_to(tmp_path: Path, trust: str | None) -> None:
    text = script(tmp_path, f"open({str(tmp_path / 'MARKER')!r}, 'w').close()\n{GOOD}")
    with pytest.raises(NotTrusted):
        made_by(f"{text}:Net", trust)
    assert not (tmp_path / "MARKER").exists()
    assert str(tmp_path) not in sys.path


def test_that_a_file_changed_after_the_consent_does_not_run(tmp_path: Path) -> None:
    text = f"{script(tmp_path, GOOD)}:Net"
    digest = factory_digest(text)
    script(tmp_path, f"open({str(tmp_path / 'MARKER')!r}, 'w').close()\n{GOOD}")
    with pytest.raises(NotTrusted, match="changed since"):
        made_by(text, digest)
    assert not (tmp_path / "MARKER").exists()


def test_that_a_compiled_file_beside_it_is_not_taken(tmp_path: Path) -> None:
    """Python's import would run the .pyc of a file with this time and size; what was agreed to is the text."""
    import py_compile

    path = Path(script(tmp_path, f"open({str(tmp_path / 'MARKER')!r}, 'w').close()\n{GOOD}"))
    py_compile.compile(str(path))
    status, length = path.stat(), path.stat().st_size
    path.write_text(GOOD + "#" * (length - len(GOOD)))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == length
    agreed(f"{path}:Net")
    agreed("nets:Net", (str(tmp_path),))
    assert not (tmp_path / "MARKER").exists()


def test_that_a_syntax_error_is_told_with_its_line(tmp_path: Path) -> None:
    found = refusal(f"{script(tmp_path, 'import torch' + chr(10) + 'def make(:' + chr(10))}:make")
    assert found.message == "nets.py has a syntax error in line 2: invalid syntax"
    assert refusal(f"{script(tmp_path, 'x = 1' + chr(0))}:make").message.startswith("nets.py has a syntax error")


def test_that_a_missing_name_is_told_with_what_there_is(tmp_path: Path) -> None:
    found = refusal(f"{script(tmp_path, GOOD)}:make_nett")
    assert found.message == "nets.py has no make_nett"
    assert found.hint.startswith("It has make_net, ")


BROKEN = {
    "1 / 0": "nets.py failed in line 1: ZeroDivisionError: division by zero",
    "import sys\nsys.exit(3)": "nets.py failed in line 2: SystemExit: 3",
    "def make():\n  x = 1\n  raise ValueError('no width')": "make in nets.py failed in line 3: ValueError: no width",
    "def make(width):\n  pass": "make in nets.py failed: TypeError: make() missing 1 required positional argument: 'width'",
    "def make():\n  return {'a': 1}": "make in nets.py returns a dict, and no torch.nn.Module",
    "from torch import nn\ndef make():\n  return nn.Linear": "make in nets.py returns the class Linear, and no torch.nn.Module",
    "make = 3": "make in nets.py cannot be called: it is a int",
    "import torch\ndef make():\n  return torch.ones(2)": "make in nets.py returns a Tensor, and no torch.nn.Module",
    "class E(Exception):\n  def __str__(self):\n    return ''\nraise E": "nets.py failed in line 4: E",
}


@pytest.mark.parametrize("text", BROKEN)
def test_that_what_goes_wrong_in_it_is_one_sentence(tmp_path: Path, text: str) -> None:
    assert refusal(f"{script(tmp_path, text)}:make").message == BROKEN[text]


def test_that_an_error_further_away_is_told_with_both_lines(tmp_path: Path) -> None:
    script(tmp_path, "\n\ndef deep():\n  raise KeyError('x')", "further_away.py")
    text = script(tmp_path, "import further_away\ndef make():\n  return further_away.deep()")
    assert refusal(f"{text}:make").message == "make in nets.py failed in line 3 (in further_away.py, line 4): KeyError: 'x'"


def test_that_a_missing_import_is_pointed_to(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "lib_of_mine").mkdir()
    script(tmp_path / "lib_of_mine", "", "nets.py")
    text = script(tmp_path / "scripts", "import lib_of_mine.nets\nimport torch", "build.py")
    found = refusal(f"{text}:make")
    assert found.message == "build.py failed in line 1: ModuleNotFoundError: No module named 'lib_of_mine'"
    assert found.hint == f"There is {tmp_path / 'lib_of_mine'}: add --path {tmp_path}"
    text = script(tmp_path / "scripts", "import nowhere_at_all", "build.py")
    assert refusal(f"{text}:make").hint.startswith("Point to the folder that holds nowhere_at_all: --path DIR.")


def test_that_a_file_named_as_a_library_hides_it_from_nobody(tmp_path: Path) -> None:
    import random

    text = script(tmp_path, GOOD, "random.py")
    assert agreed(f"{text}:Net") is not None
    assert sys.modules["random"] is random


def test_that_a_missing_module_is_told() -> None:
    assert refusal("nowhere_at_all.nets:Net").message == "there is no module nowhere_at_all"
