"""The aligned tree as text to paste."""

from __future__ import annotations

import csv
import io

import pytest

from tests.session.comparison.pairs import compared, finetuned, saved, state


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> list[str]:
    left = state()
    return saved(tmp_path_factory.mktemp("pair"), left=left, right={"model_state_dict": {**finetuned(left), "=gate": left["fc.bias"] + 1}})


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ("text", "weight Shape 10 × 8 7 × 8 —"),
        ("markdown", "| &nbsp;&nbsp;weight | Shape | 10 × 8 | 7 × 8 | — |"),
        ("csv", "fc.weight,fc.weight,shape,10x8,7x8,float32,float32,"),
    ],
)
def test_that_the_whole_table_is_copied_as_it_stands(paths, form: str, wanted: str) -> None:
    texts, session = list[str](), compared(*paths)
    session.app.copy_table(form, texts.append)
    session.settle()
    assert wanted in [" ".join(line.split()) for line in texts[0].splitlines()]


def test_that_numbers_are_copied_in_full_and_no_name_becomes_a_formula(paths) -> None:
    texts, session = list[str](), compared(*paths)
    session.app.copy_table("csv", texts.append)
    session.settle()
    rows = {line["left"] or line["right"]: line for line in csv.DictReader(io.StringIO(texts[0]))}
    assert float(rows["layer2.bn.running_var"]["relative_l2"]) == pytest.approx(0.2, rel=1e-5)
    assert rows["'=gate"]["state"] == "right only"


def test_that_what_is_hidden_is_not_copied(paths) -> None:
    texts, session = list[str](), compared(*paths)
    session.app.comparing.toggle("same")
    session.settle()
    session.app.copy_table("text", texts.append)
    session.settle()
    assert "layer2" in texts[0]
    assert "conv" not in texts[0]
