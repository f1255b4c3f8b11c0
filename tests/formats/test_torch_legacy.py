"""Legacy files: as torch writes them, as old torch wrote them, cut, forged, and with something behind their end."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import types
import warnings
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ptinspect.errors import Corrupt, FileProblem, Truncated
from ptinspect.formats.document import Document
from ptinspect.formats.legacy_stream import MAGIC, PROTOCOL
from ptinspect.formats.reading import read
from ptinspect.limits import DEFAULT, Limits
from ptinspect.pickles.values import Dict, lookup
from ptinspect.pickles.window import Memory
from tests.corpus import needs_corpus
from tests.corpus import rows as corpus_rows
from tests.formats.opened import by_name, opened

SYSTEM = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
WEIGHTS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.arange(5), "c": torch.zeros(40, dtype=torch.uint8)}


def saved(content: object, protocol: int = 2) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False, pickle_protocol=protocol)
    return buffer.getvalue()


def document_of(data: bytes, limits: Limits = DEFAULT) -> Document:
    return read(Memory(data), "made.pt", limits)


def titles(document: Document) -> list[str]:
    return [finding.title for finding in document.findings]


class Reference:
    """Stands for a storage while a file is made by hand."""

    def __init__(self, *identity: object) -> None:
        self.identity = identity


class Pickler(pickle.Pickler):
    def persistent_id(self, value: object) -> object:
        return value.identity if isinstance(value, Reference) else None


class Rebuilt:
    """Pickles as the call of one of torch's rebuild functions."""

    def __init__(self, function: object, *args: object) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.function, self.args


def tensor(storage: Reference, shape: tuple[int, ...], strides: tuple[int, ...], offset: object = 0) -> Rebuilt:
    return Rebuilt(torch._utils._rebuild_tensor_v2, storage, offset, shape, strides, False, {})


def made(content: object, keys: object, data: bytes, system: dict[str, object] = SYSTEM, protocol: int = 2) -> bytes:
    buffer = io.BytesIO()
    for value in (MAGIC, PROTOCOL, system):
        pickle.dump(value, buffer, protocol)
    Pickler(buffer, protocol).dump(content)
    pickle.dump(keys, buffer, protocol)
    return buffer.getvalue() + data


def storage(count: int, data: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "q", count) + data


FLOATS = struct.pack("<4f", 1, 2, 3, 4)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_that_a_file_of_torch_is_read_in_every_protocol(protocol: int) -> None:
    """F-05."""
    document = document_of(saved(WEIGHTS, protocol))
    assert document.container == "torch-legacy"
    assert document.problem is None
    assert titles(document) == []
    assert {name: (found.shape, found.dtype.name) for name, found in by_name(document).items()} == {
        name: (tuple(value.shape), str(value.dtype).removeprefix("torch.")) for name, value in WEIGHTS.items()
    }
    assert [pickled.name for pickled in document.pickles] == [
        "magic number",
        "protocol version",
        "system information",
        "object",
        "storage keys",
    ]


def test_that_a_tensors_bytes_lie_where_the_reader_says() -> None:
    data = saved(WEIGHTS)
    found = by_name(document_of(data))
    for name, value in WEIGHTS.items():
        ref = found[name].storage
        assert ref is not None
        assert ref.offset is not None
        assert data[ref.offset : ref.offset + ref.nbytes] == value.numpy().tobytes()


def test_that_protocols_0_and_1_are_read_too() -> None:
    """torch cannot write them today (a persistent id is text there), but magic, version and system may come so."""
    head = b"".join(pickle.dumps(value, 0) for value in (MAGIC, PROTOCOL, SYSTEM))
    rest = saved(WEIGHTS)
    start = sum(len(pickle.dumps(value, 2)) for value in (MAGIC, PROTOCOL)) + len(pickle.dumps(SYSTEM, 2))
    document = document_of(head + rest[start:])
    assert document.container == "torch-legacy"
    assert len(document.tensors) == 3
    assert document.problem is None


