"""One tensor out of a checkpoint into a file of its own, a chunk at a time, whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from math import prod
from typing import BinaryIO

import numpy as np

from ptinspect.checkpoint.array_files import csv_parts, npy_parts, npy_type, safetensors_parts, widened
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.named_places import NamedPlace, place_of
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.checkpoint.values import Array, numpy_type, refuse, value_shape, values
from ptinspect.dtypes import BY_NAME, DType
from ptinspect.errors import InspectError, OutputProblem, Unsupported
from ptinspect.frozen import frozen
from ptinspect.tensors import TensorInfo

Progress = Callable[[int, int], object]
ENDINGS = (".npy", ".csv", ".safetensors")
_ELSEWHERE = "Give another place for it."


@frozen
class Extracted:
    """What was written: the tensor's full path, the shape and type of the numbers in the file, its size, and what changed on the way."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    written_as: str
    nbytes: int
    notes: tuple[str, ...]


def extract(checkpoint: Checkpoint, name: str, out: str, force: bool = False, progress: Progress | None = None) -> Extracted:
    """Write the tensor of that name; the ending of `out` says how. An existing file stays unless `force` is given."""
    ending = ending_of(out)
    place = place_of(checkpoint, name)
    _refuse(place)
    tensor, kind = place.tensor, _kind(place, ending)
    target = _target(checkpoint, out, force)
    shape = value_shape(tensor)
    with _replacing(target, out, force) as file:
        _check_room(target, out, prod(shape) * (2 if ending == ".csv" else kind.itemsize))
        with StorageBytes(checkpoint) as storages:
            chunks = _told(values(storages, tensor), prod(shape), progress)
            written = 0
            for part in _parts(chunks, place, shape, ending):
                written += len(part)
                file.write(part)
    return Extracted(place.path, shape, tensor.dtype.name, kind.name, written, tuple(_notes(tensor, kind, ending)))


def ending_of(out: str) -> str:
    """How the name says to write it."""
    ending = os.path.splitext(out)[1].lower()
    if ending not in ENDINGS:
        raise OutputProblem(f"`{out}` does not say how to write it", "Let its name end in .npy, .csv or .safetensors.")
    return ending


def _refuse(place: NamedPlace) -> None:
    try:
        refuse(place.tensor)
    except Unsupported as problem:
        name = f"`{place.path}`" if place.path else "the tensor"
        raise Unsupported(f"{name} cannot be exported: {problem.message}", problem.hint, place.path) from None


def _kind(place: NamedPlace, ending: str) -> DType:
    """The type of the numbers in the file."""
    dtype = place.tensor.dtype
    found = BY_NAME[np.dtype(numpy_type(dtype)).name] if dtype.family == "quantized" or dtype.name == "complex32" else dtype
    if found.safetensors is None and found.family in ("bits", "int", "uint"):
        found = BY_NAME[numpy_type(dtype).name]
    if ending == ".npy":
        return BY_NAME[npy_type(numpy_type(dtype)).name]
    if ending == ".safetensors" and found.safetensors is None:
        raise OutputProblem(f"safetensors has no name for {dtype.name}", "Let its name end in .npy, which has one.")
    return found


def _parts(chunks: Iterable[Array], place: NamedPlace, shape: tuple[int, ...], ending: str) -> Iterator[bytes | memoryview]:
    kind = numpy_type(place.tensor.dtype)
    if ending == ".npy":
        return npy_parts(chunks, shape, kind)
    if ending == ".csv":
        return csv_parts(chunks, shape, kind)
    return safetensors_parts(chunks, place.path, shape, _kind(place, ending))


def _told(chunks: Iterable[Array], total: int, progress: Progress | None) -> Iterator[Array]:
    """The chunks, and how far they are."""
    done = 0
    for chunk in chunks:
        yield chunk
        done += chunk.size
        if progress is not None:
            progress(done * chunk.dtype.itemsize, total * chunk.dtype.itemsize)


