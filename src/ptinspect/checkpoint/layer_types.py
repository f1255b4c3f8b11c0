"""The types of the layers of a bare state_dict, inferred from names and shapes together, and left open where two readings are.

One call judges a whole weight set, since much is told by the company: the norm after a convolution, the same name elsewhere, a
layout that only one family of networks has. A saved `_metadata` adds the version of each module. What is said is the class of
torch.nn, or its general name (`BatchNorm`) where the dimension stays open; subclasses and look-alikes (SyncBatchNorm, EmbeddingBag,
LlamaRMSNorm, a fused ConvReLU2d) go by the name of what they are kept as.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ptinspect.checkpoint.convolution_types import Convolutions
from ptinspect.checkpoint.layer_words import is_number, kind_by_name
from ptinspect.checkpoint.named_layers import Guess, Layer, Network, is_conv1d
from ptinspect.checkpoint.norm_types import batch_norm, vector
from ptinspect.checkpoint.packed_types import packed
from ptinspect.frozen import replace
from ptinspect.tensors import TensorInfo

_GATES = {4: "LSTM", 3: "GRU", 1: "RNN"}
_RECURRENT = re.compile(r"(?:weight_(?:ih|hh|hr)|bias_(?:ih|hh))_l\d{1,4}(?:_reverse)?")
_CELL = frozenset({"weight_ih", "weight_hh", "bias_ih", "bias_hh"})
_ATTENTION = frozenset("in_proj_weight in_proj_bias q_proj_weight k_proj_weight v_proj_weight bias_k bias_v".split())
_PAIRS = {"lora_A": "lora_B", "lora_B": "lora_A", "lora_down": "lora_up", "lora_up": "lora_down"}
_INNER = frozenset({"default", "base_layer"})


def inferred_types(tensors: Iterable[tuple[str, TensorInfo]], versions: Mapping[str, int] | None = None) -> dict[str, Guess]:
    """The types that names and shapes tell, by the path of the module relative to the weight set."""
    network = Network(tensors, versions or {})
    convolutions = Convolutions(network)
    found: dict[str, Guess] = {}
    for layer in network.layers.values():
        guess = _guess(network, layer, convolutions)
        if guess is not None:
            found[layer.path] = guess
    return found


def _guess(network: Network, layer: Layer, convolutions: Convolutions) -> Guess | None:
    if not layer.own and not layer.plain and "_packed_params" not in layer.below:
        return _container(layer)
    if "running_mean" in layer.own:
        return batch_norm(network, layer, convolutions)
    if (layer.own and layer.below) or not layer.plain:
        guess = packed(network, layer) or _attention(layer) or _recurrent(layer)
        if guess is not None:
            return guess
    if layer.plain:
        guess = (_lora_half(network, layer) if network.has_lora else None) or _by_rank(network, layer, convolutions)
        return _of_subclass(layer, guess) if guess is not None else None
    return _container(layer)


def _of_subclass(layer: Layer, guess: Guess) -> Guess:
    """A tensor subclass of torchao has the shape of what it stands for, so its parameters are counted already."""
    weight = layer.own.get("weight")
    if weight is None or weight.subclass is None or not weight.subclass.startswith("torchao."):
        return guess
    return replace(guess, extra=f"torchao, {weight.subclass.rpartition('.')[2][:60]}")


def _by_rank(network: Network, layer: Layer, convolutions: Convolutions) -> Guess | None:
    weight, bias = layer.weight, layer.bias
    if not weight:
        return None
    if len(weight) > 1 and bias == weight and 1 not in weight:
        return Guess("LayerNorm", f"weight and bias {weight}")
    if len(weight) == 1:
        return vector(network, layer)
    if len(weight) == 2:
        return _matrix(network, layer)
    return convolutions.guess(layer) if layer.path in convolutions.verdicts else None


def _matrix(network: Network, layer: Layer) -> Guess | None:
    """Linear keeps (out, in), GPT-2's Conv1D (in, out), Embedding (rows, width) and never a bias."""
    weight, bias = layer.weight, layer.bias
    if bias is None:
        return _matrix_by_name(layer)
    because = f"weight {weight} and bias {bias}{layer.note}"
    if is_conv1d(layer):
        return Guess("Conv1D", f"{because}: the output comes second")
    if bias != weight[:1]:
        return None
    if weight[0] == weight[1] and network.conv1d_names:
        same = layer.leaf in network.conv1d_names
        return Guess("Conv1D", f"{because}, as the other layers named {layer.leaf}") if same else None
    return Guess("Linear", because)


