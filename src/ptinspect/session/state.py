"""Everything the window depends on, as one frozen value. Verbs make the next one, `resolve` says what it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptinspect.checkpoint.layers import LayerNode
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.frozen import frozen
from ptinspect.session.chips import badges_of, banner_of, safety_of
from ptinspect.session.filters import Narrowed
from ptinspect.session.inspectors import Inspector
from ptinspect.session.numbers import Numbers
from ptinspect.session.rows import Facts, RowTable
from ptinspect.session.settings import Settings
from ptinspect.session.troubles import Trouble

if TYPE_CHECKING:
    from ptinspect.session.pages import Pages


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
    is_stale: bool = False
    numbers: Numbers = Numbers()


@frozen
class Message:
    """One line in the message bar, with what to do next. A bug of ours carries its report."""

    text: str
    hint: str = ""
    report: str = ""


@frozen
class State:
    """The whole application."""

    tabs: tuple[Tab, ...] = ()
    active: int | None = None
    next_id: int = 1
    settings: Settings = Settings()
    message: Message | None = None

    @property
    def tab(self) -> Tab | None:
        """The tab in front; None is the start page."""
        return self.find(self.active)

    def find(self, id_: int | None) -> Tab | None:
        """A tab by its number."""
        return next((tab for tab in self.tabs if tab.id == id_), None)
