"""What torch's quantized modules keep where no state_dict name would lead: objects that hold their weight packed, and a tuple.

A packed object pickles as its parts and the name of its class; a quantized convolution sets a tuple of fifteen values instead of
its attributes. Both are named here as `state_dict()` names them.
"""

from __future__ import annotations

from ptinspect.pickles.values import Call, Dict, Global, Pairs, Value

_PACKED = "torch.ScriptObject"
_CLASSES = "__torch__.torch.classes.quantized."
_MODULES = ("torch.ao.nn.quantized.", "torch.nn.quantized.", "torch.ao.nn.intrinsic.quantized.", "torch.nn.intrinsic.quantized.")
_FIELDS = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "transposed", "output_padding", "groups",
    "padding_mode", "weight", "bias", "scale", "zero_point", "training",
)  # fmt: skip
_TENSORS = ("weight", "bias")


def packed_parts(value: Value) -> Pairs | None:
    """The tensors of a packed object: a linear layer's two as a tuple's, an embedding's one as its own. None for all else."""
    if type(value) is not Call or value.name != _PACKED or type(value.state) is not tuple or len(value.state) != 2:
        return None
    held, kind = value.state
    if kind == f"{_CLASSES}LinearPackedParamsBase" and type(held) is tuple and len(held) == 2:
        return [("0", held[0]), ("1", held[1])]
    if kind == f"{_CLASSES}EmbeddingPackedParamsBase" and type(held) is tuple and len(held) == 4:
        tensors = held[1]
        return [("", tensors[0])] if type(tensors) is list and len(tensors) == 1 else None
    return None


def convolution(value: Call) -> Dict | None:
    """A quantized convolution's attributes under their names, None for all else."""
    state = value.state
    if type(state) is not tuple or len(state) != len(_FIELDS) or type(value.fn) is not Global or not value.name.startswith(_MODULES):
        return None
    if not value.name.rpartition(".")[2].startswith("Conv"):
        return None
    found = Dict()
    found.pairs = list(zip(_FIELDS, state, strict=True))
    return found


def convolution_tensors(attributes: Dict) -> Pairs:
    """Its parameters."""
    return [(key, item) for key, item in attributes.pairs if key in _TENSORS]


__all__ = ["convolution", "convolution_tensors", "packed_parts"]
