"""The verbs that change settings, and those that keep them."""

from __future__ import annotations

import threading
import time

from ptinspect.frozen import replace
from ptinspect.session import settings as settings_file
from ptinspect.session.columns import ColumnChoice
from ptinspect.session.settings import MOST_RECENT, Recent, Settings, Theme
from ptinspect.session.stage import Stage, nobody
from ptinspect.session.tasks import Context
from ptinspect.session.watching import stamp_of

_WRITING = threading.Lock()


class Keeping(Stage):
    """What the user chose, and is to be found again at the next start."""

    def set_theme(self, theme: Theme) -> None:
        """Light, dark, or as the system."""
        self._keep(replace(self.state.settings, theme=theme))

    def set_columns(self, choice: ColumnChoice) -> None:
        """Which columns, in which order and how wide."""
        if choice != self.state.settings.columns:
            self._keep(replace(self.state.settings, columns=choice))

    def set_inspector(self, width: int | None = None, is_shown: bool | None = None) -> None:
        """How wide the pages beside the tree are, and whether they are there."""
        settings = self.state.settings
        shown = settings.is_inspector_shown if is_shown is None else is_shown
        self._keep(replace(settings, inspector=width or settings.inspector, is_inspector_shown=shown))

    def set_window(self, rectangle: tuple[int, int, int, int], is_maximized: bool) -> None:
        """Where the window stands, to be found there again."""
        settings = self.state.settings
        window = settings.window if is_maximized else rectangle
        self.state = replace(self.state, settings=replace(settings, window=window, is_maximized=is_maximized))

    def forget_recent(self) -> None:
        """Empty the list of recent files."""
        self._keep(replace(self.state.settings, recent=()))

    def _remember(self, path: str, what: str, size: int | str, tone: str) -> None:
        known = tuple(recent for recent in self.state.settings.recent if recent.path != path)
        entry = Recent(path, what, size if isinstance(size, int) else stamp.size if (stamp := stamp_of(path)) else 0, time.time(), tone)
        self._keep(replace(self.state.settings, recent=(entry, *known)[:MOST_RECENT]))

    def _keep(self, settings: Settings) -> None:
        self._set(replace(self.state, settings=settings))
        self.save()

    def save(self) -> None:
        """Write the settings, with what is open, in the background."""
        if self.folder is None:
            return
        folder, settings = self.folder, self.settings_to_keep()

        def work(context: Context) -> None:
            with _WRITING:  # what was chosen last is written last: an older wish that comes late finds itself cancelled
                context.raise_if_cancelled()
                settings_file.save(folder, settings)

        self.tasks.run("settings", work, nobody, nobody)

    def settings_to_keep(self) -> Settings:
        """The settings, and which files are open."""
        paths = tuple(tab.path for tab in self.state.documents if tab.trouble is None)[:MOST_RECENT]
        tab = self.state.tab
        active = paths.index(tab.path) if tab is not None and tab.path in paths else 0
        return replace(self.state.settings, session=paths, active=active, comparisons=self._comparisons_to_keep())

    def _comparisons_to_keep(self) -> tuple[str, ...]:
        """The comparisons that are open; there are none yet on this step of the stairs."""
        return ()

    def quit(self) -> None:
        """Stop all work and write the settings at once."""
        self.tasks.cancel_all()
        if self.folder is not None:
            with _WRITING:
                settings_file.save(self.folder, self.settings_to_keep())
