"""The rarer instructions, each a small function from a machine and a place in the stream to the next place.

Those outside the set of torch's weights_only reader note themselves in `stream.instructions`, since it would refuse them.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from ptinspect.errors import Corrupt
from ptinspect.pickles.filling import add_items, build, set_items
from ptinspect.pickles.values import Bytes, Dict, Global, Persistent, Set, Unknown, Value

if TYPE_CHECKING:
    from ptinspect.pickles.machine import Machine

Step = Callable[["Machine", int], int]

INLINE_BYTES = 4_096
BYTE_STRINGS = 10_000
EMBEDDED = "torch.storage._load_from_bytes"

_U16 = struct.Struct("<H").unpack
_U32 = struct.Struct("<I").unpack
_U64 = struct.Struct("<Q").unpack


def _known(step: Callable[[Machine], None]) -> Step:
    """An instruction without arguments."""

    def run(machine: Machine, at: int) -> int:
        step(machine)
        return at

    return run


def _noted(code: int, step: Step) -> Step:
    """An instruction that torch's weights_only reader does not know."""

    def run(machine: Machine, at: int) -> int:
        machine.stream.instructions.add(code)
        return step(machine, at)

    return run


# -- numbers -----------------------------------------------------------------------------------------------------------


def _int_line(machine: Machine, at: int) -> int:
    text, at = machine.window.line(at)
    machine.stack.append({b"00": False, b"01": True}[text] if text in (b"00", b"01") else int(text))
    return at


def _long_line(machine: Machine, at: int) -> int:
    text, at = machine.window.line(at)
    machine.stack.append(int(text.rstrip(b"L")))
    return at


def _float_line(machine: Machine, at: int) -> int:
    text, at = machine.window.line(at)
    machine.stack.append(float(text))
    return at


def _long(machine: Machine, at: int, length: int) -> int:
    machine.window.require(at, length)
    if length > machine.limits.integer_bytes:
        machine.stack.append(Unknown(f"an integer of {length:,} bytes"))
    else:
        machine.stack.append(int.from_bytes(machine.window.take(at, length), "little", signed=True))
    return at + length


def _long1(machine: Machine, at: int) -> int:
    return _long(machine, at + 1, machine.window.take(at, 1)[0])


def _long4(machine: Machine, at: int) -> int:
    return _long(machine, at + 4, struct.unpack("<i", machine.window.take(at, 4))[0])


# -- strings -----------------------------------------------------------------------------------------------------------


def _string_line(machine: Machine, at: int) -> int:
    text, at = machine.window.line(at)
    if len(text) < 2 or text[0] != text[-1] or text[:1] not in (b"'", b'"'):
        raise Corrupt("a string in a pickle has no closing quote", "Get the file again from its source.")
    text = _ESCAPE.sub(_quiet, text[1:-1]) if b"\\" in text else text[1:-1]
    _push_text(machine, codecs.escape_decode(text)[0])
    return at


_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)


def _quiet(escape: re.Match[bytes]) -> bytes:
    """An escape spelled so that Python does not warn about it: a file must not make us print, or fail under -W error."""
    told = escape[1]
    if told[:1] in b"01234567":
        return b"\\x%02x" % (int(told, 8) & 0xFF)
    return escape[0] if told in b"\n\\'\"abfnrtvx" else b"\\" + escape[0]


def _push(machine: Machine, text: str) -> None:
    machine.stack.append(text)
    machine.texts.append(text)


def _push_text(machine: Machine, raw: bytes) -> None:
    """A Python 2 string: text where it is text, bytes otherwise."""
    try:
        _push(machine, raw.decode("utf-8"))
    except UnicodeDecodeError:
        machine.stack.append(raw)
        _remember(machine, raw)


def _short_binstring(machine: Machine, at: int) -> int:
    length = machine.window.take(at, 1)[0]
    _push_text(machine, machine.take(at + 1, length))
    return at + 1 + length


def _binstring(machine: Machine, at: int) -> int:
    length = struct.unpack("<i", machine.window.take(at, 4))[0]
    machine.window.require(at + 4, length)
    if length <= INLINE_BYTES:
        _push_text(machine, machine.take(at + 4, length))
    else:
        _push_far(machine, at + 4, length)
    return at + 4 + length  # type: ignore[no-any-return]


