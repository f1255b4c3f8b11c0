"""Linear layers whose weights are packed into fewer bits, with the number of parameters they stand for.

Only shapes are read, so the bits come from two sizes that name the same width: one packed, one not.
Formats: GPTQ, AWQ, bitsandbytes (4 and 8 bits), HQQ, EETQ, compressed-tensors, FP8 and NVFP4 with scales, torch's own quantized modules.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from ptinspect.checkpoint.named_layers import Guess, Layer, Network
from ptinspect.tensors import TensorInfo

_BITS = frozenset({2, 3, 4, 8})
_GPTQ = frozenset({"qweight", "qzeros", "scales", "g_idx", "bias"})
_SCALES = ("weight_scale", "weight_scale_inv")
_INT8_SCALES = ("weight_scales", "weight_scale", "scales")
_FP8 = frozenset({"weight", "bias", "weight_scale", "weight_scale_inv", "input_scale", "weight_scale_2", "activation_scale"})


def packed(network: Network, layer: Layer) -> Guess | None:
    """A packed layer, or None where nothing says that it is one."""
    return next((guess for rule in _RULES if (guess := rule(network, layer)) is not None), None)


def _shape(layer: Layer, name: str, rank: int) -> tuple[int, ...] | None:
    found = layer.own.get(name)
    return found.shape if found is not None and len(found.shape) == rank and min(found.shape) > 0 else None


def _linear(layer: Layer, weights: int | None, because: str, extra: str) -> Guess:
    """A Linear of so many weights; a bias is a parameter as well."""
    bias = layer.own.get("bias")
    total = None if weights is None else weights + (bias.elements if bias is not None else 0)
    return Guess("Linear", because, total, extra)


def _gptq_or_awq(network: Network, layer: Layer) -> Guess | None:
    """GPTQ packs the input side (its rows), AWQ the output side (its columns); scales hold the true output."""
    weight, scales, zeros = (_shape(layer, name, 2) for name in ("qweight", "scales", "qzeros"))
    if weight is None or scales is None or not layer.own.keys() <= _GPTQ:
        return None
    out = scales[1]
    if weight[1] == out:
        return _gptq(layer, weight, scales, zeros)
    bits, rest = divmod(32 * weight[1], out)
    if rest or bits not in _BITS or zeros is None:
        return None
    group = f", group size {weight[0] // scales[0]}" if weight[0] % scales[0] == 0 else ""
    return _linear(layer, weight[0] * out, "qweight packed along its output, with qzeros and scales", f"AWQ, {bits} bits{group}")


def _gptq(layer: Layer, weight: tuple[int, ...], scales: tuple[int, ...], zeros: tuple[int, ...] | None) -> Guess | None:
    order = _shape(layer, "g_idx", 1)
    bits, rest = (
        divmod(32 * weight[0], order[0]) if order is not None else divmod(32 * zeros[1], scales[1]) if zeros is not None else (0, 1)
    )
    if rest or bits not in _BITS:
        return None
    inputs = 32 * weight[0] // bits
    group = f", group size {inputs // scales[0]}" if inputs % scales[0] == 0 else ""
    return _linear(layer, inputs * weight[1], "qweight packed along its input, with scales", f"GPTQ, {bits} bits{group}")


def _bitsandbytes(network: Network, layer: Layer) -> Guess | None:
    weight = layer.own.get("weight")
    if weight is None:
        return None
    if "SCB" in layer.own and weight.dtype.name == "int8":
        return _linear(layer, weight.elements, "int8 weight with SCB", "bitsandbytes, 8 bits")
    state = network.layers.get(f"{layer.path}.weight" if layer.path else "weight")
    if "weight" not in layer.below or state is None or not {"absmax", "quant_map"} <= state.own.keys():
        return None
    inner = network.layers.get(f"{state.path}.quant_state")
    kind = (
        next((name.rpartition("__")[2] for name in sorted(inner.own) if name.startswith("bitsandbytes__")), "") if inner is not None else ""
    )
    return _linear(
        layer, weight.elements * weight.dtype.itemsize * 2, "weight with absmax and quant_map", f"bitsandbytes, 4 bits {kind[:8]}".rstrip()
    )


def _hqq(network: Network, layer: Layer) -> Guess | None:
    """How many values HQQ packs into one is not told by any shape."""
    if {"W_q", "scale", "zero"} <= layer.own.keys():
        return _linear(layer, None, "W_q with scale and zero", "HQQ")
    return None


def _compressed(network: Network, layer: Layer) -> Guess | None:
    if {"weight_packed", "weight_scale"} <= layer.own.keys():
        return _linear(layer, None, "weight_packed with weight_scale", "compressed-tensors")
    return None


def _scaled(network: Network, layer: Layer) -> Guess | None:
    """A small float or int8 weight with scales of its own: FP8, NVFP4, EETQ."""
    weight = layer.own.get("weight")
    if weight is None or len(weight.shape) != 2:
        return None
    names = layer.own.keys()
    if weight.dtype.name.startswith(("float8", "float4")) and any(name in names for name in _SCALES) and names <= _FP8:
        return _linear(layer, weight.elements * weight.dtype.per_item, f"{weight.dtype.name} weight with its scale", weight.dtype.name)
    if weight.dtype.name == "uint8" and {"weight_scale", "weight_scale_2"} <= names <= _FP8:
        return _linear(layer, weight.elements * 2, "uint8 weight with two levels of scales", "NVFP4")
    return _int8(layer, weight)


def _int8(layer: Layer, weight: TensorInfo) -> Guess | None:
    scales = next((_shape(layer, name, 1) for name in _INT8_SCALES if name in layer.own), None)
    allowed = {"weight", "bias", *_INT8_SCALES}
    if weight.dtype.name == "int8" and scales is not None and scales[0] in weight.shape and layer.own.keys() <= allowed:
        return _linear(layer, weight.elements, "int8 weight with scales", "8 bits")
    return None


def _of_torch(network: Network, layer: Layer) -> Guess | None:
    """A quantized Linear or Embedding of torch keeps its weight two modules below."""
    if "_packed_params" not in layer.below or not layer.own.keys() <= {"scale", "zero_point"}:
        return None
    lead = f"{layer.path}." if layer.path else ""
    inner = network.layers.get(f"{lead}_packed_params._packed_params")
    weight = inner.own.get("0") if inner is not None else None
    if weight is not None and len(weight.shape) == 2:
        bias = inner.own.get("1") if inner is not None else None
        count = prod(weight.shape) + (bias.elements if bias is not None else 0)
        return Guess("Linear", "_packed_params with a matrix", count, f"quantized, {weight.dtype.name}")
    outer = network.layers.get(f"{lead}_packed_params")
    table = outer.own.get("_packed_weight") if outer is not None else None
    if table is not None and len(table.shape) == 2:
        return Guess("Embedding", "_packed_params with a table", prod(table.shape), f"quantized, {table.dtype.name}")
    return None


_RULES: tuple[Callable[[Network, Layer], Guess | None], ...] = (_gptq_or_awq, _bitsandbytes, _hqq, _compressed, _scaled, _of_torch)
