"""Norms and other layers whose weight is a vector.

Running statistics tell a BatchNorm. An InstanceNorm keeps them too where it is told to (StarGAN did); with weight and bias that is so
rare that BatchNorm is said, and the reason says so; without them only a name decides. Without statistics LayerNorm, GroupNorm and
InstanceNorm look alike, and RMSNorm is a LayerNorm without bias: names decide, and the layout of the network where a name is given
to several kinds.
"""

from __future__ import annotations

from ptinspect.checkpoint.convolution_types import Convolutions
from ptinspect.checkpoint.layer_words import ACTIVATIONS, is_number, layers_before, squeezed, words
from ptinspect.checkpoint.named_layers import Guess, Layer, Network

_BATCH_NORM = frozenset({"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})
_QUANTIZED = frozenset({"scale", "zero_point"})
_NORM_BASE_VERSION = 2
"""BatchNorm and InstanceNorm write this version since torch 0.4.1; no other class of torch.nn does."""


def batch_norm(network: Network, layer: Layer, convolutions: Convolutions) -> Guess | None:
    """A layer with running statistics."""
    size = layer.running
    if size is None or not layer.own.keys() <= _BATCH_NORM | _QUANTIZED:
        return None
    if any(layer.own[name].shape != (size,) for name in ("weight", "bias") if name in layer.own):
        return None
    if "instance" in squeezed(layer.leaf):
        return Guess("InstanceNorm", "running_mean, running_var and its name")
    if "weight" not in layer.own and not {"bn", "batch", "batchnorm"} & set(words(layer.leaf)):
        return None
    dims = _dimensions(network, layer, size, convolutions) if "num_batches_tracked" in layer.own else ""
    because = "running_mean and running_var" + (", and the layer before it" if dims else "")
    return Guess(f"BatchNorm{dims}", f"{because} (an InstanceNorm that tracks statistics is stored alike)")


def _dimensions(network: Network, layer: Layer, size: int, convolutions: Convolutions) -> str:
    """What the layer right before it gives: 2d after a Conv2d, 1d after a Linear; empty where nothing tells."""
    for leaf in layers_before(layer.leaf):
        before = network.beside(layer, leaf)
        if before is None or not before.weight:
            continue
        if len(before.weight) == 2 and is_number(leaf) and before.weight[0] == size and before.bias in (None, (size,)):
            return "1d"
        guess = convolutions.guess(before) if before.path in convolutions.verdicts else None
        if guess is not None and size == before.weight["Transpose" in guess.type]:
            return guess.type[-2:]
    return ""


def vector(network: Network, layer: Layer) -> Guess | None:
    """A layer of one vector, or of two of the same size."""
    if layer.note or (layer.bias is not None and layer.bias != layer.weight):
        return None
    name, said = squeezed(layer.leaf), frozenset(words(layer.leaf))
    if layer.bias is None:
        return _without_bias(network, layer, name, said)
    because = "weight and bias of one size, and its name"
    version = network.versions.get(layer.path)
    if "instancenorm" in name:
        return Guess("InstanceNorm", because)
    if version == _NORM_BASE_VERSION:
        return None  # a BatchNorm without statistics or an InstanceNorm, whatever its name says
    if "groupnorm" in name or "gn" in said:
        return Guess("GroupNorm", because)
    if _stands_beside_convolution(network, layer):
        return None
    if "layernorm" in name or "ln" in said or name == "lnf":
        return Guess("LayerNorm", because)
    if "norm" in name and not {"batch", "group", "graph"} & said and network.is_flat and network.has_attention:
        return Guess("LayerNorm", because + ", in a network of attention without convolutions")
    return None


def _stands_beside_convolution(network: Network, layer: Layer) -> bool:
    """The layer_norm of wav2vec 2 is a GroupNorm: beside a convolution the name proves nothing."""
    parent = network.layers.get(layer.parent)
    for leaf in sorted(parent.below)[:64] if parent is not None else ():
        found = network.beside(layer, leaf)
        if found is not None and len(found.weight) > 2:
            return True
    return False


def _without_bias(network: Network, layer: Layer, name: str, said: frozenset[str]) -> Guess | None:
    if said & ACTIVATIONS or (is_number(layer.leaf) and layer.weight == (1,)):
        return Guess("PReLU", "one vector of weights" + (", and its name" if said & ACTIVATIONS else " of size 1"))
    if "rms" in name:
        return Guess("RMSNorm", "a weight without bias, and its name")
    if "norm" in name and network.has_rms_norm:
        return Guess("RMSNorm", "a norm without bias, in the layout of LLaMA or T5")
    return None
