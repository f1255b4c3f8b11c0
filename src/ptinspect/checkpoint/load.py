"""The Python lines that load a file the safest way that works, to copy and run.

`weights_only=True` wherever torch takes the file with it; the names it would have to be told otherwise, one by one, never a
blanket permission; no lines at all for a file that would run something dangerous.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ptinspect.checkpoint.architectures import Architecture
from ptinspect.checkpoint.model import Checkpoint, WeightSet
from ptinspect.checkpoint.safety import Safety
from ptinspect.checkpoint.safety.weights_only_names import ALLOWED, renamed
from ptinspect.checkpoint.weight_sets import DROPPED, PREFIXES, steps_below
from ptinspect.formats.document import Document
from ptinspect.pickles.values import Call, Global, Value, pairs_of

_LOADED = {"model": "model", "state_dict": "state_dict", "optimizer": "optimizer_state"}
_DTYPE_CLASSES = {
    "f2": "Float16DType", "f4": "Float32DType", "f8": "Float64DType", "i1": "Int8DType", "i2": "Int16DType", "i4": "Int32DType",
    "i8": "Int64DType", "u1": "UInt8DType", "u2": "UInt16DType", "u4": "UInt32DType", "u8": "UInt64DType", "b1": "BoolDType",
    "c8": "Complex64DType", "c16": "Complex128DType",
}  # fmt: skip
_WITH_BACKBONE = ("fasterrcnn", "maskrcnn", "keypointrcnn", "retinanet", "fcos", "ssd", "deeplabv3", "fcn", "lraspp")
_NAME = re.compile(r"[A-Za-z_][\w.]*\.[A-Za-z_]\w*\Z")


def load_lines(checkpoint: Checkpoint) -> str:
    """The lines, joined. They run as they stand where the file lies under its path."""
    lines = [line for line in _lines(checkpoint) if line]
    comments = [line for line in lines if line.startswith("#")]
    imports = sorted(
        {line for line in lines if line.startswith(("import ", "from "))}, key=lambda line: (not line.startswith("import"), line)
    )
    steps = [line for line in lines if line not in comments and line not in imports]
    return "\n".join([*comments, *imports, *([""] if imports else []), *steps])


def _lines(checkpoint: Checkpoint) -> Iterator[str]:
    path, document, main, safety = checkpoint.path, checkpoint.document, checkpoint.main, checkpoint.safety
    if safety.verdict == "dangerous":
        yield "# Do not load this file: doing so would run the calls that its safety findings name."
        return
    if document.problem is not None:
        yield f"# Neither torch nor safetensors loads this file as it is: {document.problem.message}."
        return
    by_container = _BY_CONTAINER.get(document.container)
    if by_container is not None:
        yield from (line.replace("PATH", repr(path)) for line in by_container)
        if document.container == "safetensors" and main is not None:
            yield from _without_prefix(main)
            yield from _constructor(checkpoint.architecture)
        return
    if document.container == "pickle":
        yield "# A plain pickle: torch.load does not read it, and pickle.load runs whatever the names above stand for."
        return
    name = _LOADED.get(checkpoint.kind, "checkpoint")
    yield from _torch_load(path, name, document, safety)
    if main is not None:
        yield from _weights(name, document.root, main)
        if main.form == "state_dict":
            yield from _constructor(checkpoint.architecture)


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
        yield from ("import torch", f'{name} = torch.load({path!r}, map_location="cpu", weights_only=True)')
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
    yield from ("import torch", f'{name} = torch.load({path!r}, map_location="cpu", weights_only=False)')


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
    yield from imports
    yield f"with torch.serialization.safe_globals([{', '.join(allowed)}]):"
    yield f'    {name} = torch.load({path!r}, map_location="cpu", weights_only=True)'


def _weights(name: str, root: Value, main: WeightSet) -> Iterator[str]:
    """From what was loaded to the state_dict of the main weights, its prefix taken off."""
    found = name + _steps(root, main.path)
    if main.form == "model":
        yield f"state_dict = {found}.state_dict()"
    elif found != "state_dict":
        yield f"state_dict = {found}"
    yield from _without_prefix(main)


def _without_prefix(main: WeightSet) -> Iterator[str]:
    wrappers = [f".replace({segment + '.'!r}, '')" for segment in DROPPED if any(f"{segment}." in entry.name for entry in main.entries)]
    if main.prefix or wrappers:
        cut = "".join([*wrappers, f".removeprefix({main.prefix!r})" if main.prefix else ""])
        yield f"state_dict = {{name{cut}: value for name, value in state_dict.items()}}"


def _constructor(found: Architecture | None) -> Iterator[str]:
    """torchvision's own constructor, told what the file needs; strict unless the file is known not to hold all of the model."""
    if found is None or found.library != "torchvision" or found.match == "similar" or found.leading not in ("", *PREFIXES):
        return
    arguments: dict[str, object] = {"weights": None, **({"weights_backbone": None} if found.name.startswith(_WITH_BACKBONE) else {})}
    arguments |= {name: bool(value) if name.startswith("aux") else value for name, value in found.arguments}
    yield "import torchvision"
    yield f"model = torchvision.models.get_model({found.name!r}, {', '.join(f'{name}={value!r}' for name, value in arguments.items())})"
    yield f"model.load_state_dict(state_dict{'' if found.match in ('exact', 'head differs') else ', strict=False'})"


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
