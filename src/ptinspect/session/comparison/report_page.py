"""What the report page says: the verdict, whether the left would load into the right's model, and what differs outside the weights."""

from __future__ import annotations

from collections.abc import Iterator

from ptinspect.analysis.compare.comparison import Comparison
from ptinspect.analysis.compare.model import Side
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.frozen import frozen
from ptinspect.session.comparison.banner import WORDS
from ptinspect.session.words import number_text, plain, plural, signed, size_text

MOST_LINES, MOST_NAMES = 120, 6
_FILE = ("size", "container", "kind", "architecture")
_SAFETY = {"data": "Data", "code": "Code", "dangerous": "Dangerous"}


@frozen
class Line:
    """One thing, and what each side has there."""

    name: str
    left: str
    right: str


@frozen
class Section:
    """Lines under a heading, and how many more there are."""

    title: str
    lines: tuple[Line, ...]
    more: int = 0


@frozen
class Load:
    """Whether it would load, what stands in the way, and the lines that make it load."""

    answer: str
    is_strict: bool
    obstacles: tuple[str, ...]
    code: str


@frozen
class ReportPage:
    """All of it."""

    verdict: str
    sentence: str
    counts: str
    evidence: tuple[str, ...]
    load: Load
    sections: tuple[Section, ...]


def report_of(found: Comparison) -> ReportPage:
    """Of a comparison that came to its end, or of a look at the headers."""
    verdict = found.verdict or "names and shapes"
    also = f" (also {', '.join(found.also)})" if found.also else ""
    told: dict[str, str] = {"renamed": "renamed", **{status: word.lower() for status, word in WORDS.items() if status}}
    counts = ", ".join(f"{count:,} {told[status]}" for status, count in found.summary.items() if count)
    return ReportPage(
        f"{verdict[0].upper()}{verdict[1:]}{also}",
        quoted(found.sentence, 2_000),
        counts or "no tensors",
        tuple(_evidence(found)),
        _load(found),
        tuple(_sections(found)),
    )


def quoted(sentence: str, longest: int) -> str:
    """A sentence with its names between quotes as people write them."""
    parts = plain(sentence, longest).split("`")
    if len(parts) % 2 == 0:  # a name with a backtick of its own
        return "`".join(parts)
    return "".join(f"“{part}”" if at % 2 else part for at, part in enumerate(parts))


def _evidence(found: Comparison) -> Iterator[str]:
    """What the pairing and the verdict rest on."""
    alignment = found.outline.alignment
    for prefix, side in ((alignment.left_prefix, "left"), (alignment.right_prefix, "right")):
        if prefix:
            yield f"Names match without “{plain(prefix, 60)}” on the {side}"
    for rule, count in alignment.used:
        yield f"The rule {plain(rule.text, 160)} paired {plural(count, 'tensor')}"
    for tested in found.low_rank.tested:
        held = "cannot be read" if tested.energy is None else f"{100 * tested.energy:.2f} % of its change in a rank of {tested.rank}"
        yield f"{plain(tested.name, 120)}: {held}"
    known = sum(pair.status == "same" and pair.equal_by == "checksum" for pair in found.pairs)
    if known:
        yield f"{plural(known, 'pair')} the same by the archives' checksums alone: their bytes were not compared"


def _load(found: Comparison) -> Load:
    load = found.would_load
    if load.strict:
        return Load("The left weights load into the model of the right as they are", True, (), "\n".join(load.lines))
    obstacles = [f"Missing: {_names(load.missing)}"] if load.missing else []
    obstacles += [f"Unexpected: {_names(load.unexpected)}"] if load.unexpected else []
    sizes = [f"{plain(one.name, 80)} ({_shape(one.file)} in the file, {_shape(one.expected)} in the model)" for one in load.mismatched]
    obstacles += [f"Size mismatch: {_names(sizes)}"] if sizes else []
    return Load("The left weights would not load into the model of the right as they are", False, tuple(obstacles), "\n".join(load.lines))


def _names(names: tuple[str, ...] | list[str]) -> str:
    text = ", ".join(plain(name, 160) for name in names[:MOST_NAMES])
    return f"{text} and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else text


def _shape(shape: tuple[int, ...]) -> str:
    return "\u2009×\u2009".join(map(str, shape[:12])) or "scalar"


def _sections(found: Comparison) -> Iterator[Section]:
    training, others, tensors = list[Line](), list[Line](), list[Line]()
    for one in found.outside:
        if one.path in _FILE or one.path.startswith("safety."):
            continue
        group = tensors if one.path.startswith("tensors.") else others if one.path.startswith("metadata") else training
        group.append(Line(plain(one.path.removeprefix("tensors."), 200), _said(one.left), _said(one.right)))
    yield Section("Files", tuple(_files(found)))
    for title, lines in (("Training", training), ("What the files name", _globals(found)), ("Notes in the file", others)):
        if lines:
            yield Section(title, tuple(lines[:MOST_LINES]), max(0, len(lines) - MOST_LINES))
    if tensors:
        yield Section("Tensors outside the weights", tuple(tensors[:MOST_LINES]), max(0, len(tensors) - MOST_LINES))


def _files(found: Comparison) -> Iterator[Line]:
    left, right = found.outline.left, found.outline.right
    yield Line("File", plain(left.checkpoint.path, 400), plain(right.checkpoint.path, 400))
    yield Line("Size", size_text(left.checkpoint.identity.size), size_text(right.checkpoint.identity.size))
    yield Line("Weights", _set(left), _set(right))
    yield Line("Kind", *(plain(f"{side.checkpoint.kind}, {side.checkpoint.document.container}", 80) for side in (left, right)))
    names = [side.checkpoint.architecture.name if side.checkpoint.architecture else "" for side in (left, right)]
    if any(names):
        yield Line("Architecture", *(plain(name, 80) or "–" for name in names))
    yield Line("Safety", _safety(left.checkpoint), _safety(right.checkpoint))


def _set(side: Side) -> str:
    count = plural(len(side.entries), "tensor")
    return f"{plain(side.path, 80) or 'the whole file'}, {count}" if side.path is not None else count


def _safety(checkpoint: Checkpoint) -> str:
    count = len(checkpoint.safety.globals)
    return f"{_SAFETY[checkpoint.safety.verdict]}, {plural(count, 'imported name')}"


def _globals(found: Comparison) -> list[Line]:
    """The names that one side imports and the other does not, or that are worse than data on either."""
    sides = [{one.name: one.verdict for one in side.checkpoint.safety.globals} for side in (found.outline.left, found.outline.right)]
    names = list(dict.fromkeys((*sides[0], *sides[1])))
    told = [name for name in names if sides[0].get(name) != sides[1].get(name) or sides[0].get(name) != "data"]
    return [Line(plain(name, 200), *(_SAFETY.get(side.get(name, ""), "–") for side in sides)) for name in told]


def _said(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return signed(f"{value:,}")
    return number_text(value) if isinstance(value, float) else plain(str(value), 200)


def proposals_of(found: Comparison, refused: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    """The names of what could belong together by its shape alone, and was not refused."""
    known = set(refused)
    for match in found.proposed:
        names = (match.left.name, match.right.name) if match.left is not None and match.right is not None else None
        if names is not None and names not in known:
            yield names
