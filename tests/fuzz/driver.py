"""Runs many inputs in one process with a fixed seed, and keeps what went wrong."""

from __future__ import annotations

import gc
import json
import resource
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from types import FrameType

from ptinspect.errors import FileProblem
from ptinspect.formats.reading import read
from ptinspect.pickles.window import Memory
from tests.fuzz.mutations import mutated

SECONDS = 10
MEGABYTES = 1_024
KEPT = 50
TENSORS, CHUNKS = 200, 20

Look = Callable[[bytes, str], str]


class TooSlow(BaseException):
    """Not an Exception, so that no reader can catch it by mistake."""


@dataclass
class Outcome:
    """What came of a run."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")
    seconds: float = 0.0

    @property
    def inputs(self) -> int:
        """How many inputs were read."""
        return self.counts.total()

    def add(self, other: Outcome) -> None:
        """Take in what another process found."""
        self.counts += other.counts
        self.failures += other.failures
        self.slowest = max(self.slowest, other.slowest)
        self.largest = max(self.largest, other.largest)
        self.seconds = max(self.seconds, other.seconds)

    def text(self) -> str:
        """The figures, a line each."""
        rows = [f"{self.inputs:,} inputs in {self.seconds:,.0f} s"]
        rows += [f"  {count:>10,}  {name}" for name, count in self.counts.most_common()]
        rows.append(f"slowest: {self.slowest[0]:.2f} s ({self.slowest[1]})")
        rows.append(f"peak resident memory: {self.largest[0]} MB (last raised by {self.largest[1] or 'the start'})")
        return "\n".join(rows + [f"FAILED {failure}" for failure in self.failures])


def outcome_of(data: bytes, name: str) -> str:
    """How reading these bytes ends; anything but a FileProblem is let out."""
    try:
        document = read(Memory(data), name)
    except FileProblem as problem:
        return type(problem).__name__
    if document.problem is not None:
        return f"opened, {type(document.problem).__name__}"
    return f"opened, {document.container}"


def meaning_of(data: bytes, name: str) -> str:
    """How `info` and `scan` of these bytes end: the floors above the readers, at a tenth of the speed."""
    from ptinspect.checkpoint.opening import open_checkpoint
    from ptinspect.checkpoint.scanning import scan_file
    from ptinspect.cli.info import fields_of
    from ptinspect.cli.info_text import lines_of

    outcomes = []
    with NamedTemporaryFile(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as file:
        file.write(data)
        file.flush()
        for look in (open_checkpoint, scan_file):
            try:
                found = look(file.name)
            except FileProblem as problem:
                outcomes.append(type(problem).__name__)
                continue
            if look is open_checkpoint:
                json.dumps(fields_of(found), allow_nan=False)
                "".join(lines_of(found)).encode()
            outcomes.append(found.safety.verdict)
    return ", ".join(outcomes)


def values_of(data: bytes, name: str) -> str:
    """How reading the numbers of every tensor ends, the first of them where there are very many."""
    from ptinspect.checkpoint.opening import open_checkpoint
    from ptinspect.checkpoint.storage_bytes import StorageBytes
    from ptinspect.checkpoint.values import values

    ends: Counter[str] = Counter()
    with NamedTemporaryFile(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as file:
        file.write(data)
        file.flush()
        try:
            checkpoint = open_checkpoint(file.name)
        except FileProblem as problem:
            return type(problem).__name__
        with StorageBytes(checkpoint) as storages:
            for tensor in checkpoint.document.tensors[:TENSORS]:
                try:
                    ends["values" if sum(chunk.size for chunk in islice(values(storages, tensor), CHUNKS)) else "none"] += 1
                except FileProblem as problem:
                    ends[type(problem).__name__] += 1
    return f"opened: {', '.join(sorted(ends)) or 'no tensors'}"


def run(
    seeds: list[tuple[str, bytes]], inputs: int, start: int, folder: Path, seconds: float = float("inf"), look: Look = outcome_of
) -> Outcome:
    """Read `inputs` mutations numbered from `start`, each made from its number alone, until the time is over."""
    found, began = Outcome(), time.monotonic()
    found.largest = (_peak(), "")
    signal.signal(signal.SIGALRM, _late)
    for number in range(start, start + inputs):
        if time.monotonic() - began > seconds:
            break
        name, data = made(seeds, number)
        _one(found, f"{number}-{name}", data, folder, look)
        if number % 20_000 == 0:
            gc.collect()
    found.seconds = time.monotonic() - began
    return found


def made(seeds: list[tuple[str, bytes]], number: int) -> tuple[str, bytes]:
    """Input `number`: the same on every machine that has the same seeds."""
    random = Random(number)
    name, seed = random.choice(seeds)
    return name, mutated(random, seed, random.choice(seeds)[1])


def _one(found: Outcome, label: str, data: bytes, folder: Path, look: Look) -> None:
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    began = time.monotonic()
    try:
        outcome = look(data, label)
    except (Exception, TooSlow) as error:
        outcome = f"FAILED with {type(error).__name__}"
        if len(found.failures) < KEPT:
            path = folder / f"failed-{label}"
            path.write_bytes(data)
            place = traceback.extract_tb(error.__traceback__)[-1]
            found.failures.append(f"{path}: {type(error).__name__}: {error} ({place.filename}:{place.lineno})")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    found.counts[outcome] += 1
    took, peak = time.monotonic() - began, _peak()
    found.slowest = max(found.slowest, (took, label))
    if peak > found.largest[0]:
        found.largest = (peak, label)
        if peak > MEGABYTES:
            (folder / f"large-{label}").write_bytes(data)
            found.failures.append(f"{folder / f'large-{label}'}: {peak} MB resident")


def _late(number: int, frame: FrameType | None) -> None:
    raise TooSlow(f"over {SECONDS} s")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
