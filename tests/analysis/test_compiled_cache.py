"""The folder of compiled loops is the user's alone, and nothing about it or numba can stop the work."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import ptinspect.analysis
from ptinspect.analysis import compiled_cache as module
from ptinspect.analysis.compiled_cache import KeptLoop, forgiving, private_folder
from ptinspect.cache_folder import FOLDER, cache_folder
from ptinspect.checkpoint.model import Checkpoint
from tests.analysis.reference import complaints, counted, numbers
from tests.checkpoint.saved import saved
from tests.checkpoint.truth import place

SRC = Path(__file__).parents[2] / "src"
posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes of POSIX")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that is not there yet."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache" / "compiled"


# -- whose it is --------------------------------------------------------------------------------------------------------------


def test_that_tests_have_a_cache_of_their_own() -> None:
    assert cache_folder().name.startswith("ptinspect-tests-")


@posix
def test_that_the_folder_is_made_for_its_owner_alone(folder: Path) -> None:
    assert private_folder() == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@posix
def test_that_an_older_folder_is_closed_to_others(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o777)
    folder.chmod(0o777)
    assert private_folder() == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@posix
def test_that_a_folder_of_somebody_else_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(parents=True)
    monkeypatch.setattr(module.os, "getuid", lambda: os.stat(folder).st_uid + 1)
    assert private_folder() is None


@posix
@pytest.mark.parametrize("target", ["folder", "nothing", "itself"])
def test_that_a_link_is_not_followed(target: str, folder: Path, tmp_path: Path) -> None:
    folder.parent.mkdir()
    (tmp_path / "folder").mkdir(mode=0o700)
    folder.symlink_to(folder if target == "itself" else tmp_path / target)
    assert private_folder() is None


def test_that_a_file_in_the_way_is_no_folder(folder: Path) -> None:
    folder.parent.write_text("mine")
    assert private_folder() is None


def test_that_a_folder_that_cannot_be_written_to_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    assert private_folder() is None


# -- numba's own troubles -----------------------------------------------------------------------------------------------------


class Kept:
    """A cache that fails as numba's does."""

    cache_path = "here"

    def __init__(self, trouble: Exception) -> None:
        self.trouble = trouble
        self.flushed = 0

    def load_overload(self, signature: object, context: object) -> object:
        raise self.trouble

    save_overload = load_overload

    def flush(self) -> None:
        self.flushed += 1
        raise OSError(errno.EROFS, "Read-only file system")


@pytest.mark.parametrize("trouble", [EOFError(), ValueError("pickle data was truncated"), OSError(errno.EIO, "I/O"), AttributeError("x")])
def test_that_a_damaged_loop_is_compiled_again(trouble: Exception) -> None:
    kept = Kept(trouble)
    assert KeptLoop(kept).load_overload(None, None) is None
    assert kept.flushed == 1


def test_that_a_full_disk_keeps_no_loop_and_a_mistake_is_told() -> None:
    KeptLoop(Kept(OSError(errno.ENOSPC, "No space left on device"))).save_overload(None, None)
    with pytest.raises(TypeError):
        KeptLoop(Kept(TypeError("ours"))).save_overload(None, None)


def test_that_everything_else_is_left_to_numba() -> None:
    assert KeptLoop(Kept(EOFError())).cache_path == "here"
    assert forgiving(len) is len


class Index:
    """What numba keeps of a loop: which file it was compiled from."""

    _source_stamp: object = (1.0, 2)


def test_that_a_loop_is_out_of_date_when_a_part_of_it_has_changed(tmp_path: Path) -> None:
    stamps = []
    for text in ("parts", "other parts", "other parts"):
        (tmp_path / "parts.py").write_text(text)
        os.utime(tmp_path / "parts.py", (5, 5))
        kept = Kept(EOFError())
        kept._cache_file = Index()
        KeptLoop(kept, str(tmp_path / "parts.py"))
        stamps.append(kept._cache_file._source_stamp)
    assert stamps[0] != stamps[1] == stamps[2]


