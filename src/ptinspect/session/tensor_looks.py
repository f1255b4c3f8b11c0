"""Looks at the values of one tensor: each is asked for by a frozen request, read in the background, and kept as a frozen answer."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.errors import Unsupported
from ptinspect.frozen import frozen
from ptinspect.session.words import plural
from ptinspect.tensors import TensorInfo

if TYPE_CHECKING:
    from ptinspect.analysis.channels import Channels
    from ptinspect.analysis.higher_moments import HigherMoments
    from ptinspect.analysis.spectrum import Spectrum
    from ptinspect.analysis.statistics import Statistics

LookKind = Literal["sample", "moments", "filters", "heat", "surface", "line", "channels", "spectrum"]
SLOW: tuple[LookKind, ...] = ("channels", "spectrum")
ALONE: tuple[LookKind, ...] = ("moments",)  # reads a whole tensor: only for the one that is looked at now
EXACT = 1 << 20  # elements up to which a sample is the whole
MOST_FILTERS, MOST_SIDE = 256, 32
MOST_ROWS, MOST_COLUMNS = 256, 512
MOST_POINTS = 64  # along either side of a surface: so many squares are painted within two frames of a screen
MOST_READ = 1 << 23
LINE = 1 << 16
Progress = Callable[[int, int], None]


@frozen
class LookRequest:
    """What to look at: `plane` are the dimensions that are drawn, `index` the places in all others, in their order."""

    kind: LookKind
    key: str
    index: tuple[int, ...] = ()
    plane: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What its answer is kept under."""
        places = "/".join(filter(None, (",".join(map(str, self.index)), "x".join(map(str, self.plane)))))
        return f"{self.kind} {places} {self.key}"


@frozen
class Sample:
    """Numbers of a tensor that the count of the whole file has not come to yet; `seen` values were looked at."""

    statistics: Statistics
    seen: int


@frozen
class Picture:
    """Values as an array to draw, float32. `step` says how many rows and columns each cell stands for."""

    cells: Any
    step: tuple[int, int]
    note: str
    total: int
    size: tuple[int, int] = (1, 1)  # the rows and columns that the cells stand for


@frozen
class Failed:
    """Why there is nothing to look at."""

    message: str
    hint: str


Look = Sample | Picture | Failed | Any


def look(checkpoint: Checkpoint, tensor: TensorInfo, request: LookRequest, progress: Progress) -> Any:
    """Read what a request asks for. Runs in the background; raises FileProblem where that cannot be done."""
    from ptinspect.checkpoint.storage_bytes import StorageBytes  # noqa: PLC0415 - numpy comes after the first paint
    from ptinspect.checkpoint.values import refuse  # noqa: PLC0415

    refuse(tensor)
    if request.kind == "spectrum":
        return _spectrum(checkpoint, tensor, progress)
    if request.kind == "channels":
        return _channels(checkpoint, tensor, progress)
    if request.kind == "moments":
        return _moments(checkpoint, tensor, progress)
    with StorageBytes(checkpoint) as storages:
        if request.kind == "sample":
            return _sample(checkpoint, storages, tensor)
        if request.kind == "filters":
            return _filters(storages, tensor)
        if request.kind == "line":
            return _line(storages, tensor)
        most = (MOST_POINTS, MOST_POINTS) if request.kind == "surface" else (MOST_ROWS, MOST_COLUMNS)
        return _plane(storages, tensor, request, most)


def _spectrum(checkpoint: Checkpoint, tensor: TensorInfo, progress: Progress) -> Spectrum:
    from ptinspect.analysis.spectrum import spectrum_of  # noqa: PLC0415

    return spectrum_of(checkpoint, tensor, progress)


def _channels(checkpoint: Checkpoint, tensor: TensorInfo, progress: Progress) -> Channels:
    from ptinspect.analysis.channels import channels_of  # noqa: PLC0415

    return channels_of(checkpoint, tensor, 0, progress)


def _moments(checkpoint: Checkpoint, tensor: TensorInfo, progress: Progress) -> HigherMoments:
    from ptinspect.analysis.higher_moments import higher_moments  # noqa: PLC0415

    return higher_moments(checkpoint, tensor, progress)


def _sample(checkpoint: Checkpoint, storages: Any, tensor: TensorInfo) -> Sample:
    from ptinspect.analysis.slices import sample  # noqa: PLC0415
    from ptinspect.analysis.stream import Request, statistics  # noqa: PLC0415

    if tensor.elements <= EXACT:
        found = next(statistics(Request(checkpoint, [tensor], threads=1, compiled=False)))[1]
        if found.problem:
            raise Unsupported(found.problem, "", tensor.name)
        return Sample(found, tensor.elements)
    return Sample(*sample(storages, tensor))


def has_filters(shape: tuple[int, ...]) -> bool:
    """Whether a tensor is a stack of small pictures, as the kernels of a two-dimensional convolution are."""
    return len(shape) == 4 and 1 < shape[2] <= MOST_SIDE and 1 < shape[3] <= MOST_SIDE and shape[0] > 0 and shape[1] > 0


