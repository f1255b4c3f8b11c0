"""What the window shows, as values: `resolve` makes them, panels draw them and know nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptinspect.frozen import frozen
from ptinspect.session.chips import Chip
from ptinspect.session.columns import ColumnChoice
from ptinspect.session.filters import Narrowed
from ptinspect.session.inspectors import Inspector
from ptinspect.session.numbers import Numbers
from ptinspect.session.rows import RowTable
from ptinspect.session.settings import Recent, Theme
from ptinspect.session.state import BatchTab, ComparisonTab, Message, Offer
from ptinspect.session.troubles import Tone, Trouble

if TYPE_CHECKING:
    from ptinspect.session.comparison.banner import ComparisonBanner, Toggle
    from ptinspect.session.comparison.rows import PairTable
    from ptinspect.session.pages import Pages


@frozen
class TabView:
    """The head of one tab."""

    id: int
    title: str
    tip: str
    icon: str
    tone: Tone = "plain"
    is_reading: bool = False


@frozen
class StatusView:
    """The line at the bottom: what goes on, and the file in a few words."""

    text: str
    icon: str = ""
    tone: Tone = "plain"
    facts: tuple[str, ...] = ()
    is_busy: bool = False
    share: float | None = None
    slot: str = ""  # by which what goes on is cancelled


@frozen
class WelcomeView:
    """The start page."""

    recent: tuple[Recent, ...]
    samples: tuple[tuple[str, str, str, str], ...]


@frozen
class OpeningView:
    """A file that is being read."""

    tab: int
    path: str


@frozen
class TroubleView:
    """A file that cannot be shown."""

    tab: int
    path: str
    trouble: Trouble
    banner: tuple[Chip, ...]
    safety: Chip | None


@frozen
class Notice:
    """A line above the layers: what a filter or an order misses, and whether counting would help."""

    text: str
    tone: Tone = "plain"
    can_count: bool = False
    more: str = ""


@frozen
class DocumentView:
    """A file that is open."""

    tab: int
    path: str
    banner: tuple[Chip, ...]
    safety: Chip
    table: RowTable
    whole: RowTable
    narrowed: Narrowed | None
    expanded: frozenset[str]
    selected: str
    columns: ColumnChoice
    inspector: Inspector
    inspector_width: int | None
    is_inspector_shown: bool
    badges: tuple[tuple[Inspector, int, Tone], ...]
    pages: Pages | None
    is_stale: bool
    numbers: Numbers
    is_behind: bool = False  # more was counted since its rows were filtered or sorted
    notice: Notice | None = None
    unread: int = 0  # tensors whose values cannot be read


@frozen
class ComparisonView:
    """Two files side by side. `state` is the tab itself: pages draw from it what they show."""

    tab: int
    state: ComparisonTab
    table: PairTable
    banner: ComparisonBanner
    toggles: tuple[Toggle, ...]
    expanded: frozenset[str]
    rank: int  # the place of the selected row among all tensors
    differences: int
    place: int  # which difference that is, counted from 1; 0 where it is none
    inspector_width: int | None
    is_inspector_shown: bool


@frozen
class BatchView:
    """A test batch. `state` is the tab itself: panels draw from it what they show."""

    tab: int
    state: BatchTab
    banner: tuple[Chip, ...]
    safety: Chip
    python: str
    is_inspector_shown: bool


PageView = WelcomeView | OpeningView | TroubleView | DocumentView | ComparisonView | BatchView


@frozen
class WindowView:
    """The whole window."""

    title: str
    tabs: tuple[TabView, ...]
    active: int | None
    page: PageView
    status: StatusView
    filter: str
    filter_note: str
    can_filter: bool
    theme: Theme
    message: Message | None
    offer: Offer | None = None
