"""The state and who is told of it: what every verb of the application stands on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ptinspect.frozen import replace
from ptinspect.session import settings as settings_file
from ptinspect.session.resolve import resolve
from ptinspect.session.settings import Settings
from ptinspect.session.state import Message, State
from ptinspect.session.tasks import Post, Tasks
from ptinspect.session.troubles import trouble_of
from ptinspect.session.views import WindowView


class Stage:
    """Holds the state; verbs change it, `changed` is told the new view."""

    def __init__(self, post: Post, folder: Path | None = None, settings: Settings | None = None) -> None:
        self.tasks = Tasks(post)
        self.folder = folder
        self.changed: Callable[[WindowView], None] = nobody
        self.state = State(settings=settings or (settings_file.load(folder) if folder else Settings()))

    @property
    def view(self) -> WindowView:
        """What the window shows."""
        return resolve(self.state)

    def _set(self, state: State) -> None:
        self.state = state
        self.changed(resolve(state))

    def _update(self, id_: int, **changes: object) -> None:
        """Change one tab, if it is still there."""
        tabs = tuple(replace(tab, **changes) if tab.id == id_ else tab for tab in self.state.tabs)  # type: ignore[arg-type]
        self._set(replace(self.state, tabs=tabs))

    def _failed(self, error: Exception) -> None:
        found = trouble_of("", error)
        self._set(replace(self.state, message=Message(found.title, found.hint, found.report)))

    def dismiss(self) -> None:
        """Take the message away."""
        self._set(replace(self.state, message=None))

    def say(self, text: str, hint: str = "", report: str = "", *, is_good: bool = False) -> None:
        """One line in the message bar: what went wrong, or that something was done."""
        self._set(replace(self.state, message=Message(text, hint, report, is_good)))


def nobody(_: object) -> None:
    """Nobody wants to know."""
