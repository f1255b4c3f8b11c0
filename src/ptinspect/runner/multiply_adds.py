"""Multiply-adds of one pass, in all and below each layer, as torch's own counter sees the operators that do them.

Counted where the work is done, so attention and a linear map without a module count as well, and a module that is called twice
counts twice. Convolutions and matrix products only: that is what the published numbers of torchvision count, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count


def counted(module: nn.Module, forward: Callable[[], Any]) -> dict[str, int]:
    """By path, the whole model under the empty one; empty where the counter does not understand the model."""
    counter = FlopCounterMode(display=False, custom_mapping=also_counted())
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one fused operator does a whole attention, and the counter does not know it
    try:
        with counter:
            forward()
    except Exception:  # noqa: BLE001 - the counter takes part in every operator; a model that it breaks runs all the same
        return {}
    finally:
        torch.backends.mha.set_fastpath_enabled(was)
    root = type(module).__name__
    found = {"": counter.get_total_flops() // 2}
    for name, operators in counter.get_flop_counts().items():
        if name.startswith(f"{root}."):
            found[name[len(root) + 1 :]] = sum(operators.values()) // 2
    return found


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> Any:
    return sdpa_flop_count(query, key, value)  # type: ignore[no-untyped-call]


def _recurrent(given: Sequence[int], *others: Any, **_: Any) -> int:
    """A whole recurrent layer in one operator of the CPU's or the GPU's library: each step meets each weight once."""
    weights = others[0] if isinstance(others[0], list) else others[:2]
    return 2 * prod(given[:-1]) * sum(prod(sizes) for sizes in weights if len(sizes) == 2)


def also_counted() -> dict[Any, Any]:
    """Attention as it is done on a CPU and recurrent layers, which the counter leaves out."""
    counts = {
        "_scaled_dot_product_flash_attention_for_cpu": _attention,
        "mkldnn_rnn_layer": _recurrent, "_cudnn_rnn": _recurrent, "miopen_rnn": _recurrent,
    }  # fmt: skip
    found = {getattr(torch.ops.aten, name, None): count for name, count in counts.items()}
    return {operator: count for operator, count in found.items() if operator is not None}


__all__ = ["also_counted", "counted"]
