"""Module-like objects: anything that carries `_modules` or `_parameters`, its class known here or not, and TorchScript's.

A TorchScript object keeps weights, submodules and plain values side by side; its class text says which is which. The walks are
iterative and bounded: a module that holds itself ends at the second visit, and one module under two names is listed twice, as
`state_dict()` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ptinspect.checkpoint.model import Role
from ptinspect.formats.document import ClassMembers, Document
from ptinspect.formats.quantized import convolution, convolution_tensors, packed_parts
from ptinspect.formats.reach import COMPILED, TRACED, key_text
from ptinspect.frozen import field, frozen
from ptinspect.pickles.values import Call, Global, Pairs, Set, Value, class_outside, entries, lookup, pairs_of
from ptinspect.tensors import TensorInfo

MOST_MODULES = 1_000_000
MOST_NAMES = 2_000_000
MOST_AGAIN = 100_000  # rows of modules met again under another name: 40 modules of ten children each have 10^39 names
_DEPTH = 200
_SCRIPT = "__torch__."
_PACKED = frozenset({"_packed_params", "_packed_weight"})
_MANGLE = re.compile(r"\b___torch_mangle_\d+\.")


@frozen
class Module:
    """One module of a pickled model or a TorchScript program, inert. `constants` are what a TorchScript class holds as text."""

    class_name: str
    state: Value
    parameters: Pairs
    buffers: Pairs
    children: Pairs
    non_persistent: frozenset[str]
    constants: Mapping[str, str] = field(default_factory=dict)
    is_scripted: bool = False


def module_of(value: Value, document: Document) -> Module | None:
    """The module that a value would become, or None."""
    if type(value) is not Call:
        return None
    if document.classes is not None and value.name.startswith(_SCRIPT):
        return _scripted(value, document)
    for state in reversed(value.states):
        for part in state if type(state) is tuple else (state,):
            if _is_state(part):
                return _pickled(value, part)
    return _reduced(value)


def _is_state(part: Value) -> bool:
    return any(type(key) is str and key in ("_modules", "_parameters") for key, _ in pairs_of(part) or ())


def _reduced(value: Call) -> Module | None:
    """Three that pickle otherwise than by their state: what torch.compile returns holds the module that it was given as its first
    argument, a traced one (torch.fx) its attributes; a quantized convolution sets a tuple."""
    first = value.args[0] if type(value.args) is tuple and value.args else None
    if value.name == COMPILED and type(first) is Call:
        return Module(value.name, None, [], [], [("_orig_mod", first)], frozenset())
    if value.name in TRACED and _is_state(first):
        return _pickled(value, first)
    attributes = convolution(value)
    if attributes is not None:
        return Module(value.name, attributes, convolution_tensors(attributes), [], [], frozenset())
    return None


def _packed_attributes(state: Value) -> Iterator[tuple[str, Value]]:
    """The tensors of a quantized layer, which its class keeps packed in an attribute and writes into its state_dict one by one."""
    for key, item in pairs_of(state) or ():
        if type(key) is str and key in _PACKED:
            for name, tensor in packed_parts(item) or ():
                yield f"{key}.{name}" if name else key, tensor


def _pickled(value: Call, state: Value) -> Module:
    parameters, buffers, children = (pairs_of(lookup(state, name)) or [] for name in ("_parameters", "_buffers", "_modules"))
    left_out = lookup(state, "_non_persistent_buffers_set")
    items = left_out.items if type(left_out) is Set else _set_items(left_out)
    names = frozenset(item for item in items if type(item) is str)
    own, kind = list(entries(parameters)), class_of(value)
    if kind.endswith("PackedParams"):
        own += _packed_attributes(state)
    return Module(kind, state, own, list(entries(buffers)), list(entries(children)), names)


def _scripted(value: Call, document: Document) -> Module | None:
    pairs = pairs_of(value.state)
    members = document.classes(value.name) if document.classes is not None else None
    if pairs is None:
        return None
    members = members or ClassMembers()
    parameters, buffers, children = [], [], []
    for key, item in entries(pairs):
        if type(item) is Call and item.name.startswith(_SCRIPT) and id(item) not in document.by_value:
            children.append((key, item))
        elif key in members.parameters:
            parameters.append((key, item))
        elif id(item) in document.by_value and (members.buffers is None or key in members.buffers):
            buffers.append((key, item))
    name = _MANGLE.sub("", value.name.removeprefix(_SCRIPT))
    return Module(name, value.state, parameters, buffers, children, frozenset(), members.constants, True)


def _set_items(value: Value) -> list[Value]:
    """Protocol 2 writes a set as builtins.set([...])."""
    args = value.args if type(value) is Call and type(value.args) is tuple else ()
    return args[0] if args and type(args[0]) is list else []


def class_of(value: Call) -> str:
    """The full name of an object's class: what is constructed, or the class that copyreg's helper would construct."""
    if value.name in TRACED:
        return "torch.fx.graph_module.GraphModule"
    fn = class_outside(value.fn) or value.fn
    if type(fn) is Global and fn.name.rpartition(".")[2] in ("_reconstructor", "__newobj__", "_rebuild_from_type_v2"):
        first = value.args[0] if type(value.args) is tuple and value.args else None
        fn = first if type(first) is Global else fn
    return fn.name if type(fn) is Global else "?"


def modules_below(root: Value, document: Document) -> Iterator[tuple[str, Module]]:
    """Every module under every name it has, parents first, by its path below `root`; bounded where they are met again and again."""
    todo: list[tuple[Value, str, tuple[int, ...]]] = [(root, "", ())]
    seen: set[int] = set()
    spare, again = MOST_MODULES, MOST_AGAIN
    while todo and spare > 0:
        value, path, above = todo.pop()
        module = module_of(value, document)
        if module is None or id(value) in above or len(above) > _DEPTH:
            continue
        if id(value) in seen:
            again -= 1 + len(module.parameters) + len(module.buffers) + len(module.children)
            if again < 0:
                continue
        seen.add(id(value))
        spare -= 1
        yield path, module
        below = (*above, id(value))
        todo.extend((child, f"{path}.{key_text(key)}" if path else key_text(key), below) for key, child in reversed(module.children))


def state_entries(root: Value, document: Document) -> Iterator[tuple[str, TensorInfo, Role]]:
    """What `state_dict()` would return: parameters, persistent buffers, then the children's, each in order."""
    spare = MOST_NAMES
    for path, module in modules_below(root, document):
        lead = f"{path}." if path else ""
        kept = [pair for pair in module.buffers if type(pair[0]) is not str or pair[0] not in module.non_persistent]
        roles: tuple[tuple[Pairs, Role], ...] = ((module.parameters, "parameter"), (kept, "buffer"))
        for pairs, role in roles:
            for key, item in pairs:
                tensor = document.by_value.get(id(item))
                if tensor is not None and spare > 0:
                    spare -= 1
                    yield lead + key_text(key), tensor, role
