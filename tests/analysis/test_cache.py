"""Kept statistics: the same numbers as counted ones, of this state of this file alone, whatever happens to the folder."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
import torch

from ptinspect.analysis import cache as module
from ptinspect.analysis.cache import StatisticsCache, known_statistics
from ptinspect.analysis.statistics import as_fields
from ptinspect.analysis.stream import Request, statistics
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import Cancelled, ChangedOnDisk
from tests.analysis.tensors import everything, whole
from tests.checkpoint.saved import saved

pytestmark = pytest.mark.filterwarnings("ignore")

SRC = Path(__file__).parents[2] / "src"


@pytest.fixture
def cache(tmp_path: Path) -> StatisticsCache:
    return StatisticsCache(tmp_path / "cache")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    """Some that are worth keeping."""
    return saved(tmp_path, {"a": torch.randn(300_000), "b": torch.arange(500), "tied": torch.ones(7)})


def request_of(checkpoint: Checkpoint, bins: int = 72) -> Request:
    return Request(checkpoint, [place.tensor for place in checkpoint.document.places], bins, compiled=False)


def fields_of(checkpoint: Checkpoint, cache: StatisticsCache | None, bins: int = 72) -> dict[int, str]:
    """What a program prints, to the last digit."""
    return {place: json.dumps(as_fields(found)) for place, found in known_statistics(request_of(checkpoint, bins), None, cache)}


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tensors were counted each time that something was."""
    calls: list[int] = []

    def counting(request: Request, progress):
        calls.append(len(request.tensors))
        return statistics(request, progress)

    monkeypatch.setattr(module, "statistics", counting)
    return calls


def entries(cache: StatisticsCache) -> list[Path]:
    return sorted(cache.folder.iterdir()) if cache.folder.exists() else []


# -- what is kept -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tensors", [everything(501), whole(66_001)], ids=["small", "large"])
def test_that_kept_numbers_are_those_that_were_counted(
    tensors: dict[str, torch.Tensor], cache: StatisticsCache, counts: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WORTH", 0)
    checkpoint = saved(tmp_path, tensors)
    fresh = fields_of(checkpoint, None)
    assert fields_of(checkpoint, cache) == fresh
    kept = fields_of(open_checkpoint(checkpoint.path), cache)
    assert kept == fresh
    assert len(counts) == 2  # without a cache, and before there was an entry


def test_that_tied_names_are_kept_once_and_found_twice(cache: StatisticsCache, counts: list[int], tmp_path: Path) -> None:
    weight = torch.randn(600, 600)
    checkpoint = saved(tmp_path, {"a": weight, "b": weight, "c": weight.t(), "d": weight[0]})
    fresh = fields_of(checkpoint, cache)
    assert fields_of(checkpoint, cache) == fresh
    assert fresh[0] == fresh[1] != fresh[3]
    assert counts == [3]


def test_that_what_is_missing_from_an_entry_is_counted_and_added(cache: StatisticsCache, counts: list[int], checkpoint: Checkpoint) -> None:
    tensors = [place.tensor for place in checkpoint.document.places]
    part = dict(known_statistics(Request(checkpoint, tensors[:1]), None, cache))
    both = dict(known_statistics(Request(checkpoint, tensors), None, cache))
    assert json.dumps(as_fields(part[0])) == json.dumps(as_fields(both[0]))
    assert sorted(both) == [0, 1, 2]
    assert len(fields_of(checkpoint, cache)) == 3
    assert counts == [1, 2]


def test_that_a_tensor_without_numbers_is_asked_for_again(cache: StatisticsCache, counts: list[int], tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"a": torch.randn(300_000), "b": torch.empty(5, device="meta")})
    first = fields_of(checkpoint, cache)
    assert fields_of(checkpoint, cache) == first
    assert counts == [2, 1]


def test_that_a_small_file_leaves_no_entry(cache: StatisticsCache, tmp_path: Path) -> None:
    fields_of(saved(tmp_path, {"a": torch.randn(1_000)}), cache)
    assert entries(cache) == []


def test_that_a_file_that_changes_on_the_way_leaves_no_entry(cache: StatisticsCache, tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {str(number): torch.randn(200_000) for number in range(5)})

    def rewrite(done: int, total: int) -> None:
        with open(checkpoint.path, "r+b") as file:
            file.seek(2_000_000)
            file.write(bytes(1_000_000))

    with pytest.raises(ChangedOnDisk):
        list(known_statistics(request_of(checkpoint), rewrite, cache))
    assert entries(cache) == []


def test_that_work_that_was_stopped_goes_on_where_it_was(cache: StatisticsCache, counts: list[int], tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {str(number): torch.randn(200_000) for number in range(5)})
    calls = []

    def stop(done: int, total: int) -> None:
        calls.append(done)
        if len(calls) == 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        list(known_statistics(request_of(checkpoint), stop, cache))
    assert len(fields_of(checkpoint, cache)) == 5
    assert counts == [5, 3]
    assert all(path.suffix == ".stats" for path in entries(cache))


