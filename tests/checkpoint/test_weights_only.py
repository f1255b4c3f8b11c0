"""Our answer to "does torch.load(weights_only=True) take it" against that of the installed torch, which is asked in a child process."""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import decimal
import json
import pathlib
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ptinspect.checkpoint.safety.plain_names import PLAIN
from ptinspect.checkpoint.safety.weights_only_names import ALLOWED
from ptinspect.checkpoint.scanning import scan_file
from tests.corpus import needs_corpus, rows

CHILD = """
import json, sys, warnings, torch
warnings.simplefilter("ignore")
for line in sys.stdin:
    try:
        torch.load(json.loads(line), map_location="cpu", weights_only=True)
        print(json.dumps(""), flush=True)
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
"""
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def child() -> Iterator[subprocess.Popen[str]]:
    """A fresh process with torch and nothing else."""
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.communicate()


Differences = Callable[[list[pathlib.Path]], list[str]]


@pytest.fixture
def differences(child: subprocess.Popen[str]) -> Differences:
    """Where we and torch disagree."""
    return lambda paths: [said for path in paths if (said := difference(path, torch_says(child, path)))]


def torch_says(child: subprocess.Popen[str], path: pathlib.Path) -> str:
    """Empty for a file that torch takes, otherwise its complaint. Never weights_only=False."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(str(path)) + "\n")
    child.stdin.flush()
    return json.loads(child.stdout.readline())


def difference(path: pathlib.Path, complaint: str) -> str:
    safety = scan_file(str(path)).safety
    if safety.loads_weights_only is (complaint == ""):
        return ""
    return f"{path.name}: torch {complaint[:200] or 'takes it'}, we {safety.loads_weights_only} {safety.why_refused or ''}"


def test_that_our_table_is_that_of_the_installed_torch() -> None:
    """Asked in a fresh process: what other tests import (torch.distributed, timm) allows names of its own."""
    ask = "from torch import _weights_only_unpickler as t; print(*t._get_allowed_globals(), *t._get_user_allowed_globals())"
    names = set(subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.split())
    assert names - ALLOWED == set()
    assert ALLOWED - names == set()
    assert names - PLAIN == set()


def test_that_our_renames_are_those_of_the_installed_torch() -> None:
    from torch._utils import IMPORT_MAPPING, NAME_MAPPING

    from ptinspect.checkpoint.safety.weights_only_names import _MODULES, _NAMES

    assert IMPORT_MAPPING == _MODULES
    assert {".".join(old): ".".join(new) for old, new in NAME_MAPPING.items()} == _NAMES


class Subclass(torch.Tensor):
    pass


def with_attribute(value: Any, attribute: Any) -> Any:
    value.extra = attribute
    return value


def nest() -> list[Any]:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    return deep


def cycle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


def training() -> dict[str, Any]:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 1, "loss": 0.5}


OBJECTS: dict[str, Callable[[], Any]] = {
    "state_dict": lambda: nn.Linear(3, 2).state_dict(),
    "module": lambda: nn.Linear(3, 2),
    "training": training,
    "parameter": lambda: nn.Parameter(torch.ones(2)),
    "parameter with attribute": lambda: with_attribute(nn.Parameter(torch.ones(2)), 1),
    "buffer": lambda: nn.Buffer(torch.zeros(2)),
    "lazy": lambda: nn.LazyLinear(3).state_dict(),
    "scalars": lambda: {"a": None, "b": 5, "c": 1 << 200, "d": "x" * 300, "e": 1.5, "f": True},
    "bytes": lambda: b"abc",
    "long bytes": lambda: b"a" * 10_000,
    "bytearray": lambda: bytearray(b"abc"),
    "set": lambda: {1, 2},
    "empty set": set,
    "frozenset": lambda: frozenset([1]),
    "complex": lambda: 1j,
    "slice": lambda: slice(1),
    "counter": lambda: collections.Counter("aab"),
    "defaultdict": lambda: collections.defaultdict(list, {1: [2]}),
    "deque": lambda: collections.deque([1]),
    "mapping with attribute": lambda: with_attribute(collections.OrderedDict(a=1), {"b": 1}),
    "odd keys": lambda: {(1, 2): 3, None: 1, 1.5: 2, b"x": 4, torch.device("cpu"): 5},
    "dtypes": lambda: [torch.bfloat16, torch.float8_e4m3fn, torch.uint16, torch.int1, torch.per_tensor_affine, torch.strided],
    "device and size": lambda: [torch.device("cuda:1"), torch.Size([1, 2])],
    "path": lambda: pathlib.Path("a"),
    "datetime": dt.datetime.now,
    "decimal": lambda: decimal.Decimal(1),
    "namespace": lambda: argparse.Namespace(a=1),
    "array": lambda: np.zeros(3),
    "numpy scalar": lambda: np.float64(1),
    "random state": lambda: {"torch": torch.get_rng_state(), "numpy": np.random.get_state()},
    "generator": torch.Generator,
    "storage": lambda: torch.zeros(3).untyped_storage(),
    "sparse": lambda: [torch.eye(3).to_sparse(), torch.eye(3).to_sparse_csr(), torch.eye(4).to_sparse_bsr((2, 2))],
    "nested": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "jagged": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged),
    "meta": lambda: torch.empty(3, device="meta"),
    "quantized": lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
    "by channel": lambda: torch.quantize_per_channel(torch.ones(2, 3), torch.ones(2), torch.zeros(2, dtype=torch.long), 0, torch.quint8),
    "tensor with attribute": lambda: with_attribute(torch.ones(3), "b"),
    "tensor with path": lambda: with_attribute(torch.ones(3), pathlib.Path("x")),
    "subclass": lambda: torch.ones(3).as_subclass(Subclass),
    "conjugate": lambda: torch.ones(3, dtype=torch.complex64).conj(),
    "views": lambda: [torch.ones(10)[2:5], torch.ones(1).expand(5), torch.empty(0), torch.tensor(1.0)],
    "new dtypes": lambda: [torch.ones(3, dtype=torch.uint16), torch.ones(3).to(torch.float8_e5m2)],
    "function": lambda: torch.nn.functional.relu,
    "type": lambda: type(None),
    "version": lambda: torch.__version__,
    "deep": nest,
    "cyclic": cycle,
    "named tuple": lambda: torch.ones(3).sort(),
}


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_that_we_answer_as_torch_does_for_what_torch_saves(differences: Differences, tmp_path: pathlib.Path, new: bool) -> None:
    paths = []
    for title, make in OBJECTS.items():
        paths.append(tmp_path / f"{title}.pt")
        torch.save(make(), paths[-1], _use_new_zipfile_serialization=new)
    if not new:  # torch reads its sizes from memory that nothing was written to yet, and answers as chance has it
        (nested,) = [path for path in paths if path.stem == "nested"]
        paths.remove(nested)
        assert scan_file(str(nested)).safety.loads_weights_only is False
    assert differences(paths) == []


@pytest.mark.parametrize("protocol", [2, *(pytest.param(number, marks=pytest.mark.slow) for number in (3, 4, 5))])
@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_that_we_answer_as_torch_does_for_each_protocol(differences: Differences, tmp_path: pathlib.Path, protocol: int, new: bool) -> None:
    path = tmp_path / "protocol.pt"
    value = {"a": torch.ones(2), "b": [1, 2.5, "x"], "c": collections.OrderedDict(a=1)}
    torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=new)
    assert differences([path]) == []


def name(module: str, attribute: str) -> bytes:
    return b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def storage(kind: bytes = name("torch", "FloatStorage"), key: str = "0", numel: bytes = b"K\x10") -> bytes:
    return b"(" + text("storage") + kind + text(key) + text("cpu") + numel + b"tQ"


def tensor(
    offset: bytes = b"K\x00", shape: bytes = b"K\x04\x85", strides: bytes = b"K\x01\x85", grad: bytes = b"\x89", kept: bytes = storage()
) -> bytes:
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + kept + offset + shape + strides + grad + ORDERED + b"tR"


ORDERED = name("collections", "OrderedDict") + b")R"
EMPTY_ORDERED = name("collections", "OrderedDict")
COUNTER = name("collections", "Counter")
PARAMETER = name("torch.nn.parameter", "Parameter")
ENCODE = name("_codecs", "encode")
REBUILD = name("torch._utils", "_rebuild_tensor_v2")


def from_type(kind: bytes, state: bytes = b"N") -> bytes:
    inner = tensor()[len(REBUILD) : -1]
    return name("torch._tensor", "_rebuild_from_type_v2") + b"(" + REBUILD + kind + inner + state + b"tR"


BODIES: dict[str, bytes] = {
    "tensor": tensor(),
    "tensor with keys": tensor() + b"K\x00K\x01s",
    "tensor with items": tensor() + b"K\x00a",
    "tensor of gradient 5": tensor(grad=b"K\x05"),
    "tensor too long": tensor(shape=b"K\x14\x85"),
    "tensor of stride 0": tensor(strides=b"K\x00\x85"),
    "tensor of stride -1": tensor(strides=b"J\xff\xff\xff\xff\x85"),
    "tensor of text shape": tensor(shape=text("a") + b"\x85"),
    "tensor of integers with gradient": tensor(grad=b"\x88", kept=storage(name("torch", "LongStorage"), numel=b"K\x08")),
    "tensor of a long record": tensor(kept=storage(numel=b"K\x08")),
    "item into set": b"\x8fK\x01a",
    "item into tuple": b")K\x01a",
    "key into list": b"]K\x00K\x01s",
    "keys into counter": COUNTER + b")R(K\x00K\x01u",
    "item into mapping": ORDERED + b"K\x01a",
    "state of mapping": ORDERED + b"}b",
    "state of dict": b"}}b",
    "state of list": b"]}b",
    "state of counter": COUNTER + b")R}(X\x01\x00\x00\x00aK\x01ub",
    "no state of set": name("builtins", "set") + b"]\x85R}b",
    "state of set": name("builtins", "set") + b"]\x85R}X\x01\x00\x00\x00aK\x01sb",
    "state of a class": EMPTY_ORDERED + b"}b",
    "new mapping": EMPTY_ORDERED + b")\x81",
    "new function": name("torch._utils", "_rebuild_tensor") + b")\x81",
    "new size": name("torch", "Size") + b"(K\x01K\x02t\x85\x81",
    "new dtype": name("torch", "float32") + b")\x81",
    "called dtype": name("torch", "float32") + b")R",
    "called storage type": name("torch", "FloatStorage") + b")R",
    "no device": name("torch", "device") + text("banana") + b"\x85R",
    "device": name("torch", "device") + text("cuda") + b"K\x01\x86R",
    "called number": b"K\x01)R",
    "called result": name("torch", "device") + text("cpu") + b"\x85R)R",
    "list as key": b"}]K\x01s",
    "mapping as key": b"}" + ORDERED + b"K\x01s",
    "tuple with list as key": b"}]\x85K\x01s",
    "tensor as key": b"}" + tensor() + b"K\x01s",
    "set of lists": name("builtins", "set") + b"]]a\x85R",
    "mapping of pairs": EMPTY_ORDERED + b"]]K\x01aK\x02aa\x85R",
    "mapping of a number": EMPTY_ORDERED + b"K\x01\x85R",
    "mapping of a list as key": EMPTY_ORDERED + b"]]]aK\x02aa\x85R",
    "counter of a list": COUNTER + b"]K\x01a\x85R",
    "counter of a number": COUNTER + b"K\x01\x85R",
    "set of Python 2": name("__builtin__", "set") + b"]\x85R",
    "long of Python 2": name("__builtin__", "long"),
    "intern of Python 2": name("__builtin__", "intern"),
    "string of Python 2": b"U\x03abc",
    "bytes of Python 2": b"U\x03\xff\xfe\xfd",
    "long string of Python 2": b"T\x03\x00\x00\x00abc",
    "os": name("os", "system"),
    "posix": name("posix", "system"),
    "text as id": text("x") + b"Q",
    "number as id": b"K\x01Q",
    "module as id": b"(" + text("module") + b"K\x01tQ",
    "storage": storage(),
    "storage of no type": storage(name("torch", "float32")),
    "storage of bytes": storage(name("torch.storage", "UntypedStorage"), numel=b"K\x40"),
    "missing storage": storage(key="9"),
    "storage of another length": storage(numel=b"K\x11"),
    "short id": b"(" + text("storage") + name("torch", "FloatStorage") + text("0") + b"tQ",
    "something left": b"K\x01" + name("torch", "float32") + b"K\x02",
    "something bad left": b"}]K\x01sK\x02",
    "POP": b"K\x01K\x020",
    "encoded": ENCODE + text("ab") + text("latin1") + b"\x86R",
    "encoded by nobody": ENCODE + text("ab") + text("nocodec") + b"\x86R",
    "encoded in vain": ENCODE + text("\u1234") + text("latin1") + b"\x86R",
    "bytearray": name("builtins", "bytearray") + b"]K\x01a\x85R",
    "bytearray of text": name("builtins", "bytearray") + text("a") + b"\x85R",
    "complex": name("builtins", "complex") + b"K\x01K\x02\x86R",
    "complex of a list": name("builtins", "complex") + b"]\x85R",
    "size of text": name("torch", "Size") + text("a") + b"\x85R",
    "parameter": PARAMETER + tensor() + b"\x85\x81",
    "parameter of a number": PARAMETER + b"K\x01\x85R",
    "layout": name("torch.serialization", "_get_layout") + text("torch.sparse_coo") + b"\x85R",
    "no layout": name("torch.serialization", "_get_layout") + text("torch.x") + b"\x85R",
    "no arguments": REBUILD + b")R",
    "mesh": name("torch.distributed._mesh_layout", "_MeshLayout"),
    "DTensor": name("torch.distributed.tensor", "DTensor"),
    "jagged": name("torch.nested._internal.nested_tensor", "NestedTensor"),
    "range of dimensions": name("torch._dynamo.decorators", "_DimRange"),
    "old tensor": name("torch", "FloatTensor") + b")\x81(" + storage() + b"K\x00K\x04\x85K\x01\x85tb",
    "dict called": name("builtins", "dict") + b")R",
    "subclass": from_type(name("torch", "Tensor"), b"}"),
    "subclass that is Parameter": from_type(name("torch.nn.parameter", "Parameter")),
    "subclass that is a dtype": from_type(name("torch", "float32")),
}


def test_that_we_answer_as_torch_does_for_what_is_made_by_hand(differences: Differences, tmp_path: pathlib.Path) -> None:
    paths = []
    for title, body in BODIES.items():
        paths.append(tmp_path / f"{title}.pt")
        with zipfile.ZipFile(paths[-1], "w") as archive:
            archive.writestr("archive/data.pkl", b"\x80\x02" + body + b".")
            archive.writestr("archive/version", "3\n")
            archive.writestr("archive/data/0", bytes(64))
    assert differences(paths) == []


@needs_corpus
def test_that_we_answer_as_torch_does_for_every_real_file(differences: Differences) -> None:
    paths = [row.path for row in rows() if row.container in ("torch-zip", "torch-legacy", "torch-tar")]
    assert len(paths) > 200
    assert differences(paths) == []


def test_that_an_archive_without_a_folder_is_refused_as_torch_refuses_it(tmp_path: pathlib.Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "in.pt")
    with zipfile.ZipFile(tmp_path / "in.pt") as inside, zipfile.ZipFile(tmp_path / "flat.pt", "w") as flat:
        for name in inside.namelist():
            flat.writestr(name.partition("/")[2], inside.read(name))
    with pytest.raises(RuntimeError, match="subdirectory"):
        torch.load(tmp_path / "flat.pt", weights_only=True)
    assert scan_file(str(tmp_path / "flat.pt")).safety.loads_weights_only is False
