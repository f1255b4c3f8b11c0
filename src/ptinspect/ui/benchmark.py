"""`--benchmark-open`: how long from the start of the process to the first painted rows, and how much memory by then."""

from __future__ import annotations

import json
import os
import sys
import time

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication

from ptinspect.session.views import TroubleView
from ptinspect.ui.window import Window

_IMPORTED = time.time()
PATIENCE = 60_000


def report_first_paint(window: Window) -> None:
    """Print the figures once the first rows of the tree are on the screen, and quit; status 2 where there is no tree."""

    def painted() -> None:
        print(json.dumps({"paint_ms": round(1000 * (time.time() - started()), 1), "rss_mb": round(resident() / 1e6, 1)}), flush=True)  # noqa: T201
        QApplication.exit(0)

    def look() -> None:
        page = window.application.view.page
        if isinstance(page, TroubleView):
            sys.stderr.write(f"{page.trouble.title}\n{page.trouble.hint or 'Nothing can be done about it here.'}\n")
            QApplication.exit(2)

    window.first_paint.connect(painted, Qt.ConnectionType.QueuedConnection)
    timer = QTimer(window)
    timer.timeout.connect(look)
    timer.start(50)
    QTimer.singleShot(PATIENCE, lambda: QApplication.exit(2))


def started() -> float:
    """When this process began, in seconds since 1970: the kernel knows on Linux, elsewhere the first import has to do."""
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        since_boot = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
        return time.time() - since_boot
    except (OSError, ValueError, IndexError, AttributeError):
        return _IMPORTED


def resident() -> int:
    """Bytes of memory that this process holds."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        import resource  # noqa: PLC0415 - systems without /proc

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
