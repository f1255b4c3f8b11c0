"""The verbs that read values: count a file, look at a tensor, fill its table, save it. All in the background, all to be cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ptinspect.checkpoint.layers import TensorRow
from ptinspect.errors import InspectError
from ptinspect.session.counting import Counting, Find, with_one
from ptinspect.session.numbers import Busy
from ptinspect.session.tasks import Context, Tasks
from ptinspect.session.tensor_looks import ALONE, SLOW, Failed, LookRequest, look
from ptinspect.session.values_table import Blocks, Place, grid_of, read_block
from ptinspect.session.words import plain

MOST_LOOKS, MOST_ALSO = 24, 8
SOON, OFTEN = 0.3, 0.1
_DOING = {"spectrum": "Decomposing", "channels": "Counting channels of"}


class Reading(Counting):
    """One for the application."""

    def __init__(self, tasks: Tasks, find: Find, update: Callable[..., None], say: Callable[..., None]) -> None:
        super().__init__(tasks, find, update, say)
        self._blocks: dict[int, tuple[str, Blocks]] = {}

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
            self._change(id_, busy=with_one(tab.numbers.busy, Busy(slot, text, 0.0)))

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
            self._say(f"Saved as {plain(out, 300)}", notes, is_good=True)

        self.tasks.run(
            slot,
            work,
            done,
            lambda error: self._failed(id_, slot, error),
            progress=lambda share, _: self._progressed(id_, Busy(slot, text, share)),
        )

    def told(self, text: str, *, is_good: bool = True) -> None:
        """Say that something was done, or was not."""
        self._say(text, is_good=is_good)


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
