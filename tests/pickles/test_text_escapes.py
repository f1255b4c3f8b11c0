"""Strings of protocol 0 carry Python's escapes; Python itself warns about some of them."""

from __future__ import annotations

import codecs
import warnings

from hypothesis import given
from hypothesis import strategies as st

from ptinspect.limits import DEFAULT
from ptinspect.pickles.machine import run
from ptinspect.pickles.window import Memory, Window


@given(st.lists(st.sampled_from([b"\\", b"0", b"1", b"7", b"8", b"x", b"a", b"n", b"'", b'"', b"z", b"\xe9", b" "]), max_size=8))
def test_that_escapes_read_as_python_reads_them_and_warn_of_nothing(parts: list[bytes]) -> None:
    text = b"".join(parts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected: bytes | None = codecs.escape_decode(text)[0]
        except ValueError:
            expected = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream = run(Window(Memory(b"S'" + text + b"'\n.")), DEFAULT)
    root = stream.root.encode() if isinstance(stream.root, str) else stream.root
    assert (None if stream.problem else root) == expected
