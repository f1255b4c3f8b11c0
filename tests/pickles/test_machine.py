"""The machine against CPython's own unpickler on plain data, and what it does with streams that nobody should load."""

from __future__ import annotations

import collections
import io
import math
import pickle
import pickletools
import struct
import sys
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ptinspect.errors import Corrupt, FileProblem, LimitExceeded, Truncated
from ptinspect.limits import DEFAULT, Limits
from ptinspect.pickles.machine import run
from ptinspect.pickles.stream import Stream
from ptinspect.pickles.values import Bytes, Call, Dict, Persistent, Set, Unknown, entries, pairs_of
from ptinspect.pickles.window import CHUNK, Memory, Window


def walked(data: bytes, limits: Limits = DEFAULT) -> Stream:
    return run(Window(Memory(data)), limits)


class Back:
    """Inert values back to Python's, for plain data only; shared objects stay shared."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.known: dict[int, tuple[object, object]] = {}

    def __call__(self, value: object) -> Any:
        if id(value) in self.known:
            return self.known[id(value)][1]
        made = self._made(value)
        self.known.setdefault(id(value), (value, made))
        return self.known[id(value)][1]

    def _made(self, value: object) -> object:
        if type(value) is list:
            out: list[object] = []
            self.known[id(value)] = (value, out)
            out.extend(map(self, value))
            return out
        if type(value) is tuple:
            return tuple(map(self, value))
        if type(value) is Dict:
            mapping: dict[object, object] = {}
            self.known[id(value)] = (value, mapping)
            mapping.update((self(key), self(item)) for key, item in value.pairs)
            return mapping
        if type(value) is Set:
            return (frozenset if value.frozen else set)(map(self, value.items))
        if type(value) is Bytes:
            found = self.data[value.offset : value.offset + value.length]
            return bytearray(found) if value.mutable else found
        return self._called(value) if type(value) is Call else value

    def _called(self, call: Call) -> object:
        args = self(call.args)
        makers = {
            "_codecs.encode": str.encode,
            "builtins.set": set,
            "builtins.frozenset": frozenset,
            "builtins.bytearray": bytearray,
            "builtins.bytes": bytes,
            "builtins.complex": complex,
            "collections.OrderedDict": collections.OrderedDict,
        }
        name = call.name.replace("__builtin__", "builtins")
        made = makers[name](*args)
        for key, item in call.pairs or ():
            made[self(key)] = self(item)
        return made


plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(1 << 900), max_value=1 << 900)
    | st.floats()
    | st.text()
    | st.binary()
    | st.binary(min_size=4_000, max_size=5_000)
    | st.text(min_size=250, max_size=300)
    | st.builds(bytearray, st.binary())
    | st.complex_numbers()
)
hashable = st.integers() | st.text() | st.booleans() | st.none() | st.tuples(st.integers(), st.text())
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.tuples(inner)
        | st.tuples(inner, inner, inner, inner)
        | st.dictionaries(hashable, inner)
        | st.sets(hashable)
        | st.frozensets(hashable)
        | st.builds(collections.OrderedDict, st.dictionaries(hashable, inner))
        | st.builds(lambda item: [item, item, (item,)], inner)
    ),
    max_leaves=30,
)


def same(left: object, right: object) -> bool:
    """Equal in type too, and NaN equals itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float) and isinstance(right, float):
        return (left == right and math.copysign(1, left) == math.copysign(1, right)) or (math.isnan(left) and math.isnan(right))
    if isinstance(left, complex):
        return same(left.real, right.real) and same(left.imag, right.imag)  # type: ignore[attr-defined]
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))  # type: ignore[arg-type]
    if isinstance(left, dict):
        return len(left) == len(right) and all(same(a, b) and same(left[a], right[b]) for a, b in zip(left, right, strict=True))  # type: ignore[arg-type, call-overload, index]
    return left == right


