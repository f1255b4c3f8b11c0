"""Wrong files are told by name, with the next step: table 3b of the peers as a feature."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ptinspect.errors import Corrupt, FileProblem, NotACheckpoint, Truncated, Unsupported
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.diagnosis import diagnose
from ptinspect.formats.reading import read
from ptinspect.formats.source import FileSource
from ptinspect.limits import DEFAULT
from ptinspect.pickles.window import Memory
from tests.corpus import needs_corpus, rows

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:89a8370f84db04078e736115be0774d20785334f\nsize 15058\n"


def problem_of(data: bytes) -> FileProblem:
    """What opening these bytes says; an ordinary archive says it through its document."""
    try:
        document = read(Memory(data))
    except FileProblem as problem:
        return problem
    assert document.problem is not None
    return document.problem


def tar(*names: str, mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 700
            archive.addfile(info, io.BytesIO(bytes(700)))
    return buffer.getvalue()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


INDEX = json.dumps({"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})
ONNX = b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:\xf4\x03\x0a\x20"

CASES = {
    "Git LFS pointer": (LFS, NotACheckpoint, "Git LFS pointer", "git lfs pull"),
    "its size": (LFS, NotACheckpoint, "pointer", "15,058 bytes"),
    "HTML page": (b"<!DOCTYPE html><html><head><title>Hugging Face</title>", NotACheckpoint, "web page titled 'Hugging Face'", "ownload"),
    "HTML after newlines": (b"\n\n  <html lang='en'>", NotACheckpoint, "web page", "ownload"),
    "HTML after a BOM": (b"\xef\xbb\xbf<html>", NotACheckpoint, "web page", "ownload"),
    "HTML after a comment": (b"<!-- saved from url -->\n<!doctype html>", NotACheckpoint, "web page", "ownload"),
    "HTML in Latin-1": (b"<html><body>caf\xe9 ferm\xe9</body>", NotACheckpoint, "web page", "ownload"),
    "HTML in UTF-16": ("<html><p>x".encode("utf-16"), NotACheckpoint, "web page", "ownload"),
    "a page that was cut": (b"<html><head><meta charset=utf-8><script>var a = '\xc3", NotACheckpoint, "web page", "ownload"),
    "Google Drive": (b"<html><title>Google Drive - Virus scan warning</title>", NotACheckpoint, "Virus scan", "gdown"),
    "JSON error": (b'{"error": "Repository not found"}', NotACheckpoint, "error message", "ownload"),
    "JSON error of an API": (b'{"message": "Not Found", "status": "404"}', NotACheckpoint, "'Not Found'", "ownload"),
    "model config": (b'{"model_type": "bert", "hidden_size": 768}', NotACheckpoint, "configuration", "weights are in another file"),
    "tokenizer config": (b'{"cls_token": "[CLS]"}', NotACheckpoint, "tokenizer", "another file"),
    "shard index": (INDEX.encode(), Unsupported, "2 tensors in 2 files", "model-00001-of-00002.safetensors"),
    "other JSON": (b"[1, 2, 3]", NotACheckpoint, "JSON", "Look for"),
    "JSON that breaks off": (b'{"a": {"b": [1, 2', NotACheckpoint, "breaks off", "Look for"),
    "entry not found": (b"Entry not found", NotACheckpoint, "'Entry not found'", "address"),
    "404": (b"404: Not Found", NotACheckpoint, "404: Not Found", "address"),
    "denied": (b"Access denied", NotACheckpoint, "Access denied", "Log in"),
    "busy": (b"Too Many Requests", NotACheckpoint, "Too Many Requests", "again"),
    "S3 error": (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', NotACheckpoint, "AccessDenied", "ownload"),
    "XML": (b'<?xml version="1.0"?><net name="x" version="10">', NotACheckpoint, "OpenVINO", "Look for"),
    "text": (b"Dear diary,\ntoday I trained.\n", NotACheckpoint, "begins 'Dear diary, today I trained.'", "Look for"),
    "a path file of Python": (b"import site_hook", NotACheckpoint, "path configuration file", "elsewhere"),
    "blanks": (b"\n \n", NotACheckpoint, "blanks", "ownload"),
    "empty": (b"", NotACheckpoint, "empty: 0 bytes", "again"),
    "zeros": (bytes(100_000), NotACheckpoint, "only zeros: 100,000 bytes", "disk was full"),
    "zeros, then data": (bytes(8_192) + b"x" * 100, Corrupt, "first 8,192 of 8,292 bytes", "again"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(20), NotACheckpoint, "PNG", "wrong name"),
    "JPEG": (b"\xff\xd8\xff\xe0\x00\x10JFIF", NotACheckpoint, "JPEG", "wrong name"),
    "GIF": (b"GIF89a", NotACheckpoint, "GIF", "wrong name"),
    "PDF": (b"%PDF-1.7", NotACheckpoint, "PDF", "wrong name"),
    "gzip": (gzip.compress(b"\x80\x02X" + bytes(99)), NotACheckpoint, "gzip", "a pickle"),
    "gzip, cut": (gzip.compress(b"\x80\x02X" + bytes(99))[:12], NotACheckpoint, "gzip", "gunzip"),
    "bzip2": (bz2.compress(b"PK\3\4"), NotACheckpoint, "bzip2", "a zip archive"),
    "xz": (lzma.compress(b"{}"), NotACheckpoint, "xz", "JSON"),
    "zlib": (zlib.compress(b"\x80\x03"), NotACheckpoint, "zlib", "joblib"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(20), NotACheckpoint, "zstd", "zstd -d"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(20), NotACheckpoint, "7z", "Unpack"),
    "rar": (b"Rar!\x1a\x07\x00", NotACheckpoint, "RAR", "Unpack"),
    "model.tar.gz": (tar("config.json", "weights.th", mode="w:gz"), NotACheckpoint, "tar archive compressed with gzip", "'weights.th'"),
    "tar": (tar("notes.txt", "model.pt"), NotACheckpoint, "tar archive", "'model.pt', 'notes.txt'"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(20), NotACheckpoint, "HDF5", "PyTorch"),
    "GGUF": (b"GGUF\x03\x00\x00\x00", NotACheckpoint, "GGUF", "PyTorch"),
    "GGML": (b"lmgg" + bytes(20), NotACheckpoint, "GGML", "PyTorch"),
    "ONNX": (ONNX, NotACheckpoint, "ONNX", "PyTorch"),
    "SavedModel": (b"\x08\x01\x12\xaf\x99\x01\x0a\x12\x22\x05serve*\x0atensorflow", NotACheckpoint, "SavedModel", "PyTorch"),
    "TensorFlow Lite": (b"\x1c\x00\x00\x00TFL3" + bytes(20), NotACheckpoint, "TensorFlow Lite", "PyTorch"),
    "Core ML": (b"\x08\x04\x12\xf3\x01\x0a\x20coremltools", NotACheckpoint, "Core ML", "PyTorch"),
    "Flax": (b"\x81\xa6params\x82", NotACheckpoint, "Flax", "PyTorch"),
    "mobile flatbuffer": (b"\x30\x00\x00\x00PTMF" + bytes(20), Unsupported, "mobile PyTorch", "torch.jit.save"),
    "ExecuTorch": (b"\x3c\x00\x00\x00ET12" + bytes(20), NotACheckpoint, "ExecuTorch", "exported from"),
    "TorchSharp": (b"\x06\x02\x02\x03" + bytes(24), NotACheckpoint, "TorchSharp", "PyTorch"),
    "Torch7": (b"\x04\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00V 1\x11", NotACheckpoint, "Torch7", "Convert"),
    "ELF": (b"\x7fELF\x02\x01\x01", NotACheckpoint, "ELF", "Do not start"),
    "PE": (b"MZ" + bytes(62) + b"PE\x00\x00", NotACheckpoint, "Windows", "Do not start"),
    "SQLite": (b"SQLite format 3\x00", NotACheckpoint, "SQLite", "wrong name"),
    "Parquet": (b"PAR1\x15", NotACheckpoint, "Parquet", "wrong name"),
    "ar": (b"!<arch>\ndebian", NotACheckpoint, "ar archive", "wrong name"),
    "DVC": (b"outs:\n- md5: 1234\n  path: model.pt\n", NotACheckpoint, "DVC", "dvc pull"),
    "ordinary zip": (zipped(**{"a.txt": b"hello", "b/c.txt": b"x"}), NotACheckpoint, "ordinary zip archive", "No checkpoint"),
    "empty zip": (zipped(), NotACheckpoint, "empty zip", "again"),
    "docx": (zipped(**{"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}), NotACheckpoint, "Office", "wrong name"),
    "Keras": (zipped(**{"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": b"x"}), NotACheckpoint, "Keras", "Keras opens"),
    "a zip behind a script": (b"#\x00\x01!" + zipped(a=b"b"), NotACheckpoint, "ends with a zip archive", "first 4 bytes"),
    "noise": (b"\xf3\x07\xb1" * 30, NotACheckpoint, "it begins f3 07 b1", "torch.save"),
    "a few bytes": (b"\xf3\x07", NotACheckpoint, "2 bytes", "again"),
}


@pytest.mark.parametrize("name", CASES)
def test_that_a_wrong_file_is_named_with_the_next_step(name: str) -> None:
    """Table 3b"""
    data, kind, said, hint = CASES[name]
    problem = problem_of(data)
    assert type(problem) is kind, problem.message
    assert said in problem.message
    assert hint in problem.hint


def test_that_numpy_files_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(3))
    np.savez(tmp_path / "a.npz", a=np.arange(3), b=np.ones(2))
    assert "numpy array (.npy)" in problem_of((tmp_path / "a.npy").read_bytes()).message
    assert "numpy archive (.npz)" in problem_of((tmp_path / "a.npz").read_bytes()).message


def test_that_an_archive_of_checkpoints_lists_what_can_be_opened() -> None:
    buffer = io.BytesIO()
    torch.save({"w": torch.ones(2)}, buffer)
    data = zipped(**{"MAR-INF/MANIFEST.json": b"{}", "model.pt": buffer.getvalue(), "handler.py": b"import torch\n"})
    problem = problem_of(data)
    assert "TorchServe archive" in problem.message
    assert problem.hint == "Unpack it, then open: 'model.pt'."
    data = zipped(**{"policy.pth": buffer.getvalue(), "policy.optimizer.pth": buffer.getvalue(), "_stable_baselines3_version": b"2"})
    problem = problem_of(data)
    assert "Stable-Baselines3" in problem.message
    assert "'policy.pth', 'policy.optimizer.pth'" in problem.hint


class Unpicklable:
    def __reduce__(self) -> str:
        raise RuntimeError("no")


def test_that_a_save_which_raised_midway_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no"):
        torch.save({"w": torch.ones(2), "odd": Unpicklable()}, tmp_path / "a.pt")
    problem = problem_of((tmp_path / "a.pt").read_bytes())
    assert type(problem) is Truncated
    assert "torch.save did not finish" in problem.message
    assert "Save it again" in problem.hint


@pytest.mark.parametrize(
    ("names", "unfinished"),
    [
        (("archive/version",), True),
        (("version", "byteorder"), True),
        (("a/data/0", "a/data/1", "a/version"), True),
        (("a/data/0", "b/version"), False),
        (("a/data/0",), False),
        (("a/version", "a/readme.txt"), False),
        (("a/version", "a/data/train.csv"), False),
        (("version", "data/labels/0"), False),
    ],
)
def test_that_only_the_records_of_torch_make_an_unfinished_save(names: tuple[str, ...], unfinished: bool) -> None:
    problem = problem_of(zipped(**dict.fromkeys(names, b"3\n")))
    assert ("did not finish" in problem.message) == unfinished, problem.message


def test_that_scan_sees_the_pickles_of_an_archive_under_any_name() -> None:
    """S-17"""
    payload = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R."
    inner = zipped(**{"x/data.pkl": payload})
    document = read(Memory(zipped(**{"config.p": payload, "data.txt": payload, ".hidden": payload, "inner.zip": inner, "a.txt": b"N."})))
    assert [pickle.name for pickle in document.pickles] == ["config.p", "data.txt", ".hidden", "inner.zip/x/data.pkl"]
    assert all("posix.system" in pickle.stream.globals for pickle in document.pickles)


def test_that_a_member_that_breaks_off_after_its_payload_is_seen() -> None:
    """S-05"""
    document = read(Memory(zipped(**{"model.bin": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R\xff\xff"})))
    assert ["posix.system" in pickle.stream.globals for pickle in document.pickles] == [True]


def test_that_a_numpy_member_with_objects_is_seen(tmp_path: Path) -> None:
    """S-16"""
    np.savez(tmp_path / "a.npz", plain=np.arange(3), objects=np.array([Path("x")], dtype=object))
    document = read(Memory((tmp_path / "a.npz").read_bytes()))
    assert [pickle.name for pickle in document.pickles] == ["objects.npy"]
    assert any("Path" in name for name in document.pickles[0].stream.globals)


def test_that_names_which_lead_out_of_an_archive_are_a_finding() -> None:
    """S-32"""
    document = read(Memory(zipped(**{"../../etc/passwd": b"x", "C:/windows": b"x", "a/../b": b"x", "fine..txt": b"x"})))
    found = [finding.where for finding in document.findings if "leads out" in finding.title]
    assert found == ["../../etc/passwd", "C:/windows", "a/../b"]


def test_that_a_payload_before_a_break_is_named() -> None:
    """S-05: the 7z trick of 2025 loaded its payload before the stream broke."""
    problem = diagnose(Candidate(Memory(b"cbuiltins\nexec\n(X\x3e\nf = open('my_file.txt')tR."), DEFAULT))
    assert type(problem) is Corrupt
    assert "builtins.exec" in problem.message
    assert "Do not load it" in problem.hint


def test_that_control_characters_of_a_file_are_not_repeated() -> None:
    for data in (b"\x1b[31mred alert", b"<html><title>a\x1b]0;x</title>", zipped(**{"\x1b[2J.pt": b"\x80\x02N."})):
        problem = problem_of(data)
        assert all(letter.isprintable() for letter in problem.message + problem.hint)


def test_that_a_zero_filled_beginning_is_told_in_a_big_file(tmp_path: Path) -> None:
    path = tmp_path / "sparse.pt"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    with FileSource(path) as source, pytest.raises(NotACheckpoint, match="zeros wherever it was looked at"):
        read(source)
    with path.open("r+b") as file:
        file.seek((3 << 30) - 5)
        file.write(b"x")
    with FileSource(path) as source, pytest.raises(Corrupt, match="first"):
        read(source)


def test_that_a_cut_pickle_of_a_few_bytes_is_truncated() -> None:
    assert isinstance(diagnose(Candidate(Memory(b"\x80\x02"), DEFAULT)), (Truncated, Corrupt))


@needs_corpus
@pytest.mark.parametrize("row", [row for row in rows() if row.hostile == "notfile"], ids=lambda row: row.id)
def test_that_files_of_the_corpus_that_are_none_end_as_an_error(row: object) -> None:
    problem = problem_of(row.path.read_bytes())  # type: ignore[attr-defined]
    assert problem.message
    assert problem.hint


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=600))
def test_that_any_bytes_get_a_diagnosis(data: bytes) -> None:
    problem = diagnose(Candidate(Memory(data), DEFAULT))
    assert problem.message
    assert problem.hint


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.integers(0, 200), st.binary(max_size=4))
def test_that_damaged_wrong_files_get_a_diagnosis(name: str, at: int, noise: bytes) -> None:
    data = CASES[name][0][:100_000]
    problem = diagnose(Candidate(Memory(data[:at] + noise + data[at + len(noise) :]), DEFAULT))
    assert problem.message
    assert problem.hint
