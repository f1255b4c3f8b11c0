"""A model that raised: which layer it was, and on what input. Found by running it once more with a note of who is at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

from ptinspect.errors import InputDoesNotFit, RunProblem
from ptinspect.runner.foreign_errors import sentence
from ptinspect.runner.hooks import first_tensor, named_once, shape_of

if TYPE_CHECKING:
    from ptinspect.runner.batch import Run

_HALF_A_TORCHVISION = "the compiled half of this torchvision does not load beside this torch, and detectors need it"
_SHAPE_WORDS = (
    "shape",
    "size",
    "dimension",
    "expected input",
    "channels",
    "mat1 and mat2",
    "index out of range",
    "positional argument",
    "must match",
    "guard failed",
    "keyword argument",
)


class _Trail:
    """Who is at work while a model runs: the path of each module that has begun and not ended, and the shape it was given."""

    def __init__(self, module: nn.Module) -> None:
        self.open: list[tuple[str, str, list[int] | None]] = []
        self._handles: list[Any] = []
        for path, one in named_once(module):
            self._handles.append(one.register_forward_pre_hook(self._begins(path, type(one).__name__), with_kwargs=True))
            self._handles.append(one.register_forward_hook(self._ends))

    def _begins(self, path: str, kind: str) -> Any:
        def hook(_: nn.Module, args: Any, kwargs: Any) -> None:
            first = first_tensor((args, kwargs))
            self.open.append((path, kind, shape_of(first)))

        return hook

    def _ends(self, *_: object) -> None:
        self.open.pop()

    def close(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()


def explained(error: Exception, run: Run) -> RunProblem:
    """The same as a sentence that names the layer."""
    said = _said(error)
    if "custom C++ ops" in said or "torchvision::nms" in said:
        return RunProblem(_HALF_A_TORCHVISION, "Install the one that belongs to it: pip install --force-reinstall torchvision.")
    where = _innermost(run) if run.args is not None else None
    if where is None and run.args is not None and run.precision.compiled:
        hint = "It needs a C++ compiler on the CPU and Triton on a GPU. Run it without --compile."
        return RunProblem(f"torch.compile failed: {said}", hint)
    if where is None:
        return RunProblem(f"the model could not be run: {said}", "Its own code says more about it.")
    path, kind, shape = where
    given = "" if shape is None else f" on an input of {' × '.join(map(str, shape)) or 'one number'}"
    name = f"{path} ({kind})" if path else kind
    if any(word in str(error).lower() for word in _SHAPE_WORDS) or isinstance(error, (IndexError, TypeError)):
        return InputDoesNotFit(
            f"{name} failed{given}: {said}", "Give it another input (--input); the first layers tell which.", path or None
        )
    return RunProblem(f"{name} failed{given}: {said}", "Its own code says more about it.", path or None)


def _said(error: Exception) -> str:
    """Its words; its kind as well where the words alone say little (`KeyError: 'mask'`)."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    plain = first and isinstance(error, (RuntimeError, IndexError, TypeError, ValueError))
    return first if plain else sentence(error)


def _innermost(run: Run) -> tuple[str, str, list[int] | None] | None:
    trail = _Trail(run.module)
    try:
        run.layered()
    except Exception:  # noqa: BLE001 - it fails again: that is what is looked for
        return trail.open[-1] if trail.open else None
    else:
        return None
    finally:
        trail.close()


__all__ = ["explained"]
