"""Equality in layers of cost: what headers tell, what checksums claim, what bytes say, and files that do not keep their word."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from ptinspect.analysis.compare.comparison import Outline, completed, concluded, glanced, outlined, results
from ptinspect.analysis.compare.model import side_of
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import ChangedOnDisk
from tests.analysis.compare.networks import Pairs, compared, network
from tests.test_contracts import SOURCES


def outline_of(left: Path, right: Path) -> Outline:
    return outlined(side_of(open_checkpoint(left)), side_of(open_checkpoint(right)))


def forged(path: Path, name: str, change: int = 1) -> Path:
    """A copy in which a value of a record differs, and both the directory and the local header still claim the old checksum."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = next(info for info in archive.infolist() if info.filename.endswith(f"/{name}"))
    length, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
    begin = info.header_offset + 30 + length + extra
    data[begin] ^= change
    made = path.with_name(f"forged-{path.name}")
    made.write_bytes(data)
    return made


def test_that_equal_checksums_are_told_as_such_and_are_no_verdict(pairs: Pairs) -> None:
    state = network().state_dict()
    paths = [pairs.path(name, state) for name in ("left", "right")]
    found = glanced(outline_of(*paths))
    assert {pair.equal_by for pair in found.pairs} == {"checksum"}
    assert {pair.status for pair in found.pairs} == {"same"}
    assert found.verdict is None
    assert "checksums" in found.sentence
    assert compared(*paths).verdict == "identical"


def test_that_other_checksums_tell_a_change_without_reading(pairs: Pairs) -> None:
    left, right = {"a.w": torch.ones(50), "b.w": torch.zeros(9)}, {"a.w": torch.ones(50), "b.w": torch.ones(9)}
    found = glanced(outline_of(pairs.path("left", left), pairs.path("right", right)))
    assert [pair.status for pair in found.pairs] == ["same", "changed"]


def test_that_a_forged_checksum_is_caught_by_the_bytes(pairs: Pairs) -> None:
    path = pairs.path("left", {"a.weight": torch.ones(100), "b.weight": torch.zeros(7)})
    other = forged(path, "data/0")
    assert [pair.equal_by for pair in outline_of(path, other).pairs] == ["checksum", "checksum"]
    found = compared(path, other)
    assert [pair.status for pair in found.pairs] == ["changed", "same"]
    assert found.verdict != "identical"


def test_that_a_forged_checksum_makes_no_other_names_the_same(pairs: Pairs) -> None:
    path = pairs.path("left", {"old.weight": torch.ones(100)})
    other = forged(pairs.path("right", {"new.weight": torch.ones(100)}), "data/0")
    found = compared(path, other)
    assert {pair.status for pair in found.pairs} == {"left_only", "right_only"}


def test_that_a_checksum_of_zero_is_none(pairs: Pairs) -> None:
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        paths = [pairs.path(name, {"a.weight": torch.full((50,), float(value))}) for value, name in enumerate(("left", "right"))]
    finally:
        torch.serialization.set_crc32_options(before)
    outline = outline_of(*paths)
    assert [pair.status for pair in outline.pairs] == [None]
    assert glanced(outline).pairs[0].status is None
    assert compared(*paths).pairs[0].status == "changed"


def test_that_a_part_of_a_record_is_not_judged_by_the_whole_of_it(pairs: Pairs) -> None:
    one, other = torch.arange(20.0), torch.arange(20.0)
    other[15] = 9
    outline = outline_of(pairs.path("left", {"a.w": one[:10]}), pairs.path("right", {"a.w": other[:10]}))
    assert outline.pairs[0].status is None
    assert compared(pairs.folder / "left.pt", pairs.folder / "right.pt").verdict == "identical"


def test_that_one_place_of_one_file_needs_no_reading(pairs: Pairs) -> None:
    tied = torch.randn(3, 3)
    path = pairs.path("one", {"live": {"a.w": tied, "b.w": torch.ones(2)}, "ema": {"a.w": tied, "b.w": torch.zeros(2)}})
    checkpoint = open_checkpoint(path)
    outline = outlined(*(side_of(checkpoint, one) for one in checkpoint.weights))
    assert [pair.equal_by for pair in outline.pairs] == ["place", None]


def test_that_a_look_at_headers_imports_no_numpy(pairs: Pairs) -> None:
    paths = [str(pairs.path(name, network().state_dict())) for name in ("left", "right")]
    code = (
        "import sys; from ptinspect.cli.main import main; main(['diff', '--quick', '--json', *sys.argv[1:]]);"
        "print('\\n', sorted({'numpy', 'numba', 'torch', 'ml_dtypes'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True, env={"PYTHONPATH": str(SOURCES.parent)}, check=True
    )
    assert done.stdout.splitlines()[-1].strip() == "[]"


