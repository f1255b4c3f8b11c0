"""The verbs of a test batch: choose, run, agree, stop, save. All work is in the background."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ptinspect.errors import ChangedOnDisk, InspectError
from ptinspect.frozen import replace
from ptinspect.session.batch import work
from ptinspect.session.batch.browsing import Find, LayerBrowsing
from ptinspect.session.batch.figures import hint_of
from ptinspect.session.batch.heard import Surroundings
from ptinspect.session.batch.offers import OWN
from ptinspect.session.batch.record import Record
from ptinspect.session.batch.work import Ear, Question
from ptinspect.session.batch.writing import write
from ptinspect.session.numbers import Busy
from ptinspect.session.state import BatchTab
from ptinspect.session.tasks import Context, Tasks
from ptinspect.session.words import plain, told

OFTEN = 0.2  # seconds


class Testing(LayerBrowsing):
    """One for the application."""

    __test__ = False  # its name makes pytest curious

    def __init__(self, tasks: Tasks, find: Find, update: Callable[..., None], say: Callable[..., None]) -> None:
        super().__init__(find, update)
        self.tasks, self._say = tasks, say
        self.runs: work.Runs = work.run_child
        self.chosen: Callable[[BatchTab], None] = lambda _: None
        self.python: Callable[[], str] = lambda: ""
        self._known: dict[str, Surroundings] = {}
        self._shown_at = 0.0

    # -- what is asked for ------------------------------------------------------------------------------------------------------------

    def choose(self, id_: int, **changes: Any) -> None:
        """Another choice in the form."""
        tab = self._find(id_)
        if tab is None:
            return
        made = replace(tab.choices, **changes)
        if made != tab.choices:
            self._update(id_, choices=made)
            changed = self._find(id_)
            if changed is not None:
                self.chosen(changed)

    def look_around(self, id_: int) -> None:
        """Ask the child's torch which devices there are; one answer for each Python is enough."""
        python = self.python()
        if python in self._known:
            self._update(id_, around=self._known[python], around_note="")
            return
        slot, runs = f"probe {id_}", self.runs
        if slot not in self.tasks.slots:
            self._update(id_, around=None, around_note="Asking torch which devices there are…")
            self.tasks.run(slot, lambda context: work.probe(python, context, runs), self._heard_around(id_, python), self._deaf(id_))

    def _heard_around(self, id_: int, python: str) -> Callable[[Surroundings], None]:
        def heard(found: Surroundings) -> None:
            self._known[python] = found
            self._update(id_, around=found, around_note=found.note)

        return heard

    def _deaf(self, id_: int) -> Callable[[Exception], None]:
        def failed(error: Exception) -> None:
            text = error.message if isinstance(error, InspectError) else type(error).__name__
            self._update(id_, around=Surroundings(()), around_note=plain(f"{text[:1].upper()}{text[1:]}", 300))

        return failed

    # -- the run ----------------------------------------------------------------------------------------------------------------------

    def run(self, id_: int) -> None:
        """Run the batch as the form has it, from the beginning."""
        tab = self._find(id_)
        if tab is None or tab.subject is None:
            return
        if tab.choices.model == OWN:
            self._say("Which function makes the model?", "Write FILE.py:FUNCTION below Model, or choose a file.")
            return
        slot, choices, subject, python, runs = f"batch {id_}", tab.choices, tab.subject, self.python(), self.runs
        record = Record(choices)
        self._update(id_, busy=Busy(slot, "Looking at what would run", 0.0), asking=None, problem=None, coming=record)
        self.tasks.run(
            slot,
            lambda context: work.run(choices, subject, python, context, runs),
            lambda found: self._ended(id_, record, found),
            lambda error: self._failed(id_, record, error),
            lambda share, text: self._update(id_, busy=Busy(slot, text, share)),
            partial=lambda ear: self._heard(id_, record, ear),
        )

    def _heard(self, id_: int, record: Record, ear: Ear) -> None:
        tab = self._find(id_)
        if tab is None or tab.coming is not record:
            return
        for part in ear.taken():
            record.take(part)
        now = time.monotonic()
        if not ear.has_more or now - self._shown_at > OFTEN:  # while thousands come in a burst, not each bundle is drawn
            self._show(tab, record)
            self._shown_at = time.monotonic()

    def _show(self, tab: BatchTab, record: Record) -> None:
        """The new record takes the place of the old one as soon as its model is known."""
        changes: dict[str, Any] = {"revision": tab.revision + 1}
        if tab.record is not record and (record.device is not None or record.problem is not None):
            kept = record if record.device is not None or tab.record is None or not tab.record.has_figures else tab.record
            changes |= {"record": kept}
            tab = replace(tab, record=kept)
        shown = tab.record
        if shown is record and record.table.count and not tab.expanded:
            changes |= {"expanded": record.table.first_open()}
        if record.stage and tab.busy is not None:
            changes |= {"busy": Busy(tab.busy.slot, *progress_of(record))}
        self._update(tab.id, **changes)

    def _ended(self, id_: int, record: Record, found: Ear | Question) -> None:
        tab = self._find(id_)
        if tab is None or tab.coming is not record:
            return
        if isinstance(found, Question):
            self._update(id_, busy=None, coming=None, asking=found)
            return
        for part in found.rest():
            record.take(part)
        self._show(tab, record)
        self._update(id_, busy=None, coming=None)
        if tab.filter:
            self._narrow(id_, tab.filter)
        if record.problem is not None:
            self._tell(id_, record.problem, record.detail)
        elif record.choices.trace and record.parts.get("trace") is not None:
            self._say(f"Trace saved as {plain(record.choices.trace, 300)}")

    def _failed(self, id_: int, record: Record, error: Exception) -> None:
        tab = self._find(id_)
        if tab is None or tab.coming is not record:
            return
        self._update(id_, busy=None, coming=None)
        if isinstance(error, InspectError):
            self._tell(id_, error, "")
        else:
            self._say(*told(error))

    def _tell(self, id_: int, problem: InspectError, detail: str) -> None:
        """One sentence above the layers, what it said last folded below; who looks at something else is told in the message bar."""
        self._update(id_, problem=problem, detail=detail, is_stale=isinstance(problem, ChangedOnDisk))
        front = self._find(None)
        if front is None or front.id != id_:
            message = plain(problem.message, 400)
            self._say(f"{message[:1].upper()}{message[1:]}", hint_of(problem))

    def stop(self, id_: int) -> None:
        """Stop it; what was measured stays."""
        tab = self._find(id_)
        if tab is None or tab.busy is None:
            return
        self.tasks.cancel(f"batch {id_}")
        self._update(id_, busy=None, coming=None, stopped=True)

    def close(self, id_: int) -> None:
        """Nothing of it is wanted any more; the child is ended by its listener."""
        for slot in (f"batch {id_}", f"probe {id_}", f"export {id_}", f"subject {id_}"):
            self.tasks.cancel(slot)

    def cancel(self, slot: str) -> None:
        """What the status line's button stops."""
        kind, _, number = slot.rpartition(" ")
        if kind == "batch":
            self.stop(int(number))

    # -- consent ----------------------------------------------------------------------------------------------------------------------

    def agree(self, id_: int) -> None:
        """Somebody agreed to what was shown: remember it, then run."""
        tab = self._find(id_)
        asking = tab.asking if tab is not None else None
        if asking is None:
            return
        self._update(id_, asking=None)

        def work_(_: Context) -> None:
            from ptinspect.session.consenting import agree  # noqa: PLC0415

            agree(asking.checkpoint, asking.model, asking.digest, asking.paths)

        self.tasks.run(f"agree {id_}", work_, lambda _: self.run(id_), self._untold)

    def refuse(self, id_: int) -> None:
        """Nobody agreed: nothing was started, nothing is remembered."""
        self._update(id_, asking=None)

    def _untold(self, error: Exception) -> None:
        self._say(*told(error))

    # -- what is written ------------------------------------------------------------------------------------------------------------

    def save(self, path: str) -> None:
        """Write what was measured, in the form that the name ends with."""
        tab = self._find(None)
        if tab is None or tab.record is None:
            return
        record, name = tab.record, tab.path
        self.tasks.run(
            f"export {tab.id}",
            lambda _: write(record, name, path),
            lambda _: self._say(f"Saved as {plain(path, 300)}"),
            self._untold,
        )


_STAGES = {
    "torch": "Starting torch", "model": "Building the model", "input": "Preparing the input", "first pass": "First pass",
    "layers": "Looking inside each layer", "multiply-adds": "Counting multiply-adds", "layer times": "Timing each layer",
    "graph": "Following the graph", "backward": "Backward pass", "trace": "Recording a trace",
}  # fmt: skip


def progress_of(record: Record) -> tuple[str, float]:
    """Where a run is, in words, and its share: that of the timed passes, which are most of it."""
    stage, done, total = record.stage, record.done, record.total
    if stage == "warm-up":
        return f"Warm-up {min(done + 1, total):,} of {total:,}", 0.0
    if stage == "timing":
        return f"Run {min(done + 1, total):,} of {total:,}", min(1.0, done / total) if total else 0.0
    is_after = bool(record.parts.get("peak_memory_bytes") or record.parts.get("throughput_per_s"))
    if stage == "sweep":
        return f"A batch of {done:,}", 1.0
    return _STAGES.get(stage, f"{stage[:1].upper()}{stage[1:]}"), 1.0 if is_after else 0.0


__all__ = ["Testing", "progress_of"]