def _unicode_line(machine: Machine, at: int) -> int:
    text, at = machine.window.line(at)
    _push(machine, text.decode("raw-unicode-escape"))
    return at


def _binunicode8(machine: Machine, at: int) -> int:
    length = _U64(machine.window.take(at, 8))[0]
    _push(machine, str(machine.take(at + 8, length), "utf-8", "surrogatepass"))
    return at + 8 + length  # type: ignore[no-any-return]


def _remember(machine: Machine, value: bytes | Bytes) -> None:
    if len(machine.stream.byte_strings) < BYTE_STRINGS:
        machine.stream.byte_strings.append(value)


def _push_far(machine: Machine, at: int, length: int, mutable: bool = False) -> None:
    far = Bytes(at, length, mutable)
    machine.stack.append(far)
    _remember(machine, far)


def _bytes(width: int, mutable: bool = False) -> Step:
    """A byte string with a length of 1, 4 or 8 bytes before it; a long one stays where it lies."""

    def run(machine: Machine, at: int) -> int:
        length = int.from_bytes(machine.window.take(at, width), "little")
        at += width
        machine.window.require(at, length)
        if mutable or length > INLINE_BYTES or _holds_a_file(machine):
            _push_far(machine, at, length, mutable)
        else:
            value = machine.take(at, length)
            machine.stack.append(value)
            _remember(machine, value)
        return at + length

    return run


def _holds_a_file(machine: Machine) -> bool:
    """A byte string that is a whole torch file stays where it lies, however short: its tensors are read from there later."""
    top = machine.stack[-1] if machine.stack else None
    return type(top) is Global and top.name == EMBEDDED


# -- names and calls ---------------------------------------------------------------------------------------------------


def _text_lines(machine: Machine, at: int) -> tuple[str, str, int]:
    module, at = machine.window.line(at)
    attribute, at = machine.window.line(at)
    return module.decode("utf-8", "backslashreplace"), attribute.decode("utf-8", "backslashreplace"), at


def _global(machine: Machine, at: int) -> int:
    module, attribute, at = _text_lines(machine, at)
    machine.stack.append(machine.name(module, attribute))
    return at


def _stack_global(machine: Machine, at: int) -> int:
    attribute, module = machine.stack.pop(), machine.stack.pop()
    if type(module) is not str or type(attribute) is not str:
        machine.odd("a name is built from something that is no text")
    machine.stack.append(machine.name(_spelled(module), _spelled(attribute)))
    return at


def _spelled(part: Value) -> str:
    if type(part) is str:
        return part
    return f"<{part.name}>" if isinstance(part, Global) else "<?>"


def _inst(machine: Machine, at: int) -> int:
    module, attribute, at = _text_lines(machine, at)
    args = tuple(machine.since_mark())
    machine.stack.append(machine.call(machine.name(module, attribute), args, "object"))
    return at


def _obj(machine: Machine, at: int) -> int:
    fn, *args = machine.since_mark()
    machine.stack.append(machine.call(fn, tuple(args), "object"))
    return at


def _newobj(machine: Machine, at: int) -> int:
    args, fn = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.call(fn, args, "new"))
    return at


def _newobj_ex(machine: Machine, at: int) -> int:
    keywords, args, fn = machine.stack.pop(), machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.call(fn, (args, keywords), "new_ex"))
    return at


def _extension(width: int) -> Step:
    """A number in copyreg's registry, which the reader's own process would have to have filled."""

    def run(machine: Machine, at: int) -> int:
        code = int.from_bytes(machine.window.take(at, width), "little", signed=width == 4)
        machine.stack.append(machine.name("copyreg", f"extension {code}"))
        return at + width

    return run


def _persid(machine: Machine, at: int) -> int:
    text, at = machine.window.line(at)
    outside = Persistent(text.decode("utf-8", "backslashreplace"))
    machine.stack.append(outside)
    machine.stream.persistent.append(outside)
    return at