# -- of which file ------------------------------------------------------------------------------------------------------------


def test_that_a_moved_file_is_known_and_other_bins_are_not(cache: StatisticsCache, counts: list[int], checkpoint: Checkpoint) -> None:
    fields_of(checkpoint, cache)
    os.rename(checkpoint.path, f"{checkpoint.path}.moved")
    moved = open_checkpoint(f"{checkpoint.path}.moved")
    fields_of(moved, cache)
    assert len(counts) == 1
    fields_of(moved, cache, bins=10)
    assert len(counts) == 2


@pytest.mark.parametrize("how", ["touched", "rewritten", "longer"])
def test_that_another_state_of_the_file_is_not_known(how: str, cache: StatisticsCache, counts: list[int], tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"a": torch.ones(300_000)})
    before = os.stat(checkpoint.path)
    assert json.loads(fields_of(checkpoint, cache)[0])["mean"] == 1
    if how == "touched":
        os.utime(checkpoint.path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    else:
        saved(tmp_path, {"a": torch.full((300_000 + (how == "longer"),), 2.0)})
        os.utime(checkpoint.path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the size or the content is all that tells
    again = open_checkpoint(checkpoint.path)
    assert json.loads(fields_of(again, cache)[0])["mean"] == (1 if how == "touched" else 2)
    assert len(counts) == 2


# -- damage -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def entry(cache: StatisticsCache, checkpoint: Checkpoint) -> Path:
    fields_of(checkpoint, cache)
    return entries(cache)[0]


def test_that_an_entry_with_any_byte_flipped_or_cut_off_is_no_entry_or_the_same(cache: StatisticsCache, checkpoint: Checkpoint) -> None:
    fields_of(checkpoint, cache, bins=2)
    (entry,) = entries(cache)
    content, right = entry.read_bytes(), {key: as_fields(found) for key, found in cache.load(entry)}
    assert len(right) == 3
    for at in range(len(content)):
        entry.write_bytes(content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :])
        assert {key: as_fields(found) for key, found in cache.load(entry)} in ({}, right), at
    for at in range(0, len(content), 7):
        entry.write_bytes(content[:at])
        assert list(cache.load(entry)) == [], at


def packed(*lines: object) -> bytes:
    """An entry whose sum is right, whatever it says."""
    import hashlib

    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    about = {"tensors": len(lines), "sum": hashlib.sha256(text).hexdigest()}
    return zlib.compress(text + json.dumps(about).encode() + b"\n")


FOREIGN = {
    "nothing": b"",
    "text": b"not packed at all",
    "packed nothing": zlib.compress(b""),
    "packed text": zlib.compress(b"hello\n"),
    "no numbers": packed({"key": "k"}),
    "a list": packed([1, 2, 3]),
    "a number": packed(7),
    "a key that is none": packed({"key": []}),
    "deep": zlib.compress(b"[" * 100_000 + b"\n"),
    "not UTF-8": zlib.compress(b'\xff\xfe{"tensors": 0}\n'),
    "NaN for a sum": zlib.compress(b'{"tensors": 0, "sum": NaN}\n'),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_that_a_foreign_entry_is_no_entry(
    content: bytes, entry: Path, cache: StatisticsCache, checkpoint: Checkpoint, counts: list[int]
) -> None:
    entry.write_bytes(content)
    assert list(cache.load(entry)) == []
    assert fields_of(checkpoint, cache) == fields_of(checkpoint, None)
    assert counts == [3, 3]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean", "1.0"),
        ("count", True),
        ("quantiles", [1, 2]),
        ("quantiles", {"0.01": "x"}),
        ("histogram", 3),
        ("histogram", {"edges": [0, 1], "counts": [1, 2], "below": 0, "above": 0, "scale": "linear"}),
        ("histogram", {"edges": [[0], [1]], "counts": [1], "below": 0, "above": 0, "scale": "linear"}),
        ("histogram", {"edges": ["a", "b"], "counts": [1], "below": 0, "above": 0, "scale": "linear"}),
        ("histogram", {"edges": [0, 1], "counts": [1e30], "below": 0, "above": 0, "scale": "linear"}),
        ("histogram", {"edges": [0, 1], "counts": [1], "below": None, "above": 0, "scale": "linear"}),
        ("histogram", {"edges": [0, 1], "counts": [1], "below": 0, "above": 0, "scale": "\x1b[31m"}),
        ("extremes", None),
    ],
)
def test_that_an_entry_of_other_types_is_no_entry(
    name: str, value: object, entry: Path, cache: StatisticsCache, checkpoint: Checkpoint
) -> None:
    fields = [{"key": key, **as_fields(found)} for key, found in cache.load(entry)]
    entry.write_bytes(packed({**fields[0], name: value}))
    assert list(cache.load(entry)) == []
    assert fields_of(checkpoint, cache) == fields_of(checkpoint, None)


