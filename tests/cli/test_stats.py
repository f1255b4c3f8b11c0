"""`ptinspect stats` as people and programs call it."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from ptinspect.analysis.statistics import SHARES
from ptinspect.cache_folder import FOLDER
from ptinspect.cli import stats as module
from ptinspect.cli.main import main
from ptinspect.cli.stats_text import number_text, spark
from ptinspect.errors import ChangedOnDisk

pytestmark = pytest.mark.filterwarnings("ignore")

SRC = Path(__file__).parents[2] / "src"
PYTHON = [sys.executable, "-m", "ptinspect", "stats"]
posix = pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What one test keeps, another does not find."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache" / "statistics"


def file_of(folder: Path, value: object) -> str:
    path = folder / "x.pt"
    torch.save(value, path)
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a call that went well has printed."""
    assert main(["stats", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def read(text: str) -> dict:
    """One document, strictly."""
    return json.loads(text, parse_constant=refuse)


def call(*arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
    environment = kept | {"PYTHONPATH": str(SRC), "LC_ALL": "C.UTF-8"} | env
    return subprocess.run([*PYTHON, *arguments], env=environment, timeout=120, check=False, capture_output=True)


# -- JSON ---------------------------------------------------------------------------------------------------------------------

FIELDS = ["count", "mean", "std", "min", "max", "l2", "zeros", "nans", "infs", "quantiles", "histogram"]


def test_that_the_document_has_the_fields_of_the_contract(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    values = torch.tensor([[0.0, -1.5, 2.0], [float("nan"), float("inf"), -0.0]])
    path = file_of(tmp_path, {"a": values})
    found = read(said(capsys, path, "--json", "--bins", "4"))
    assert (found["schema"], found["path"], found["findings"]) == (1, path, [])
    (tensor,) = found["tensors"]
    assert (tensor["path"], tensor["shape"], tensor["dtype"]) == ("a", [2, 3], "float32")
    assert [tensor[name] for name in ("count", "min", "max", "zeros", "nans", "infs")] == [4, -1.5, 2, 2, 1, 1]
    assert tensor["mean"] == pytest.approx(0.125)
    assert tensor["std"] == pytest.approx(np.std([0, -1.5, 2, 0]))
    assert tensor["l2"] == pytest.approx(2.5)
    assert list(tensor["quantiles"]) == [str(share) for share in SHARES]
    histogram = tensor["histogram"]
    assert len(histogram["counts"]) + 1 == len(histogram["edges"]) <= 5
    assert sum(histogram["counts"]) + histogram["below"] + histogram["above"] == 4


@pytest.mark.parametrize("content", ["NaN", "empty", "meta"])
def test_that_no_finite_value_is_null(content: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tensors = {"NaN": torch.full((3,), torch.nan), "empty": torch.empty(0, 5), "meta": torch.empty(4, device="meta")}
    (found,) = read(said(capsys, file_of(tmp_path, {"a": tensors[content]}), "--json"))["tensors"]
    assert [found[name] for name in ("mean", "std", "min", "max", "l2", "quantiles", "histogram")] == [None] * 7
    assert (found["count"], found["nans"]) == {"NaN": (0, 3), "empty": (0, 0), "meta": (None, None)}[content]
    assert ("problem" in found) == (content == "meta")


def test_that_whole_numbers_are_exact_and_what_is_too_large_is_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tensors = {"i": torch.tensor([2**63 - 1, -(2**63), 2**62 + 1]), "u": torch.tensor([-1, -2]).view(torch.uint64)}
    tensors["huge"] = torch.full((9,), 1.7e308, dtype=torch.float64)
    text = said(capsys, file_of(tmp_path, tensors), "--json")
    signed, unsigned, huge = read(text)["tensors"]
    assert (signed["min"], signed["max"]) == (-(2**63), 2**63 - 1)
    assert (unsigned["min"], unsigned["max"]) == (2**64 - 2, 2**64 - 1)
    assert (huge["std"], huge["l2"]) == (0, "Infinity")
    assert str(2**64 - 1) in text


def test_that_names_of_any_kind_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = file_of(tmp_path, {"größe\x1b[31m\n": torch.ones(2), "重み": torch.zeros(1), '"\\': torch.ones(())})
    text = said(capsys, path, "--json")
    assert text.isascii()
    assert "\x1b" not in text
    assert [tensor["path"] for tensor in read(text)["tensors"]] == ["größe\x1b[31m\n", "重み", '"\\']


def test_that_a_file_that_changes_on_the_way_ends_a_document_that_can_be_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file_of(tmp_path, {"a": torch.ones(2)})

    def changed(*_: object):
        raise ChangedOnDisk("the file changed while it was read", "Open it again.")
        yield

    monkeypatch.setattr(module, "known_statistics", changed)
    assert main(["stats", path, "--json"]) == 2
    out, err = capsys.readouterr()
    assert read(out)["error"] == {"type": "ChangedOnDisk", "message": "the file changed while it was read", "hint": "Open it again."}
    assert err == f"{path}: the file changed while it was read\nOpen it again.\n"
    assert main(["stats", path]) == 2
    assert capsys.readouterr().err == err


# -- the table ----------------------------------------------------------------------------------------------------------------


def test_that_the_table_has_a_line_for_each_tensor_and_totals(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tied = torch.randn(50, 20)
    tensors = {"a": tied, "b": tied, "c": torch.tensor([1, 0, 2]), "d": torch.tensor([torch.nan, torch.inf, 1.0])}
    tensors |= {"meta": torch.empty(3, device="meta"), "none": torch.empty(0)}
    lines = said(capsys, file_of(tmp_path, tensors)).splitlines()
    assert lines[0].split() == ["Tensor", "Shape", "Histogram", "Mean", "Std", "Min", "Max", "Zeros"]
    assert [line.split()[0] for line in lines[2:8]] == list(tensors)
    assert lines[2].split()[1:] == lines[3].split()[1:]
    assert lines[4].split()[-2:] == ["33.3", "%"]
    assert lines[5].endswith("1 NaN, 1 Inf")
    assert "meta device" in lines[6]
    assert lines[9].startswith("6 tensors, 1,006 values (1.0 K)")
    assert lines[10] == "Zeros 1 (0.099 %), NaN 1, infinite 1"
    assert lines[11].startswith("1 tensor could not be read")
    assert {len(lines[1]), len(lines[8])} == {120}
    assert all(line == line.rstrip() for line in lines)


def test_that_a_file_without_tensors_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = file_of(tmp_path, {"epoch": 3})
    assert "There is no tensor to count." in said(capsys, path)
    assert read(said(capsys, path, "--json"))["tensors"] == []
    assert len(said(capsys, path, "--csv").splitlines()) == 1


def test_that_a_histogram_in_a_line_shows_every_value_and_the_fullest_bin_highest() -> None:
    from ptinspect.analysis.histogram import Histogram

    counts = np.array([1, 0, 1_000_000, 500_000])
    assert spark(Histogram(np.arange(5), counts)) == "▁ █▄"
    assert spark(Histogram(np.arange(5), counts * 0)) == "    "
    assert spark(Histogram(np.arange(101), np.ones(100, int))) == "█" * 18 or len(spark(Histogram(np.arange(101), np.ones(100, int)))) == 18


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "–"),
        (0, "0"),
        (-5, "−5"),
        (1.0, "1"),
        (-1.25e-7, "−1.25e-07"),
        (2**63 - 1, "9.22e+18"),
        (123456.0, "1.23e+05"),
        (-0.5, "−0.5"),
    ],
)
def test_that_a_number_has_few_digits_that_tell_something(number: float | None, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1:strict"])
def test_that_a_terminal_that_knows_ascii_alone_gets_a_table_without_escapes(encoding: str, tmp_path: Path) -> None:
    names = {"a": torch.randn(99), "empty": torch.empty(0), "long." * 40: torch.ones(2)}
    done = call(file_of(tmp_path, names), PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u" not in done.stdout
    assert done.stdout.isascii()
    assert {len(line) for line in done.stdout.decode().splitlines() if line.startswith("---")} == {120}


def test_that_control_characters_of_a_file_are_spelled_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = file_of(tmp_path, {"a\x1b[31m\r\n\u202e": torch.ones(2)})
    for arguments in ((), ("--csv",)):
        out = said(capsys, path, *arguments)
        assert "\\x1b[31m\\r\\n\\u202e" in out
        assert not {"\x1b", "\r", "\u202e"} & set(out)


# -- CSV ----------------------------------------------------------------------------------------------------------------------


def test_that_the_spreadsheet_has_every_number_to_the_last_digit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = file_of(tmp_path, {"a, b": torch.randn(3, 4), "meta": torch.empty(2, device="meta"), "i": torch.tensor([2**63 - 1])})
    rows = list(csv.DictReader(io.StringIO(said(capsys, path, "--csv"))))
    tensors = read(said(capsys, path, "--json"))["tensors"]
    assert [row["path"] for row in rows] == ["a, b", "meta", "i"]
    assert [row["shape"] for row in rows] == ["3x4", "2", "1"]
    for row, tensor in zip(rows, tensors, strict=True):
        for name in FIELDS[:9]:
            assert row[name] == ("" if tensor[name] is None else str(tensor[name]))
    assert float(rows[0]["q0.5"]) == tensors[0]["quantiles"]["0.5"]
    assert rows[2]["max"] == str(2**63 - 1)
    assert [bool(row["problem"]) for row in rows] == [False, True, False]


@pytest.mark.parametrize("name", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_that_no_name_is_a_formula(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(said(capsys, file_of(tmp_path, {name: torch.ones(1)}), "--csv"))))
    assert len(rows) == 2
    assert rows[1][0][0] in "'\\"


# -- what is asked for ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", ["0", "-1", "abc", "4097", "1.5", "", "9" * 5_000, "\x1b[31m", "\uff11"])
def test_that_a_number_of_bins_that_is_none_is_an_error_of_two_lines(bins: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = file_of(tmp_path, {"a": torch.ones(1)})
    assert main(["stats", path, f"--bins={bins}"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 2)
    assert all(line.isprintable() for line in err.splitlines())
    assert "between 1 and 4,096" in err


@pytest.mark.parametrize("bins", [1, 2, 7, 500, 4096])
def test_that_there_are_at_most_so_many_bins(bins: int, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = file_of(tmp_path, {"a": torch.randn(9_000), "b": torch.arange(9_000), "c": torch.exp(4 * torch.randn(9_000))})
    for tensor in read(said(capsys, path, "--json", "--bins", str(bins)))["tensors"]:
        assert bins / 2 <= len(tensor["histogram"]["counts"]) <= bins


def test_that_only_what_fits_is_counted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    value = {"model": {"a.weight": torch.ones(2), "b.bias": torch.ones(3)}, "ema": {"a.weight": torch.ones(2), "b.bias": torch.ones(3)}}
    path = file_of(tmp_path, value)

    def paths(*arguments: str) -> list[str]:
        return [tensor["path"] for tensor in read(said(capsys, path, "--json", *arguments))["tensors"]]

    assert paths("--match", "*.weight") == ["model.a.weight", "ema.a.weight"]
    assert paths("--match", "model.b*,ema.a*") == ["model.b.bias", "ema.a.weight"]
    assert paths("--match", "*.WEIGHT") == []
    assert paths("--weights", "ema") == ["ema.a.weight", "ema.b.bias"]
    assert paths("--weights", "ema", "--match", "*bias") == ["ema.b.bias"]
    assert main(["stats", path, "--weights", "nope"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 2)
    assert "nope" in err


def test_that_without_a_cache_nothing_is_read_or_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path, cache: Path) -> None:
    path = file_of(tmp_path, {"a": torch.randn(300_000)})
    counted = said(capsys, path, "--json", "--no-cache")
    assert not cache.exists()
    assert said(capsys, path, "--json") == counted
    (entry,) = cache.iterdir()
    before = entry.stat().st_mtime_ns, entry.read_bytes()
    os.utime(entry, ns=(1, 1))
    assert said(capsys, path, "--json", "--no-cache") == counted
    assert entry.stat().st_mtime_ns == 1
    assert said(capsys, path, "--json") == counted
    assert entry.stat().st_mtime_ns > 1
    assert entry.read_bytes() == before[1]


@posix
def test_that_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    path = file_of(tmp_path, {f"layer.{number}": torch.ones(3) for number in range(5_000)})
    for arguments in ((), ("--json",), ("--csv",)):
        words = " ".join([*PYTHON, path, *arguments])
        done = subprocess.run(
            ["bash", "-c", f"{words} | head -c 100; exit ${{PIPESTATUS[0]}}"],
            env=os.environ | {"PYTHONPATH": str(SRC), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr, len(done.stdout)) == (0, b"", 100)


# -- while it works -------------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """Standard error as a person sees it."""

    def isatty(self) -> bool:
        return True


def test_that_a_person_sees_how_far_it_is_and_a_program_does_not(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ptinspect.cli import progress

    path = file_of(tmp_path, {str(number): torch.randn(70_000) for number in range(5)})
    monkeypatch.setattr(progress, "_PATIENCE", 0)
    monkeypatch.setattr(progress, "_STEP", 0)
    said(capsys, path)  # no terminal: nothing on standard error
    watched = Terminal()
    monkeypatch.setattr(sys, "stderr", watched)
    assert main(["stats", path, "--no-cache"]) == 0
    text = watched.getvalue()
    assert "counting 100 %  1.4 MB of 1.4 MB" in text
    assert text.endswith("\r\x1b[K")


@posix
def test_that_ctrl_c_ends_it_without_a_traceback(tmp_path: Path) -> None:
    path = with_a_hole(tmp_path / "x.safetensors", "F64", 1 << 30, 8)
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    with subprocess.Popen([*PYTHON, path], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.readline()  # the table has begun
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err == b""
    assert time.monotonic() - began < 20


# -- memory -------------------------------------------------------------------------------------------------------------------

MEASURED = """
import sys
from ptinspect.cli.main import main
status = main(["stats", *sys.argv[1:]])
sys.stdout.flush()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))  # a child's ru_maxrss begins with its parent's
sys.stderr.write(f"{status} {peak.split()[1]}")
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory as Linux tells it")


def peak(*arguments: str) -> int:
    """Megabytes that a call has taken at most."""
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    done = subprocess.run([sys.executable, "-c", MEASURED, *arguments], env=environment, capture_output=True, text=True, check=False)
    status, kilobytes = done.stderr.split()
    assert status == "0"
    return int(kilobytes) // 1_000


def with_a_hole(path: Path, dtype: str, count: int, size: int) -> str:
    """A file that is larger than memory should be, of which the disk has nothing but the header."""
    header = json.dumps({"a": {"dtype": dtype, "shape": [count], "data_offsets": [0, count * size]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    os.truncate(path, 8 + len(header) + count * size)
    return str(path)


@linux
@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "size"), [("F32", 4), ("BF16", 2), ("F64", 8), ("I64", 8), ("U8", 1)])
def test_that_a_gigabyte_takes_little_memory(dtype: str, size: int, tmp_path: Path) -> None:
    path = with_a_hole(tmp_path / "x.safetensors", dtype, (1 << 30) // size, size)
    assert peak(path, "--json") < 350


@linux
@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "most"), [(["--json"], 350), (["--csv"], 350), (["--json", "--no-cache"], 350), (["--health"], 450)])
def test_that_a_hundred_thousand_tensors_take_little_memory(arguments: list[str], most: int, tmp_path: Path) -> None:
    """`--health` looks at all numbers together, without their bins."""
    path = file_of(tmp_path, {f"layer.{number}.weight": torch.randn(16) for number in range(100_000)})
    assert peak(path, *arguments) < most
    assert peak(path, *arguments) < most  # from what was kept
