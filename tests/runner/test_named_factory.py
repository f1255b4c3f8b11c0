"""A function of the user's in words: what it names, and what somebody who agrees to it agrees to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ptinspect.errors import ArchitectureUnknown
from ptinspect.runner.named_factory import anchored, factory_digest, named


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "models.py").write_text("raise SystemExit('it ran')\n")
    return tmp_path / "models.py"


def test_that_arguments_are_literals(script: Path) -> None:
    found = named(f"{script}:Net( 3, widths=[1, 2], name='a:b.py', flag=True, rate=-0.5)")
    assert (found.attribute, found.args) == (("Net",), (3,))
    assert found.kwargs == {"widths": [1, 2], "name": "a:b.py", "flag": True, "rate": -0.5}
    assert (found.path, found.source) == (str(script), script.read_bytes())
    assert named(f"{script}:Net.small").attribute == ("Net", "small")
    assert named(f"{script}:Net").args is None
    assert named(f"{script}:Net()").args == ()


@pytest.mark.parametrize(
    "call",
    ["Net(open('x'))", "Net(__import__('os'))", "Net(*[1])", "Net(**{'a': 1})", "Net(a)", "Net()()", "Net[0]", "lambda: 1", "Net; 1",
     "Net(1", "1", "(Net)(f'{1}')", "Net(" + "[" * 900 + "]" * 900 + ")", "Net(1 if 1 else 2)", "Net('\\ud800'.x)", "Net\n()\nx"],
)  # fmt: skip
def test_that_anything_else_in_parentheses_is_refused(script: Path, call: str) -> None:
    with pytest.raises(ArchitectureUnknown, match="plain arguments"):
        named(f"{script}:{call}")


@pytest.mark.parametrize("text", ["", "models", "models.py", ":make", "models.py:", "a b:c", "../models:Net", "a..b:Net", "1a:Net"])
def test_that_what_names_no_function_is_told(text: str) -> None:
    with pytest.raises(ArchitectureUnknown, match="names no function"):
        named(text)


def test_that_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArchitectureUnknown, match="there is no such file"):
        named(f"{tmp_path / 'missing.py'}:make")


def test_that_the_digest_is_of_the_file_and_the_call(script: Path, tmp_path: Path) -> None:
    first = factory_digest(f"{script}:Net(1, a=2)")
    assert factory_digest(f" {script}:Net( 1,a = 2 ) ") == first
    assert factory_digest(f"{script}:Net(1, a=3)") != first
    assert factory_digest(f"{script}:Other(1, a=2)") != first
    (tmp_path / "moved").mkdir()
    script.rename(tmp_path / "moved" / "other.py")
    moved = tmp_path / "moved" / "other.py"
    assert factory_digest(f"{moved}:Net(1, a=2)") == first
    moved.write_bytes(moved.read_bytes() + b" ")
    assert factory_digest(f"{moved}:Net(1, a=2)") != first


def test_that_sets_are_spelled_alike_in_every_process(script: Path) -> None:
    assert named(f"{script}:Net({{'a', 'b', 'c'}})").call == "Net({'a', 'b', 'c'})"


def test_that_a_module_below_a_folder_counts_by_content_and_is_not_imported(tmp_path: Path) -> None:
    package = tmp_path / "mine" / "nets"
    package.mkdir(parents=True)
    (tmp_path / "mine" / "__init__.py").write_text("raise SystemExit('it ran')")
    (package / "wide.py").write_text("one = 1")
    text, paths = "mine.nets.wide:Net", (str(tmp_path),)
    assert named(text, paths).path == str(package / "wide.py")
    before = factory_digest(text, paths)
    (package / "wide.py").write_text("one = 2")
    assert factory_digest(text, paths) != before
    assert factory_digest(text) != before
    assert named(text).source is None


def test_that_a_file_is_anchored_for_another_folder(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(script.parent)
    assert anchored("models.py:Net(a='x.py:y')") == f"{script}:Net(a='x.py:y')"
    assert factory_digest("models.py:Net") == factory_digest(anchored("models.py:Net"))
    assert anchored("torchvision:resnet18") == "torchvision:resnet18"
    assert anchored("auto") == "auto"
    assert os.path.isabs(anchored("./models.py:Net").partition(":")[0])
