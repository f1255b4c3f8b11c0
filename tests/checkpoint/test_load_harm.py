"""The loading lines of files that want to do harm: none that run, and nothing of the file in them as it is."""

from __future__ import annotations

import pickle

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.load import load_lines
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.checkpoint.permission import can_be_imported
from tests.attacks.payloads import call, name, pickled, text

LOOKS_LIKE_OS = "\uff4f\uff53"  # in full width; Python reads it as os
NASTY = ["'", '"', '"""', "\n", "\r", "\\", "\u2028", "\x1b[31m", "{x}", "__import__('os').abort()#", "\u202e"]


def zipped(body, path):
    """A torch file whose data.pkl is these bytes."""
    writer = torch._C.PyTorchFileWriter(str(path))
    writer.write_record("data.pkl", body, len(body))
    writer.write_end_of_file()
    return path


@pytest.mark.parametrize(
    "fn", [("os", "system"), ("builtins", "eval"), ("posix", "system"), ("subprocess", "Popen"), ("runpy", "_run_code")]
)
def test_that_there_are_no_lines_for_a_file_that_would_do_harm(tmp_path, fn):
    path = zipped(pickled(call(*fn, text("touch owned"))), tmp_path / "x.pt")
    lines = load_lines(open_checkpoint(path)).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("# Do not load this file")


@pytest.mark.parametrize(
    "made_by_hand",
    [
        pytest.param(name("collections", "OrderedDict") + b"}b", id="attributes on a class"),
        pytest.param(b"]" + b"}b", id="attributes on a list"),
    ],
)
def test_that_what_nobody_writes_has_no_lines(tmp_path, made_by_hand):
    lines = load_lines(open_checkpoint(zipped(pickled(made_by_hand), tmp_path / "x.pt")))
    assert all(line.startswith("#") for line in lines.splitlines()), lines


@pytest.mark.parametrize(
    "full",
    [
        f"{LOOKS_LIKE_OS}.system",
        "a b.c",
        "x;import os.y",
        "x\nimport os.y",
        "class.x",
        "x.class",
        "x..y",
        ".x",
        "os.execv",
        "x",
        "a.b ",
        "a.b\n",
        "ª.x",
        "a.1",
    ],
)
def test_that_a_name_that_is_no_plain_import_is_never_imported(full):
    assert not can_be_imported(full)


def test_that_a_name_cannot_smuggle_a_statement_into_the_import_lines(tmp_path):
    for number, module in enumerate(("x; import os", "x import y\nimport os #", LOOKS_LIKE_OS, "x as torch, y", "a\tb")):
        body = b"(" + b"\x8c" + bytes([len(module.encode())]) + module.encode() + b"\x8c\x01y\x93l."
        lines = load_lines(open_checkpoint(zipped(b"\x80\x04" + body, tmp_path / f"{number}.pt")))
        statements = [line for line in lines.splitlines() if line and not line.startswith("#")]
        assert [line for line in statements if line.startswith(("import", "from"))] in (["import torch"], []), lines
        compile(lines, "lines", "exec")


def test_that_the_lines_never_hold_the_text_of_the_file_as_it_is(tmp_path):
    """Every nasty text as a key on the way to the weights, as a tensor's name and as a file's name."""
    tensors = {f"{nasty}.weight": torch.ones(2) for nasty in NASTY}
    for number, nasty in enumerate(NASTY):
        path = tmp_path / f"{number}{nasty.translate({47: None, 92: None})}.pt"
        torch.save({nasty: {nasty: tensors}}, path)
        lines = load_lines(open_checkpoint(path))
        assert all(char.isprintable() or char == "\n" for char in lines)
        tree = compile(lines, "lines", "exec", flags=0x400)  # ast only
        kinds = [type(step).__name__ for step in tree.body]
        assert kinds == ["Import", "Assign", "Assign"], lines
        namespace = {"__name__": "pasted"}
        exec(lines, namespace)
        assert list(namespace["state_dict"]) == list(tensors)


def test_that_bytes_as_a_key_stay_bytes(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({b"__import__('os').abort()": nn.Linear(1, 1).state_dict()}, path)
    assert "checkpoint[b\"__import__('os').abort()\"]" in load_lines(open_checkpoint(path))


def test_that_a_cut_file_says_so_and_has_no_lines(tmp_path):
    path = tmp_path / "x.pt"
    torch.save(nn.Linear(100, 100).state_dict(), path)
    path.write_bytes(path.read_bytes()[:-30_000])
    lines = load_lines(open_checkpoint(path))
    assert all(line.startswith("#") for line in lines.splitlines())


def test_that_thousands_of_names_are_no_list_to_paste(tmp_path):
    body = b"(" + b"".join(name("m", f"c{n}") for n in range(5_000)) + b"l"
    lines = load_lines(open_checkpoint(zipped(pickled(body), tmp_path / "x.pt")))
    assert len(lines) < 2_000
    assert "weights_only=False" in lines


def test_that_a_plain_pickle_is_not_loaded(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({"a": 1}))
    assert load_lines(open_checkpoint(path)).startswith("# A plain pickle")
