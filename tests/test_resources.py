"""What ships with ptinspect is where the program looks for it."""

from __future__ import annotations

import pytest

from ptinspect import resources

SAMPLES = ["checkpoint.pt", "finetuned.pt", "model.pt", "scripted.pt", "weights.pt"]


def test_that_the_samples_are_there_and_nothing_else() -> None:
    assert sorted(path.name for path in resources.path("samples").iterdir()) == SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_that_a_sample_is_small_and_tells_nothing_of_the_machine_that_made_it(name: str) -> None:
    content = resources.path(f"samples/{name}").read_bytes()
    assert len(content) < 60_000
    assert not [word for word in (b"/home/", b"/root/", b"/work/", b"site-packages") if word in content]
