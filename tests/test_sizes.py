"""A rule is a check or it is no rule: how long a file, a function and a class of the program may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests import check

SOURCES = check.ROOT / "src" / "ptinspect"
FILE, FUNCTION, INIT, METHODS = 400, 50, 40, 20
Def = ast.FunctionDef | ast.AsyncFunctionDef

LARGE = {
    "pickles/machine.py Machine._loop": "a call for each instruction costs a third more time at 4.5 million of them",
}  # fmt: skip


def lines(node: Def) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def counts(method: Def) -> bool:
    """Qt's overrides (no other name has a capital letter) and properties are no verbs of a class."""
    return method.name.islower() and not any(ast.unparse(one).endswith(("property", ".setter")) for one in method.decorator_list)


def too_large(tree: ast.AST, owner: str = "") -> Iterator[str]:
    """Every function and class that goes over, by its full name."""
    for node in ast.iter_child_nodes(tree):
        name = f"{owner}{node.name}" if isinstance(node, Def | ast.ClassDef) else owner.rstrip(".")
        if isinstance(node, Def) and lines(node) > (INIT if node.name == "__init__" else FUNCTION):
            yield name
        if isinstance(node, ast.ClassDef) and sum(isinstance(one, Def) and counts(one) for one in node.body) > METHODS:
            yield name
        yield from too_large(node, f"{name}." if name else "")


def over(name: str) -> set[str]:
    text = (SOURCES / name).read_text("utf-8")
    found = {f"{name} {one}" for one in too_large(ast.parse(text))}
    return found | ({name} if len(text.splitlines()) > FILE else set())


@pytest.fixture(scope="module")
def found() -> set[str]:
    return set[str]().union(*(over(path.relative_to(SOURCES).as_posix()) for path in SOURCES.rglob("*.py")))


def test_that_no_file_function_or_class_outgrows_the_house_limits(found: set[str]) -> None:
    assert found - LARGE.keys() == set()


def test_that_every_exception_is_still_one(found: set[str]) -> None:
    assert LARGE.keys() - found == set()


def test_that_the_limits_see_methods_functions_inside_and_classes() -> None:
    body = "\n".join(f"{{indent}}x = {at}" for at in range(FUNCTION))
    inner = "def outer():\n    def inner():\n" + body.format(indent=" " * 8)
    assert list(too_large(ast.parse(inner))) == ["outer", "outer.inner"]
    wide = "class Wide:\n" + "".join(f"    def verb{at}(self): ...\n" for at in range(METHODS))
    assert not list(too_large(ast.parse(wide + "    def paintEvent(self): ...\n    @property\n    def width(self): ...\n")))
    assert list(too_large(ast.parse(wide + "    def one_more(self): ...\n"))) == ["Wide"]


def test_that_complexity_is_waived_for_nothing_else() -> None:
    waived = [
        f"{path.relative_to(SOURCES).as_posix()} {line.strip()}"
        for path in sorted(SOURCES.rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if "noqa" in line and any(code in line for code in ("C901", "PLR0912", "PLR0915"))
    ]
    assert [line.partition("(")[0] for line in waived] == ["pickles/machine.py def _loop"]
