"""From a library's name for a model to a freshly built module, with nothing downloaded.

Built on the meta device, a model costs neither memory nor the filling of weights that are overwritten or never read. Some
constructors compute with tensors on their way (torchvision's 15 regnets, some of timm's) and fail there: those are built on the
CPU, with only their parameters left without memory, so that a regnet of 645 million parameters is as cheap as the rest.
A model that is to run is built by `skeleton`, its buffers with their values and its parameters without, or with `device="cpu"`.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ptinspect.runner.operators import import_torchvision

LIBRARIES = ("torchvision", "timm")
_NO_ARGUMENT = (TypeError, NotImplementedError, RuntimeError, ValueError)


class _EmptyParameters(TorchFunctionMode):
    """`torch.empty`, which is what layers make their parameters of, on the meta device; all else where it would be."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.empty and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def names(library: str) -> list[str]:
    """All models that an installed library can build, in its order. Raises ImportError where the library is missing."""
    if library == "torchvision":
        return list(import_torchvision().models.list_models())
    return list(_timm().list_models())


def version(library: str) -> str:
    """The version of an installed library, without the mark of its build."""
    module = import_torchvision() if library == "torchvision" else _timm()
    return str(module.__version__).partition("+")[0]


def build(library: str, name: str, num_classes: int | None = None, device: str = "meta", **options: Any) -> nn.Module:
    """A fresh model, with the library's own number of classes unless told. Raises what its constructor raises."""
    if num_classes is not None:
        options["num_classes"] = num_classes
    maker = _torchvision_maker(name, options) if library == "torchvision" else _timm_maker(name, options)
    return _made(maker, device)


def skeleton(library: str, name: str, **options: Any) -> nn.Module:
    """A model whose parameters are to be filled: they stay on the meta device, buffers have the library's own values."""
    maker = _torchvision_maker(name, options) if library == "torchvision" else _timm_maker(name, options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with _EmptyParameters():
                return maker()
        except _NO_ARGUMENT:
            return maker()


def build_as_trained(name: str) -> nn.Module:
    """A torchvision model as the library builds it to receive its own weights, which it does not get here.

    Asked for its trained weights, torchvision gives a detector frozen batch norms, which keep no counters, and a segmentation
    model its auxiliary classifier: the published files have the names of this variant, not those of a plain build.
    """
    models = import_torchvision().models
    weights = next(iter(models.get_model_weights(name)))
    with _weights_stay_away(type(weights)):
        return _made(_torchvision_maker(name, {"weights": weights}), "meta")


def frozen_norms(name: str) -> dict[str, Any]:
    """The frozen batch norms of a torchvision detector that is built to receive its own weights, by path; none for other models."""
    models = import_torchvision().models
    if name not in models.list_models(module=models.detection):
        return {}
    trained = build_as_trained(name)
    norms = {path: one for path, one in trained.named_modules() if type(one).__name__ == "FrozenBatchNorm2d"}
    return {path: type(one)(int(one.weight.shape[0]), one.eps).eval() for path, one in norms.items()}


@contextlib.contextmanager
def _weights_stay_away(enumeration: Any) -> Iterator[None]:
    """Inside, trained weights are neither fetched nor loaded."""
    fetch, load = enumeration.get_state_dict, nn.Module.load_state_dict
    enumeration.get_state_dict = lambda *_, **__: {}
    nn.Module.load_state_dict = lambda *_, **__: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        enumeration.get_state_dict = fetch
        nn.Module.load_state_dict = load  # type: ignore[method-assign]


def _torchvision_maker(name: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
    models = import_torchvision().models
    taken = inspect.signature(models.get_model_builder(name)).parameters
    options = {"weights": None, **options}
    if "weights_backbone" in taken:
        options["weights_backbone"] = None
    return lambda: models.get_model(name, **options)


def _timm_maker(name: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
    create = _timm().create_model
    return lambda: create(name, pretrained=False, **options)


def _made(maker: Callable[[], nn.Module], device: str) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about initial weights that nobody reads
        if device != "meta":
            with torch.device(device):
                return maker()
        try:
            with torch.device("meta"):
                return maker()
        except _NO_ARGUMENT:
            with _EmptyParameters():
                return maker()


def _timm() -> Any:
    import_torchvision()  # timm imports it as well
    import timm  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415

    return timm
