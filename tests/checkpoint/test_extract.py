"""One tensor into a file of its own: whole or not at all, and never over another file."""

from __future__ import annotations

import os
import resource
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from ptinspect.checkpoint.extract import extract
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import ChangedOnDisk, InspectError, OutputProblem, Unsupported
from tests.checkpoint.saved import saved
from tests.checkpoint.test_values import Two
from tests.checkpoint.truth import same, truth

pytestmark = pytest.mark.filterwarnings("ignore")



def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def refused(checkpoint: Checkpoint, out: object, said: str, name: str = "x", **options: bool) -> InspectError:
    with pytest.raises(InspectError, match=said) as caught:
        extract(checkpoint, name, str(out), **options)
    assert caught.value.hint
    return caught.value


def test_that_an_existing_file_stays_unless_it_is_forced(tmp_path: Path) -> None:
    checkpoint, out = saved(tmp_path, {"x": torch.ones(3)}), tmp_path / "x.npy"
    out.write_text("mine")
    assert "--force" in refused(checkpoint, out, "exists already").hint
    assert out.read_text() == "mine"
    extract(checkpoint, "x", str(out), force=True)
    assert np.load(out).tolist() == [1, 1, 1]
    assert left(tmp_path) == {"file.pt", "x.npy"}


@pytest.mark.parametrize("make", ["symlink_to", "hardlink_to"])
def test_that_the_checkpoint_itself_is_never_written(make: str, tmp_path: Path) -> None:
    checkpoint, out = saved(tmp_path, {"x": torch.ones(3)}), tmp_path / "x.npy"
    getattr(out, make)(tmp_path / "file.pt")
    before = (tmp_path / "file.pt").read_bytes()
    for force in (False, True):
        refused(checkpoint, out, "is the checkpoint itself", force=force)
    assert (tmp_path / "file.pt").read_bytes() == before


def test_that_a_checkpoint_with_an_ending_of_ours_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"x": torch.ones(3)}, tmp_path / "a.safetensors")
    monkeypatch.chdir(tmp_path)
    for out in ("a.safetensors", "./a.safetensors", str(tmp_path / "a.safetensors")):
        refused(open_checkpoint("a.safetensors"), out, "is the checkpoint itself", force=True)


def test_that_a_link_stays_one_and_its_target_is_written(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.ones(3)})
    (tmp_path / "link.npy").symlink_to(tmp_path / "real.npy")
    extract(checkpoint, "x", str(tmp_path / "link.npy"))
    assert (tmp_path / "link.npy").is_symlink()
    assert np.load(tmp_path / "real.npy").tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("x.txt", "does not say how"),
        ("x", "does not say how"),
        ("none/x.npy", "no such file"),
        ("folder.npy", "is a folder"),
        ("pipe.npy", "no regular file"),
        ("y" * 300 + ".npy", "name too long"),
        ("file.pt/x.npy", "not a directory"),
        ("a\0.npy", "cannot be used"),
        ("loop.npy", "symbolic links"),
    ],
)
def test_that_a_place_that_cannot_be_written_is_one_clear_error(out: str, said: str, tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.ones(3)})
    (tmp_path / "folder.npy").mkdir()
    os.mkfifo(tmp_path / "pipe.npy")
    (tmp_path / "loop.npy").symlink_to(tmp_path / "loop.npy")
    before = left(tmp_path)
    for force in (False, True):
        assert isinstance(refused(checkpoint, tmp_path / out, said, force=force), OutputProblem)
    assert left(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_that_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.ones(3)})
    (tmp_path / "closed").mkdir(mode=0o500)
    refused(checkpoint, tmp_path / "closed" / "x.npy", "permission denied")


@contextmanager
def largest_file(size: int):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("ending", [".npy", ".csv", ".safetensors"])
def test_that_a_write_that_fails_midway_leaves_nothing_behind(ending: str, tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.zeros(1_000_000)})
    out = tmp_path / f"x{ending}"
    out.write_text("mine")
    with largest_file(500_000):
        problem = refused(checkpoint, out, "file too large", force=True)
    assert isinstance(problem, OutputProblem)
    assert out.read_text() == "mine"
    assert left(tmp_path) == {"file.pt", out.name}


def test_that_a_tensor_larger_than_the_disk_is_refused_before_it_is_begun(tmp_path: Path) -> None:
    """An expanded tensor of 4 PB takes four bytes in its checkpoint."""
    checkpoint = saved(tmp_path, {"x": torch.ones(1).expand(10**15)})
    for ending in (".npy", ".csv", ".safetensors"):
        refused(checkpoint, tmp_path / f"x{ending}", "are free")
    assert left(tmp_path) == {"file.pt"}


def test_that_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.zeros(1_000_000)})

    def interrupt(done: int, total: int) -> None:
        assert 0 < done <= total == 4_000_000
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(checkpoint, "x", str(tmp_path / "x.npy"), progress=interrupt)
    assert left(tmp_path) == {"file.pt"}


def test_that_a_checkpoint_that_changes_meanwhile_leaves_nothing_behind(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.zeros(1_000_000)})
    with pytest.raises(ChangedOnDisk):
        extract(checkpoint, "x", str(tmp_path / "x.npy"), progress=lambda *_: os.utime(tmp_path / "file.pt", (1, 1)))
    assert left(tmp_path) == {"file.pt"}


def test_that_a_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    checkpoint, out = saved(tmp_path, {"x": torch.zeros(9)}), tmp_path / "x.npy"
    with pytest.raises(OutputProblem, match="exists by now"):
        extract(checkpoint, "x", str(out), progress=lambda *_: out.write_text("mine"))
    assert out.read_text() == "mine"
    assert left(tmp_path) == {"file.pt", "x.npy"}


def test_that_a_tensor_without_values_is_named_with_its_reason(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.empty(3, device="meta")})
    with pytest.raises(Unsupported, match="`x` cannot be exported: it is on the meta device"):
        extract(checkpoint, "x", str(tmp_path / "x.npy"))
    assert left(tmp_path) == {"file.pt"}


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".npy", ".csv", ".safetensors"])
def test_that_memory_does_not_grow_with_the_tensor(ending: str, tmp_path: Path) -> None:
    count = 1_000_000 if ending == ".csv" else 40_000_000
    checkpoint = saved(tmp_path, {"x": torch.ones(count, dtype=torch.float16)})
    tracemalloc.start()
    try:
        extract(checkpoint, "x", str(tmp_path / f"x{ending}"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20


def test_that_nested_and_wrapped_tensors_say_what_was_written(tmp_path: Path) -> None:
    rows, plain = [torch.randn(2, 3), torch.randn(4, 3)], torch.randn(2, 2)
    checkpoint = saved(tmp_path, {"rows": torch.nested.nested_tensor(rows, layout=torch.jagged), "wrapped": Two(plain)})
    done = extract(checkpoint, "rows", str(tmp_path / "rows.npy"))
    assert (done.shape, done.notes) == ((6, 3), ("a nested tensor was written as its buffer, one part behind the other",))
    assert same(np.load(tmp_path / "rows.npy"), truth(torch.cat(rows)))
    done = extract(checkpoint, "wrapped", str(tmp_path / "wrapped.npy"))
    assert done.notes[0].endswith("Two wraps was written")
    assert same(np.load(tmp_path / "wrapped.npy"), truth(plain))
