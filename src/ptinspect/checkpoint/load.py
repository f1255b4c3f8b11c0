"""The Python lines that load a file the safest way that works, to copy and run.

`weights_only=True` wherever torch takes the file with it; the names it would have to be told otherwise, one by one, never a
blanket permission; no lines at all for a file that would run something dangerous.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ptinspect.checkpoint.model import Kind, WeightSet
from ptinspect.checkpoint.safety import Safety
from ptinspect.checkpoint.safety.weights_only_names import ALLOWED, renamed
from ptinspect.checkpoint.weight_sets import steps_below
from ptinspect.formats.document import Document
from ptinspect.pickles.values import Call, Global, Value, pairs_of

_LOADED = {"model": "model", "state_dict": "state_dict", "optimizer": "optimizer_state"}
_DTYPE_CLASSES = {
    "f2": "Float16DType", "f4": "Float32DType", "f8": "Float64DType", "i1": "Int8DType", "i2": "Int16DType", "i4": "Int32DType",
    "i8": "Int64DType", "u1": "UInt8DType", "u2": "UInt16DType", "u4": "UInt32DType", "u8": "UInt64DType", "b1": "BoolDType",
    "c8": "Complex64DType", "c16": "Complex128DType",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][\w.]*\.[A-Za-z_]\w*\Z")


def load_lines(path: str, document: Document, kind: Kind, main: WeightSet | None, safety: Safety) -> str:
    """The lines, joined. They run as they stand where the file lies under `path`."""
    return "\n".join(_lines(path, document, kind, main, safety))


def _lines(path: str, document: Document, kind: Kind, main: WeightSet | None, safety: Safety) -> Iterator[str]:
    if safety.verdict == "dangerous":
        yield "# Do not load this file: doing so would run the calls that its safety findings name."
        return
    if document.problem is not None:
        yield f"# Neither torch nor safetensors loads this file as it is: {document.problem.message}."
        return
    by_container = _BY_CONTAINER.get(document.container)
    if by_container is not None:
        yield from (line.replace("PATH", repr(path)) for line in by_container)
        return
    if document.container == "pickle":
        yield "# A plain pickle: torch.load does not read it, and pickle.load runs whatever the names above stand for."
        return
    name = _LOADED.get(kind, "checkpoint")
    yield from _torch_load(path, name, document, safety)
    if main is not None:
        yield from _weights(name, document.root, main)


_BY_CONTAINER: dict[str, tuple[str, ...]] = {
    "safetensors": ("from safetensors.torch import load_file", "", "state_dict = load_file(PATH)"),
    "torchscript": (
        "# A TorchScript program: loading it runs code that is in the file.",
        "import torch",
        "",
        'model = torch.jit.load(PATH, map_location="cpu")',
    ),
    "torch-export": (
        "# An exported program: loading it builds the graph that is in the file.",
        "import torch",
        "",
        "program = torch.export.load(PATH)",
        "model = program.module()",
    ),
    "torch-package": (
        "# A package: loading from it runs Python code that is in the file.",
        "import torch",
        "",
        "importer = torch.package.PackageImporter(PATH)",
        "print(importer.file_structure())",
    ),
}


def _torch_load(path: str, name: str, document: Document, safety: Safety) -> Iterator[str]:
    if safety.loads_weights_only:
        yield from ("import torch", "", f'{name} = torch.load({path!r}, map_location="cpu", weights_only=True)')
        return
    missing = _missing(document, safety)
    if missing and document.container != "torch-tar" and all(_NAME.match(found) for found in missing) and not _stuck(document):
        yield from _with_permission(path, name, missing)
        return
    yield f"# weights_only=True refuses this file ({safety.why_refused})."
    if safety.verdict == "data":
        yield "# Every name in it describes plain data, so the line below runs nothing of the file's own."
    else:
        yield "# The line below runs code of the classes that it names: only for a file whose source you trust."
    yield from ("import torch", "", f'{name} = torch.load({path!r}, map_location="cpu", weights_only=False)')


def _stuck(document: Document) -> bool:
    """Whether permission for names would not be enough: an instruction or a damaged part stands in the way."""
    streams = [pickle.stream for pickle in document.pickles]
    return any(stream.instructions or stream.problem is not None for stream in streams) or any(t.problem for t in document.tensors)


def _missing(document: Document, safety: Safety) -> list[str]:
    """The names that torch would have to be told, with the dtype classes that numpy hides behind `numpy.dtype`."""
    names = [found.name for found in safety.globals if renamed(found.name) not in ALLOWED]
    hidden = [
        f"numpy.dtypes.{_DTYPE_CLASSES[call.args[0]]}"
        for pickle in document.pickles
        for found in pickle.stream.globals.values()
        if found.name == "numpy.dtype"
        for call in found.calls
        if type(call.args) is tuple and call.args and type(call.args[0]) is str and call.args[0] in _DTYPE_CLASSES
    ]
    return list(dict.fromkeys([*names, *hidden]))


def _with_permission(path: str, name: str, missing: list[str]) -> Iterator[str]:
    """Each missing name, imported as it is called today and allowed under the name that the file uses."""
    imports, allowed = ["import torch"], []
    for full in missing:
        module, _, attribute = renamed(full).replace("numpy.core.", "numpy._core.").rpartition(".")
        if module == "builtins":
            allowed.append(attribute)
            continue
        alias = attribute if f" import {attribute}" not in "\n".join(imports) else full.replace(".", "_")
        imports.append(f"from {module} import {attribute}" + ("" if alias == attribute else f" as {alias}"))
        allowed.append(f"({alias}, {renamed(full)!r})")
    yield "# torch has to be told these names, and runs what they stand for: read them first."
    yield from sorted(imports, key=lambda line: line.startswith("import"), reverse=True)
    yield ""
    yield f"with torch.serialization.safe_globals([{', '.join(allowed)}]):"
    yield f'    {name} = torch.load({path!r}, map_location="cpu", weights_only=True)'


def _weights(name: str, root: Value, main: WeightSet) -> Iterator[str]:
    """From what was loaded to the state_dict of the main weights, its prefix taken off."""
    found = name + _steps(root, main.path)
    if main.form == "model":
        yield f"state_dict = {found}.state_dict()"
    elif found != "state_dict":
        yield f"state_dict = {found}"
    if main.prefix:
        yield f"state_dict = {{name.removeprefix({main.prefix!r}): value for name, value in state_dict.items()}}"


def _steps(value: Value, path: str) -> str:
    """The Python expression that leads from the root to a path: keys, numbers and attributes."""
    text = ""
    while path:
        found = next(((key, item) for key, item in steps_below(value) if path == key or path.startswith(f"{key}.")), None)
        if found is None:
            return text
        key, below = found
        text += _step(value, key)
        value, path = below, path[len(key) + 1 :]
    return text


def _step(value: Value, key: str) -> str:
    pairs = pairs_of(value)
    if type(value) in (list, tuple):
        return f"[{key}]"
    if pairs is None and type(value) is Call and not value.pairs and key.isidentifier():
        return f".{key}"
    is_text = any(type(name) is str and name == key for name, _ in pairs or [])
    return f"[{key!r}]" if is_text or type(value) is Global else f"[{key}]"
