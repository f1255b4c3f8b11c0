"""Where a batch runs: the GPU that was asked for, or the best there is, and what to call it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator

import torch

from ptinspect.errors import RunProblem
from ptinspect.findings import Finding
from ptinspect.frozen import frozen

_WHEELS = "https://download.pytorch.org/whl/"
_WITH_CUDA = f"pip install --force-reinstall torch torchvision --index-url {_WHEELS}cu130"
_NO_MEMORY = ("not enough memory", "can't allocate memory", "CUDNN_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_ALLOC_FAILED")


@frozen
class Device:
    """One device: torch's word for it, its kind, its name and its memory."""

    word: str
    type: str
    name: str
    memory: int | None
    count: int = 1

    @property
    def is_cuda(self) -> bool:
        """Whether it keeps its own time and memory."""
        return self.type == "cuda"

    def synchronize(self) -> None:
        """Wait until everything that was handed to it is done."""
        if self.type == "cuda":
            torch.cuda.synchronize(self.word)
        elif self.type == "mps":
            torch.mps.synchronize()

    def forget_peak(self) -> None:
        """Count the peak of memory from here on."""
        if self.is_cuda:
            torch.cuda.reset_peak_memory_stats(self.word)

    def peak(self) -> int | None:
        """The most that torch had in use on a GPU since then; None for a device that does not count it."""
        return int(torch.cuda.max_memory_allocated(self.word)) if self.is_cuda else None

    def fields(self) -> dict[str, object]:
        """As it is told."""
        return {"type": self.type, "name": self.name, "word": self.word, "memory": self.memory, "count": self.count}


def chosen(asked: str) -> Device:
    """The device for `auto`, `cpu`, `cuda`, `cuda:1` or `mps`."""
    kind, _, number = asked.partition(":")
    if kind == "auto":
        return next(available())
    if kind == "cpu" and not number:
        return _cpu()
    if kind == "cuda" and (not number or (number.isascii() and number.isdigit())):
        return _cuda(int(number or 0))
    if kind == "mps" and not number:
        if not torch.backends.mps.is_available():
            raise RunProblem("this torch sees no Apple GPU", "Run it on the CPU: --device cpu.")
        return _mps()
    raise RunProblem(f"{asked!r} is no device", "Use auto, cpu, cuda, cuda:1 (the second GPU) or mps.")


def available() -> Iterator[Device]:
    """Every device that this torch can use, the fastest kind first."""
    if torch.cuda.is_available():
        yield from (_cuda(number) for number in range(torch.cuda.device_count()))
    if torch.backends.mps.is_available():
        yield _mps()
    yield _cpu()


def _cuda(number: int) -> Device:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if number >= count:
        seen = "no GPU" if not count else f"{count} GPU{'s' if count > 1 else ''} only"
        missing = unused_gpu()
        raise RunProblem(f"this torch ({torch.__version__}) sees {seen}", missing.detail if missing else "Run it on the CPU: --device cpu.")
    found = torch.cuda.get_device_properties(number)
    return Device(f"cuda:{number}", "cuda", str(found.name), int(found.total_memory), count)


def _mps() -> Device:
    return Device("mps", "mps", f"Apple {platform.processor() or 'GPU'}", None)


def _cpu() -> Device:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else None
    return Device("cpu", "cpu", f"CPU, {cores} core{'' if cores == 1 else 's'}", memory)


def unused_gpu() -> Finding | None:
    """A GPU that is there and that this torch cannot use, with the command that helps."""
    if torch.cuda.is_available() or not (os.path.exists("/proc/driver/nvidia/version") or shutil.which("nvidia-smi")):
        return None
    if torch.version.cuda is None:
        detail = f"torch {torch.__version__} is a build for the CPU. A build for CUDA is installed by: {_WITH_CUDA}"
        return Finding("notice", "An NVIDIA GPU is here, and this torch cannot use it", detail)
    detail = (
        f"torch {torch.__version__} is built for CUDA {torch.version.cuda}; the driver may be older. `nvidia-smi` tells what it supports."
    )
    return Finding("notice", "An NVIDIA GPU is here, and torch cannot reach it", detail)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(words in str(error) for words in _NO_MEMORY)


__all__ = ["Device", "available", "chosen", "is_out_of_memory", "unused_gpu"]
