"""What compiled loops are made of: where they are kept, how they are compiled, and the parts that several of them share.

The compiled code is kept in the user's cache folder, which nobody else may write to: it is read back with pickle by numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from ptinspect.analysis.compiled_cache import forgiving, private_folder

Array = np.ndarray[Any, Any]

if numba.config.DISABLE_JIT:
    raise ImportError("numba was told not to compile, and these loops would take hours")
_FOLDER = private_folder()
if _FOLDER is not None:
    numba.config.CACHE_DIR = str(_FOLDER)
LOOSE = {"reassoc", "contract", "nsz"}


def kept(function: Callable[..., Any]) -> Any:
    """A loop to call from outside: without the interpreter's lock, and compiled again only if it or a part of it has changed."""
    return forgiving(numba.njit(nogil=True, cache=_FOLDER is not None)(function), __file__)


@numba.njit(nogil=True, inline="never")
def census(pairs: Array, even: Array, odd: Array) -> None:  # pragma: no cover - compiled
    """Count the upper halves of float32, two in a word."""
    for place in range(pairs.size):
        pair = pairs[place]
        even[(pair >> np.uint64(16)) & np.uint64(0xFFFF)] += np.uint32(1)
        odd[pair >> np.uint64(48)] += np.uint32(1)


@numba.njit(nogil=True, inline="never")
def zeros(bits: Array, numbers: Array, at: int) -> None:  # pragma: no cover - compiled
    """Count zeros, and behind them those with a sign."""
    positive = negative = np.int32(0)
    for place in range(bits.size):
        positive += np.int32(bits[place] == 0)
        negative += np.int32(bits[place] == np.int32(-0x80000000))
    numbers[at] += positive + negative
    numbers[at + 1] += negative


__all__ = ["LOOSE", "census", "kept", "zeros"]
