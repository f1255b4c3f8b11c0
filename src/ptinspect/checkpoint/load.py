"""The Python lines that load a file the safest way that works, to copy and run.

`weights_only=True` wherever torch takes the file with it; the names it would have to be told otherwise, one by one, never a
blanket permission; no lines at all for a file that would run something dangerous. Nothing of the file stands in the lines as it
is: texts are spelled by `repr`, imported names are plain ASCII, comments are escaped, and no name of ours is ever taken over.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator

from ptinspect.checkpoint.architectures import Architecture
from ptinspect.checkpoint.model import Checkpoint, WeightSet
from ptinspect.checkpoint.permission import missing_names
from ptinspect.checkpoint.safety import Safety
from ptinspect.checkpoint.safety.spelling import escaped
from ptinspect.checkpoint.way import way_to
from ptinspect.checkpoint.weight_sets import DROPPED, common_prefix, without_wrappers
from ptinspect.formats.document import Document

_LOADED = {"model": "model", "state_dict": "state_dict", "optimizer": "optimizer_state"}
_WITH_BACKBONE = ("fasterrcnn", "maskrcnn", "keypointrcnn", "retinanet", "fcos", "ssd", "deeplabv3", "fcn", "lraspp")
_CONSTRUCTORS = {"torchvision": "torchvision.models.get_model", "timm": "timm.create_model"}
_HEADS = ("head.", "head.fc.", "fc.", "classifier.")
_OURS = frozenset("torch torchvision timm checkpoint model state_dict optimizer_state name value load_file".split()) | set(dir(builtins))
_LONGEST_COMMENT = 600


def load_lines(checkpoint: Checkpoint) -> str:
    """The lines, joined. They run as they stand where the file lies under its path."""
    lines = [line for line in _lines(checkpoint) if line]
    comments = [escaped(line, _LONGEST_COMMENT) for line in lines if line.startswith("#")]
    imports = dict.fromkeys(line for line in lines if line.startswith(("import ", "from ")))
    ordered = sorted(imports, key=lambda line: (not line.startswith("import"), line))
    steps = [line for line in lines if not line.startswith("#") and line not in imports]
    return "\n".join([*comments, *ordered, *([""] if ordered else []), *steps])


def _lines(checkpoint: Checkpoint) -> Iterator[str]:
    path, document, main = checkpoint.path, checkpoint.document, checkpoint.main
    obstacle = _obstacle(document, checkpoint.safety)
    if obstacle is not None:
        yield f"# {obstacle}"
        return
    by_container = _BY_CONTAINER.get(document.container)
    if by_container is not None:
        yield from (line.replace("PATH", repr(path)) for line in by_container)
        if document.container == "safetensors" and main is not None:
            yield from _filled(main, checkpoint.architecture)
        if document.container == "torch-package":
            yield from _from_package(document, _LOADED.get(checkpoint.kind, "checkpoint"))
        return
    name = _LOADED.get(checkpoint.kind, "checkpoint")
    yield from _torch_load(path, name, document, checkpoint.safety)
    if main is not None:
        yield from _weights(name, checkpoint, main)


def _obstacle(document: Document, safety: Safety) -> str | None:
    """Why there are no lines for this file, None where there are."""
    if safety.verdict == "dangerous":
        return "Do not load this file: doing so would run the calls that its safety findings name."
    if document.problem is not None:
        return f"Neither torch nor safetensors loads this file as it is: {document.problem.message}."
    if document.container == "pickle":
        return "A plain pickle: torch.load does not read it, and pickle.load runs whatever its names stand for."
    if any(pickle.stream.problem is not None for pickle in document.pickles):
        return "torch does not load this file as it is: a pickle in it cannot be read to its end."
    odd = next((odd for pickle in document.pickles for odd in pickle.stream.odd), None)
    if odd is not None:
        return f"Do not load this file: it was not written by torch ({odd})."
    broken = next((tensor for tensor in document.tensors if tensor.problem is not None), None)
    if broken is not None:
        return f"torch does not load this file as it is: the tensor {escaped(broken.name, 200)} cannot be read, {broken.problem}."
    return None


def _from_package(document: Document, name: str) -> Iterator[str]:
    """What to take out of a package: its pickle, where there is one; `folder/package/resource.pkl` is its record."""
    own = [pickle.name.split("/")[1:] for pickle in document.pickles if "/.data/" not in pickle.name]
    if len(own) == 1 and len(own[0]) > 1:
        yield f'{name} = importer.load_pickle({".".join(own[0][:-1])!r}, {own[0][-1]!r}, map_location="cpu")'
    else:
        yield "print(importer.file_structure())"


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
    ),
}


def _torch_load(path: str, name: str, document: Document, safety: Safety) -> Iterator[str]:
    yield "import torch"
    if safety.loads_weights_only:
        yield f'{name} = torch.load({path!r}, map_location="cpu", weights_only=True)'
        return
    missing = missing_names(document)
    if missing:
        yield from _with_permission(path, name, missing, safety)
        return
    yield f"# weights_only=True refuses this file ({safety.why_refused})."
    if safety.verdict == "data":
        yield "# Every name in it describes plain data, so the line below runs nothing of the file's own."
    else:
        yield "# The line below runs code of the classes that it names: only for a file whose source you trust."
    yield f'{name} = torch.load({path!r}, map_location="cpu", weights_only=False)'


def _with_permission(path: str, name: str, missing: list[str], safety: Safety) -> Iterator[str]:
    """Each missing name, imported as it is called today and allowed under the name that the file uses."""
    allowed, taken, imports = [], set(_OURS), dict[str, list[str]]()
    for full in missing:
        module, _, attribute = full.replace("numpy.core.", "numpy._core.").rpartition(".")
        if module == "builtins":
            allowed.append(attribute)
            continue
        alias = attribute
        while alias in taken:
            alias = full.replace(".", "_") if alias == attribute else f"{alias}_"
        taken.add(alias)
        imports.setdefault(module, []).append(attribute + ("" if alias == attribute else f" as {alias}"))
        allowed.append(f"({alias}, {full!r})")
    yield from (f"from {module} import {', '.join(names)}" for module, names in imports.items())
    if safety.verdict == "data":
        yield "# torch has to be told these names first; they describe plain data."
    else:
        yield "# torch has to be told these names, and runs what they stand for: read them first."
    yield f"with torch.serialization.safe_globals([{', '.join(allowed)}]):"
    yield f'    {name} = torch.load({path!r}, map_location="cpu", weights_only=True)'


def _weights(name: str, checkpoint: Checkpoint, main: WeightSet) -> Iterator[str]:
    """From what was loaded to the state_dict of the main weights, its prefix taken off, and to a model that holds them."""
    way = way_to(checkpoint.document.root, main.value, main.path)
    if way is None:
        yield "# The main weights lie where no expression leads; look for them in what was loaded."
        return
    if main.form == "model":
        yield f"state_dict = {name}{way}.state_dict()"
        yield from _renamed(main, _put_in_by_wrappers(main))
        return
    if name + way != "state_dict":
        yield f"state_dict = {name}{way}"
    yield from _filled(main, checkpoint.architecture)


def lines_to_weights(checkpoint: Checkpoint, weights: WeightSet) -> list[str]:
    """The lines up to a `state_dict` of one weight set, its names as they are stored; a comment alone where there is no safe way."""
    path, document = checkpoint.path, checkpoint.document
    obstacle = _obstacle(document, checkpoint.safety)
    if obstacle is not None:
        return [escaped(f"# {obstacle}", _LONGEST_COMMENT)]
    by_container = _BY_CONTAINER.get(document.container)
    name = _LOADED.get(checkpoint.kind, "checkpoint")
    if by_container is not None:
        lines = [line.replace("PATH", repr(path)) for line in by_container if line]
        if document.container == "safetensors":
            return lines
        last = "# Take the model out of the package." if document.container == "torch-package" else "state_dict = model.state_dict()"
        return [*lines, last]
    lines = list(_torch_load(path, name, document, checkpoint.safety))
    way = way_to(document.root, weights.value, weights.path)
    if way is None:
        return [*lines, "# The weights lie where no expression leads; look for them in what was loaded."]
    taken = f"{name}{way}" + (".state_dict()" if weights.form == "model" else "")
    return [escaped(line, _LONGEST_COMMENT) if line.startswith("#") else line for line in lines] + (
        [] if taken == "state_dict" else [f"state_dict = {taken}"]
    )


def _put_in_by_wrappers(main: WeightSet) -> str:
    """The prefix of a pickled model that is not its own: one `module.` for each wrapper; `model.` is an attribute of its class."""
    lead, found = common_prefix(_plain(main)) or "", ""
    for _ in main.wrapped_in:
        found += "module." if lead.startswith(f"{found}module.") else ""
    return found


def _filled(main: WeightSet, found: Architecture | None) -> Iterator[str]:
    """The names as the model has them, and the library's own constructor where the weights are one of its models'."""
    names = _plain(main)
    if found is None or found.library not in _CONSTRUCTORS or found.match == "similar":
        yield from _renamed(main, common_prefix(names) or "")
        return
    arguments = {**_without_downloads(found), **{key: bool(value) if key.startswith("aux") else value for key, value in found.arguments}}
    added = _added_head(main, found)
    arguments |= added
    misfits = [] if "num_classes" in arguments else [found.leading + mismatch.name for mismatch in found.mismatched]
    outside = {name for name in names if not name.startswith(found.leading)}
    yield from _renamed(main, found.leading, misfits, drop_rest=True)
    strict = not (found.missing or misfits or (not added and set(found.unexpected) - outside - {"n_averaged"}))
    yield f"import {found.library}"
    yield f"model = {_CONSTRUCTORS[found.library]}({', '.join([repr(found.name), *(f'{k}={v!r}' for k, v in arguments.items())])})"
    yield f"model.load_state_dict(state_dict{'' if strict else ', strict=False'})"


def _added_head(main: WeightSet, found: Architecture) -> dict[str, int]:
    """Some of timm's models are built without a head unless they are told a number of classes; a file may have one."""
    if found.library != "timm" or found.missing or found.mismatched:
        return {}
    names = {f"{name.rpartition('.')[0]}." for name in found.unexpected}
    head = names.pop() if len(names) == 1 else ""
    if head not in _HEADS or not set(found.unexpected) <= {f"{head}weight", f"{head}bias"}:
        return {}
    shapes = {without_wrappers(entry.name).removeprefix(found.leading): entry.tensor.shape for entry in main.entries}
    shape = shapes.get(f"{head}weight", ())
    return {"num_classes": shape[0]} if len(shape) == 2 else {}


