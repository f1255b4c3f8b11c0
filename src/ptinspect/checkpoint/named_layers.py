"""The modules of a bare state_dict as its names group them, and what the network as a whole says about its layers.

Everything here is one pass over the names. Two steps above a tensor's own module are known too (`x` of `x.lora_A.default.weight`),
not all of them: a name of a hundred thousand dots would have as many ancestors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from sys import intern

from ptinspect.checkpoint.layer_words import ATTENTION, PATCH, words
from ptinspect.frozen import frozen
from ptinspect.tensors import TensorInfo

_LONGEST = 2_000
_STEPS_ABOVE = 3
_NONE: frozenset[str] = frozenset()
_SHAPED = frozenset({"scale", "zero_point", "lora_A", "lora_B", "weight_u", "weight_v", "weight_g", "weight_mask", "bias_mask"})
_LAYOUTS_WITH_RMS_NORM = (
    frozenset({"post_attention_layernorm", "gate_proj", "down_proj"}),
    frozenset({"post_attention_layernorm", "gate_up_proj", "down_proj"}),
    frozenset({"attention_norm", "ffn_norm", "wq", "w2"}),
    frozenset({"SelfAttention", "DenseReluDense", "layer_norm"}),
)
"""LLaMA and its kin, LLaMA as Meta wrote it, T5: elsewhere a norm with nothing but a weight may be a LayerNorm without bias."""


@frozen
class Guess:
    """An inferred type: what it rests on, what more is to say, and the real count of all its parameters where they are packed."""

    type: str
    because: str
    parameters: int | None = None
    extra: str | None = None


class Layer:
    """One module by its path, the tensors right below it, and the names of the modules below it.

    `weight` (empty where there is none) and `bias` are shapes, found also where weight norm, spectral norm, pruning or quantization
    has split them; `plain` says that there is nothing else. Written out rather than a dataclass: a file may have a million.
    """

    __slots__ = ("after", "below", "bias", "leaf", "note", "own", "parent", "path", "plain", "weight")

    def __init__(self, path: str, own: dict[str, TensorInfo]) -> None:
        self.path = path
        self.parent, _, self.leaf = path.rpartition(".")
        self.own = own
        self.below: set[str] | frozenset[str] = _NONE
        self.weight: tuple[int, ...] = ()
        self.bias: tuple[int, ...] | None = None
        self.note = ""
        self.plain = False
        self.after: Layer | None = None

    @property
    def running(self) -> int | None:
        """The channels of a norm that keeps running statistics."""
        mean, var = self.own.get("running_mean"), self.own.get("running_var")
        if mean is None or var is None or len(mean.shape) != 1 or mean.shape != var.shape:
            return None
        return mean.shape[0]


class Network:
    """All modules of one state_dict in file order, and what they say together."""

    def __init__(self, tensors: Iterable[tuple[str, TensorInfo]], versions: Mapping[str, int]) -> None:
        self.versions = versions
        self.layers: dict[str, Layer] = {}
        known = self.layers.get
        for name, tensor in tensors:
            if len(name) <= _LONGEST:
                path, _, leaf = name.rpartition(".")
                layer = known(path)
                if layer is None:
                    self._announce(path, {intern(leaf): tensor})
                else:
                    layer.own[intern(leaf)] = tensor
        self.ordered = [layer for layer in self.layers.values() if layer.own]
        self.leaves = {layer.leaf for layer in self.layers.values()}
        self._resolve_all()
        self.deep = [layer for layer in self.ordered if len(layer.weight) > 2]
        self.has_rms_norm = any(layout <= self.leaves for layout in _LAYOUTS_WITH_RMS_NORM)
        self.has_lora = bool(self.leaves & {"lora_A", "lora_down"})
        self.has_attention = self._has_attention()
        self.is_flat = sum(map(_is_convolution, self.deep)) <= 1
        self.conv1d_names = {layer.leaf for layer in self.ordered if layer.bias is not None and is_conv1d(layer)}

    def _announce(self, path: str, own: dict[str, TensorInfo]) -> None:
        """A new module, and to the modules above that it is there."""
        layer = self.layers[path] = Layer(path, own)
        for _ in range(_STEPS_ABOVE if path else 0):
            above = self.layers.get(layer.parent)
            known = above is not None
            if above is None:
                above = self.layers[layer.parent] = Layer(layer.parent, {})
            layer.parent = above.path  # the same text once, not once for each module
            if above.below is _NONE:
                above.below = set()
            above.below.add(layer.leaf)  # type: ignore[union-attr]
            if known or not above.path:
                return
            layer = above

    def _resolve_all(self) -> None:
        previous: Layer | None = None
        for layer in self.layers.values():
            own = layer.own
            if own:
                if previous is not None:
                    previous.after = layer
                previous = layer
            weight = own.get("weight")
            if weight is not None and (len(own) == 1 or (len(own) == 2 and "bias" in own)):
                layer.weight, layer.plain = weight.shape, True
                layer.bias = own["bias"].shape if len(own) == 2 else None
            elif own or layer.below:
                self._resolve(layer)

    def beside(self, layer: Layer, leaf: str) -> Layer | None:
        """A layer of the same parent by its last step."""
        return self.layers.get(f"{layer.parent}.{leaf}" if layer.parent else leaf)

    def _resolve(self, layer: Layer) -> None:
        """Weight and bias where more stands beside them, or where they are split."""
        own = layer.own
        weight, layer.note = self._weight(layer)
        if weight is None:
            return
        bias = own.get("bias") or own.get("bias_orig")
        layer.weight, layer.bias = weight.shape, bias.shape if bias is not None else None
        allowed = own.keys() - {"weight", "bias", "weight_orig", "bias_orig"}
        quantized = weight.dtype.family == "quantized"
        layer.plain = not allowed or (allowed <= _SHAPED and (quantized or not allowed & {"scale", "zero_point"}))

    def _weight(self, layer: Layer) -> tuple[TensorInfo | None, str]:
        own = layer.own
        if "weight" in own:
            return own["weight"], ""
        if "weight_g" in own and "weight_v" in own:
            return own["weight_v"], ", weight norm"
        if "weight_orig" in own:
            return own["weight_orig"], ", pruned" if "weight_mask" in own else ", spectral norm"
        if "parametrizations" in layer.below:
            inner = self.layers.get(f"{layer.path}.parametrizations.weight" if layer.path else "parametrizations.weight")
            if inner is not None:
                found = inner.own.get("original1") or inner.own.get("original")
                return found, ", weight norm" if "original1" in inner.own else ", parametrized"
        return None, ""

    def _has_attention(self) -> bool:
        if self.leaves & ATTENTION or any("in_proj_weight" in layer.own for layer in self.ordered if not layer.plain):
            return True
        return any({"attn", "attention"} & set(words(n)) for n in self.leaves)


def _is_convolution(layer: Layer) -> bool:
    """Whether a deep layer is no patch embedding."""
    return not PATCH & {*words(layer.leaf), *words(layer.parent.rpartition(".")[2])}


def is_conv1d(layer: Layer) -> bool:
    """The linear layer of GPT-2, which keeps its weight the other way round: the bias has the second size."""
    weight, bias = layer.weight, layer.bias
    return layer.plain and len(weight) == 2 and bias == weight[1:] and weight[0] != weight[1]
