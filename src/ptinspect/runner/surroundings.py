"""The environment variables of the child process: a list of what it keeps, not of what it loses.

Kept is what finds the user's Python, torch, drivers and compiler and sets their threads and precision. A token or a password has no
name on the list, nor has what lets other code in (LD_PRELOAD, LD_AUDIT, PYTHONSTARTUP, PYTHONHOME of another Python) or leads to the
desktop (DISPLAY, DBUS_SESSION_BUS_ADDRESS, SSH_AUTH_SOCK). Proxies are gone as well: there is no network.

HOME and every cache lie in the child's folder, which is all it can write, and go with it. Packages that were installed for the user
alone are still found.
"""

from __future__ import annotations

import os
import site
from collections.abc import Mapping

_KEPT = frozenset(
    """PATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH DYLD_FALLBACK_LIBRARY_PATH LIBRARY_PATH CPATH CC CXX CFLAGS CXXFLAGS SDKROOT DEVELOPER_DIR
    PYTHONPATH PYTHONUTF8 PYTHONIOENCODING PYTHONHASHSEED PYTHONNOUSERSITE VIRTUAL_ENV LANG LANGUAGE TZ USER LOGNAME USERNAME SHELL TERM
    SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT PROGRAMFILES PROGRAMFILES(X86) PROGRAMDATA COMMONPROGRAMFILES NUMBER_OF_PROCESSORS
    PTINSPECT_CACHE""".split()
)
_KEPT_FAMILIES = tuple(
    """LC_ CONDA_PREFIX CUDA_ CUDNN_ CUBLAS_ NVIDIA_ NCCL_ HIP_ HSA_ ROCR_ ROCM_ MIOPEN_ ZE_ SYCL_ ONEAPI_ OMP_ GOMP_ KMP_ MKL_ DNNL_
    ONEDNN_ OPENBLAS_ VECLIB_ TORCH PYTORCH_ TRITON_ ATEN_ PROCESSOR_ MALLOC_""".split()
)
_IN_FOLDER = {
    "HOME": "",
    "USERPROFILE": "",
    "LOCALAPPDATA": "",
    "TMPDIR": "",
    "TEMP": "",
    "TMP": "",
    "XDG_CACHE_HOME": "cache",
    "CUDA_CACHE_PATH": "cuda",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "TRITON_HOME": "",
    "TORCH_HOME": "torch",
    "TORCH_EXTENSIONS_DIR": "extensions",
    "NUMBA_CACHE_DIR": "numba",
    "MIOPEN_USER_DB_PATH": "miopen",
    "MIOPEN_CUSTOM_CACHE_DIR": "miopen",
    "HF_HOME": "huggingface",
    "MPLCONFIGDIR": "matplotlib",
}
_SET = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def environment(folder: str, kept_of: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the parent gives the child as its environment. Nothing is written beside the user's modules, not even compiled ones."""
    kept = {name: value for name, value in kept_of.items() if name in _KEPT or name.startswith(_KEPT_FAMILIES)}
    inside = {name: os.path.join(folder, below) if below else folder for name, below in _IN_FOLDER.items()}
    return kept | inside | _SET | {"PYTHONUSERBASE": kept_of.get("PYTHONUSERBASE") or site.getuserbase()}


__all__ = ["environment"]