def _without_downloads(found: Architecture) -> dict[str, object]:
    """What keeps a constructor from fetching weights of its own."""
    if found.library == "timm":
        return {"pretrained": False}
    return {"weights": None, **({"weights_backbone": None} if found.name.startswith(_WITH_BACKBONE) else {})}


def _plain(main: WeightSet) -> list[str]:
    """The names without what wrappers put into them; an average's counter has none of the model's names."""
    return [without_wrappers(entry.name) for entry in main.entries if entry.name != "n_averaged"]


def _renamed(main: WeightSet, lead: str, misfits: list[str] | None = None, drop_rest: bool = False) -> Iterator[str]:
    """The line that takes off wrappers and prefix and leaves out what is no part of the model; none where there is nothing to do."""
    name = _without_wrappers(main)
    plain = {entry.name: without_wrappers(entry.name) for entry in main.entries}
    conditions = []
    if drop_rest and lead and any(not short.startswith(lead) for short in plain.values()):
        conditions.append(f"{name}.startswith({lead!r})")
    elif "n_averaged" in plain:
        conditions.append("name != 'n_averaged'")
    if misfits:
        conditions.append(f"{name} not in {tuple(misfits)!r}")
    if name == "name" and not lead and not conditions:
        return
    cut = f".removeprefix({lead!r})" if lead else ""
    chosen = f" if {' and '.join(conditions)}" if conditions else ""
    yield f"state_dict = {{{name}{cut}: value for name, value in state_dict.items(){chosen}}}"


def _without_wrappers(main: WeightSet) -> str:
    """The expression for a name without wrapper segments: the short way where it gives the same for every name of this set."""
    used = [segment for segment in DROPPED if any(segment in entry.name for entry in main.entries)]
    wrapped = [entry.name for entry in main.entries if without_wrappers(entry.name) != entry.name]
    if not wrapped:
        return "name"
    short = {entry.name: entry.name for entry in main.entries}
    for segment in used:
        short = {name: text.replace(f"{segment}.", "") for name, text in short.items()}
    if all(without_wrappers(name) == text for name, text in short.items()):
        return "name" + "".join(f".replace({segment + '.'!r}, '')" for segment in used)
    return f"'.'.join(part for part in name.split('.') if part not in {DROPPED!r})"
