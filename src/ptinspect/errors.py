"""Every error that people can meet, drawn once.

    InspectError
    ├── FileProblem              the file is the reason; readers let nothing else out
    │   ├── NotACheckpoint       it is something else: the message names what
    │   ├── Truncated            a download or a save that ended early
    │   ├── Corrupt              bytes that contradict each other
    │   ├── LimitExceeded        honest files stay below; the message names the limit
    │   ├── Unsupported          a kind of file that is known and cannot be opened yet
    │   └── ChangedOnDisk        the file became another one while it was read
    ├── RunProblem               a test batch did not come to its end
    │   ├── ArchitectureUnknown  no way to build the model that runs nothing of the file
    │   ├── WeightsDoNotFit      the model was built, and the weights are of another
    │   ├── InputDoesNotFit      the model ran on an input that it cannot take, or there is no such input
    │   ├── NotTrusted           it would run code that nobody has agreed to
    │   ├── OutOfMemory          the device, or the process' own limit, is too small
    │   └── RunCrashed           the child process died, hung or talked nonsense
    ├── OutputProblem            what was asked for cannot be written there
    └── Cancelled                the user asked to stop

A message says what happened, a hint what to do next. Anything that is not an InspectError is a bug of ours.
"""

from __future__ import annotations


class InspectError(Exception):
    """What happened, what to do next, and where in the file it was."""

    def __init__(self, message: str, hint: str = "", where: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where


class FileProblem(InspectError):
    """The file cannot be opened as it is."""


class NotACheckpoint(FileProblem):
    """The file is something else."""


class Truncated(FileProblem):
    """The file ends before its content does."""


class Corrupt(FileProblem):
    """The file contradicts itself."""


class LimitExceeded(FileProblem):
    """The file asks for more than any honest file was seen to need."""


class Unsupported(FileProblem):
    """A known kind of file that this version does not open."""


class ChangedOnDisk(FileProblem):
    """The file was replaced or rewritten while it was read."""


class RunProblem(InspectError):
    """A test batch did not come to its end."""


class ArchitectureUnknown(RunProblem):
    """There is no way to build the model, or none that runs nothing of the file's own."""


class WeightsDoNotFit(RunProblem):
    """The model could be built, and the weights belong to another."""


class InputDoesNotFit(RunProblem):
    """The input cannot be made, or the model cannot take it."""


class NotTrusted(RunProblem):
    """Code of the file or of the user would run, and nobody has agreed to that."""


class OutOfMemory(RunProblem):
    """The batch needs more memory than there is."""


class RunCrashed(RunProblem):
    """The child process died, hung, or said something that is no answer."""


class OutputProblem(InspectError):
    """What was asked for cannot be written where it should go."""


class Cancelled(InspectError):
    """The user stopped the work."""