def _filters(storages: Any, tensor: TensorInfo) -> Picture:
    """Kernels with all their input channels where they are three, else the norm over those at each place."""
    import numpy as np  # noqa: PLC0415

    from ptinspect.analysis.slices import block  # noqa: PLC0415

    shape = tensor.shape
    count = max(1, min(shape[0], MOST_FILTERS, MOST_READ // max(1, prod(shape[1:]))))
    channels = min(shape[1], max(1, MOST_READ // (count * shape[2] * shape[3])))
    found = block(storages, tensor, [range(count), range(channels), range(shape[2]), range(shape[3])])
    cells = _floats(found)
    note = plural(count, "kernel") if count == shape[0] else f"the first {count:,} of {shape[0]:,} kernels"
    if channels > 3:
        mean, norm = cells.mean(axis=1, keepdims=True), np.sqrt(np.square(cells, dtype=np.float64).mean(axis=1, keepdims=True))
        cells = np.concatenate((mean, norm.astype(np.float32), cells[:, :1]), axis=1)
    return Picture(cells, (1, 1), note, shape[0])


def plane_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """The two dimensions that are drawn as rows and columns: the last ones with more than one place, where there are such."""
    wide = [at for at, size in enumerate(shape) if size > 1][-2:]
    last = [at for at in range(len(shape)) if at not in wide][::-1]
    rows, columns = sorted((wide + last)[:2])
    return rows, columns


def planes_of(shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Every pair of dimensions with more than one place, the one that is drawn at first in front."""
    wide = [at for at, size in enumerate(shape) if size > 1]
    pairs = [(down, across) for at, down in enumerate(wide) for across in wide[at + 1 :]]
    first = plane_of(shape)
    return (first, *(pair for pair in reversed(pairs) if pair != first))


def _plane(storages: Any, tensor: TensorInfo, request: LookRequest, most: tuple[int, int]) -> Picture:
    """Two dimensions at a place of the others; where they are large, each cell shows the value of several that is furthest from zero."""
    from ptinspect.analysis.slices import block  # noqa: PLC0415
    from ptinspect.checkpoint.values import value_shape  # noqa: PLC0415

    shape = value_shape(tensor)
    shape = (1,) * (2 - len(shape)) + shape
    down, across = request.plane or plane_of(shape)
    rows, columns = shape[down], shape[across]
    skip = max(1, -(-rows * columns // MOST_READ))
    places = iter(request.index)
    spans = [_place(size, next(places, 0)) if at not in (down, across) else range(size) for at, size in enumerate(shape)]
    spans[down] = range(0, rows, skip)
    found = _floats(block(storages, tensor, spans[len(shape) - len(value_shape(tensor)) :])).reshape(-1, columns)
    cells, step = _reduced(found, most)
    parts = [f"drawn is the value furthest from zero of each {step[0]:,}\u2009×\u2009{step[1]:,}"] if step != (1, 1) else []
    parts += [f"only every {skip:,}th row was read"] if skip > 1 else []
    text = ", ".join(parts)
    text = f"{text[:1].upper()}{text[1:]}"
    return Picture(cells, (step[0] * skip, step[1]), text, rows * columns, (rows, columns))


def _place(size: int, at: int) -> range:
    at = min(at, size - 1)
    return range(at, at + 1)


def _reduced(found: Any, most: tuple[int, int]) -> tuple[Any, tuple[int, int]]:
    """No more cells than are drawn, each the value that is furthest from zero among those it stands for; NaN where one of them is."""
    import numpy as np  # noqa: PLC0415

    step = (-(-found.shape[0] // most[0]), -(-found.shape[1] // most[1]))
    for axis in (0, 1):
        if step[axis] > 1:
            starts = np.arange(0, found.shape[axis], step[axis])
            high, low = np.maximum.reduceat(found, starts, axis=axis), np.minimum.reduceat(found, starts, axis=axis)
            found = np.where(np.abs(low) > np.abs(high), low, high)
    return np.ascontiguousarray(found), step


def _line(storages: Any, tensor: TensorInfo) -> Picture:
    """A vector from its beginning to its end: all of it where it is short, else low and high of even parts."""
    import numpy as np  # noqa: PLC0415

    from ptinspect.checkpoint.values import values  # noqa: PLC0415

    size, at = tensor.elements * tensor.dtype.per_item, 0
    step = max(1, -(-size // LINE))
    low, high = [], []
    rest = np.empty(0, np.float32)
    for chunk in values(storages, tensor):
        found = np.concatenate((rest, _floats(chunk)))
        end = found.size // step * step
        parts, rest = found[:end].reshape(-1, step), found[end:]
        low.append(np.fmin.reduce(parts, axis=1))
        high.append(np.fmax.reduce(parts, axis=1))
        at += chunk.size
    if rest.size:
        low.append(np.fmin.reduce(rest, keepdims=True))
        high.append(np.fmax.reduce(rest, keepdims=True))
    cells = np.stack((np.concatenate(low), np.concatenate(high))) if low else np.empty((2, 0), np.float32)
    note = plural(size, "value") + (f", each point is the range of {step:,}" if step > 1 else "")
    return Picture(cells, (1, step), note, size)


def _floats(found: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    with np.errstate(all="ignore"):
        return np.abs(found).astype(np.float32) if found.dtype.kind == "c" else found.astype(np.float32)
