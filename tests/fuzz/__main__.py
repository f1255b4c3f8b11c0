"""`python -m tests.fuzz --inputs 1000000 [--jobs 2] [--start 0] [--deep | --values]`

Counts per outcome, slowest input, peak memory, failures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

from tests.fuzz import driver, seeds


def main() -> int:
    """Run, print, and say whether anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--start", type=int, default=0, help="number of the first input; each is made from its number alone")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--deep", action="store_true", help="`info` and `scan` of each input, beyond the readers")
    parser.add_argument("--values", action="store_true", help="the numbers of every tensor, beyond the readers")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ptinspect-fuzz-"))
    given = seeds.load(folder / "seeds")
    print(f"{len(given)} seeds; failing inputs go to {folder}", flush=True)
    share = -(-arguments.inputs // arguments.jobs)
    look = driver.meaning_of if arguments.deep else driver.values_of if arguments.values else driver.outcome_of
    work = [(given, share, arguments.start + job * share, folder, arguments.seconds, look) for job in range(arguments.jobs)]
    found = driver.Outcome()
    with get_context("fork").Pool(arguments.jobs) as pool:
        for outcome in pool.starmap(driver.run, work):
            found.add(outcome)
    print(found.text())
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
