"""What a TorchScript class declares, read from its text. The text is matched line by line, never compiled, never run.

A module's pickle holds one flat mapping of attributes: weights, buffers, submodules and plain values side by side. Only the
class text says which is which:

    class Linear(Module):
      __parameters__ = ["weight", "bias", ]
      __buffers__ = []
      weight : Tensor
      __annotations__["0.packed"] = __torch__.torch.classes.quantized.Conv2dPackedParamsBase
      in_features : Final[int] = 2
      def forward(...

torch prints these lines itself (jit/serialization/python_print.cpp), so that they always look like this; a name that is no
Python identifier goes through `__annotations__`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ptinspect.errors import FileProblem
from ptinspect.formats.document import ClassMembers
from ptinspect.frozen import field, slotted

_CLASS = re.compile(r"class ([A-Za-z_]\w*)[(:]")
_NAMES = re.compile(r"  __(parameters|buffers)__ = \[(.*)\]\s*$")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ATTRIBUTE = re.compile(r"  ([A-Za-z_]\w*) ?: (.+)$")
_ANNOTATION = re.compile(r'  __annotations__\["((?:[^"\\]|\\.)*)"\] = (.+)$')
_CONSTANT = re.compile(r"Final\[(.+?)\] = (.*)$")
_ESCAPE = re.compile(r"\\(.)")
MOST_LINES = 2_000_000


@slotted
class _Declared:
    """The members of one class while its lines are read."""

    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)

    def line(self, line: str) -> None:
        """Take in one line of the class body."""
        if found := _NAMES.match(line):
            self.names[found[1]] = tuple(_plain(name) for name in _QUOTED.findall(found[2]))
        elif found := _ANNOTATION.match(line):
            self.attributes[_plain(found[1])] = found[2].strip()
        elif found := _ATTRIBUTE.match(line):
            constant = _CONSTANT.match(found[2])
            if constant:
                self.constants[found[1]] = constant[2].strip()
            else:
                self.attributes[found[1]] = found[2].strip()

    def members(self) -> ClassMembers:
        """What was declared in all."""
        return ClassMembers(self.names.get("parameters", ()), self.names.get("buffers"), self.attributes, self.constants)


def _plain(name: str) -> str:
    return _ESCAPE.sub(r"\1", name) if "\\" in name else name


def class_members(text: str) -> dict[str, ClassMembers]:
    """The members of every class in a text, by the class's short name."""
    found: dict[str, _Declared] = {}
    current: _Declared | None = None
    for line in text.split("\n", MOST_LINES):
        if line[:1] not in (" ", "\r", ""):
            match = _CLASS.match(line)
            current = found.setdefault(match[1], _Declared()) if match else None
        elif line.startswith("  def "):
            current = None  # members stand before the first method
        elif current is not None:
            current.line(line)
    return {name: declared.members() for name, declared in found.items()}


class Classes:
    """Finds the members of a class by its full name; each text is read when it is first asked for, and once.

    `__torch__.torch.nn.modules.conv.Conv2d` stands in `<folder>__torch__/torch/nn/modules/conv.py`.
    """

    def __init__(self, code: Mapping[str, Callable[[], str]], folder: str) -> None:
        self.code = code
        self.folder = folder
        self.known: dict[str, dict[str, ClassMembers]] = {}

    def __call__(self, name: str) -> ClassMembers | None:
        """The members of that class, None where its text is missing or unreadable."""
        module, _, short = name.rpartition(".")
        path = self.folder + module.replace(".", "/") + ".py"
        if path not in self.known:
            self.known[path] = self._read(path)
        return self.known[path].get(short)

    def _read(self, path: str) -> dict[str, ClassMembers]:
        read = self.code.get(path)
        if read is None:
            return {}
        try:
            return class_members(read())
        except FileProblem:
            return {}
