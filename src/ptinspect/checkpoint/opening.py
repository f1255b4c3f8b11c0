"""From a path to a Checkpoint: open, read the headers, understand, close."""

from __future__ import annotations

import os

from ptinspect.checkpoint.architectures import recognise
from ptinspect.checkpoint.devices import machine_findings
from ptinspect.checkpoint.headers import collector_paused, is_hollow, unreadable_tensors
from ptinspect.checkpoint.kinds import kind_of
from ptinspect.checkpoint.model import Checkpoint, Evidence
from ptinspect.checkpoint.packed_counts import packed_count
from ptinspect.checkpoint.safety import assess
from ptinspect.checkpoint.scalars import TensorScalars
from ptinspect.checkpoint.storages import totals_of
from ptinspect.checkpoint.training import training_of
from ptinspect.checkpoint.weight_sets import WeightSearch, with_roles
from ptinspect.errors import NotACheckpoint
from ptinspect.findings import worst_first
from ptinspect.formats.document import Document
from ptinspect.formats.reading import read
from ptinspect.formats.source import FileSource, Watch
from ptinspect.limits import DEFAULT, Limits


def open_checkpoint(path: str | os.PathLike[str], limits: Limits = DEFAULT, watch: Watch | None = None) -> Checkpoint:
    """What the file's headers say. Raises FileProblem where it cannot be opened. `watch` is told how far a long one is."""
    with collector_paused(), FileSource(path) as source:
        source.watch = watch
        document = read(source, os.path.basename(source.path), limits)
        if document.problem is not None and (isinstance(document.problem, NotACheckpoint) or is_hollow(document)):
            raise document.problem
        source.watch = None  # it reads values from here on
        return understand(source.path, source, document, limits)


def understand(path: str, source: FileSource, document: Document, limits: Limits) -> Checkpoint:
    """Give the document its meaning."""
    search = WeightSearch(document)
    search.below(document.root)
    weights, chosen = with_roles(search.found)
    kind, because = kind_of(document, search)
    totals, waste = totals_of(document, weights)
    safety = assess(document)
    training = training_of(document, weights, kind, os.path.basename(path), TensorScalars(source, document, limits))
    main = next((found for found in weights if found.role == "main"), None)
    architecture = recognise(main) if main is not None else None
    evidence = [because, Evidence(f"a {document.container} file", "confirmed", "its content says so, whatever its name is"), *chosen]
    unpacked = packed_count(main) if main is not None else None
    evidence += [unpacked.evidence] if unpacked else []
    evidence += [Evidence(architecture.claim, "inferred", architecture.because)] if architecture else []
    evidence += training.evidence if training else ()
    findings = [
        *document.findings,
        *unreadable_tensors(document, limits),
        *waste,
        *machine_findings(document),
        *(training.findings if training else ()),
        *safety.findings,
    ]
    return Checkpoint(
        path, source, document, kind, tuple(evidence), weights, totals, training, architecture, safety, worst_first(findings)
    )
