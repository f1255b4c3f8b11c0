"""What a file that no reader took really is."""

from __future__ import annotations

from ptinspect.errors import FileProblem, NotACheckpoint
from ptinspect.formats.candidate import Candidate


def diagnose(candidate: Candidate) -> FileProblem:
    """The problem of a file that is no checkpoint."""
    return NotACheckpoint("this is no checkpoint", "Open a file that torch.save or safetensors wrote.")
