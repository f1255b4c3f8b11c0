"""Collects garbage in the thread that draws, and nowhere else.

Python collects in whichever thread happens to allocate. What it then finds may be a widget in a cycle, as pyqtgraph has them, and a widget
that is deleted by another thread takes the program with it. So nothing is collected by itself while a window is open, and a timer does
it here, the youngest objects often and all of them seldom.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

OFTEN = 400
YOUNG = 2_000  # new objects since the last time
MANY = 12_000  # so many come from a file that is read, and stay
OLDER = 4  # looks at the youngest until those that outlived them are looked at too
SELDOM = 750  # looks, five minutes


class Collector(QObject):
    """Lives as long as its parent."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._looks = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(OFTEN)

    def look(self) -> None:
        """Collect what there is enough of. Nearly all that dies does so young; a look at everything is felt, so it is seldom."""
        new, middle, _ = gc.get_count()
        self._looks += 1
        if self._looks >= SELDOM:
            self._looks = 0
            gc.collect()
            gc.freeze()  # what has lived so long goes on to; the next time need not look at it
        elif new >= MANY:
            gc.freeze()  # a look at them would be felt, and find nothing
        elif new >= YOUNG:
            gc.collect(0 if middle < OLDER else 1)
