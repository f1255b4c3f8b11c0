"""`ptinspect` and `python -m ptinspect`. Nothing is imported before Ctrl+C is provided for: our own imports take 50 ms."""

import os
from typing import NoReturn


def start() -> NoReturn:
    """Run the command line and end the process."""
    try:
        from ptinspect.cli.main import run_and_exit  # noqa: PLC0415 - inside the `try` on purpose
    except KeyboardInterrupt:
        os._exit(130)
    run_and_exit()


if __name__ == "__main__":
    start()
