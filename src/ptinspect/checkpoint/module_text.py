"""What stands inside the parentheses of a pickled module, from its inert state.

For the classes of torch.nn it is what torch 2.13 prints (`Conv2d(3, 64, kernel_size=(7, 7), stride=(2, 2))`), since that is what
people know by heart. One table of pieces says it for all of them: a template that is always shown, or a `_Unless`, shown when the value
is not the usual one. Files of older versions lack some attributes; those have the value they always had then (`_BEFORE`).
For everybody else's classes the plain attributes are listed, a few of them. The lists that ParameterList and ParameterDict
print are left out: their tensors are rows of the tree.

Values come from the file: every length here is bounded, and what is not plain is shown as a question mark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ptinspect.checkpoint.modules import Module
from ptinspect.frozen import frozen
from ptinspect.pickles.values import Call, Global, Value, entries, lookup, pairs_of

MOST_ATTRIBUTES = 8
MOST_CHARACTERS = 120
_TEXT = 60
_ITEMS = 8
_BITS = 128
_KEYS = 2_000
_OURS = ("torch.nn.modules.", "torch.nn.parallel.", "torch.nn.utils.", "torch.ao.nn.qat.")
_BOOKKEEPING = frozenset({"training", "dump_patches", "call_super_init"})


class _Mark(str):
    """A text that stands for a value that is no text: without quotes wherever it is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@frozen
class _Unless:
    """A piece that is left out where an attribute has its usual value."""

    name: str
    usual: object
    label: str = ""


_ZEROS, _ONES = _Mark("zeros"), _Mark("ones")
_BEFORE: dict[str, object] = {
    "approximate": "none",
    "bias": True,
    "ceil_mode": False,
    "dilation": 1,
    "dim": None,
    "inplace": False,
    "max_norm": None,
    "padding_idx": None,
    "padding_mode": "zeros",
    "proj_size": 0,
    "track_running_stats": True,
}
_INPLACE = _Unless("inplace", False)
_HAS_BIAS = "bias={has bias}"

