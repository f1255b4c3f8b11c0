"""What a run was started with, as a plain tree: dictionaries, lists, texts and numbers that JSON can hold.

The objects of the usual libraries are opened by what they keep inside, by structure and not by class: argparse's Namespace and
dataclasses by their attributes, OmegaConf's containers by `_content` and `_val`, attribute dictionaries by their entries.
The tree is bounded: a marker says where it was cut, and where an object holds itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ptinspect.checkpoint.modules import class_of
from ptinspect.checkpoint.scalars import Scalars, numpy_scalar
from ptinspect.formats.reach import key_text
from ptinspect.pickles.values import Bytes, Call, Global, Pairs, Set, Value, entries, pairs_of

Tree = dict[str, "Tree"] | list["Tree"] | str | int | float | bool | None

DEPTH = 16
NODES = 5_000
TEXT = 2_000
CUT = "…"
CYCLE = "(itself)"
CLASS = "class"
_PATHS = ("pathlib.", "pathlib._local.")
_PLAIN_OBJECTS = frozenset(
    "Namespace SimpleNamespace DictConfig ListConfig AttributeDict AttrDict EasyDict Munch DotMap Box ConfigDict CfgNode".split()
)
_SETTINGS = ("Arguments", "Config", "Args", "Options", "Cfg", "HParams")
_CONTENTS = ("_content", "_val", "_fields")


class TreeBuilder:
    """Builds one tree; the bound on its nodes is shared by all of it."""

    def __init__(self, scalars: Scalars, nodes: int = NODES) -> None:
        self.scalars = scalars
        self.left = nodes

    def of(self, value: Value, above: tuple[int, ...] = ()) -> Tree:
        """The tree of a value. The depth is bounded, so the recursion is too."""
        self.left -= 1
        if value is None or type(value) in (bool, int, float):
            return value  # type: ignore[no-any-return]
        if type(value) is str:
            return _short(value)
        if type(value) is Global:
            return value.name
        if id(value) in above:
            return CYCLE
        if self.left <= 0 or len(above) >= DEPTH:
            return CUT
        above = (*above, id(value))
        if type(value) in (list, tuple, Set):
            return self._list(value.items if type(value) is Set else value, above)
        pairs = pairs_of(value)
        if pairs is not None:
            return self._mapping(pairs, above)
        return self._object(value, above) if type(value) is Call else _leaf(value)

    def _list(self, items: list[Value] | tuple[Value, ...], above: tuple[int, ...]) -> list[Tree]:
        found: list[Tree] = []
        for item in items:
            if self.left <= 0:
                return [*found, f"{CUT} {len(items) - len(found):,} more"]
            found.append(self.of(item, above))
        return found

    def _mapping(self, pairs: Pairs, above: tuple[int, ...]) -> dict[str, Tree]:
        found: dict[str, Tree] = {}
        for key, item in entries(pairs[: self.left + 1]):
            if self.left <= 0:
                found[CUT] = f"{len(pairs) - len(found):,} more"
                break
            found[_short(key_text(key))] = self.of(item, above)
        return found

    def _object(self, call: Call, above: tuple[int, ...]) -> Tree:
        tensor = self.scalars.by_value.get(id(call))
        if tensor is not None:
            number = self.scalars.of(call)
            return number if number is not None else f"(tensor {tensor.dtype.name} {list(tensor.shape)})"
        number = numpy_scalar(call)
        if number is not None:
            return number
        inside = list(islice(attributes(call), NODES))
        if not inside:
            return self._made(call, above)
        for key, item in inside:
            if key in _CONTENTS and type(key) is str:
                return self.of(item, above)
        name = class_of(call)
        plain = name.rpartition(".")[2] in _PLAIN_OBJECTS
        return {**({} if plain else {CLASS: name}), **self._mapping(inside, above)}

    def _made(self, call: Call, above: tuple[int, ...]) -> Tree:
        """What is made by its arguments alone: a path, a device, a member of an enum, a date."""
        name = class_of(call)
        args = call.args if type(call.args) is tuple else ()
        texts = [arg for arg in args if type(arg) is str]
        if name.startswith(_PATHS) and len(texts) == len(args):
            return _short("/".join(texts).replace("//", "/")) or "."
        if name == "torch.device":
            return ":".join(str(arg) for arg in args if type(arg) in (str, int))
        if name in ("builtins.set", "builtins.frozenset", "__builtin__.set", "__builtin__.frozenset") and args:
            return self.of(args[0], above)
        if name.endswith("builtins.getattr") and len(args) == 2 and type(args[0]) is Global and type(args[1]) is str:
            return f"{args[0].name.rpartition('.')[2]}.{args[1]}"
        if name.endswith("multiarray._reconstruct"):
            return "(numpy array)"
        if name.rpartition(".")[2] in _PLAIN_OBJECTS and not args:
            return {}
        spelled = ", ".join(_spelled(arg) for arg in args if type(arg) is not Global)
        return _short(f"{name.rpartition('.')[2]}({spelled})")


def attributes(call: Call) -> Iterator[tuple[Value, Value]]:
    """The entries of a dictionary's relative, then the attributes of any object, without those that carry a library's own notes."""
    if call.pairs:
        yield from entries(call.pairs)
        return
    for state in call.states:
        for part in state if type(state) is tuple else (state,):
            yield from ((key, item) for key, item in entries(pairs_of(part) or []) if not (type(key) is str and key.startswith("__")))


def _leaf(value: Value) -> str:
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    if isinstance(value, Bytes):
        return f"({value.length:,} bytes)"
    return f"({type(value).__name__.lower()})"


def _spelled(value: Value) -> str:
    if type(value) in (int, float, bool, type(None)):
        return str(value)
    return repr(value[:80]) if type(value) is str else CUT


def _short(text: str) -> str:
    return text if len(text) <= TEXT else text[:TEXT] + CUT


def is_plain_object(value: Value) -> bool:
    """Whether a value is an object that only keeps settings, told by its class's last name."""
    if type(value) is not Call:
        return False
    last = class_of(value).rpartition(".")[2]
    return last in _PLAIN_OBJECTS or last.endswith(_SETTINGS)
