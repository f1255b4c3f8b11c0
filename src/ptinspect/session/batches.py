"""The verbs that open test batches, remember what they were asked for, and end them with the window."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.frozen import replace
from ptinspect.session.comparisons import Comparisons
from ptinspect.session.freeing import free
from ptinspect.session.settings import LONGEST_TEXT, MOST_PAIRINGS, Settings
from ptinspect.session.stage import nobody
from ptinspect.session.state import BatchTab, Opened
from ptinspect.session.tasks import Context, Post
from ptinspect.session.troubles import trouble_of
from ptinspect.session.watching import stamp_of

if TYPE_CHECKING:
    from ptinspect.session.batch.choices import Choices, Subject
    from ptinspect.session.batch.verbs import Testing

PATIENCE = 3.0  # seconds that the end of the window waits for a child to end


class Batches(Comparisons):
    """Test batches, each in a tab."""

    def __init__(self, post: Post, folder: Path | None = None, settings: Settings | None = None) -> None:
        super().__init__(post, folder, settings)
        self._testing: Testing | None = None

    @property
    def testing(self) -> Testing:
        """The verbs of the test batch in front; brought in by the first who asks."""
        if self._testing is None:
            from ptinspect.session.batch.verbs import Testing  # noqa: PLC0415

            self._testing = Testing(self.tasks, self._batch, self._update, self.say)
            self._testing.chosen = self._keep_choices
            self._testing.python = lambda: self.state.settings.python
        return self._testing

    def _batch(self, id_: int | None) -> BatchTab | None:
        found = self.state.batch if id_ is None else self.state.at(id_)
        return found if isinstance(found, BatchTab) else None

    def test_batch(self) -> None:
        """A test batch of what is in front: of the file, or of both files of a comparison on one batch."""
        document, comparison = self.state.tab, self.state.comparison
        if document is not None and document.opened is not None:
            self._open_batch(document.opened.checkpoint, None)
        elif comparison is not None and comparison.aligned is not None:
            sides = comparison.aligned.outline
            weights = comparison.request.left.weights
            self._open_batch(sides.left.checkpoint, sides.right.checkpoint, weights)

    def _open_batch(self, checkpoint: Checkpoint, other: Checkpoint | None, weights: str | None = None) -> None:
        from ptinspect.session.batch.offers import subject_of  # noqa: PLC0415 - most windows run nothing

        path, beside = checkpoint.path, other.path if other is not None else ""
        known = next((tab for tab in self.state.tabs if isinstance(tab, BatchTab) and (tab.path, tab.other) == (path, beside)), None)
        subject = subject_of(checkpoint, other)
        if known is not None:
            self._update(known.id, subject=subject, stamp=stamp_of(path), is_stale=False)
            self.activate(known.id)
            return
        choices = self._known_choices(subject, weights)
        tab = BatchTab(self.state.next_id, path, choices, beside, subject, stamp=stamp_of(path))
        self._set(replace(self.state, tabs=(*self.state.tabs, tab), active=tab.id, next_id=tab.id + 1))
        self.testing.look_around(tab.id)

    def filter(self, text: str, id_: int | None = None) -> None:
        """Keep the rows that a text asks for, in the tab in front."""
        if id_ is None and self.state.batch is not None:
            self.testing.filter(text)
        else:
            super().filter(text, id_)

    def expand_to(self, depth: int) -> None:
        """Open so many levels, and no more."""
        if self.state.batch is not None:
            self.testing.expand_to(depth)
        else:
            super().expand_to(depth)

    def copy_path(self) -> str:
        """The selected row's path."""
        tab = self.state.batch
        return tab.selected.partition(":")[2] if tab is not None else super().copy_path()

    def reload_batch(self, id_: int) -> None:
        """Read the file of a batch again, since it changed on disk; what was measured stays."""
        tab = self._batch(id_)
        if tab is None or tab.busy is not None:
            return

        def work(context: Context) -> Subject:
            from ptinspect.checkpoint.opening import open_checkpoint  # noqa: PLC0415
            from ptinspect.session.batch.offers import subject_of  # noqa: PLC0415

            first = open_checkpoint(tab.path)
            context.raise_if_cancelled()
            return subject_of(first, open_checkpoint(tab.other) if tab.other else None)

        stamp = stamp_of(tab.path)
        self._update(id_, is_reading=True)
        self.tasks.run(
            f"subject {id_}",
            work,
            lambda found: self._update(id_, subject=found, stamp=stamp, is_stale=False, is_reading=False, problem=None),
            lambda error: self._unread(id_, tab.path, error),
        )

    def _unread(self, id_: int, path: str, error: Exception) -> None:
        trouble = trouble_of(path, error)
        self._update(id_, is_reading=False)
        self.say(trouble.title, trouble.hint, trouble.report)

    def set_python(self, path: str) -> None:
        """Another environment's Python runs test batches from now on; empty is this one."""
        if path != self.state.settings.python:
            self._keep(replace(self.state.settings, python=path))
            for tab in self.state.tabs:
                if isinstance(tab, BatchTab):
                    self.testing.look_around(tab.id)

    # -- joined to the tree of the file ---------------------------------------------------------------------------------------------

    def show_in_file(self, path: str) -> None:
        """Bring the file of the batch in front to the front, with the layer of this path selected."""
        tab = self.state.batch
        document = None if tab is None else next((one for one in self.state.documents if one.path == tab.path), None)
        if tab is None or document is None or document.opened is None:
            self.say("The file of this batch is not open in a tab", "Open it to see its layers.")
            return
        self.activate(document.id)
        found = _in_file(document.opened, tab.choices.weights, path)
        if found:
            self._browse(found)
        else:
            self.say("The file has no tensors of this layer", "A layer without weights of its own is seen in the batch alone.")

    def _browse(self, path: str) -> None:
        self.show(path)
        self.inspect("tensor")

    def show_in_batch(self) -> bool:
        """Bring the batch of the file in front to the front, with the selected layer; False where there is none."""
        document, row = self.state.tab, self.selected_row()
        if document is None or row is None:
            return False
        batch = next((one for one in self.state.tabs if isinstance(one, BatchTab) and one.path == document.path), None)
        if batch is None or batch.record is None:
            return False
        steps = row.path.split(".")
        paths = (".".join(steps[start:end]) for end in range(len(steps), 0, -1) for start in range(end))
        found = next((path for path in paths if batch.record.table.find(f"layer:{path}") is not None), None)
        if found is None:
            return False
        self.activate(batch.id)
        self.testing.reveal(found)
        return True

    # -- remembered -----------------------------------------------------------------------------------------------------------------

    def _known_choices(self, subject: Subject, weights: str | None) -> Choices:
        """What was asked for the last time this architecture was tested; weights and ways to a model only as far as this file has them."""
        from ptinspect.session.batch.choices import key_of, of_fields  # noqa: PLC0415

        key = key_of(subject.checkpoint)
        texts = (_fields(text) for text in self.state.settings.batches)
        found = of_fields(next((told for told in texts if told.get("for") == key), None))
        sets = [path for path, _ in subject.weights]
        chosen = weights if weights in sets else found.weights if found.weights in sets else None
        words = [offer.word for offer in subject.offers]
        is_own = ":" in found.model
        return replace(found, weights=chosen, model=found.model if found.model in words or is_own else "auto")

    def _keep_choices(self, tab: BatchTab) -> None:
        from ptinspect.session.batch.choices import as_fields, key_of  # noqa: PLC0415

        if tab.subject is None:
            return
        key = key_of(tab.subject.checkpoint)
        text = json.dumps({"for": key, **as_fields(tab.choices)})
        others = (known for known in self.state.settings.batches if _fields(known).get("for") != key)
        if len(text) <= LONGEST_TEXT:
            self._keep(replace(self.state.settings, batches=(text, *others)[:MOST_PAIRINGS]))

    # -- the end --------------------------------------------------------------------------------------------------------------------

    def _free_batch(self, tab: BatchTab) -> None:
        """Let go of what was measured in the background."""
        last: list[object] = [[tab.record, tab.coming, tab.subject]]
        self.tasks.run(f"free {id(tab)}", lambda context: free(last, context), nobody, nobody)

    def quit(self) -> None:
        """Stop all work. A child process is waited for: it has to be gone when the window is."""
        if any(slot.startswith(("batch ", "probe ")) for slot in self.tasks.slots):
            self.tasks.cancel_all(wait=PATIENCE)
        super().quit()


def _in_file(opened: Opened, weights: str | None, path: str) -> str:
    """The path of a layer in the tree of the file, which stands below its weights and may have a wrapper's name before it."""
    main = opened.checkpoint.main
    above = weights if weights is not None else main.path if main is not None else ""
    for lead in dict.fromkeys((above, f"{above}.module" if above else "module", "")):
        full = f"{lead}.{path}" if lead and path else lead or path
        if any(opened.table.find(f"{kind}:{full}") is not None for kind in ("layer", "tensor")):
            return full
    return ""


def _fields(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


__all__ = ["Batches"]