def test_that_a_view_of_a_storage_reaches_no_further_than_the_view() -> None:
    """Until 0.4 a slice of a storage was a storage of its own: (key, offset, size)."""
    whole = ("storage", torch.FloatStorage, "1", "cpu", 4)
    content = {
        "whole": tensor(Reference(*whole, None), (4,), (1,)),
        "view": tensor(Reference(*whole, ("2", 1, 2)), (2,), (1,)),
        "beyond": tensor(Reference(*whole, ("3", 1, 2)), (3,), (1,)),
        "wrong": tensor(Reference(*whole, ("4", -1, 2)), (1,), (1,)),
    }
    data = made(content, ["1"], storage(4, FLOATS))
    document = document_of(data)
    found = by_name(document)
    assert torch.load(io.BytesIO(made({"view": content["view"]}, ["1"], storage(4, FLOATS))), weights_only=True)["view"].tolist() == [2, 3]
    assert found["view"].storage_offset == 1
    assert found["view"].storage == found["whole"].storage
    assert found["view"].problem is None
    assert found["beyond"].problem == "it reaches byte 12 of a storage of 8"
    assert found["wrong"].problem is not None
    assert [found[name].elements for name in content] == [4, 2, 3, 1]


def test_that_the_bytes_are_little_endian_whatever_the_file_says_of_its_machine() -> None:
    """torch swaps while it writes and reads, and never looks at `little_endian`; settled by torch itself."""
    content = {"a": tensor(Reference("storage", torch.FloatStorage, "1", "cpu", 4, None), (4,), (1,))}
    big = SYSTEM | {"little_endian": False}
    data = made(content, ["1"], storage(4, FLOATS), big)
    assert torch.load(io.BytesIO(data), weights_only=True)["a"].tolist() == [1, 2, 3, 4]
    document = document_of(data)
    assert "byteorder" not in document.facts
    assert document.facts["written on"].startswith("a big-endian machine")
    assert titles(document) == []


def test_that_a_count_in_the_order_of_a_big_endian_machine_is_understood() -> None:
    """torch before 1.0 wrote the number of elements as its machine keeps it."""
    content = {"a": tensor(Reference("storage", torch.FloatStorage, "1", "cpu", 4, None), (4,), (1,))}
    document = document_of(made(content, ["1"], storage(4, FLOATS, ">"), SYSTEM | {"little_endian": False}))
    assert document.problem is None
    assert [found.problem for found in document.tensors] == [None]


@pytest.mark.parametrize(("numel", "count"), [(1 << 38, 1 << 38), (1 << 61, 1 << 61)])
def test_that_nothing_is_allocated_from_a_declared_size(numel: int, count: int) -> None:
    """S-26: 272 bytes that claim a terabyte."""
    content = tensor(Reference("storage", torch.FloatStorage, "1", "cpu", numel, None), (numel,), (1,))
    document = document_of(made(content, ["1"], storage(count, FLOATS)))
    (found,) = document.tensors
    assert found.problem == f"its bytes are cut off: 16 of {numel * 4:,} are there"
    assert isinstance(document.problem, Truncated)


@pytest.mark.parametrize("count", [3, 5, 0, -1, 1 << 62])
def test_that_two_sizes_of_one_storage_are_a_finding_and_an_invalid_row(count: int) -> None:
    content = {"a": tensor(Reference("storage", torch.FloatStorage, "1", "cpu", 4, None), (4,), (1,)), "b": 1}
    document = document_of(made(content, ["1"], storage(count, FLOATS)))
    assert "a storage has two sizes" in titles(document)
    assert document.tensors[0].problem == f"its storage is said to have 4 elements and has {count:,}"
    assert lookup(document.root, "b") == 1


def test_that_every_invalid_reach_is_a_row_and_the_rest_stays_usable() -> None:
    """S-22, S-30, S-31: negative and huge sizes, offsets and strides; expanded and empty tensors are right."""
    four = Reference("storage", torch.FloatStorage, "1", "cpu", 4, None)
    content = {
        "good": tensor(four, (2, 2), (2, 1)),
        "expanded": tensor(four, (1 << 40,), (0,)),
        "empty": tensor(four, (0, 5), (5, 1)),
        "product": tensor(four, (1 << 32, 1 << 32), (0, 0)),
        "far": tensor(four, (2,), (1 << 62,)),
        "negative": tensor(four, (-1,), (1,)),
        "backwards": tensor(four, (2,), (-1,)),
        "before": tensor(four, (1,), (1,), -1),
        "uneven": tensor(four, (2, 2), (1,)),
        "behind": tensor(four, (1,), (1,), 4),
        "no number": tensor(four, ("x",), (1,)),
        "no offset": tensor(four, (1,), (1,), "x"),
    }
    found = by_name(document_of(made(content, ["1"], storage(4, FLOATS))))
    assert list(found) == list(content)
    assert [name for name, one in found.items() if one.problem is None] == ["good", "expanded", "empty"]
    assert found["expanded"].elements == 1 << 40
    assert found["expanded"].span == (0, 4)
    assert found["empty"].span == (0, 0)


