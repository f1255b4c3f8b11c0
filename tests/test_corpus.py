"""Every file of the corpus against its manifest."""

from __future__ import annotations

import pytest

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.checkpoint.scanning import scan_file
from ptinspect.errors import FileProblem
from tests.corpus import Row, each, needs_corpus

# The manifest calls a training state without weights a checkpoint; CONTRACT.md says: "no weight set but an optimizer lies below".
KINDS = {"allenai+allennlp/test_fixtures/simple_tagger/serialization_full/training_state_e1_b0.th": "optimizer"}


@needs_corpus
@each(lambda row: bool(row.container))
def test_that_a_real_file_is_told_as_the_manifest_says(row: Row) -> None:
    checkpoint = open_checkpoint(row.path)
    assert checkpoint.document.container == row.container
    assert not row.kind or checkpoint.kind == KINDS.get(row.id, row.kind)
    assert row.tensors is None or len(checkpoint.document.tensors) == row.tensors
    assert row.elements is None or sum(tensor.elements for tensor in checkpoint.document.tensors) == row.elements


# A scanner's own malicious sample (its directory and local header disagree on a name), listed as ordinary: it does call eval.
MISLABELLED = "mmaitre314+picklescan/data/malicious1_central_directory.zip"


@needs_corpus
@each(lambda row: row.hostile == "no" and row.id != MISLABELLED)
def test_that_an_ordinary_file_raises_no_alarm(row: Row) -> None:
    """S-36: zero false alarms on benign files."""
    checkpoint = open_checkpoint(row.path)
    assert checkpoint.safety.verdict != "dangerous"
    assert [finding for finding in checkpoint.safety.findings if finding.severity in ("warning", "danger")] == []


@needs_corpus
@each(lambda row: row.hostile == "code")
def test_that_a_file_with_code_is_never_called_data(row: Row) -> None:
    try:
        assert scan_file(str(row.path)).safety.verdict != "data"
    except FileProblem as problem:
        pytest.fail(f"not looked into: {problem.message}")


@needs_corpus
@each(lambda row: row.hostile == "notfile")
def test_that_a_wrong_file_is_named(row: Row) -> None:
    found = opened(row)
    assert found.message and found.hint if isinstance(found, FileProblem) else found.kind == "other"


@needs_corpus
@each(lambda row: row.hostile in ("benign", "damaged", "unknown"))
def test_that_controls_hold(row: Row) -> None:
    try:
        scanned = scan_file(str(row.path))
    except FileProblem:
        return
    assert row.hostile != "benign" or scanned.safety.verdict == "data"


def opened(row: Row) -> Checkpoint | FileProblem:
    try:
        return open_checkpoint(row.path)
    except FileProblem as problem:
        return problem


def test_that_the_corpus_was_found_or_said_to_be_absent() -> None:
    from tests.corpus import FOLDER, rows

    assert rows() or not FOLDER.exists()