@pytest.mark.parametrize("count", [100, 400_000])
def test_that_a_tensor_whose_bytes_end_has_a_reason_and_no_figures(pairs: Pairs, count: int) -> None:
    right = pairs.path("right", {"b.w": torch.ones(count)})
    legacy = pairs.folder / "cut.pt"
    torch.save({"b.w": torch.ones(count)}, legacy, _use_new_zipfile_serialization=False)
    legacy.write_bytes(legacy.read_bytes()[: -count * 2])
    for left, other in ((legacy, right), (right, legacy)):
        found = compared(left, other)
        assert [pair.status for pair in found.pairs] == ["changed"]
        assert found.pairs[0].difference is None
        assert found.pairs[0].problem
        assert found.verdict != "identical"
        assert "cannot be read" in found.sentence


def test_that_a_file_is_identical_to_itself_even_where_it_cannot_be_read(pairs: Pairs) -> None:
    path = pairs.folder / "cut.pt"
    torch.save({"b.w": torch.ones(5_000)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-8_000])
    found = compared(path, path)
    assert found.verdict == "identical"
    assert [(pair.equal_by, pair.difference, bool(pair.problem)) for pair in found.pairs] == [("place", None, True)]


def test_that_a_meta_tensor_is_its_shape(pairs: Pairs) -> None:
    real, meta = {"a.weight": torch.ones(3)}, {"a.weight": torch.ones(3, device="meta")}
    assert pairs(meta, meta).verdict == "identical"
    found = pairs(real, meta)
    assert (found.pairs[0].status, found.pairs[0].difference) == ("changed", None)
    assert "meta" in (found.pairs[0].problem or "")


@pytest.mark.parametrize("side", [0, 1])
def test_that_a_file_that_changes_underneath_is_told(pairs: Pairs, side: int) -> None:
    paths = [pairs.path(name, {"a.w": torch.randn(200_000)}) for name in ("left", "right")]
    outline = completed(outline_of(*paths))

    def grown(place: int, pair: object) -> None:
        with paths[side].open("r+b") as file:
            file.seek(0, os.SEEK_END)
            file.write(b"more")

    with pytest.raises(ChangedOnDisk):
        [grown(*found) for found in results(outline)]
    pairs.path(paths[side].stem, {"a.w": torch.randn(200_000)})
    with pytest.raises(ChangedOnDisk):
        list(results(outline))


@pytest.mark.slow
def test_that_hostile_files_cost_nothing_but_an_answer(pairs: Pairs) -> None:
    """Claims of size that the file does not hold, on either side."""
    base = pairs.path("base", {"a.weight": torch.ones(8, 8)})
    huge = torch.ones(1).expand(1 << 20, 1 << 20)
    bomb = pairs.path("bomb", {"a.weight": huge, "b.weight": torch.ones(2)})
    for left, right in ((base, bomb), (bomb, base), (bomb, pairs.path("twin", {"a.weight": huge, "b.weight": torch.zeros(2)}))):
        found = compared(left, right)
        assert found.verdict != "identical"
    assert found.pairs[0].status == "same"  # each stored value is looked at once, however often it is shown
    down, across = torch.randn(1 << 20, 1).expand(1 << 20, 1 << 20), torch.randn(1, 1 << 20).expand(1 << 20, 1 << 20)
    found = pairs({"a.weight": down}, {"a.weight": across})
    assert "more than 64 times" in (found.pairs[0].problem or "")
    assert found.pairs[0].difference is None
    assert pairs({"a.weight": down}, {"other.weight": across}).summary["left_only"] == 1


def test_that_what_an_expanded_tensor_repeats_counts_as_often(pairs: Pairs) -> None:
    left, right = torch.randn(3, 1).expand(3, 500), torch.randn(3, 1).expand(3, 500)
    shown = pairs({"a.weight": left}, {"a.weight": right})
    stored = pairs({"a.weight": left.contiguous()}, {"a.weight": right.contiguous()})
    one, other = shown.pairs[0].difference, stored.pairs[0].difference
    assert one is not None
    assert other is not None
    for name in ("max_abs", "mean_abs", "relative_l2", "cosine", "changed_fraction", "left_l2", "right_l2", "l2", "sign_flips"):
        assert getattr(one, name) == pytest.approx(getattr(other, name)), name


def test_that_low_rank_is_not_asked_of_what_cannot_be_read(pairs: Pairs) -> None:
    path = pairs.path("left", {"a.weight": torch.randn(64, 64)})
    outline = outline_of(path, pairs.path("right", {"a.weight": torch.randn(64, 64, device="meta")}))
    found = concluded(outline, [pair for _, pair in results(outline)])
    assert found.low_rank.tested == ()