def _notes(tensor: TensorInfo, kind: DType, ending: str) -> Iterator[str]:
    """What a reader of the file has to know."""
    dtype = tensor.dtype
    if dtype.family == "quantized":
        yield f"{dtype.name} codes were written as the real values that they stand for"
    elif ending == ".npy" and widened(numpy_type(dtype)):
        yield f"{dtype.name} has no name in .npy: every value was widened to {kind.name} as it is"
    elif kind != dtype and ending != ".csv":
        yield f"{dtype.name} was written as {kind.name}, value for value"
    if dtype.per_item > 1:
        yield f"the {dtype.per_item} values of each stored byte stand side by side in the last dimension"
    if tensor.layout.startswith("sparse"):
        yield f"{tensor.layout} was written out with its zeros"
    elif tensor.layout == "nested":
        yield "a nested tensor was written as its buffer, one part behind the other"
    elif tensor.layout == "wrapper":
        yield f"what {tensor.subclass} wraps was written"


def _target(checkpoint: Checkpoint, out: str, force: bool) -> str:
    """The file that will be written: links are followed, so that a link stays one."""
    try:
        target = os.path.realpath(out)
        status = os.stat(target)
    except FileNotFoundError:
        return target
    except (OSError, ValueError) as error:
        raise _unwritable(out, error) from None
    if (status.st_dev, status.st_ino) == (checkpoint.identity.device, checkpoint.identity.inode):
        raise OutputProblem(f"`{out}` is the checkpoint itself", _ELSEWHERE)
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise OutputProblem(f"`{out}` is {what}", _ELSEWHERE)
    if not force:
        raise OutputProblem(f"`{out}` exists already", "Give another name, or --force to replace it.")
    return target


@contextmanager
def _replacing(target: str, out: str, force: bool) -> Iterator[BinaryIO]:
    """A file beside the target that takes its place at the end, and is gone where anything went wrong."""
    beside = os.path.join(os.path.dirname(target), f".ptinspect-{secrets.token_hex(8)}.part")
    try:
        file = open(beside, "xb")  # noqa: SIM115  (closed below, before it is renamed)
    except (OSError, ValueError) as error:
        raise _unwritable(out, error) from None
    try:
        with file:
            yield file
        _rename(beside, target, out, force)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(beside)
        if isinstance(error, OSError):
            raise _unwritable(out, error) from None
        raise


def _rename(beside: str, target: str, out: str, force: bool) -> None:
    if not force and os.path.lexists(target):
        raise OutputProblem(f"`{out}` exists by now", "Give another name, or --force to replace it.")
    os.replace(beside, target)


def _check_room(target: str, out: str, size: int) -> None:
    """Do not begin what the disk cannot hold. Only a first look: others write too."""
    try:
        free = shutil.disk_usage(os.path.dirname(target)).free
    except OSError:
        return
    if size > free:
        raise OutputProblem(f"`{out}` would take {size:,} bytes and {free:,} are free", "Make room there, or write it somewhere else.")


_HINTS = {
    errno.ENOSPC: "Make room there, or write it somewhere else.",
    errno.EDQUOT: "Make room there, or write it somewhere else.",
    errno.ENOENT: "Make the folder first, or write it somewhere else.",
    errno.ENAMETOOLONG: "Give a shorter name.",
}


def _unwritable(out: str, error: OSError | ValueError) -> InspectError:
    if not isinstance(error, OSError):
        return OutputProblem(f"`{out}` cannot be written: the path cannot be used", _ELSEWHERE)
    reason = (error.strerror or "the system refuses").lower()
    return OutputProblem(f"`{out}` cannot be written: {reason}", _HINTS.get(error.errno or 0, "Write it somewhere else."))


__all__ = ["ENDINGS", "Extracted", "NamedPlace", "ending_of", "extract", "place_of"]
