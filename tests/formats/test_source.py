"""Bad input at its source: one clear error each, whatever the path points to and whatever happens to the file meanwhile."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import torch

from ptinspect.errors import ChangedOnDisk, Corrupt, FileProblem, NotACheckpoint, Unsupported
from ptinspect.formats.source import FileSource, Slice
from ptinspect.pickles.window import Memory


def problem_of(path: str | Path) -> FileProblem:
    with pytest.raises(FileProblem) as caught, FileSource(path):
        pass
    assert caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint
    return caught.value


def test_that_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "no such file" in problem_of(tmp_path / "none.pt").message
    (tmp_path / "file").touch()
    assert "no such file" in problem_of(tmp_path / "file" / "below.pt").message


def test_that_a_link_to_nothing_is_told_from_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "link.pt").symlink_to(tmp_path / "gone.pt")
    assert "points to a file that is not there" in problem_of(tmp_path / "link.pt").message


def test_that_links_in_a_circle_are_named(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert "leads back to itself" in problem_of(tmp_path / "a").message


@pytest.mark.parametrize(
    ("files", "kind", "said"),
    [
        ([], NotACheckpoint, "this is a folder"),
        (["weights.pt"], NotACheckpoint, "this is a folder"),
        ([".metadata", "__0_0.distcp"], Unsupported, "distributed"),
        (["model.safetensors.index.json"], Unsupported, "sharded"),
        (["data.pkl", "version"], NotACheckpoint, "unpacked"),
        (["saved_model.pb"], NotACheckpoint, "SavedModel"),
    ],
)
def test_that_a_folder_is_told_by_what_is_in_it(tmp_path: Path, files: list[str], kind: type[FileProblem], said: str) -> None:
    for name in files:
        (tmp_path / name).touch()
    problem = problem_of(tmp_path)
    assert type(problem) is kind
    assert said in problem.message


def test_that_a_folder_names_a_file_to_open(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").touch()
    assert "'weights.pt'" in problem_of(tmp_path).hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_that_a_file_without_permission_is_told(tmp_path: Path) -> None:
    path = tmp_path / "secret.pt"
    path.touch(mode=0)
    assert "may not be read" in problem_of(path).message


def test_that_an_error_of_the_system_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pt").write_bytes(b"x")
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert "may not be read" in problem_of(tmp_path / "a.pt").message


@pytest.mark.parametrize(("path", "said"), [("/dev/zero", "a device"), ("/dev/null", "a device")])
def test_that_a_device_is_named(path: str, said: str) -> None:
    assert said in problem_of(path).message


def test_that_a_pipe_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    assert "a pipe" in problem_of(tmp_path / "pipe.pt").message


def test_that_a_pipe_that_takes_the_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"x")
    source = FileSource(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ChangedOnDisk), source:
        pass


def test_that_a_socket_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket may have 108 bytes only
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.pt")
        assert "a socket" in problem_of("s.pt").message


@pytest.mark.parametrize("path", ["a\0b.pt", "x" * 5_000, "/".join(["d" * 200] * 30), "", "\udcff\ud800.pt"])
def test_that_an_impossible_path_is_one_clear_error(path: str) -> None:
    problem = problem_of(path)
    assert problem.message


@pytest.mark.parametrize("name", ["new\nline.pt", "\x1b[31mred.pt", "\x07bell.pt", "-rf.pt", "space .pt", "日本.pt"])
def test_that_odd_names_open_like_any_other(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"bytes")
    with FileSource(tmp_path / name) as source:
        assert source.read(1, 3) == b"yte"


def test_that_reads_end_where_the_file_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"0123456789")
    with FileSource(path) as source:
        assert source.size == 10
        assert source.read(8, 100) == b"89"
        assert source.read(10, 1) == source.read(1 << 70, 1) == source.read(-5, 2) == source.read(0, -1) == b""


def test_that_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    """F-13"""
    path = tmp_path / "a.pt"
    path.write_bytes(b"0" * 100)
    source = FileSource(path).__enter__()
    path.write_bytes(b"1" * 101)
    assert source.read(0, 1) == b"1"
    with pytest.raises(ChangedOnDisk, match="changed while it was read"):
        source.__exit__(None, None, None)


def stumble(path: Path, error: Exception) -> None:
    with FileSource(path) as source:
        os.truncate(path, 10)
        assert len(source.read(0, 100)) == 10
        raise error


def test_that_a_change_wins_over_the_error_it_causes(tmp_path: Path) -> None:
    """F-13: a trainer that rewrites last.pt makes every reader stumble; the change is the reason, not the file."""
    path = tmp_path / "a.pt"
    path.write_bytes(b"0" * 100)
    with pytest.raises(ChangedOnDisk):
        stumble(path, Corrupt("a pickle contradicts itself"))


def test_that_a_bug_is_not_hidden_by_a_change(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"0" * 100)
    with pytest.raises(ZeroDivisionError):
        stumble(path, ZeroDivisionError())


def test_that_a_file_that_is_replaced_is_read_to_its_end_as_it_was(tmp_path: Path) -> None:
    path, new = tmp_path / "a.pt", tmp_path / "new.pt"
    path.write_bytes(b"old")
    new.write_bytes(b"newer")
    with FileSource(path) as source:
        new.replace(path)
        assert source.read(0, 9) == b"old"


def test_that_nothing_is_held_open_between_rounds(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"x")
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with FileSource(path) as source:
            source.read(0, 1)
    assert set(os.listdir("/proc/self/fd")) == before


def test_that_a_slice_stays_inside_its_source() -> None:
    inner = Slice(Memory(b"0123456789"), 4, 100)
    assert inner.size == 6
    assert inner.read(0, 100) == b"456789"
    assert inner.read(5, 3) == b"9"
    assert Slice(Memory(b"01"), 10, 5).read(0, 5) == b""


def test_that_rounds_may_overlap_and_the_last_one_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"0123456789")
    before = set(os.listdir("/proc/self/fd"))
    source = FileSource(path)
    with source:
        with source:
            assert source.read(0, 2) == b"01"
        assert source.read(2, 2) == b"23"
    assert set(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ValueError, match="inside `with` only"):
        source.read(0, 1)


def test_that_a_later_round_finds_the_same_file_or_says_that_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"0123456789")
    source = FileSource(path)
    for _ in range(2):
        with source:
            assert source.read(0, 2) == b"01"
    path.write_bytes(b"0123456789x")
    with pytest.raises(ChangedOnDisk), source:
        pass


def test_that_a_buffer_is_filled_as_far_as_the_file_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"0123456789")
    buffer = bytearray(6)
    with FileSource(path) as source:
        assert source.read_into(2, memoryview(buffer)) == 6
        assert bytes(buffer) == b"234567"
        assert source.read_into(8, memoryview(buffer)) == 2
        assert bytes(buffer[:2]) == b"89"
        assert source.read_into(10, memoryview(buffer)) == source.read_into(1 << 70, memoryview(buffer)) == 0


def test_that_a_long_pickle_tells_how_far_it_was_read_and_can_be_stopped(tmp_path: Path) -> None:
    from ptinspect.checkpoint.opening import open_checkpoint
    from ptinspect.errors import Cancelled

    path = tmp_path / "long.pt"
    torch.save({f"layer.{number}": number for number in range(60_000)}, path)
    told: list[tuple[int, int]] = []
    open_checkpoint(path, watch=lambda done, total: told.append((done, total)))
    assert len(told) > 3
    assert told == sorted(told)
    assert {total for _, total in told} == {told[0][1]}

    def stop(done: int, total: int) -> None:
        if done:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        open_checkpoint(path, watch=stop)
