"""`info`: every field of the contract for every container, exact numbers, no NaN, and what the file spells stays text."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ptinspect.checkpoint.digest import sha256_of
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.cli.main import main
from ptinspect.errors import ChangedOnDisk
from tests.corpus import each, needs_corpus
from tests.formats.test_torch_tar import STATE, STORAGES, TENSORS, made
from tests.fuzz import seeds

CONTAINERS = "torch-zip torch-legacy torch-tar torchscript torch-export torch-package safetensors pickle sharded distributed".split()
KINDS = "state_dict model checkpoint torchscript exported_program optimizer tensors other".split()
CERTAIN, VERDICTS, SEVERITIES = ["confirmed", "inferred"], ["data", "code", "dangerous"], ["info", "notice", "warning", "danger"]


class Optional:
    """null, or what is inside."""

    def __init__(self, inner: object) -> None:
        self.inner = inner


class Mapping(Optional):
    """An object with keys of the file's own."""


# A list of several texts is a choice, a list of one thing a list of such things; a dict names fields that must be there.
SCALAR = Optional((str, int, float, bool))
OPTIMIZER = {
    "class": Optional(str),
    "certainty": Optional(CERTAIN),
    "groups": [{"lr": Optional((float, int, str, dict, list)), "params": Optional(int)}],
}
SAFETY = {
    "verdict": VERDICTS,
    "loads_weights_only": Optional(bool),
    "globals": [{"name": str, "verdict": VERDICTS, "uses": int}],
}
FINDINGS = [{"severity": SEVERITIES, "title": str, "detail": str, "where": Optional(str)}]
SCHEMA = {
    "schema": int,
    "path": str,
    "size": int,
    "container": CONTAINERS,
    "kind": KINDS,
    "evidence": [{"claim": str, "certainty": CERTAIN, "because": str}],
    "weights": [
        {
            "path": str,
            "role": ["main", "ema", "other"],
            "form": ["state_dict", "model"],
            "class": Optional(str),
            "wrapped_in": [str],
            "prefix": Optional(str),
            "tensors": int,
            "parameters": int,
            "buffers": int,
            "split": CERTAIN,
            "trainable": Optional(int),
            "frozen": Optional(int),
        }
    ],
    "tensors": int,
    "elements": int,
    "storage_bytes": int,
    "wasted_bytes": int,
    "dtypes": Mapping(int),
    "shared": [[str]],
    "training": Optional(
        {
            "epoch": SCALAR,
            "step": SCALAR,
            "loss": SCALAR,
            "metrics": Mapping((str, int, float, bool)),
            "optimizer": Optional(OPTIMIZER),
            "scheduler": Optional(dict),
            "hyper_parameters": dict,
            "versions": Mapping((str, int, float, bool)),
        }
    ),
    "architecture": Optional(
        {
            "name": str,
            "library": str,
            "match": ["exact", "head differs", "subset", "similar"],
            "also": [str],
            "missing": [str],
            "unexpected": [str],
            "mismatched": [{"name": str, "file": [int], "expected": [int]}],
        }
    ),
    "safety": SAFETY,
    "findings": FINDINGS,
    "load": str,
}


def check(value: Any, schema: Any, where: str = "") -> None:
    """What does not fit, told by where it is."""
    if isinstance(schema, Mapping):
        assert type(value) is dict, where
        for key, item in value.items():
            check(item, schema.inner, f"{where}.{key}")
    elif isinstance(schema, Optional):
        if value is not None:
            check(value, schema.inner, where)
    elif isinstance(schema, dict):
        assert type(value) is dict, where
        assert schema.keys() <= value.keys(), (where, schema.keys() - value.keys())
        for key, inner in schema.items():
            check(value[key], inner, f"{where}.{key}")
    elif isinstance(schema, list) and len(schema) > 1:
        assert value in schema, (where, value)
    elif isinstance(schema, list):
        assert type(value) is list, where
        for item in value:
            check(item, schema[0], f"{where}[]")
    else:
        assert type(value) in (schema if isinstance(schema, tuple) else (schema,)), (where, value)


