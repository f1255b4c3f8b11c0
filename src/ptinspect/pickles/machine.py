"""The inert machine: runs every instruction of pickle protocols 0 to 5 over inert values.

Nothing a stream names is imported, called or constructed; no container is hashed or compared; nothing recurses. A stream that
breaks off keeps what it had built: the names a payload put first stay visible, and whole tensors before a cut stay usable.

One loop holds the two dozen instructions that a state_dict consists of; the others are small functions in `instructions`.
The loop is long on purpose (a call per instruction costs a third more time at 4.5 million of them); it is the one place
where the house rule on function length gives way to a measured speed.
"""

from __future__ import annotations

import struct
import time

from ptinspect.errors import Corrupt, FileProblem, LimitExceeded, Truncated
from ptinspect.limits import Limits
from ptinspect.pickles import instructions
from ptinspect.pickles.filling import salvage
from ptinspect.pickles.stream import Stream
from ptinspect.pickles.values import Call, Dict, Global, Persistent, Value, class_outside
from ptinspect.pickles.window import Window

ROUND = 1 << 14
MARGIN = 16
ODDITIES = 50
COMPUTED = 100_000
TELLING = 6
WIDEST = 8  # the longest argument of fixed size, in bytes

_I32 = struct.Struct("<i").unpack_from
_U32 = struct.Struct("<I").unpack_from
_U16 = struct.Struct("<H").unpack_from
_F64 = struct.Struct(">d").unpack_from

_BREAKS = (IndexError, KeyError, ValueError, TypeError, AttributeError, OverflowError, struct.error)


