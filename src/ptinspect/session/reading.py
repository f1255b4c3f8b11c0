"""The verbs that read values: count a file, look at a tensor, fill its table, save it. All in the background, all to be cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ptinspect.checkpoint.layers import TensorRow
from ptinspect.errors import FileProblem, InspectError
from ptinspect.findings import Finding
from ptinspect.frozen import replace
from ptinspect.session.numbers import Busy, Numbers
from ptinspect.session.state import Opened, Tab
from ptinspect.session.tasks import Context, Tasks
from ptinspect.session.tensor_looks import ALONE, SLOW, Failed, LookRequest, look
from ptinspect.session.values_table import Blocks, Place, grid_of, read_block
from ptinspect.session.words import plain

if TYPE_CHECKING:
    from ptinspect.session.number_work import Counted

MOST_LOOKS, MOST_ALSO = 24, 8
SOON, OFTEN = 0.3, 0.1
_DOING = {"spectrum": "Decomposing", "channels": "Counting channels of"}
Find = Callable[[int | None], Tab | None]


class Reading:
    """One for the application. `find` gives a tab by its number, None the one in front; `update` changes one; `say` tells the user."""

    def __init__(self, tasks: Tasks, find: Find, update: Callable[..., None], say: Callable[..., None]) -> None:
        self.tasks = tasks
        self.rested: Callable[[], None] = lambda: None  # what to do once a file was counted, or will not be
        self._find, self._update, self._say = find, update, say
        self._blocks: dict[int, tuple[str, Blocks]] = {}

    # -- the whole file -------------------------------------------------------------------------------------------------------------

    def count(self, id_: int, again: bool = False) -> None:
        """Count the values of a file, once its pages are there; `again` also where somebody stopped it."""
        tab = self._find(id_)
        if tab is None or tab.opened is None or tab.pages is None:
            return
        numbers, slot, opened = tab.numbers, f"count {id_}", tab.opened
        if numbers.is_busy(slot) or numbers.findings is not None or (numbers.stopped and not again):
            return
        self._change(id_, stopped="", busy=(*numbers.busy, Busy(slot, "Reading value statistics", 0.0)))
        self.tasks.run(
            slot,
            lambda context: _count(opened, context),
            lambda findings: self._healthy(id_, opened, findings),
            lambda error: self._stopped(id_, error),
            partial=lambda found: self._counted(id_, opened, found),
        )

    def _counted(self, id_: int, opened: Opened, found: Counted) -> None:
        shelf = opened.facts.shelf
        for row, packed, spark in found.rows:
            shelf.put(row, packed, spark)
        for node, spark in found.layers:
            shelf.put_layer(node, spark)
        tab = self._find(id_)
        if tab is not None and tab.opened is opened:
            busy = _with(tab.numbers.busy, Busy(f"count {id_}", found.text, found.share))
            self._change(id_, revision=tab.numbers.revision + 1, busy=busy)

    def _healthy(self, id_: int, opened: Opened, findings: tuple[Finding, ...]) -> None:
        tab = self._find(id_)
        if tab is None or tab.opened is not opened:
            return
        opened.facts.shelf.mark_all(findings)
        self._idle(id_, f"count {id_}")
        self._change(id_, findings=findings)
        if tab.pages is not None:
            from ptinspect.session.overview import with_findings  # noqa: PLC0415 - pages come after the rows

            self._update(id_, pages=replace(tab.pages, overview=with_findings(tab.pages.overview, findings)))
        self.rested()

    def _stopped(self, id_: int, error: Exception) -> None:
        self._idle(id_, f"count {id_}")
        self._change(id_, stopped=plain(error.message if isinstance(error, InspectError) else str(error), 300) or "stopped")
        if not isinstance(error, FileProblem):
            self._tell(error)
        self.rested()

    def cancel(self, slot: str) -> None:
        """Stop one of the things that go on."""
        self.tasks.cancel(slot)
        id_ = int(slot.rpartition(" ")[2])
        self._idle(id_, slot)
        if slot.startswith("count"):
            self._change(id_, stopped="stopped by you")
        elif slot.startswith("look "):  # without an answer it would be asked for again at once
            kind, _, key = slot[5:].rpartition(" ")[0].partition(" ")
            self._looked(id_, slot, f"{kind}  {key}", Failed("stopped by you", ""))

    def close(self, id_: int) -> None:
        """A tab was closed, or its file is read again: nothing of it is wanted any more."""
        for slot in self.tasks.slots:
            if slot.partition(" ")[0] in ("count", "look", "spectrum", "channels", "blocks", "save") and slot.endswith(f" {id_}"):
                self.tasks.cancel(slot)
        self._blocks.pop(id_, None)

    # -- one tensor -----------------------------------------------------------------------------------------------------------------

    def row(self, key: str) -> TensorRow | None:
        """The tensor of a key in the tab in front."""
        tab = self._find(None)
        found = tab.opened.table.find(key) if tab is not None and tab.opened is not None and key else None
        return found.source if found is not None and isinstance(found.source, TensorRow) else None

    def choose(self, keys: tuple[str, ...]) -> None:
        """Rows that are selected beside the one that was selected last."""
        tab = self._find(None)
        if tab is not None and tab.numbers.also != keys[:MOST_ALSO]:
            self._change(tab.id, also=keys[:MOST_ALSO])

    def look(self, request: LookRequest) -> None:
        """Read what is asked for, unless it is known or on its way; a newer look of its kind takes the place of an older one."""
        tab, row = self._find(None), self.row(request.key)
        if tab is None or tab.opened is None or row is None or tab.numbers.look(request.name) is not None:
            return
        id_, checkpoint, tensor = tab.id, tab.opened.checkpoint, row.tensor
        is_slow = request.kind in SLOW
        slot = f"{request.kind if is_slow else f'look {request.kind} {request.key}'} {id_}"
        if slot in self.tasks.slots and not is_slow:
            return
        if request.kind in ALONE:
            self._stop_others(request, slot)
        text = f"{_DOING.get(request.kind, 'Reading')} {plain(row.path, 120)}"
        if is_slow:
            self._change(id_, busy=_with(tab.numbers.busy, Busy(slot, text, 0.0)))

        def work(context: Context) -> Any:
            try:
                return look(checkpoint, tensor, request, _teller(context))
            except InspectError as problem:
                context.raise_if_cancelled()
                return Failed(problem.message, problem.hint or "")

        self.tasks.run(
            slot,
            work,
            lambda found: self._looked(id_, slot, request.name, found),
            lambda error: self._failed(id_, slot, error),
            progress=lambda share, _: self._progressed(id_, Busy(slot, text, share)),
        )

    def _stop_others(self, request: LookRequest, slot: str) -> None:
        """Nobody waits any more for what was looked at before."""
        begin, end = f"look {request.kind} ", slot.rpartition(" ")[2]
        for other in self.tasks.slots:
            if other != slot and other.startswith(begin) and other.endswith(f" {end}"):
                self.tasks.cancel(other)
                self._idle(int(end), other)

    def _looked(self, id_: int, slot: str, name: str, found: Any) -> None:
        self._idle(id_, slot)
        tab = self._find(id_)
        if tab is not None:
            self._change(id_, looks=(*tab.numbers.looks, (name, found))[-MOST_LOOKS:])

    def _failed(self, id_: int, slot: str, error: Exception) -> None:
        self._idle(id_, slot)
        self._tell(error)

    # -- the table of values --------------------------------------------------------------------------------------------------------

    def blocks(self, key: str) -> Blocks | None:
        """What is known of the table of one tensor of the tab in front; only the last one's blocks are kept."""
        tab, row = self._find(None), self.row(key)
        if tab is None or row is None:
            return None
        known = self._blocks.get(tab.id)
        if known is None or known[0] != key:
            self._blocks[tab.id] = known = (key, Blocks(grid_of(row.tensor)))
        return known[1]

    def fill(self, key: str, places: tuple[Place, ...]) -> None:
        """Read blocks, those that are asked for last first; what was asked for before and is not there yet is dropped."""
        tab, row, blocks = self._find(None), self.row(key), self.blocks(key)
        if tab is None or tab.opened is None or row is None or blocks is None:
            return
        id_, checkpoint, tensor, wanted = tab.id, tab.opened.checkpoint, row.tensor, blocks.missing(places)

        def work(context: Context) -> None:
            for place in wanted:
                context.raise_if_cancelled()
                context.partial((place, read_block(checkpoint, tensor, place)))

        if wanted:
            self.tasks.run(
                f"blocks {id_}",
                work,
                lambda _: None,
                lambda error: self._failed(id_, f"blocks {id_}", error),
                partial=lambda found: self._filled(id_, blocks, *found),
            )

    def _filled(self, id_: int, blocks: Blocks, place: Place, texts: tuple[tuple[str, ...], ...]) -> None:
        blocks.put(place, texts)
        tab = self._find(id_)
        if tab is not None:
            self._change(id_, blocks=tab.numbers.blocks + 1)

    # -- saving ---------------------------------------------------------------------------------------------------------------------

    def save(self, key: str, out: str) -> None:
        """Write a tensor as .npy, .csv or .safetensors. Who chose the name was asked about replacing already."""
        tab, row = self._find(None), self.row(key)
        if tab is None or tab.opened is None or row is None:
            return
        id_, checkpoint, path = tab.id, tab.opened.checkpoint, row.path
        slot, text = f"save {id_}", f"Saving {plain(path, 120)}"

        def work(context: Context) -> str:
            from ptinspect.checkpoint.extract import extract  # noqa: PLC0415 - numpy comes after the first paint

            done = extract(checkpoint, path, out, force=True, progress=_teller(context))
            return ". ".join(done.notes)

        def done(notes: str) -> None:
            self._idle(id_, slot)
            self._say(f"Saved as {plain(out, 300)}", notes)

        self.tasks.run(
            slot,
            work,
            done,
            lambda error: self._failed(id_, slot, error),
            progress=lambda share, _: self._progressed(id_, Busy(slot, text, share)),
        )

    def told(self, text: str) -> None:
        """Say that something was done."""
        self._say(text)

    # -- what all of them do --------------------------------------------------------------------------------------------------------

    def _progressed(self, id_: int, busy: Busy) -> None:
        tab = self._find(id_)
        if tab is not None:
            self._change(id_, busy=_with(tab.numbers.busy, busy))

    def _idle(self, id_: int, slot: str) -> None:
        tab = self._find(id_)
        if tab is not None and tab.numbers.is_busy(slot):
            self._change(id_, busy=tuple(busy for busy in tab.numbers.busy if busy.slot != slot))

    def _change(self, id_: int, **changes: Any) -> None:
        tab = self._find(id_)
        if tab is not None:
            numbers: Numbers = replace(tab.numbers, **changes)
            self._update(id_, numbers=numbers)

    def _tell(self, error: Exception) -> None:
        if isinstance(error, InspectError):
            self._say(plain(error.message, 300), plain(error.hint or "", 300))
        else:
            import traceback  # noqa: PLC0415 - only a bug needs it

            report = "".join(traceback.format_exception(error))
            self._say("ptinspect made a mistake", "The window goes on. Copy the report and send it to the project.", report)



def _count(opened: Opened, context: Context) -> tuple[Finding, ...]:
    from ptinspect.session.number_work import count_all  # noqa: PLC0415 - nothing of it is needed before the first paint

    return count_all(opened.checkpoint, opened.tree, context, context.partial)


def _with(busy: tuple[Busy, ...], one: Busy) -> tuple[Busy, ...]:
    """What goes on, with one of its slot."""
    if any(other.slot == one.slot for other in busy):
        return tuple(one if other.slot == one.slot else other for other in busy)
    return (*busy, one)


def _teller(context: Context) -> Callable[[int, int], None]:
    """A progress that is told on only of what takes long, and not too often."""
    times = [time.monotonic() + SOON]

    def tell(done: int, total: int) -> None:
        context.raise_if_cancelled()
        now = time.monotonic()
        if now >= times[0]:
            times[0] = now + OFTEN
            context.progress(done / total if total else 0.0)

    return tell
