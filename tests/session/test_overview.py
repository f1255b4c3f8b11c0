"""The overview in words: what it says of the lines that load a file, and when it shows no picture."""

from __future__ import annotations

from pathlib import Path

import torch

from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.load import load_lines
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.findings import Finding
from ptinspect.frozen import replace
from ptinspect.session.overview import overview_of
from tests.session.working import SAMPLES


def test_that_comments_are_as_wide_as_the_page_and_code_is_left_alone() -> None:
    page = overview_of(checkpoint := open_checkpoint(SAMPLES / "model.pt"), layer_tree(checkpoint))
    comments = [line for line in page.load.splitlines() if line.startswith("#")]
    assert max(map(len, comments)) <= 50
    code = [line for line in load_lines(checkpoint).splitlines() if not line.startswith("#")]
    assert [line for line in page.load.splitlines() if not line.startswith("#")] == code
    said = " ".join(line.removeprefix("# ") for line in comments)
    assert said == " ".join(line.removeprefix("# ") for line in load_lines(checkpoint).splitlines() if line.startswith("#"))


def test_that_a_thousand_small_blocks_make_no_picture(tmp_path: Path) -> None:
    file = tmp_path / "many.pt"
    torch.save({f"blocks.{at}.weight": torch.zeros(2, 2) for at in range(1_000)}, file)
    checkpoint = open_checkpoint(file)
    assert overview_of(checkpoint, layer_tree(checkpoint)).blocks == ()
    few = open_checkpoint(SAMPLES / "weights.pt")
    assert len(overview_of(few, layer_tree(few)).blocks) == 2


def test_that_only_a_problem_with_a_place_in_the_tree_has_a_way_there() -> None:
    checkpoint = open_checkpoint(SAMPLES / "weights.pt")
    tree = layer_tree(checkpoint)
    path = next(row.path for node in tree.walk() for row in node.tensors)
    findings = tuple(Finding("warning", title, "", where) for title, where in (("a", path), ("b", "data.pkl"), ("c", None)))
    page = overview_of(replace(checkpoint, findings=findings), tree)
    assert [problem.key for problem in page.problems] == [path, "", ""]
    assert page.problems[1].where == "data.pkl"