def test_that_a_loop_of_other_types_in_its_place_is_compiled_again() -> None:
    class Loop:
        class signature:
            args = ("int32",)

    class Holding(Kept):
        def load_overload(self, signature: object, context: object) -> object:
            return Loop()

    kept = Holding(EOFError())
    assert KeptLoop(kept).load_overload(("float32",), None) is None
    assert kept.flushed == 1
    assert KeptLoop(kept).load_overload(("int32",), None) is not None


def test_that_every_loop_that_is_kept_forgives() -> None:
    from ptinspect.analysis import kernels, pair_kernels

    loops = [value for module in (kernels, pair_kernels) for value in vars(module).values() if hasattr(value, "py_func")]
    called_from_outside = [loop for loop in loops if type(loop._cache).__name__ != "NullCache"]
    assert len(called_from_outside) >= 8
    assert {type(loop._cache) for loop in called_from_outside} == {KeptLoop}


CHILD = """
import resource, sys
from ptinspect.analysis import stream
from ptinspect.checkpoint.opening import open_checkpoint
if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
checkpoint = open_checkpoint(sys.argv[1])
tensors = [place.tensor for place in checkpoint.document.places]
request = stream.Request(checkpoint, tensors, compiled=None if sys.argv[2] == "as needed" else True)
print(sum(found.mean for _, found in stream.statistics(request)), "numba" in sys.modules)
"""


@pytest.fixture
def codes(tmp_path: Path) -> Checkpoint:
    """What needs the loop that is compiled soonest."""
    return saved(tmp_path, {"a": torch.full((70_000,), 2.0, dtype=torch.bfloat16)})


def child(checkpoint: Checkpoint, how: str = "", **more: str) -> tuple[str, str]:
    """In a process of its own, which looks for the folder anew."""
    words = [sys.executable, "-c", CHILD, checkpoint.path, how]
    found = subprocess.run(words, env=os.environ | {"PYTHONPATH": str(SRC)} | more, capture_output=True, text=True, check=False)
    return found.stdout.strip(), found.stderr


def loops(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@posix
def test_that_a_full_disk_does_not_stop_the_compiled_way(codes: Checkpoint, folder: Path) -> None:
    assert child(codes, "full") == ("2.0 True", "")
    assert loops(folder) == []


@pytest.mark.slow
@posix
def test_that_loops_that_were_cut_off_are_compiled_and_kept_again(codes: Checkpoint, folder: Path) -> None:
    assert child(codes) == ("2.0 True", "")
    assert len(loops(folder)) == 2
    for path in loops(folder):
        os.truncate(path, path.stat().st_size // 2)
    assert child(codes) == ("2.0 True", "")
    assert all(path.stat().st_size > 300 for path in loops(folder))


@posix
@pytest.mark.slow
def test_that_a_link_in_the_place_of_the_folder_keeps_nothing(codes: Checkpoint, folder: Path, tmp_path: Path) -> None:
    folder.parent.mkdir()
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    assert child(codes) == ("2.0 True", "")
    assert loops(tmp_path / "elsewhere") == []


def test_that_few_values_do_not_wait_for_numba(codes: Checkpoint) -> None:
    assert child(codes, "as needed") == ("2.0 False", "")


def test_that_a_numba_that_may_not_compile_is_left_alone(codes: Checkpoint) -> None:
    assert child(codes, NUMBA_DISABLE_JIT="1") == ("2.0 True", "")


@pytest.mark.parametrize("trouble", ["missing", "broken"])
def test_that_without_numba_everything_is_counted_in_numpy(trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ptinspect.analysis.kernels", raising=False)
    monkeypatch.delattr(ptinspect.analysis, "kernels", raising=False)
    if trouble == "missing":
        monkeypatch.setitem(sys.modules, "numba", None)
    else:
        (tmp_path / "numba.py").write_text("raise OSError('Could not find or load shared object file')")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "numba", raising=False)
    tensors = {"a": torch.randn(70_001), "b": torch.randn(70_001).bfloat16()}
    checkpoint = saved(tmp_path, tensors)
    found = counted(checkpoint, compiled=True)
    assert "ptinspect.analysis.kernels" not in sys.modules
    assert [wrong for name in tensors for wrong in complaints(found[name], numbers(tensors[name]), place(checkpoint, name).dtype)] == []
