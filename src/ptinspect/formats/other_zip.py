"""Ordinary zips: archives that merely hold checkpoints, and zips that are something else altogether.

They are no checkpoints, and the hint lists what can be opened once unpacked. `scan` still has to see the pickles in them (a
model with code hides in an archive as well as beside one), so a document is made, and its problem says what the file is.
"""

from __future__ import annotations

from collections.abc import Callable

from ptinspect.errors import FileProblem, NotACheckpoint, Truncated
from ptinspect.findings import Finding
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document, Record
from ptinspect.formats.members import Search, everything, is_closed
from ptinspect.formats.zip_directory import CHECKED_HEADERS
from ptinspect.limits import Limits

LISTED = 8
NAME_CHARS = 80

Match = Callable[[frozenset[str]], bool]


def _has(*names: str) -> Match:
    return lambda found: all(name in found for name in names)


def _all_end(ending: str) -> Match:
    return lambda found: all(name.endswith((ending, "/")) for name in found)


def _some_end(ending: str) -> Match:
    return lambda found: any(name.endswith(ending) for name in found)


_NOTES = frozenset({"version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id", ".data/version"})
_NUMPY = "numpy.load reads it; it holds arrays, no PyTorch checkpoint."
_OFFICE = "It was probably given the wrong name; look for the checkpoint beside it."
_NOTHING = "No checkpoint was found in it: get the right file from its source."
_KINDS: tuple[tuple[Match, str, str], ...] = (
    (lambda found: not found, "an empty zip archive", "The save or the download went wrong: get the file again from its source."),
    (_all_end(".npy"), "a numpy archive (.npz)", _NUMPY),
    (_has("metadata.json", "config.json", "model.weights.h5"), "a Keras model (.keras)", "Keras opens it; it holds no PyTorch checkpoint."),
    (_has("MAR-INF/MANIFEST.json"), "a TorchServe archive (.mar)", ""),
    (_has("policy.pth", "_stable_baselines3_version"), "a Stable-Baselines3 model", ""),
    (_has("policy.pth"), "a Stable-Baselines model", ""),
    (_has("ETRECORD_V0"), "an ExecuTorch debugging record (ETRecord)", "The ExecuTorch developer tools read it."),
    (_has("[Content_Types].xml"), "an Office document", _OFFICE),
    (_has("META-INF/container.xml"), "an e-book (.epub)", _OFFICE),
    (_has("AndroidManifest.xml"), "an Android package (.apk)", _OFFICE),
    (_has("META-INF/MANIFEST.MF"), "a Java archive (.jar)", _OFFICE),
    (_some_end(".dist-info/METADATA"), "a Python package (.whl)", "pip installs it; it is no checkpoint."),
    (_has("Manifest.json"), "a Core ML package", "Apple's tools open it; look for the PyTorch file that it was made from."),
    (_has("Metadata/BuildVersionHistory.plist"), "an Apple document", _OFFICE),
)


def offers(candidate: Candidate) -> bool:
    """Every zip that no other reader took."""
    return candidate.directory is not None


def read(candidate: Candidate) -> Document:
    """The pickles among the members, and what the archive is."""
    directory = candidate.directory
    if directory is None:
        raise NotACheckpoint("this is no zip archive", "Open a file that torch.save wrote.")
    search = Search(candidate.limits)
    search.through(directory, everything(directory))
    records = directory.records
    directory.check_headers(list(records.values())[:CHECKED_HEADERS])
    document = Document("pickle", None, records=records, pickles=search.pickles, only_members=True)
    document.findings += [*directory.findings, *_odd_names(records, candidate.limits), *_closed(records), *_unseen(search)]
    document.problem = _problem(records, search)
    return document


def _problem(records: dict[str, Record], search: Search) -> FileProblem:
    unfinished = _unfinished(records)
    if unfinished is not None:
        return unfinished
    what, next_step = kind_of(records)
    members = ", ".join(shown(name) for name in search.openable[:LISTED])
    more = f" and {len(search.openable) - LISTED:,} more" if len(search.openable) > LISTED else ""
    if members:
        unpack = "Unpack it with its password" if any(map(is_closed, records.values())) else "Unpack it"
        next_step = f"{unpack}, then open: {members}{more}."
    return NotACheckpoint(f"this is {what}, not a checkpoint", next_step or _NOTHING)


def _unfinished(records: dict[str, Record]) -> Truncated | None:
    """What torch.save leaves when it raises midway: it closes the archive all the same, with its small notes and no data.pkl."""
    folder, slash, _ = next(iter(records), "").partition("/")
    lead = f"{folder}/" if slash and folder not in ("data", ".data") else ""
    inside = [name.removeprefix(lead) for name in records if name.startswith(lead)]
    if len(inside) < len(records) or not {"version", ".data/serialization_id"} & set(inside):
        return None
    data = [name for name in inside if name not in _NOTES]
    if not all(name.startswith("data/") and name[5:].isdecimal() for name in data):
        return None
    what = f"holds the bytes of {len(data):,} storages but" if data else "holds nothing of what was to be saved,"
    hint = "Save it again: torch.save raised an error (a value that cannot be pickled, a full disk) or was stopped."
    return Truncated(f"torch.save did not finish this file: it {what} no data.pkl", hint)


def kind_of(records: dict[str, Record]) -> tuple[str, str]:
    """What an archive is, by the names in it, and what to do next."""
    files = [record for record in records.values() if not record.name.endswith("/")]
    if files and all(map(is_closed, files)):
        return "an encrypted zip archive", "Unpack it with its password and open what is in it."
    names = frozenset(records)
    return next(((what, hint) for matches, what, hint in _KINDS if matches(names)), ("an ordinary zip archive", ""))


def shown(name: str) -> str:
    """A name from a file, quoted and bounded; quoting spells control characters out."""
    return repr(name if len(name) <= NAME_CHARS else name[:NAME_CHARS] + "…")


def _odd_names(records: dict[str, Record], limits: Limits) -> list[Finding]:
    """Names that lead out of the folder into which a careless program unpacks."""
    odd = (name for name in records if ".." in name or name[:1] in "/\\" or name[1:2] == ":")
    out = [name for name in odd if _leads_out(name.replace("\\", "/"))]
    detail = "A program that unpacks the archive without care would write outside of its folder."
    return [Finding("warning", "a member's name leads out of the archive", detail, name) for name in out[: limits.findings]]


def _leads_out(name: str) -> bool:
    return name.startswith("/") or name[1:3] == ":/" or ".." in name.split("/")


def _closed(records: dict[str, Record]) -> list[Finding]:
    closed = [record.name for record in records.values() if is_closed(record)]
    detail = f"{len(closed):,} members: nothing can be told about what is in them."
    return [Finding("notice", "members are encrypted or patched", detail, closed[0])] if closed else []


def _unseen(search: Search) -> list[Finding]:
    detail = f"{search.left_out:,} members could not be read or went over the limits."
    return [Finding("warning", "not every member was looked at", detail)] if search.left_out else []
