"""Imports torchvision, also where its compiled half does not load.

A torchvision wheel that was built for CUDA cannot load its operators (`_C.so`) beside a torch for the CPU, or beside another
version of torch. Its Python half would still work, every model included, but `torchvision._meta_registrations` describes `nms`
and `qnms` to torch while it is imported, and torch refuses to describe what nobody has declared:

    RuntimeError: operator torchvision::nms does not exist

So the schemas that are missing are declared first. The operators themselves stay missing: a detection model can be built and
filled, and its post-processing says that `nms` has no kernel when it gets there. The compiled half is tried before anything is
declared, because declaring an operator twice is an error as well: where it loads, nothing is declared here. (Rejected: import,
catch the error, declare, import again. The failed import leaves half of torchvision's modules behind, with what they registered.)
"""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from types import ModuleType

import torch

SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_kept: list[torch.library.Library] = []  # a Library that is freed takes its declarations with it


def import_torchvision() -> ModuleType:
    """The torchvision of this environment. Raises ImportError where there is none."""
    declare_missing()
    import torchvision  # noqa: PLC0415 (only after the operators are declared)

    return torchvision  # type: ignore[no-any-return,unused-ignore]


def declare_missing() -> tuple[str, ...]:
    """Declare the operators that torchvision describes and its compiled half did not bring; says which."""
    _load_compiled_half()
    missing = tuple(name for name in SCHEMAS if not hasattr(torch.ops.torchvision, name))
    if missing:
        library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for name in missing:
            library.define(SCHEMAS[name])  # type: ignore[no-untyped-call]
        _kept.append(library)
    return missing


def _load_compiled_half() -> None:
    """What `import torchvision` does first; a second load of the same file does nothing."""
    spec = importlib.util.find_spec("torchvision")
    for folder in spec.submodule_search_locations or () if spec is not None else ():
        for file in sorted(Path(folder).glob("_C.*")):
            with contextlib.suppress(OSError, RuntimeError):
                torch.ops.load_library(file)  # type: ignore[no-untyped-call]
