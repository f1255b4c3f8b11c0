"""What a reader hands on: the inert root, every tensor, every pickle, every record, and what looked wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from ptinspect.errors import FileProblem
from ptinspect.findings import Finding
from ptinspect.frozen import field, frozen, slotted
from ptinspect.pickles.stream import Stream
from ptinspect.pickles.traces import Traces
from ptinspect.pickles.values import Value
from ptinspect.pickles.window import Source
from ptinspect.tensors import TensorInfo

Container = Literal[
    "torch-zip",
    "torch-legacy",
    "torch-tar",
    "torchscript",
    "torch-export",
    "torch-package",
    "safetensors",
    "pickle",
    "sharded",
    "distributed",
]


class Record(NamedTuple):
    """One stored piece of the file. `header` is where its entry begins, `data` where its bytes do (None: ask the local header)."""

    name: str
    header: int
    data: int | None
    size: int
    stored: int
    method: int
    crc: int
    flags: int

    @property
    def is_plain(self) -> bool:
        """Stored as it is: neither compressed nor encrypted nor patched (flag bits 0, 6 and 5)."""
        return self.method == 0 and not self.flags & 0x61


@slotted
class Pickle:
    """One pickle of the file, by the name people would look for it under, and the bytes that its offsets count in.

    `traces` saw the strings as they were walked, where the reader attached one as the window's tap.
    """

    name: str
    stream: Stream
    source: Source
    traces: Traces | None = None


@slotted
class Place:
    """One name under which a tensor is reached; `in_weights` is False for a plain attribute of a module."""

    path: str
    tensor: TensorInfo
    in_weights: bool = True


@frozen
class ClassMembers:
    """What a TorchScript class declares, read from its text: which attributes are parameters, which buffers, which constants.

    `buffers` is None where the text says nothing about them (archives before torch 1.6). `attributes` maps every stored
    attribute to its type, `constants` every constant that the text holds to its value, both as written.
    """

    parameters: tuple[str, ...] = ()
    buffers: tuple[str, ...] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)


@frozen
class Signature:
    """What an exported program's graph takes in besides its inputs, by state_dict name.

    `non_persistent` are those of the buffers that no state_dict holds; `constants` are tensors that the graph lifted.
    """

    parameters: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    non_persistent: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()


@slotted
class Document:
    """A file as bytes, before anyone says what it means.

    `root` is what loading would return (inert). `tensors` are the distinct tensors in file order, `places` every name that
    reaches one (a tied tensor has two), `by_value` finds the tensor of an inert value by identity. `code` maps the name of
    each program text in the file (TorchScript, torch.package) to a function that reads it. `unused` are data records that no
    tensor names. `only_members` says that the file is an ordinary archive: its problem is a NotACheckpoint that names the members
    which can be opened once unpacked, and `pickles` holds those members that are pickles, for `scan`.

    `held` reads the bytes of storages that have no place in the file (text, or a deflated record, around them), by storage key.

    `classes` finds what a TorchScript class declares by its full name (`__torch__.torch.nn.modules.conv.Conv2d`), reading its text
    when asked. `signatures` holds those of exported programs, by the path of their weight set (empty where there is one program).
    """

    container: Container
    root: Value
    tensors: list[TensorInfo] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    by_value: dict[int, TensorInfo] = field(default_factory=dict)
    pickles: list[Pickle] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)
    unused: list[Record] = field(default_factory=list)
    code: dict[str, Callable[[], str]] = field(default_factory=dict)
    held: dict[str, Callable[[], bytes]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    classes: Callable[[str], ClassMembers | None] | None = None
    signatures: dict[str, Signature] = field(default_factory=dict)
    problem: FileProblem | None = None
    only_members: bool = False

    @property
    def signature(self) -> Signature | None:
        """The signature of the exported program, or of the first of several."""
        return next(iter(self.signatures.values()), None)