@pytest.mark.parametrize(
    ("keys", "title"),
    [
        (["1", "9"], "a storage is listed and never described"),
        (("1",), "the list of storages is no list"),
        (["1", "1"], "the list of storages names one twice"),
    ],
)
def test_that_a_wrong_list_of_storages_is_a_finding(keys: object, title: str) -> None:
    content = {"a": tensor(Reference("storage", torch.FloatStorage, "1", "cpu", 4, None), (4,), (1,))}
    document = document_of(made(content, keys, storage(4, FLOATS)))
    assert title in titles(document)
    assert len(document.tensors) == 1


def test_that_a_storage_outside_the_list_has_no_bytes() -> None:
    content = {"a": tensor(Reference("storage", torch.FloatStorage, "1", "cpu", 4, None), (4,), (1,))}
    (found,) = document_of(made(content, [], b"")).tensors
    assert found.problem == "its bytes are cut off: 0 of 16 are there"


def test_that_a_storage_without_a_tensor_is_unused() -> None:
    content = {"bare": Reference("storage", torch.FloatStorage, "1", "cpu", 4, None)}
    document = document_of(made(content, ["1"], storage(4, FLOATS)))
    assert document.tensors == []
    assert [(record.name, record.size) for record in document.unused] == [("storage 1", 16)]


def test_that_a_module_written_with_its_source_shows_class_and_source() -> None:
    """("module", class, file, source): the class is the value; its text is shown and never run."""
    name = "ptinspect_test_module"
    module = types.ModuleType(name)
    sys.modules[name] = module
    source = "class Net(torch.nn.Linear):\n    pass\n"
    exec(source, {"torch": torch, "__name__": name}, module.__dict__)
    try:
        identity = Reference("module", module.Net, "/home/someone/net.py", source)
        content = [identity]
        data = made(content, [], b"")
    finally:
        del sys.modules[name]
    document = document_of(data)
    assert document.code[f"{name}.Net"]() == source
    assert list(document.pickles[3].stream.globals) == [f"{name}.Net"]


def test_that_a_legacy_model_counts_its_class_as_called() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = document_of(saved(torch.nn.Linear(3, 2)))
    stream = document.pickles[3].stream
    assert stream.globals["torch.nn.modules.linear.Linear"].called == 1
    assert stream.computed == []
    assert [(place.path, place.in_weights) for place in document.places] == [("weight", True), ("bias", True)]
    assert "class Linear" in document.code["torch.nn.modules.linear.Linear"]()


def test_that_a_file_cut_anywhere_opens_or_is_one_file_problem() -> None:
    """F-10: a truncated file at every byte."""
    whole = saved(WEIGHTS)
    reference = by_name(document_of(whole))
    for length in range(1, len(whole)):
        try:
            document = document_of(whole[:length])
        except FileProblem:
            continue
        if document.container != "torch-legacy":
            continue
        assert isinstance(document.problem, Truncated), length
        for name, found in by_name(document).items():
            complete = reference[name].storage
            assert complete is not None
            assert complete.offset is not None
            assert (found.problem is None) == (length >= complete.offset + complete.nbytes), (length, name)


def test_that_a_cut_file_names_what_each_tensor_has_left() -> None:
    whole = saved(WEIGHTS)
    last = max(document_of(whole).tensors, key=lambda found: found.storage.offset or 0 if found.storage else 0)
    document = document_of(whole[:-3])
    (cut,) = [found for found in document.tensors if found.problem]
    assert cut.name == last.name
    assert last.storage is not None
    assert cut.problem == f"its bytes are cut off: {last.storage.nbytes - 3:,} of {last.storage.nbytes:,} are there"
    assert document.problem is not None
    assert document.problem.message == f"incomplete: {len(whole) - 3:,} of {len(whole):,} bytes are there"
    assert titles(document) == ["the file is incomplete"]