def test_that_a_packed_flood_is_left_alone(entry: Path, cache: StatisticsCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TEXT", 1 << 20)
    entry.write_bytes(zlib.compress(b" " * (64 << 20)))
    assert list(cache.load(entry)) == []


# -- the folder ---------------------------------------------------------------------------------------------------------------


def test_that_the_folder_is_the_users_own_and_entries_are_too(entry: Path) -> None:
    assert stat.S_IMODE(entry.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600


def test_that_the_folder_is_bounded_and_the_oldest_go(tmp_path: Path) -> None:
    cache = StatisticsCache(tmp_path / "cache", most=0)
    sizes = []
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        fields_of(saved(tmp_path / str(number), {"a": torch.randn(300_000)}), cache)
        sizes.append(sum(path.stat().st_size for path in entries(cache)))
    assert len(entries(cache)) == 1
    room = StatisticsCache(tmp_path / "cache", most=sizes[0] * 2)
    for path in entries(cache):
        os.utime(path, (1, 1))
    for number in range(4):
        time.sleep(0.01)
        fields_of(open_checkpoint(tmp_path / str(number) / "file.pt"), room)
        assert sum(path.stat().st_size for path in entries(cache)) <= sizes[0] * 4
    last = room.entry(open_checkpoint(tmp_path / "3" / "file.pt"), 72)
    assert last.exists()


def test_that_an_entry_in_use_is_not_the_oldest(entry: Path, cache: StatisticsCache, checkpoint: Checkpoint) -> None:
    os.utime(entry, (1, 1))
    fields_of(checkpoint, cache)
    assert entry.stat().st_mtime > 1_000_000


@pytest.mark.parametrize("in_the_way", ["a file", "a loop", "a folder instead of the entry"])
def test_that_a_folder_that_cannot_be_used_costs_the_entry_alone(in_the_way: str, cache: StatisticsCache, checkpoint: Checkpoint) -> None:
    if in_the_way == "a file":
        cache.folder.write_text("mine")
    elif in_the_way == "a loop":
        cache.folder.symlink_to(cache.folder)
    else:
        cache.entry(checkpoint, 72).mkdir(parents=True)
    assert fields_of(checkpoint, cache) == fields_of(checkpoint, None)
    if in_the_way == "a folder instead of the entry":
        assert len(entries(cache)) == 1


@pytest.mark.parametrize("step", ["os.replace", "tempfile.mkstemp", "write"])
def test_that_a_full_disk_costs_the_entry_alone(
    step: str, cache: StatisticsCache, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "write":
        monkeypatch.setattr(module.os, "fdopen", lambda handle, mode: Full(handle))
    else:
        monkeypatch.setattr(f"ptinspect.analysis.cache.{step}", full)
    assert fields_of(checkpoint, cache) == fields_of(checkpoint, None)
    assert entries(cache) == []


class Full:
    """A file on a full disk."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def write(self, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        os.close(self.handle)


CHILD = """
import resource, sys
from ptinspect.analysis.cache import StatisticsCache, known_statistics
from ptinspect.analysis.stream import Request
from ptinspect.checkpoint.opening import open_checkpoint
from pathlib import Path
if sys.argv[3] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
for _ in range(int(sys.argv[4])):
    checkpoint = open_checkpoint(sys.argv[1])
    tensors = [place.tensor for place in checkpoint.document.places]
    cache = StatisticsCache(Path(sys.argv[2]))
    cache.entry(checkpoint, 72).unlink(missing_ok=True)
    print(sum(found.count for _, found in known_statistics(Request(checkpoint, tensors, compiled=False), None, cache)))
"""


def child(checkpoint: Checkpoint, cache: StatisticsCache, how: str = "", times: int = 1) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    words = [sys.executable, "-c", CHILD, checkpoint.path, str(cache.folder), how, str(times)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_that_a_disk_that_takes_a_hundred_bytes_keeps_nothing(cache: StatisticsCache, checkpoint: Checkpoint) -> None:
    assert child(checkpoint, cache, "full").communicate() == ("300507\n", "")
    assert entries(cache) == []


def test_that_two_processes_at_once_leave_one_whole_entry(cache: StatisticsCache, checkpoint: Checkpoint, counts: list[int]) -> None:
    both = [child(checkpoint, cache, times=8) for _ in range(2)]
    assert [one.communicate() for one in both] == [("300507\n" * 8, "")] * 2
    assert [path.suffix for path in entries(cache)] == [".stats"]
    fields_of(checkpoint, cache)
    assert counts == []


def test_that_a_cache_that_is_deleted_on_the_way_is_made_again(cache: StatisticsCache, checkpoint: Checkpoint) -> None:
    found = known_statistics(request_of(checkpoint), None, cache)
    next(found)
    shutil.rmtree(cache.folder)
    assert len(list(found)) == 2
    assert fields_of(checkpoint, cache) == fields_of(checkpoint, None)