_Piece = str | _Unless
_FAMILIES: dict[str, tuple[_Piece, ...]] = {
    "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConv1d LazyConv2d LazyConv3d "
    "LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d": (
        "{in_channels}, {out_channels}, kernel_size={kernel_size}, stride={stride}",
        _Unless("padding", _ZEROS),
        _Unless("dilation", _ONES),
        _Unless("output_padding", _ZEROS),
        _Unless("groups", 1),
        _Unless("has bias", True, "bias"),
        _Unless("padding_mode", "zeros"),
    ),
    "Linear LazyLinear NonDynamicallyQuantizableLinear": ("in_features={in_features}, out_features={out_features}", _HAS_BIAS),
    "Bilinear": ("in1_features={in1_features}, in2_features={in2_features}, out_features={out_features}", _HAS_BIAS),
    "BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d InstanceNorm3d SyncBatchNorm LazyBatchNorm1d LazyBatchNorm2d "
    "LazyBatchNorm3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d": (
        "{num_features}, eps={eps}, momentum={momentum}, affine={affine}",
        _HAS_BIAS,
        "track_running_stats={track_running_stats}",
    ),
    "GroupNorm": ("{num_groups}, {num_channels}, eps={eps}, affine={affine}", _HAS_BIAS),
    "LayerNorm": ("{normalized_shape}, eps={eps}, elementwise_affine={elementwise_affine}", _HAS_BIAS),
    "RMSNorm": ("{normalized_shape}, eps={eps}, elementwise_affine={elementwise_affine}",),
    "CrossMapLRN2d LocalResponseNorm": ("{size}, alpha={alpha}, beta={beta}, k={k}",),
    "Embedding": (
        "{num_embeddings}, {embedding_dim}",
        _Unless("padding_idx", None),
        _Unless("max_norm", None),
        _Unless("norm_type", 2),
        _Unless("scale_grad_by_freq", False),
        _Unless("sparse", False),
    ),
    "EmbeddingBag": (
        "{num_embeddings}, {embedding_dim}",
        _Unless("max_norm", None),
        _Unless("norm_type", 2),
        _Unless("scale_grad_by_freq", False),
        "mode={mode!r}",
        _Unless("padding_idx", None),
    ),
    "RNN LSTM GRU RNNBase": (
        "{input_size}, {hidden_size}",
        _Unless("proj_size", 0),
        _Unless("num_layers", 1),
        _Unless("bias", True),
        _Unless("batch_first", False),
        _Unless("dropout", 0),
        _Unless("bidirectional", False),
    ),
    "RNNCell LSTMCell GRUCell RNNCellBase": ("{input_size}, {hidden_size}", _Unless("bias", True), _Unless("nonlinearity", "tanh")),
    "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout": ("p={p}, inplace={inplace}",),
    "ReLU ReLU6 SELU SiLU Mish": (_INPLACE,),
    "ELU CELU": ("alpha={alpha}", _INPLACE),
    "LeakyReLU": ("negative_slope={negative_slope}", _INPLACE),
    "RReLU": ("lower={lower}, upper={upper}", _INPLACE),
    "Hardtanh": ("min_val={min_val}, max_val={max_val}", _INPLACE),
    "Threshold": ("threshold={threshold}, value={value}", _INPLACE),
    "PReLU": ("num_parameters={num_parameters}",),
    "GELU": ("approximate={approximate!r}",),
    "GLU Softmax Softmin LogSoftmax": ("dim={dim}",),
    "Softplus": ("beta={beta}, threshold={threshold}",),
    "Hardshrink Softshrink": ("{lambd}",),
    "AvgPool1d AvgPool2d AvgPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d": ("kernel_size={kernel_size}, stride={stride}, padding={padding}",),
    "MaxPool1d MaxPool2d MaxPool3d": (
        "kernel_size={kernel_size}, stride={stride}, padding={padding}, dilation={dilation}, ceil_mode={ceil_mode}",
    ),
    "LPPool1d LPPool2d LPPool3d": ("norm_type={norm_type}, kernel_size={kernel_size}, stride={stride}, ceil_mode={ceil_mode}",),
    "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d": (
        "output_size={output_size}",
    ),
    "CircularPad1d CircularPad2d CircularPad3d ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d "
    "ReplicationPad3d ZeroPad1d ZeroPad2d ZeroPad3d": ("{padding}",),
    "ConstantPad1d ConstantPad2d ConstantPad3d": ("padding={padding}, value={value}",),
    "Flatten": ("start_dim={start_dim}, end_dim={end_dim}",),
    "Unflatten": ("dim={dim}, unflattened_size={unflattened_size}",),
    "Fold": ("output_size={output_size}, kernel_size={kernel_size}, dilation={dilation}, padding={padding}, stride={stride}",),
    "Unfold": ("kernel_size={kernel_size}, dilation={dilation}, padding={padding}, stride={stride}",),
    "PixelShuffle": ("upscale_factor={upscale_factor}",),
    "PixelUnshuffle": ("downscale_factor={downscale_factor}",),
    "ChannelShuffle": ("groups={groups}",),
    "Upsample UpsamplingBilinear2d UpsamplingNearest2d": ("{size or scale}, mode={mode!r}",),
    "LinearCrossEntropyLoss": (
        "in_features={linear in}, num_classes={num_classes}, out_features={out_features}, bias={linear bias}, reduction={reduction}",
        "ignore_index={ignore_index}, label_smoothing={label_smoothing}, options={options}",
    ),
}
_PIECES = {name: pieces for names, pieces in _FAMILIES.items() for name in names.split()}


def short_type(class_name: str) -> str:
    """The last segment of a full class name."""
    return class_name.rpartition(".")[2][:_TEXT]


def extra_of(module: Module) -> str | None:
    """What torch prints between the parentheses of this module, or the plain attributes of a class that is not torch's."""
    if module.class_name.startswith(_OURS):
        pieces = _PIECES.get(short_type(module.class_name))
        if pieces is None:
            return None
        try:
            return ", ".join(_shown(_Attributes(module.state), pieces)) or None
        except KeyError:  # an old or hand-made file without what this class always has
            pass
    return _listed(module)


