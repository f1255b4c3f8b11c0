"""Everything the window depends on, as one frozen value. Verbs make the next one, `resolve` says what it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptinspect.checkpoint.layers import LayerNode
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.frozen import field, frozen
from ptinspect.session.chips import badges_of, banner_of, safety_of
from ptinspect.session.filters import Narrowed
from ptinspect.session.inspectors import Inspector
from ptinspect.session.numbers import Numbers
from ptinspect.session.rows import Facts, RowTable
from ptinspect.session.settings import Settings
from ptinspect.session.troubles import Trouble

if TYPE_CHECKING:
    from ptinspect.analysis.compare.model import Status
    from ptinspect.errors import InspectError
    from ptinspect.session.batch.choices import BatchPage, Choices, Subject
    from ptinspect.session.batch.heard import Surroundings
    from ptinspect.session.batch.record import Record
    from ptinspect.session.batch.rows import LayerTable
    from ptinspect.session.batch.work import Question
    from ptinspect.session.comparison.aligned import Aligned
    from ptinspect.session.comparison.looks import PairLook
    from ptinspect.session.comparison.request import ComparisonPage, ComparisonRequest, SideName
    from ptinspect.session.comparison.rows import Order, PairTable
    from ptinspect.session.comparison.work import Compared
    from ptinspect.session.numbers import Busy
    from ptinspect.session.pages import Pages
    from ptinspect.session.watching import Stamp


class Opened:
    """A file that was read: compared by identity, since it is read once and never changes."""

    __slots__ = ("badges", "banner", "broken", "checkpoint", "facts", "first", "safety", "sorted", "table", "tree")

    def __init__(self, checkpoint: Checkpoint, tree: LayerNode) -> None:
        self.checkpoint = checkpoint
        self.tree = tree
        self.facts = Facts(tree, checkpoint.main.path if checkpoint.main else "")
        self.table = RowTable(tree, self.facts)
        self.banner = banner_of(checkpoint, self.facts.main_dtype)
        self.safety = safety_of(checkpoint)
        self.badges = badges_of(checkpoint)
        self.broken = sum(tensor.problem is not None for tensor in checkpoint.document.tensors)
        self.first: frozenset[str] = frozenset()  # what is open in the tree when nobody chose yet
        self.sorted: RowTable | None = None  # its rows as the user sorts them, when it is opened


@frozen
class Tab:
    """One open file: being read, read, or a problem that says why not."""

    id: int
    path: str
    opened: Opened | None = None
    pages: Pages | None = None
    trouble: Trouble | None = None
    selected: str = ""
    expanded: frozenset[str] = frozenset()
    inspector: Inspector = "overview"
    filter: str = ""
    narrowed: Narrowed | None = None
    kept: RowTable | None = None  # the rows that the filter kept, or all of them in an order; None is all as the file has them
    is_reading: bool = True
    share: float | None = None  # how much of it was read, told of what takes long
    is_stale: bool = False
    numbers: Numbers = Numbers()


@frozen
class ComparisonTab:
    """Two files side by side: being opened, aligned with numbers coming in, or a problem of one of them."""

    id: int
    request: ComparisonRequest
    order: Order
    aligned: Aligned | None = None
    table: PairTable | None = None
    shown: bytes | None = None  # a 1 for each tensor that has a row, None where all have
    revision: int = 0  # counts what came into the aligned tree
    histograms: dict[int, bytes] = field(default_factory=dict)
    report: Compared | None = None
    busy: Busy | None = None
    stopped: str = ""  # why there is no verdict
    trouble: Trouble | None = None
    side: SideName = "left"  # the one that is in trouble
    stamps: tuple[Stamp | None, Stamp | None] = (None, None)
    is_reading: bool = True
    is_stale: bool = False
    page: ComparisonPage = "difference"
    selected: str = ""
    expanded: frozenset[str] = frozenset()
    hidden: frozenset[Status] = frozenset()
    filter: str = ""
    narrowed: Narrowed | None = None
    is_pairing: bool = False  # whether the pairing rules are shown though there are none
    looks: tuple[tuple[int, PairLook], ...] = ()  # by the place of the pair, the newest last

    @property
    def watched(self) -> tuple[tuple[str, Stamp | None], ...]:
        """Both files, and how they were when they were read."""
        return (self.request.left.path, self.stamps[0]), (self.request.right.path, self.stamps[1])

    def look(self, place: int) -> PairLook | None:
        """What was read of a pair."""
        return next((found for at, found in self.looks if at == place), None)


@frozen
class BatchTab:
    """A test batch of a file, or of two: what is asked for, what runs, and what was measured."""

    id: int
    path: str
    choices: Choices
    other: str = ""  # the second file
    subject: Subject | None = None
    record: Record | None = None  # what is shown
    coming: Record | None = None  # what runs
    revision: int = 0  # counts what came into the records
    around: Surroundings | None = None  # the child's torch and its devices
    around_note: str = ""
    busy: Busy | None = None
    asking: Question | None = None
    problem: InspectError | None = None
    detail: str = ""  # the last that the child said
    stopped: bool = False
    stamp: Stamp | None = None
    is_stale: bool = False
    is_reading: bool = False
    trouble: Trouble | None = None
    page: BatchPage = "layers"
    selected: str = ""
    expanded: frozenset[str] = frozenset()
    sample: int = 0
    filter: str = ""
    narrowed: Narrowed | None = None
    kept: LayerTable | None = None  # the rows that the filter kept


AnyTab = Tab | ComparisonTab | BatchTab


@frozen
class Message:
    """One line in the message bar, with what to do next. A bug of ours carries its report."""

    text: str
    hint: str = ""
    report: str = ""
    is_good: bool = False


@frozen
class Offer:
    """Two files that may belong side by side."""

    left: str
    right: str


@frozen
class State:
    """The whole application."""

    tabs: tuple[AnyTab, ...] = ()
    active: int | None = None
    next_id: int = 1
    settings: Settings = Settings()
    message: Message | None = None
    offer: Offer | None = None

    @property
    def front(self) -> AnyTab | None:
        """The tab in front, whatever it shows; None is the start page."""
        return self.at(self.active)

    @property
    def tab(self) -> Tab | None:
        """The file in front, if it is one."""
        return self.find(self.active)

    @property
    def comparison(self) -> ComparisonTab | None:
        """The comparison in front, if it is one."""
        front = self.front
        return front if isinstance(front, ComparisonTab) else None

    @property
    def batch(self) -> BatchTab | None:
        """The test batch in front, if it is one."""
        front = self.front
        return front if isinstance(front, BatchTab) else None

    @property
    def documents(self) -> tuple[Tab, ...]:
        """The tabs that show a file."""
        return tuple(tab for tab in self.tabs if isinstance(tab, Tab))

    def at(self, id_: int | None) -> AnyTab | None:
        """A tab by its number."""
        return next((tab for tab in self.tabs if tab.id == id_), None)

    def find(self, id_: int | None) -> Tab | None:
        """A file's tab by its number."""
        found = self.at(id_)
        return found if isinstance(found, Tab) else None