@given(values, st.integers(0, 5))
@example([float("nan"), -0.0, 1 << 2_000, "\ud800", "\n\\", b"\n", "", b""], 0)
@settings(max_examples=150, deadline=None)
def test_that_plain_data_is_what_cpython_unpickles(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    stream = walked(data)
    assert stream.problem is None
    assert stream.end == len(data)
    assert stream.odd == []
    assert same(Back(data)(stream.root), pickle.loads(data))


@given(values, st.integers(2, 5))
@settings(max_examples=50, deadline=None)
def test_that_a_stream_of_the_python_pickler_and_an_optimized_one_mean_the_same(value: object, protocol: int) -> None:
    buffer = io.BytesIO()
    pickle._Pickler(buffer, protocol).dump(value)
    for data in (buffer.getvalue(), pickletools.optimize(buffer.getvalue())):
        stream = walked(data)
        assert stream.problem is None
        assert same(Back(data)(stream.root), pickle.loads(data))


@given(st.binary(max_size=60), st.integers(0, 5))
@settings(max_examples=300, deadline=None)
def test_that_any_bytes_end_in_a_value_or_one_file_problem(tail: bytes, protocol: int) -> None:
    head = pickle.dumps([1, "two", {"three": 3}], protocol)[:-1]
    for data in (tail, head + tail):
        stream = walked(data)
        assert stream.problem is None or isinstance(stream.problem, FileProblem)


@pytest.mark.parametrize("protocol", range(6))
def test_that_a_stream_cut_anywhere_is_told_as_truncated(protocol: int) -> None:
    """F-10."""
    data = pickle.dumps([{"a": 1, "b": [1.5, 1 << 70, b"bytes", "text"]}, (1, 2, 3), 300, 70_000, "x" * 300, {4, 5}], protocol)
    for length in range(len(data)):
        assert isinstance(walked(data[:length]).problem, Truncated), length


def test_that_a_contradiction_near_the_end_is_no_truncation() -> None:
    assert isinstance(walked(b"\x80\x02]]R\xff\xff.").problem, Corrupt)
    assert isinstance(walked(b"\x80\x02K\x01sK\x02K\x03.").problem, Corrupt)


@pytest.mark.parametrize("size", [CHUNK - 9, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
@pytest.mark.parametrize("protocol", range(6))
def test_that_strings_and_instructions_across_the_edge_of_the_view_are_whole(size: int, protocol: int) -> None:
    if protocol == 0 and size > 60_000:
        value: object = ["x" * 50_000] * 2 + [str(index) for index in range(size // 8)]
    else:
        value = ["x" * size, "tail", list(range(1_000)), b"y" * size, {"k": 1.5}]
    data = pickle.dumps(value, protocol)
    if protocol < 3 and size > CHUNK:
        data = pickle.dumps(["x" * 60_000] + [f"{index}" for index in range(size // 4)], protocol)
    stream = walked(data)
    assert stream.problem is None
    assert same(Back(data)(stream.root), pickle.loads(data))


def test_that_cycles_and_shared_objects_keep_their_identity() -> None:
    """S-29."""
    shared: list[object] = []
    shared.append(shared)
    holder = {"a": shared, "b": shared}
    root = walked(pickle.dumps(holder, 4)).root
    (_, first), (_, second) = root.pairs
    assert first is second
    assert first[0] is first


def test_that_a_key_written_twice_keeps_its_place_and_its_last_value() -> None:
    data = b"\x80\x02}(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00bK\x02X\x01\x00\x00\x00aK\x03u."
    assert pickle.loads(data) == {"a": 3, "b": 2}
    assert list(entries(walked(data).root.pairs)) == list(pickle.loads(data).items())


def test_that_no_container_is_ever_hashed() -> None:
    """S-21: 39 levels of 10-fold tuples as a key hang CPython and torch.load(weights_only=True)."""
    data = b"\x80\x02)q\x00" + (b"(" + b"h\x00" * 10 + b"tq\x00") * 39
    started = time.monotonic()
    stream = walked(data + b"}h\x00K\x01s\x8f(h\x00\x90\x86.")
    assert time.monotonic() - started < 1
    assert stream.problem is None


def test_that_deep_nests_need_no_recursion() -> None:
    """S-28."""
    depth = 200_000
    assert depth > sys.getrecursionlimit()
    stream = walked(b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b".")
    level, count = stream.root, 1
    while level:
        level, count = level[0], count + 1
    assert count == depth


@pytest.mark.parametrize(
    "data",
    [
        b"cposix\nsystem\n(S'x'\ntR.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x01x\x85R.",
        b"(S'x'\niposix\nsystem\n.",
        b"(cposix\nsystem\nS'x'\no.",
        b"\x80\x02cposix\nsystem\nX\x01\x00\x00\x00x\x85\x81.",
        b"\x80\x04cposix\nsystem\n)}\x92.",
        b"cposix\nsystem\n(S'x'\ntR0N.",
        b"\x80\x02cposix\nsystem\nq\x000h\x00X\x01\x00\x00\x00x\x85R.",
    ],
)
def test_that_every_way_to_call_a_name_is_noticed(data: bytes) -> None:
    """S-10, S-11, S-12: also when the result is thrown away or the name comes from the memo."""
    stream = walked(data)
    assert stream.problem is None
    assert stream.globals["posix.system"].called == 1


def test_that_the_number_of_an_extension_is_a_name() -> None:
    """S-12."""
    assert "copyreg.extension 7" in walked(b"\x80\x02\x82\x07.").globals


def test_that_references_to_the_outside_are_kept_even_when_thrown_away() -> None:
    stream = walked(b"\x80\x02K\x01QK\x02Q0P3\n0.")
    assert [one.id for one in stream.persistent] == [1, 2, "3"]
    assert type(stream.root) is Persistent


def test_that_a_class_written_as_a_reference_counts_as_called() -> None:
    """torch before 1.6: ("module", class, file, source)."""
    stream = walked(b"\x80\x02(X\x06\x00\x00\x00modulecmine\nNet\nNNtQ)\x81.")
    assert stream.globals["mine.Net"].called == 1
    assert stream.computed == []


def test_that_an_unfinished_mapping_keeps_its_whole_pairs() -> None:
    stream = walked(b"\x80\x02}(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00bK\x02X\x01\x00\x00\x00c")
    assert isinstance(stream.problem, Truncated)
    assert pairs_of(stream.root) == [("a", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("field", "data"),
    [
        ("opcodes", b"\x80\x02" + b"N0" * 40_000 + b"N."),
        ("stack", b"\x80\x02" + b"N" * 40_000 + b"."),
        ("memo", b"\x80\x04N" + b"\x94" * 40_000 + b"."),
        ("objects", b"\x80\x02" + b"]0" * 40_000 + b"N."),
        ("string_bytes", b"\x80\x04" + (b"\x8d" + struct.pack("<Q", 50_000) + b"x" * 50_000) * 2 + b"."),
    ],
)
def test_that_every_limit_is_named_by_the_one_who_meets_it(field: str, data: bytes) -> None:
    stream = walked(data, Limits(**{field: 10_000 if field != "string_bytes" else 60_000}))
    assert isinstance(stream.problem, LimitExceeded)
    assert field in stream.problem.message


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02K\x01q\x01K\x02q\x02K\x03q\x01h\x02h\x01\x86.",  # from 1 on, as Python 2 counts, and one number twice
        b"\x80\x02K\x01q\x00K\x02r\x70\x00\x00\x00K\x03q\x01h\x01j\x70\x00\x00\x00\x86.",  # with a gap
        b"\x80\x02K\x01q\x00K\x02q\x01K\x03q\x00h\x01h\x00\x86.",
        b"\x80\x04K\x01r\x05\x00\x00\x00K\x02\x94K\x03\x94h\x01h\x02\x86.",  # MEMOIZE takes the count, not the next free number
        b"\x80\x02I1\np0\nI2\np7\nI3\np1\ng7\ng1\n\x86.",
    ],
)
def test_that_what_is_remembered_under_any_number_is_found_as_python_finds_it(data: bytes) -> None:
    assert walked(data).root == pickle.loads(data)


@pytest.mark.parametrize("data", [b"\x80\x02Nq\x00h\x01.", b"\x80\x02Nq\x00j\x01\x00\x00\x00.", b"Np0\ng-1\n."])
def test_that_a_number_under_which_nothing_is_remembered_is_a_contradiction(data: bytes) -> None:
    assert isinstance(walked(data).problem, Corrupt)


def test_that_numbers_too_long_to_be_honest_are_unknown() -> None:
    """S-30: LONG4 of a gigabyte, and one that is really there."""
    assert isinstance(walked(b"\x80\x02\x8b" + struct.pack("<i", 1 << 30) + b"x.").problem, Truncated)
    stream = walked(b"\x80\x02\x8b" + struct.pack("<i", 5_000) + b"\x01" * 5_000 + b".")
    assert type(stream.root) is Unknown


def test_that_a_long_number_in_text_is_unknown_or_told() -> None:
    """Python refuses to convert more than 4,300 digits, and takes long for less."""
    stream = walked(b"I" + b"1" * 20_000 + b"\n.")
    assert isinstance(stream.problem, FileProblem) or type(stream.root) in (Unknown, int)


def test_that_bytes_of_an_embedded_file_stay_where_they_lie_however_short() -> None:
    data = b"\x80\x03ctorch.storage\n_load_from_bytes\nC\x03abc\x85R."
    (inner,) = walked(data).root.args
    assert type(inner) is Bytes
    assert data[inner.offset : inner.offset + inner.length] == b"abc"
