"""Parameter or buffer, for a tensor of a bare state_dict: by its name, by whole numbers, and by what stands beside it."""

from __future__ import annotations

from ptinspect.checkpoint.model import Role
from ptinspect.pickles.values import Pairs
from ptinspect.tensors import TensorInfo

_ALWAYS = (
    "running_mean", "running_var", "num_batches_tracked", "position_ids", "n_averaged", "attn.masked_bias", "inv_freq",
    *(f"activation_post_process.{name}" for name in ("min_val", "max_val", "eps")),
)  # fmt: skip
_SPLIT = ("_u", "_v", "_mask")  # of `weight_orig`: spectral norm's vectors, pruning's mask
_POWER = ("._u", "._v")  # spectral norm as a parametrization
_TELLING = (*_ALWAYS, *_SPLIT, ".scale", ".zero_point", ".base")
_WHOLE = frozenset({"int", "uint", "bool"})


class Names:
    """The names of one state_dict, gathered when somebody asks for a neighbour; nearly nobody does."""

    __slots__ = ("_known", "_pairs")

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs
        self._known: frozenset[str] | None = None

    def __contains__(self, name: str) -> bool:
        if self._known is None:
            self._known = frozenset(key for key, _ in self._pairs if type(key) is str)
        return name in self._known


def guessed_role(name: str, tensor: TensorInfo, names: Names) -> Role:
    """What it most likely is. One look at the end of the name is all that nearly every tensor costs."""
    if tensor.dtype.family in _WHOLE:
        return "buffer"
    return "buffer" if name.endswith(_TELLING) and _is_buffer(name, tensor, names) else "parameter"


def _is_buffer(name: str, tensor: TensorInfo, names: Names) -> bool:
    if name.endswith(_ALWAYS):
        return True
    if name.endswith((".scale", ".zero_point")):  # of a quantized layer
        twin = f"{name.rpartition('.')[0]}.{'zero_point' if name.endswith('.scale') else 'scale'}"
        return tensor.elements == 1 and twin in names
    above = name.rpartition(".")[0]
    if ".parametrizations." in f".{above}.":  # `parametrizations.weight.0._u` beside `parametrizations.weight.original`
        return name.endswith((*_POWER, ".base")) and f"{above.rpartition('.')[0]}.original" in names
    return name.endswith(_SPLIT) and f"{name.rpartition('_')[0]}_orig" in names