def strictly(text: str) -> Any:
    """JSON as a strict reader takes it: no NaN, no key twice."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)


Ask = Callable[..., Any]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """`info --json` of a file, checked against the schema."""

    def asked(path: Path, *options: str) -> Any:
        assert main(["info", str(path), "--json", *options]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        found = strictly(out)
        check(found, SCHEMA)
        assert (found["schema"], found["path"]) == (1, str(path))
        return found

    return asked


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small file for each container and form that this torch writes, and a tar."""
    folder = tmp_path_factory.mktemp("files")
    seeds.write(folder)
    (folder / "old.tar").write_bytes(made(STATE, STORAGES, TENSORS))
    for name in ("members.tar", "archive.mar", "prefixed.pt"):  # refused by name; the readers' tests cover them
        (folder / name).unlink()
    return folder


def test_that_every_container_answers_with_every_field(files: Path, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    met = set()
    for path in sorted(files.iterdir()):
        found = ask(path)
        met.add(found["container"])
        assert found["size"] == path.stat().st_size
        assert sum(found["dtypes"].values()) == found["tensors"]
        assert sum(weights["role"] == "main" for weights in found["weights"]) == bool(found["weights"])
        assert found["load"].strip()
        assert main(["info", str(path)]) == 0
        shown = capsys.readouterr().out
        assert f"{found['tensors']:,}" in shown
        assert all(line == line.rstrip() for line in shown.splitlines())
    assert met == {"torch-zip", "torch-legacy", "torch-tar", "torchscript", "torch-export", "torch-package", "safetensors", "pickle"}


@needs_corpus
@each(lambda row: bool(row.container) and row.path.stat().st_size < 100_000)
def test_that_every_small_file_of_the_corpus_fits_the_schema(row, ask: Ask) -> None:
    ask(row.path)


def saved(folder: Path, value: object, name: str = "file.pt") -> Path:
    torch.save(value, folder / name)
    return folder / name


def test_that_the_numbers_are_those_of_torch(tmp_path: Path, ask: Ask) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    optimizer = torch.optim.SGD([{"params": model[0].parameters(), "lr": 0.5}, {"params": model[1].parameters()}], 0.1, momentum=0.9)
    model(torch.ones(1, 3, 8, 8)).sum().backward()
    optimizer.step()
    found = ask(saved(tmp_path, {"model": model.state_dict(), "optim": optimizer.state_dict(), "epoch": 7, "step": 2**70, "loss": 0.25}))
    assert (found["kind"], found["tensors"], found["dtypes"]) == ("checkpoint", 11, {"float32": 10, "int64": 1})
    assert found["weights"][0] | {"trainable": 0, "frozen": 0} == {
        "path": "model", "role": "main", "form": "state_dict", "class": None, "wrapped_in": [], "prefix": None, "tensors": 7,
        "parameters": 240, "buffers": 17, "split": "inferred", "trainable": 0, "frozen": 0,
    }  # fmt: skip
    training = found["training"]
    assert (training["epoch"], training["step"], training["loss"]) == (7, 2**70, 0.25)
    assert [(group["lr"], group["params"]) for group in training["optimizer"]["groups"]] == [(0.5, 2), (0.1, 2)]
    assert training["optimizer"]["class"].rpartition(".")[2] == "SGD"


@pytest.mark.parametrize(("value", "text"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")])
@pytest.mark.parametrize("made_of", [float, torch.tensor, np.float64, np.float32], ids=["float", "tensor", "float64", "float32"])
def test_that_numbers_json_has_not_are_text(tmp_path: Path, ask: Ask, value: float, text: str, made_of) -> None:
    args = argparse.Namespace(limit=value, deep=[{"x": value}])
    found = ask(saved(tmp_path, {"model": {"a.w": torch.ones(2)}, "epoch": 1, "loss": made_of(value), "best_acc": value, "args": args}))
    assert found["training"]["loss"] == text
    assert found["training"]["metrics"]["best_acc"] == text
    assert found["training"]["hyper_parameters"]["limit"] == text


def test_that_whole_numbers_are_exact_at_any_size(tmp_path: Path, ask: Ask) -> None:
    settings = {"big": 2**63, "huge": 10**300, "negative": -(2**64) - 1, "float": 1e300, "flag": True}
    found = ask(saved(tmp_path, {"model": {"a.w": torch.ones(2)}, "hyper_parameters": settings, "step": 2**53 + 1}))
    assert found["training"]["hyper_parameters"] == settings
    assert found["training"]["step"] == 2**53 + 1


def test_that_elements_beyond_64_bits_are_exact(tmp_path: Path, ask: Ask) -> None:
    found = ask(saved(tmp_path, {"a.w": torch.ones(1).expand(2**40, 2**20), "b.w": torch.ones(1).expand(2**31, 2**31)}))
    assert found["elements"] == 2**60 + 2**62
    assert found["storage_bytes"] == 8


HOSTILE = "\x1b]0;owned\x07\x1b[31m\u202egnp.\r\nname\x00\u200b"


def test_that_what_a_file_spells_never_steers_the_terminal(tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """S-32: keys, values, settings and class names with escapes, newlines, NUL, direction marks."""
    weights = {f"a.{HOSTILE}": torch.arange(9_000.0)[:3], f"b.{HOSTILE}": torch.ones(2)}
    weights[f"c.{HOSTILE}"] = weights[f"b.{HOSTILE}"]
    content = {HOSTILE: weights, "args": argparse.Namespace(**{HOSTILE: HOSTILE}), "arch": HOSTILE, "epoch": HOSTILE, "loss": 1.0}
    found = ask(saved(tmp_path, content))
    assert found["weights"][0]["path"] == HOSTILE  # JSON is exact, escaped
    assert main(["info", found["path"]]) == 0
    shown = capsys.readouterr().out
    assert "\\x1b" in shown
    assert all(line.isprintable() for line in shown.split("\n"))


def test_that_lone_surrogates_are_escaped(tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    found = ask(saved(tmp_path, {"\ud800": {"\udc80.w": torch.ones(2)}, "epoch": 1}))
    assert found["weights"][0]["path"] == "\ud800"
    assert main(["info", found["path"]]) == 0
    capsys.readouterr().out.encode("utf-8")


# -- --hash -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("plain.pt", None),
        ("net-{right}.pt", True),
        ("net-{whole}.pt", True),
        ("net-deadbeef.pt", False),
        ("net-{right}.best.pth", True),
        ("net-abc.pt", None),
        ("model-20240131.pt", None),
        ("net-deadbeefnot.pt", None),
        ("deadbeef.pt", None),
    ],
)
def test_that_a_hash_is_compared_with_the_one_in_the_name(tmp_path: Path, ask: Ask, capsys, name: str, matches: bool | None) -> None:
    path = saved(tmp_path, {"a.w": torch.ones(3)}, "first")
    whole = hashlib.sha256(path.read_bytes()).hexdigest()
    path = path.rename(tmp_path / name.format(right=whole[:8], whole=whole))
    found = ask(path, "--hash")
    assert (found["sha256"], found["name_matches"]) == (whole, matches)
    assert main(["info", str(path), "--hash"]) == 0
    shown = capsys.readouterr().out
    assert whole in shown
    assert ("differs from" in shown) == (matches is False)


def test_that_a_file_replaced_before_it_is_hashed_is_told(tmp_path: Path) -> None:
    """F-13."""
    path = saved(tmp_path, {"a.w": torch.ones(3)})
    identity = open_checkpoint(path).identity
    saved(tmp_path, {"a.w": torch.ones(4)}, "second").replace(path)
    with pytest.raises(ChangedOnDisk):
        sha256_of(str(path), identity)


def test_that_the_text_begins_with_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path, {"model": nn.Linear(2, 3).state_dict(), "epoch": 3, "loss": 0.41})
    main(["info", str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(path)
    assert re.match(r"A checkpoint with 9 parameters", lines[1])
    assert "How we know" in lines
    assert "How to load it" in lines