def _matrix_by_name(layer: Layer) -> Guess | None:
    """Without bias a matrix is a Linear or an Embedding by its name, or open."""
    above, _, upper = layer.parent.rpartition(".")
    leaf, parent = (upper, above.rpartition(".")[2]) if layer.leaf in _INNER else (layer.leaf, upper)
    if is_number(leaf):  # which one does not matter; nor does the number of a parent: fewer different questions
        leaf = "0"
    elif is_number(parent):
        parent = ""
    kind = kind_by_name(leaf, parent)
    return Guess(kind, f"weight {layer.weight} without bias{layer.note}, and its name") if kind is not None else None


def _recurrent(layer: Layer) -> Guess | None:
    """The rows of weight_hh are the hidden size times the gates: 4 for LSTM, 3 for GRU, 1 for RNN."""
    own = layer.own
    is_cell = "weight_ih" in own and own.keys() <= _CELL
    end = "" if is_cell else "_l0"
    inputs, hidden = own.get("weight_ih" + end), own.get("weight_hh" + end)
    if inputs is None or hidden is None or len(hidden.shape) != 2 or len(inputs.shape) != 2:
        return None
    if not is_cell and not all(_RECURRENT.fullmatch(name) for name in own):
        return None
    projection = own.get("weight_hr_l0")
    size = projection.shape[-1] if projection is not None and projection.shape else hidden.shape[1]
    gates, rest = divmod(hidden.shape[0], size) if size else (0, 1)
    kind = _GATES.get(gates)
    if rest or kind is None or inputs.shape[0] != hidden.shape[0] or (projection is not None and kind != "LSTM"):
        return None
    return Guess(kind + "Cell" * is_cell, f"weight_hh{end} {hidden.shape}: {gates} x {size} rows")


def _attention(layer: Layer) -> Guess | None:
    """torch's own, told by its parameters and its inner projection."""
    names = layer.own.keys()
    if not names <= _ATTENTION or "out_proj" not in layer.below:
        return None
    joined = layer.own.get("in_proj_weight")
    if joined is not None:
        fits = len(joined.shape) == 2 and joined.shape[0] == 3 * joined.shape[1]
        return Guess("MultiheadAttention", f"in_proj_weight {joined.shape} and out_proj") if fits else None
    if {"q_proj_weight", "k_proj_weight", "v_proj_weight"} <= names:
        return Guess("MultiheadAttention", "q_proj_weight, k_proj_weight, v_proj_weight and out_proj")
    return None


def _lora_half(network: Network, layer: Layer) -> Guess | None:
    """One half of a low-rank pair: the two share their rank, the first as its rows, the second as its columns."""
    if layer.bias is not None:
        return None
    path, inner = (layer.parent, f".{layer.leaf}") if layer.leaf not in _PAIRS and layer.parent else (layer.path, "")
    above, _, name = path.rpartition(".")
    other = _PAIRS.get(name)
    if other is None:
        return None
    twin = network.layers.get(f"{above}.{other}{inner}" if above else other + inner)
    if twin is None or len(twin.weight) != len(layer.weight) or not 2 <= len(layer.weight) <= 5:
        return None
    down, up = (layer.weight, twin.weight) if name in ("lora_A", "lora_down") else (twin.weight, layer.weight)
    if down[0] != up[1]:
        return None
    kind = "Linear" if len(down) == 2 else f"Conv{len(down) - 2}d"
    return Guess(kind, f"{name} and {other} share the rank {down[0]}", None, f"rank {down[0]}")


def _container(layer: Layer) -> Guess | None:
    """What holds a LoRA pair, and torch's list of parametrizations."""
    for first, second in (("lora_A", "lora_B"), ("lora_down", "lora_up")):
        if (first in layer.below or first in layer.own) and (second in layer.below or second in layer.own):
            return Guess("LoRA", f"{first} and {second}")
    if layer.own.keys() and layer.own.keys() <= {"original", "original0", "original1"} and ".parametrizations." in f".{layer.path}":
        return Guess("ParametrizationList", "its place below parametrizations")
    return None


__all__ = ["Guess", "inferred_types"]