class _Attributes(dict[str, Any]):
    """The attributes of a module by name, as values that are safe to print; a few names with a space are worked out."""

    def __init__(self, state: Value) -> None:
        pairs = list(entries((pairs_of(state) or [])[:_KEYS]))
        super().__init__((key, _plain(value)) for key, value in pairs if type(key) is str)
        self.state = state
        self.is_whole = "_parameters" in self or "_modules" in self  # TorchScript leaves out what is constant

    def __missing__(self, name: str) -> Any:
        made = _WORKED_OUT.get(name)
        if made is not None:
            return made(self)
        if self.is_whole and name in _BEFORE:
            return _BEFORE[name]
        raise KeyError(name)

    def has_bias(self) -> bool:
        """Whether `module.bias` is not None; a pruned one is a plain attribute."""
        return lookup(lookup(self.state, "_parameters"), "bias") is not None or self.get("bias") is not None

    def size_or_scale(self) -> str:
        """What torch shows of an Upsample."""
        scale = self["scale_factor"]
        return f"size={self['size']!r}" if scale is None else f"scale_factor={scale!r}"

    def linear(self) -> _Attributes:
        """The attributes of the layer that a LinearCrossEntropyLoss holds."""
        child = lookup(lookup(self.state, "_modules"), "linear")
        return _Attributes(child.state if type(child) is Call else None)

    def linear_in(self) -> Any:
        """Its width."""
        return self.linear()["in_features"]

    def linear_bias(self) -> bool:
        """Whether it has a bias."""
        return self.linear().has_bias()


_WORKED_OUT: dict[str, Callable[[_Attributes], Any]] = {
    "has bias": _Attributes.has_bias,
    "size or scale": _Attributes.size_or_scale,
    "linear in": _Attributes.linear_in,
    "linear bias": _Attributes.linear_bias,
}


def _shown(attributes: _Attributes, pieces: tuple[_Piece, ...]) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, str):
            yield piece.format_map(attributes)
        elif not _is_usual(attributes, piece):
            yield f"{piece.label or piece.name}={attributes[piece.name]}"


def _is_usual(attributes: _Attributes, piece: _Unless) -> bool:
    """What a whole pickled module lacks has no other value: a LSTM cell no nonlinearity, an old Embedding no norm."""
    if attributes.is_whole and piece.name not in attributes and piece.name not in _WORKED_OUT:
        return True
    value = attributes[piece.name]
    if piece.usual is _ZEROS or piece.usual is _ONES:
        usual = 0 if piece.usual is _ZEROS else 1
        return value == usual or (type(value) is tuple and all(item == usual for item in value))
    return bool(value == piece.usual)


def _listed(module: Module) -> str | None:
    """`name=value` for the plain public attributes, in file order, a few of them."""
    shown: list[str] = []
    length = 0
    for key, value in entries((pairs_of(module.state) or [])[:_KEYS]):
        if type(key) is not str or key.startswith("_") or key in _BOOKKEEPING or not _is_scalar(value):
            continue
        text = f"{key[:_TEXT]}={_plain(value)}"
        if len(shown) == MOST_ATTRIBUTES or length + len(text) > MOST_CHARACTERS - 3:
            return ", ".join([*shown, "…"]) if shown else None
        shown.append(text)
        length += len(text) + 2
    return ", ".join(shown) or None


def _is_scalar(value: Value) -> bool:
    """Numbers, texts, None, and short sequences of numbers."""
    if type(value) in (tuple, list):
        return 0 < len(value) <= _ITEMS and all(type(item) in (int, float, bool) for item in value)
    return value is None or type(value) in (int, float, bool, str)


def _plain(value: Value, depth: int = 0) -> Any:
    """The value itself where printing it is safe and short, else a mark for it."""
    kind = type(value)
    if value is None or kind in (bool, float):
        return value
    if kind is int:
        return value if value.bit_length() <= _BITS else _Mark("…")
    if kind is str:
        return value if len(value) <= _TEXT else value[: _TEXT - 1] + "…"
    if kind in (tuple, list) and depth < 3:
        items = [_plain(item, depth + 1) for item in value[:_ITEMS]]
        items += [_Mark("…")] * (len(value) > _ITEMS)
        return tuple(items) if kind is tuple else items
    return _named(value, depth)


def _named(value: Value, depth: int) -> _Mark:
    """A dtype or a class by its name, a torch.Size by its numbers."""
    if type(value) is Global:
        return _Mark(value.name[:_TEXT])
    if type(value) is Call and value.name == "torch.Size" and type(value.args) is tuple and value.args and depth < 3:
        sizes = value.args[0]
        return _Mark(f"torch.Size({_plain(list(sizes), depth + 1)})" if type(sizes) in (tuple, list) else "?")
    return _Mark("?")


__all__ = ["extra_of", "short_type"]
