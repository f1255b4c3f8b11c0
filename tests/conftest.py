"""What every test stands on: a cache folder of its own."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

from ptinspect.cache_folder import FOLDER


def pytest_configure(config: pytest.Config) -> None:
    """No test reads or writes the user's own cache. It is one folder for the run, inherited by workers and child processes, so that
    loops are compiled once; named before any test module is imported, because the compiled loops look for it as they are imported."""
    if hasattr(config, "workerinput"):
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # one worker is one core's work; torch and numpy would start threads of their own
        return
    before = os.environ.get(FOLDER)
    folder = os.environ[FOLDER] = tempfile.mkdtemp(prefix="ptinspect-tests-")

    def restored() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        if before is None:
            del os.environ[FOLDER]
        else:
            os.environ[FOLDER] = before

    config.add_cleanup(restored)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers for the suite or a folder; a file or two by name are done before the workers are there."""
    return 0 if all(".py" in argument for argument in config.args) else 2
