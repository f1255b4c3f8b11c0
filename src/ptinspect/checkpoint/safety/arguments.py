"""Names that are harmless or a gadget by what they are called with: decided on the inert calls.

getattr pickles bound methods, enumerations and nested classes below protocol 4, and reaches everything in an attack; the operator
classes sort rows or walk to `system`; reduce_graph_module rebuilds a traced model from its source text, which may be any text.
A name of these that is never called in sight, or more often than calls are kept, is dangerous: nobody can tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ptinspect.checkpoint.safety.dangerous_names import ATTRIBUTES, CALLED_ONLY, REACHING
from ptinspect.checkpoint.safety.verdicts import Verdict, verdict_of_name
from ptinspect.patterns import pattern
from ptinspect.pickles.stream import Stream
from ptinspect.pickles.values import JUDGED_BY_ARGUMENTS, Call, Dict, Global, Value, pairs_of

CHAIN = 32

_RISKY_SOURCE = pattern(
    r"\b(?:__import__|eval|exec|compile|open|getattr|setattr|globals|locals|vars|breakpoint|input)\s*\("
    r"|\b(?:os|sys|subprocess|socket|shutil|ctypes|importlib|builtins|pickle|marshal|runpy|pty|requests|urllib)\b|__\w+__(?!\s*=)"
)
_HARMLESS_SOURCE = pattern(r"\b__(?:future|getitem|len|init|name)__\b")


def verdict_of(found: Global) -> Verdict:
    """The verdict of a name as this stream uses it."""
    if found.name in JUDGED_BY_ARGUMENTS:
        return _judged(found)
    if found.name in CALLED_ONLY:
        return "dangerous" if found.called else "code"
    verdict = verdict_of_name(found.name)
    built = [call for call in found.calls if call.how == "build"]
    if built and verdict != "dangerous":
        return "code" if is_class(found.name) and not any(_reaches(call) for call in built) else "dangerous"
    return verdict


def is_class(name: str) -> bool:
    """Whether a name reads like a class. Setting attributes on a module or a function replaces what others call (S-13)."""
    return name.rpartition(".")[2].lstrip("_")[:1].isupper()


def _judged(found: Global) -> Verdict:
    calls = [call for call in found.calls if call.how != "build"]
    if not found.called or found.called > len(calls) or found.built:
        return "dangerous"
    judge = _JUDGES[found.name.rpartition(".")[2]]
    return "code" if all(judge(call) for call in calls) else "dangerous"


def _reaches(call: Call) -> bool:
    """Whether BUILD on a class sets a dunder name, or something that cannot be looked at."""
    for state in call.states:
        parts = state if type(state) is tuple else (state,)
        for part in parts:
            if part is None:
                continue
            pairs = pairs_of(part)
            if pairs is None or any(type(key) is not str or key.startswith("__") for key, _ in pairs):
                return True
    return False


def _is_plain_attribute(name: Value) -> bool:
    return type(name) is str and all(part.isidentifier() and _is_harmless(part) for part in name.split("."))


def _is_harmless(part: str) -> bool:
    return part not in ATTRIBUTES and part not in REACHING and not (part.startswith("__") and part.endswith("__"))


def _owner_name(value: Value) -> str | None:
    """The full name of a class or of an object's class, through a chain of attributes (nested classes) down to it."""
    attributes: list[str] = []
    for _ in range(CHAIN):
        if type(value) is Global:
            return ".".join([value.name, *reversed(attributes)])
        if type(value) is not Call:
            return None
        if value.name in JUDGED_BY_ARGUMENTS:
            if type(value.args) is not tuple or len(value.args) != 2 or type(value.args[1]) is not str:
                return None
            attributes.append(value.args[1])
            value = value.args[0]
        else:
            value = value.fn
    return None


def _getattr(call: Call) -> bool:
    args = call.args
    if type(args) is not tuple or len(args) != 2 or not _is_plain_attribute(args[1]):
        return False
    owner = _owner_name(args[0])
    return owner is not None and verdict_of_name(owner) != "dangerous" and verdict_of_name(f"{owner}.{args[1]}") != "dangerous"


def _attrgetter(call: Call) -> bool:
    return type(call.args) is tuple and bool(call.args) and all(_is_plain_attribute(arg) for arg in call.args)


def _itemgetter(call: Call) -> bool:
    args = call.args
    return type(args) is tuple and bool(args) and all(type(arg) is int or _is_plain_attribute(arg) for arg in args)


def _methodcaller(call: Call) -> bool:
    return type(call.args) is tuple and bool(call.args) and _is_plain_attribute(call.args[0])


def _load_type(call: Call) -> bool:
    args = call.args
    return type(args) is tuple and len(args) == 1 and type(args[0]) is str and not re.search(r"Code|Function|Lambda|Module|File", args[0])


def _graph_module(call: Call) -> bool:
    """Every text that would be run as source: the `_code` entry and the imports before it."""
    if type(call.args) is not tuple or not call.args or type(call.args[0]) is not Dict:
        return False
    texts = [value for key, value in call.args[0].pairs if key == "_code"] + [arg for arg in call.args[1:] if type(arg) is str]
    return all(type(text) is str and not _RISKY_SOURCE.search(_HARMLESS_SOURCE.sub("", text)) for text in texts)


_JUDGES: dict[str, Callable[[Call], bool]] = {
    "getattr": _getattr,
    "attrgetter": _attrgetter,
    "itemgetter": _itemgetter,
    "methodcaller": _methodcaller,
    "_load_type": _load_type,
    "reduce_graph_module": _graph_module,
    "reduce_package_graph_module": _graph_module,
    "reduce_deploy_graph_module": _graph_module,
}

_GETTERS = frozenset(f"{module}.{name}" for module in ("operator", "_operator") for name in ("attrgetter", "itemgetter", "methodcaller"))


def called_getters(stream: Stream) -> frozenset[str]:
    """The operator classes whose product the stream calls: then they walk through objects while the file loads."""
    return frozenset(call.fn.name for call in stream.computed if type(call.fn) is Call and call.fn.name in _GETTERS)
