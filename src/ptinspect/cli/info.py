"""`ptinspect info FILE`: what the file is, how we know, what is wrong with it, and its numbers."""

from __future__ import annotations

import argparse
from typing import Any

from ptinspect.checkpoint.architectures import Architecture
from ptinspect.checkpoint.load import load_lines
from ptinspect.checkpoint.model import Checkpoint, WeightSet
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.checkpoint.slots import trainable_of
from ptinspect.checkpoint.training import Training
from ptinspect.cli.info_text import lines_of
from ptinspect.cli.output import print_json
from ptinspect.findings import finding_fields


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--hash", action="store_true", help="also read the whole file and tell its SHA-256")


def run(arguments: argparse.Namespace) -> int:
    """Open, understand, print."""
    checkpoint = arguments.opened = open_checkpoint(arguments.file)  # kept there to the end of the process, as run_and_exit wants it
    extra: dict[str, Any] = {}
    if arguments.hash:
        from ptinspect.checkpoint.digest import sha256_of

        extra = sha256_of(arguments.file, checkpoint.identity)
    if arguments.json:
        print_json(arguments.file, {**fields_of(checkpoint), **extra})
    else:
        print("\n".join([*lines_of(checkpoint), *(["", hash_text(extra)] if extra else [])]))
    return 0


def hash_text(digest: dict[str, Any]) -> str:
    """The SHA-256, and what the file's name says of it."""
    said = {True: ", as the file's name says", False: ": it differs from the one in the file's name, so the file is damaged or another"}
    return f"SHA-256 {digest['sha256']}{said.get(digest['name_matches'], '')}"


def fields_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """The JSON document, field by field as the contract names them."""
    document, totals = checkpoint.document, checkpoint.totals
    dtypes: dict[str, int] = {}
    for tensor in document.tensors:
        dtypes[tensor.dtype.name] = dtypes.get(tensor.dtype.name, 0) + 1
    return {
        "size": checkpoint.identity.size,
        "container": document.container,
        "kind": checkpoint.kind,
        "evidence": [{"claim": e.claim, "certainty": e.certainty, "because": e.because} for e in checkpoint.evidence],
        "weights": [weights_fields(weights, checkpoint.training) for weights in checkpoint.weights],
        "tensors": len(document.tensors),
        "elements": sum(tensor.elements for tensor in document.tensors if tensor.problem is None or min(tensor.shape, default=0) >= 0),
        "storage_bytes": totals.stored,
        "wasted_bytes": totals.wasted,
        "dtypes": dtypes,
        "shared": [list(names) for names in totals.shared],
        "training": checkpoint.training.fields() if checkpoint.training else None,
        "architecture": architecture_fields(checkpoint.architecture) if checkpoint.architecture else None,
        "safety": safety_fields(checkpoint),
        "findings": [finding_fields(finding) for finding in checkpoint.findings],
        "load": load_lines(checkpoint),
        "facts": dict(document.facts),
        "metadata": dict(document.metadata),
    }


def architecture_fields(found: Architecture) -> dict[str, Any]:
    """The known model that the main weights fit."""
    return {
        "name": found.name,
        "library": found.library,
        "match": found.match,
        "also": list(found.also),
        "missing": list(found.missing),
        "unexpected": list(found.unexpected),
        "mismatched": [{"name": m.name, "file": list(m.file), "expected": list(m.expected)} for m in found.mismatched],
    }


def weights_fields(weights: WeightSet, training: Training | None) -> dict[str, Any]:
    """One weight set."""
    trained = trainable_of(weights, training.fits if training else ())
    return {
        "path": weights.path,
        "role": weights.role,
        "form": weights.form,
        "class": weights.class_name,
        "wrapped_in": list(weights.wrapped_in),
        "prefix": weights.prefix,
        "tensors": len(weights.entries),
        "parameters": weights.parameters,
        "buffers": weights.buffers,
        "split": weights.split,
        "trainable": trained.trainable if trained else None,
        "frozen": trained.frozen if trained else None,
    }


def safety_fields(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the file names, and what loading would do with it."""
    safety = checkpoint.safety
    return {
        "verdict": safety.verdict,
        "loads_weights_only": safety.loads_weights_only,
        "globals": [{"name": g.name, "verdict": g.verdict, "uses": g.uses} for g in safety.globals],
        "why_refused": safety.why_refused,
        "effects": list(safety.effects),
    }
