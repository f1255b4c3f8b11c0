"""The bounded run for CI; the big one is `python -m tests.fuzz --inputs 1000000`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import driver, seeds

pytestmark = pytest.mark.fuzz


def test_that_mutated_files_open_or_name_their_problem(tmp_path: Path) -> None:
    given = seeds.load(tmp_path / "seeds")
    found = driver.run(given, 1_000_000, 0, tmp_path, seconds=50)
    print(found.text())
    assert found.inputs > 500
    assert not found.failures, found.text()


def test_that_the_numbers_of_mutated_files_are_read_or_refused(tmp_path: Path) -> None:
    given = seeds.load(tmp_path / "seeds")
    found = driver.run(given, 1_000_000, 0, tmp_path, seconds=30, look=driver.values_of)
    print(found.text())
    assert found.inputs > 300
    assert not found.failures, found.text()


def test_that_every_seed_is_read_as_it_is(tmp_path: Path) -> None:
    for name, data in seeds.load(tmp_path / "seeds", corpus=False):
        assert "FAILED" not in driver.outcome_of(data, name)