# -- memo, stack, containers -------------------------------------------------------------------------------------------


def _get_line(machine: Machine, at: int) -> int:
    text, at = machine.window.line(at)
    machine.stack.append(machine.get(int(text)))
    return at


def _put_line(machine: Machine, at: int) -> int:
    text, at = machine.window.line(at)
    machine.put(int(text))
    return at


def _pop(machine: Machine) -> None:
    if machine.marks and machine.marks[-1] >= len(machine.stack):
        machine.marks.pop()
    else:
        machine.stack.pop()


def _pop_mark(machine: Machine) -> None:
    machine.since_mark()


def _dict(machine: Machine) -> None:
    items = machine.since_mark()
    machine.stack.append(Dict())
    set_items(machine, items)


def _setitem(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    set_items(machine, [key, value])


def _append(machine: Machine) -> None:
    add_items(machine, [machine.stack.pop()])


def _build(machine: Machine) -> None:
    build(machine, machine.stack.pop())


# -- frames and versions -----------------------------------------------------------------------------------------------


def _proto(machine: Machine, at: int) -> int:
    version = machine.window.take(at, 1)[0]
    if version > 5:
        raise Corrupt(f"a pickle of protocol {version}, and there are only 0 to 5", "Get the file again from its source.")
    machine.stream.protocol = max(machine.stream.protocol, version)
    return at + 1


def _frame(machine: Machine, at: int) -> int:
    """Frames only help a reader to fetch ahead; one that ends inside an instruction hides it from readers that trust frames (S-14)."""
    length = _U64(machine.window.take(at, 8))[0]
    at += 8
    if machine.frame_end is not None and machine.frame_end > at - 9:
        machine.odd("frames overlap")
    if at + length > machine.window.end:
        machine.odd("a frame is longer than the pickle")
    machine.frame_end = at + length
    return at


def _buffer(machine: Machine) -> None:
    machine.stack.append(Unknown("a buffer that is kept outside the pickle"))


def _readonly(machine: Machine) -> None:
    machine.stack.append(machine.stack.pop())  # the top must be there, and stays what it is


_KNOWN: dict[bytes, Step] = {
    b"c": _global,
    b"\x80": _proto,
    b"\x8a": _long1,
    b"U": _short_binstring,
    b"\x81": _newobj,
    b"b": _known(_build),
    b"a": _known(_append),
    b"s": _known(_setitem),
    b"e": _known(lambda machine: add_items(machine, machine.since_mark())),
    b"u": _known(lambda machine: set_items(machine, machine.since_mark())),
    b"\x8f": _known(lambda machine: machine.stack.append(Set([]))),
}
_OTHER: dict[bytes, Step] = {
    b"I": _int_line,
    b"L": _long_line,
    b"F": _float_line,
    b"\x8b": _long4,
    b"S": _string_line,
    b"T": _binstring,
    b"V": _unicode_line,
    b"\x8d": _binunicode8,
    b"C": _bytes(1),
    b"B": _bytes(4),
    b"\x8e": _bytes(8),
    b"\x96": _bytes(8, mutable=True),
    b"\x93": _stack_global,
    b"i": _inst,
    b"o": _obj,
    b"\x92": _newobj_ex,
    b"\x82": _extension(1),
    b"\x83": _extension(2),
    b"\x84": _extension(4),
    b"P": _persid,
    b"g": _get_line,
    b"p": _put_line,
    b"0": _known(_pop),
    b"1": _known(_pop_mark),
    b"2": _known(lambda machine: machine.stack.append(machine.stack[-1])),
    b"d": _known(_dict),
    b"l": _known(lambda machine: machine.stack.append(machine.since_mark())),
    b"\x90": _known(lambda machine: add_items(machine, machine.since_mark())),
    b"\x91": _known(lambda machine: machine.stack.append(Set(machine.since_mark(), frozen=True))),
    b"\x95": _frame,
    b"\x97": _known(_buffer),
    b"\x98": _known(_readonly),
}

TABLE: dict[int, Step] = {code[0]: step for code, step in _KNOWN.items()}
TABLE |= {code[0]: _noted(code[0], step) for code, step in _OTHER.items()}