class Machine:
    """The state of one run; `run` is called once."""

    __slots__ = ("frame_end", "limits", "marks", "memo", "objects", "sparse", "stack", "stream", "text_bytes", "texts", "window")

    def __init__(self, window: Window, limits: Limits, at: int = 0) -> None:
        self.window = window
        self.limits = limits
        self.stack: list[Value] = []
        self.marks: list[int] = []
        self.memo: list[Value] = []
        self.sparse: dict[int, Value] = {}
        self.stream = Stream(start=at)
        self.objects = 0
        self.text_bytes = 0
        self.texts: list[str] = []
        self.frame_end: int | None = None

    def run(self) -> Stream:
        """Walk the stream to its STOP, or to where it breaks."""
        stream = self.stream
        try:
            self._loop(stream.start)
            stream.root = self.stack.pop()
            stream.left = self.stack
        except FileProblem as problem:
            stream.problem = problem
        except _BREAKS as error:
            stream.problem = self._broken(error)
        if stream.problem is not None:
            stream.root = salvage(self)
        self.show_texts()
        self.memo, self.sparse = [], {}
        return stream

    def _broken(self, error: Exception) -> FileProblem:
        """Whether the stream ran out of bytes or contradicts itself.

        The loop has no time to ask at each of its instructions, so where it stood is read off the frame that it left.
        """
        window, trace = self.window, error.__traceback__
        stood = trace.tb_next.tb_frame.f_locals if trace is not None and trace.tb_next is not None else {}
        wanted = WIDEST if isinstance(error, struct.error) else 1 if isinstance(error, IndexError) else 0
        ended = window.start + len(window.data) >= window.end and stood.get("pos", 0) + wanted > len(window.data)
        if wanted and ended:
            return Truncated("a pickle ends too early", "Download or copy the file again.", f"byte {window.end:,}")
        where = f"byte {window.start:,} and after"
        return Corrupt("a pickle contradicts itself", "Get the file again from its source.", where)

    def odd(self, what: str) -> None:
        """Note something that no honest writer does."""
        if len(self.stream.odd) < ODDITIES and what not in self.stream.odd:
            self.stream.odd.append(what)

    def name(self, module: str, attribute: str) -> Global:
        """The one Global of that full name in this stream."""
        full = f"{module}.{attribute}"
        known = self.stream.globals
        found = known.get(full)
        if found is None:
            found = known[full] = Global(full)
        found.named += 1
        return found

    def call(self, fn: Value, args: Value, how: str) -> Call:
        """An inert call, remembered with its name."""
        made = Call(fn, args, how)
        if type(fn) is Global:
            fn.remember(made)
        else:
            self.compute(made)
        return made

    def compute(self, call: Call) -> None:
        """Remember the call of something that is no plain name; a stream may do nothing else, so boundedly."""
        named = class_outside(call.fn)
        if named is not None:
            named.remember(call)
            return
        self.odd("something that is no plain name is called")
        if len(self.stream.computed) < COMPUTED:
            self.stream.computed.append(call)

    def put(self, index: int) -> None:
        """Remember what lies on top. Writers count from 0 on, which the list is for; other numbers go to a dict beside it."""
        top = self.stack[-1]
        if index == len(self.memo) and not self.sparse:
            self.memo.append(top)
        elif 0 <= index < len(self.memo):
            self.memo[index] = top
        else:
            self.sparse[index] = top

    def get(self, index: int) -> Value:
        """What was remembered under a number; KeyError where nothing was."""
        return self.memo[index] if 0 <= index < len(self.memo) else self.sparse[index]

    def show_texts(self) -> None:
        """Hand the strings gathered since the last time to whoever asked for them."""
        if self.window.tap is not None and self.texts:
            self.window.tap(self.texts)
        self.texts.clear()

    def since_mark(self) -> list[Value]:
        """Pop everything above the last mark."""
        stack = self.stack
        mark = self.marks.pop()
        items = stack[mark:]
        del stack[mark:]
        return items

    def check(self, started: float) -> None:
        """Compare what was spent with the limits; once a round."""
        limits = self.limits
        spent = (
            ("opcodes", self.stream.opcodes, limits.opcodes),
            ("objects", self.objects, limits.objects),
            ("stack", len(self.stack), limits.stack),
            ("memo", len(self.memo) + len(self.sparse), limits.memo),
            ("string_bytes", self.text_bytes, limits.string_bytes),
        )
        for name, value, limit in spent:
            if value > limit:
                raise _limit(name, f"{limit:,}")
        if time.monotonic() - started > limits.seconds:
            raise _limit("seconds", f"{limits.seconds:g}")

    def _loop(self, at: int) -> None:  # noqa: C901, PLR0912, PLR0915 - one loop on purpose, see the module's docstring
        window, stack, marks, memo, sparse, stream = self.window, self.stack, self.marks, self.memo, self.sparse, self.stream
        push, rest, gather, refer = stack.append, instructions.TABLE.get, self.texts.append, stream.persistent.append
        started = time.monotonic()
        window.fill(at)
        data, pos = window.data, 0
        edge = _edge(window)
        while True:
            made = 0
            for _ in range(ROUND):
                if pos > edge:
                    window.fill(window.start + pos)
                    data, pos = window.data, 0
                    edge = _edge(window)
                op = data[pos]
                pos += 1
                if op == 0x72:  # LONG_BINPUT
                    top = stack[-1]
                    index = _U32(data, pos)[0]
                    if index == len(memo) and not sparse:
                        memo.append(top)
                    else:
                        self.put(index)
                    pos += 4
                elif op == 0x68:  # BINGET
                    index = data[pos]
                    push(memo[index] if index < len(memo) else sparse[index])
                    pos += 1
                elif op == 0x4B:  # BININT1
                    push(data[pos])
                    pos += 1
                elif op == 0x28:  # MARK
                    marks.append(len(stack))
                elif op == 0x58:  # BINUNICODE
                    length = _U32(data, pos)[0]
                    end = pos + 4 + length
                    if end <= len(data):
                        text = data[pos + 4 : end].decode("utf-8", "surrogatepass")
                        pos = end
                    else:
                        text = str(self.take(window.start + pos + 4, length), "utf-8", "surrogatepass")
                        window.fill(window.start + end)
                        data, pos = window.data, 0
                        edge = _edge(window)
                    push(text)
                    if length >= TELLING:
                        gather(text)
                    made += length >> 6
                elif op == 0x52:  # REDUCE
                    args = stack.pop()
                    fn = stack[-1]
                    call = Call(fn, args)
                    if type(fn) is Global:
                        fn.called += 1
                        if fn.called <= fn.keep:
                            fn.calls.append(call)
                    else:
                        self.compute(call)
                    stack[-1] = call
                    made += 1
                elif op == 0x74:  # TUPLE
                    mark = marks.pop()
                    items = tuple(stack[mark:])
                    del stack[mark:]
                    push(items)
                    made += 1
                elif op == 0x86:  # TUPLE2
                    second = stack.pop()
                    stack[-1] = (stack[-1], second)
                    made += 1
                elif op == 0x85:  # TUPLE1
                    stack[-1] = (stack[-1],)
                    made += 1
                elif op == 0x71:  # BINPUT
                    top = stack[-1]
                    index = data[pos]
                    if index == len(memo) and not sparse:
                        memo.append(top)
                    else:
                        self.put(index)
                    pos += 1
                elif op == 0x51:  # BINPERSID
                    stack[-1] = outside = Persistent(stack[-1])
                    refer(outside)
                    made += 1
                elif op == 0x29:  # EMPTY_TUPLE
                    push(())
                elif op == 0x89:  # NEWFALSE
                    push(False)
                elif op == 0x4D:  # BININT2
                    push(_U16(data, pos)[0])
                    pos += 2
                elif op == 0x4A:  # BININT
                    push(_I32(data, pos)[0])
                    pos += 4
                elif op == 0x87:  # TUPLE3
                    third = stack.pop()
                    second = stack.pop()
                    stack[-1] = (stack[-1], second, third)
                    made += 1
                elif op == 0x94:  # MEMOIZE
                    if sparse:
                        self.put(len(memo) + len(sparse))
                    else:
                        memo.append(stack[-1])
                    stream.instructions.add(op)
                elif op == 0x8C:  # SHORT_BINUNICODE
                    length = data[pos]
                    end = pos + 1 + length
                    if end > len(data):
                        text = str(self.take(window.start + pos + 1, length), "utf-8", "surrogatepass")
                        window.fill(window.start + end)
                        data, pos = window.data, 0
                        edge = _edge(window)
                    else:
                        text = data[pos + 1 : end].decode("utf-8", "surrogatepass")
                        pos = end
                    push(text)
                    if length >= TELLING:
                        gather(text)
                    stream.instructions.add(op)
                elif op == 0x4E:  # NONE
                    push(None)
                elif op == 0x6A:  # LONG_BINGET
                    push(self.get(_U32(data, pos)[0]))
                    pos += 4
                elif op == 0x88:  # NEWTRUE
                    push(True)
                elif op == 0x7D:  # EMPTY_DICT
                    push(Dict())
                    made += 2
                elif op == 0x5D:  # EMPTY_LIST
                    push([])
                    made += 1
                elif op == 0x47:  # BINFLOAT
                    push(_F64(data, pos)[0])
                    pos += 8
                elif op == 0x2E:  # STOP
                    stream.end = window.start + pos
                    self.objects += made
                    return
                else:
                    step = rest(op)
                    if step is None:
                        raise _unknown(op, window.start + pos - 1)
                    end = step(self, window.start + pos) - window.start
                    if end > len(data) or window.data is not data:
                        window.fill(window.start + end)
                        data, end = window.data, 0
                        edge = _edge(window)
                    pos = end
                    made += 1
            stream.opcodes += ROUND
            self.objects += made
            self.check(started)
            self.show_texts()

    def take(self, at: int, length: int) -> bytes:
        """Bytes of a string, counted against the limit before they are read."""
        self.text_bytes += length
        if self.text_bytes > self.limits.string_bytes and length <= self.window.end - at:
            raise _limit("string_bytes", f"{self.limits.string_bytes:,}")
        return self.window.take(at, length)


def _edge(window: Window) -> int:
    """The last place in the view where any instruction of fixed size still fits; at the end of the stream, its end."""
    size = len(window.data)
    return size - MARGIN if window.start + size < window.end else size


def _limit(name: str, limit: str) -> LimitExceeded:
    hint = "No honest file was seen to need that much; if this one is, raise the limit of that name."
    return LimitExceeded(f"a pickle goes over the limit `{name}` ({limit})", hint)


def _unknown(op: int, at: int) -> Corrupt:
    return Corrupt(f"no pickle instruction has the code 0x{op:02x}", "Get the file again from its source.", f"byte {at:,}")


def run(window: Window, limits: Limits, at: int = 0) -> Stream:
    """Walk one pickle of a source that begins at `at`."""
    return Machine(window, limits, at).run()