def test_that_a_file_cut_inside_its_object_shows_what_came_before() -> None:
    whole = saved({f"layer{index}": torch.ones(3) for index in range(50)})
    document = document_of(whole[:3_000])
    assert isinstance(document.problem, Truncated)
    assert 5 < len(document.tensors) < 50
    assert document.tensors[0].problem == "its bytes are cut off: 0 of 12 are there"
    assert type(document.root) is Dict


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_that_mutated_files_open_or_are_one_file_problem(data: st.DataObject) -> None:
    whole = bytearray(saved(WEIGHTS))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        document = document_of(bytes(whole))
    except FileProblem:
        return
    assert all(found.elements >= 0 or found.problem for found in document.tensors)


def test_that_bytes_behind_the_last_storage_are_a_finding() -> None:
    document = document_of(saved(WEIGHTS) + b"\x00" * 7)
    assert titles(document) == ["bytes after the end"]
    assert document.problem is None


def test_that_pickles_behind_the_end_are_seen() -> None:
    """S-15: the first content is clean, what follows is not."""
    behind = b"cposix\nsystem\n(S'true'\ntR."
    document = document_of(saved(WEIGHTS) + behind)
    assert "posix.system" in document.pickles[-1].stream.globals
    assert titles(document) == ["bytes after the end"]


def test_that_several_objects_in_one_file_are_all_looked_at() -> None:
    """torch.save appends, torch.load reads one after another; the first is the file's content."""
    class_named = made(Rebuilt(__import__("os").getcwd), [], b"")
    document = document_of(saved(WEIGHTS) + saved({"second": torch.ones(2)}) + class_named)
    assert [found.name for found in document.tensors] == ["a", "b", "c"]
    assert any("posix.getcwd" in found.stream.globals or "nt.getcwd" in found.stream.globals for found in document.pickles)


def test_that_a_computed_magic_number_is_still_a_legacy_file() -> None:
    """S-15: torch.load runs the first pickle before it compares it with the magic number."""
    head = b"\x80\x02c__builtin__\neval\nX\x16\x00\x00\x000x1950A86A20F9469CFC6C\x85R."
    document = document_of(head + saved(WEIGHTS)[len(pickle.dumps(MAGIC, 2)) :])
    assert document.container == "torch-legacy"
    assert len(document.tensors) == 3
    assert "__builtin__.eval" in document.pickles[0].stream.globals
    assert "the magic number is computed" in titles(document)


def test_that_a_broken_object_keeps_the_names_that_it_had_called() -> None:
    """S-05: payload first, then a broken stream."""
    head = b"".join(pickle.dumps(value, 2) for value in (MAGIC, PROTOCOL, SYSTEM))
    document = document_of(head + b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R\xff\xff rest")
    assert isinstance(document.problem, Corrupt)
    assert document.pickles[-1].stream.globals["posix.system"].called == 1


LEGACY = [row for row in corpus_rows() if row.container == "torch-legacy"]


@needs_corpus
@pytest.mark.parametrize("row", LEGACY, ids=lambda row: row.id)
def test_that_a_legacy_file_of_the_corpus_has_what_its_manifest_says(row) -> None:  # type: ignore[no-untyped-def]
    document = opened(row.path)
    assert document.container == "torch-legacy"
    assert row.tensors in (None, len(document.tensors))
    assert row.elements in (None, sum(found.elements for found in document.tensors))
    if "truncated" not in row.path.name:
        assert document.problem is None
        assert [found.problem for found in document.tensors if found.problem] == []


@needs_corpus
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", [row for row in LEGACY if row.hostile == "no"], ids=lambda row: row.id)
def test_that_shapes_and_values_are_those_that_torch_loads(row) -> None:  # type: ignore[no-untyped-def]
    try:
        loaded = torch.load(row.path, weights_only=True, map_location="cpu")
    except Exception:
        pytest.skip("torch does not take it with weights_only=True")
    named = loaded.items() if isinstance(loaded, dict) else [("", loaded)]
    expected = {str(name): value for name, value in named if type(value) is torch.Tensor and not value.is_quantized}
    document = opened(row.path)
    found, data = by_name(document), Path(row.path).read_bytes()
    for name, value in expected.items():
        one = found[name]
        assert (one.shape, one.strides, one.storage_offset) == (tuple(value.shape), value.stride(), value.storage_offset())
        ref = one.storage
        assert ref is not None
        assert data[ref.offset or 0 :][: ref.nbytes] == torch.tensor([], dtype=torch.uint8).set_(value.untyped_storage()).numpy().tobytes()
