"""From a document to what loading it as code would mean."""

from __future__ import annotations

from collections.abc import Iterable

from ptinspect.checkpoint.safety.arguments import called_getters, verdict_of
from ptinspect.checkpoint.safety.effects import effects_of
from ptinspect.checkpoint.safety.nested import Nested, look_inside
from ptinspect.checkpoint.safety.private import before_you_share
from ptinspect.checkpoint.safety.programs import look_at_programs
from ptinspect.checkpoint.safety.verdicts import RANKS, Verdict, worst
from ptinspect.checkpoint.safety.weights_only import why_refused
from ptinspect.findings import Finding, Severity
from ptinspect.formats.document import Document, Pickle
from ptinspect.frozen import frozen
from ptinspect.limits import DEFAULT, Limits
from ptinspect.pickles.stream import Stream
from ptinspect.pickles.values import Global

PROGRAMS = ("torchscript", "torch-export", "torch-package")
MOST_NAMES = 20

DANGER = "loading this file as code would be dangerous"


@frozen
class NamedGlobal:
    """A name that loading would import, what that means, and how often it is used."""

    name: str
    verdict: Verdict
    uses: int


@frozen
class Safety:
    """What a file would do if it were loaded as code.

    `loads_weights_only` is None where torch.load is not the loader; `why_refused` then and where it would load is None too.
    `effects` say in plain words what would run.
    """

    verdict: Verdict
    loads_weights_only: bool | None
    globals: tuple[NamedGlobal, ...]
    findings: tuple[Finding, ...]
    effects: tuple[str, ...]
    why_refused: str | None = None


def assess(document: Document, limits: Limits = DEFAULT) -> Safety:
    """Judge every name of every pickle, look for pickles inside pickles, and say what torch.load would answer."""
    insides = [look_inside(pickle, limits) for pickle in document.pickles]
    nested = [found for inside in insides for found in inside.found]
    judged = [judgement for pickle in document.pickles for judgement in _judge(pickle.stream)]
    judged += [(found, verdict) for inner in nested for found, verdict in _judge(inner.stream) if verdict != "data"]
    names = _merged(judged)
    refused = why_refused(document)
    findings = [
        *_dangers(names),
        *_nested_findings(nested),
        *_unseen(all(inside.complete for inside in insides)),
        *(finding for pickle in document.pickles for finding in _odd(pickle)),
        *look_at_programs(document, limits),
        *before_you_share(document),
    ]
    return Safety(
        verdict=worst([*(name.verdict for name in names), _of_container(document, findings)]),
        loads_weights_only=None if refused is None else not refused,
        globals=names,
        findings=tuple(findings),
        effects=effects_of(judged),
        why_refused=refused or None,
    )


def _of_container(document: Document, findings: list[Finding]) -> Verdict:
    """A program is code whatever it names, and dangerous where it holds an operator that reaches outside of it."""
    if document.container not in PROGRAMS:
        return "data"
    return "dangerous" if any(finding.severity == "danger" for finding in findings) else "code"


def _judge(stream: Stream) -> list[tuple[Global, Verdict]]:
    walked = called_getters(stream)
    return [(found, "dangerous" if found.name in walked else verdict_of(found)) for found in stream.globals.values()]


def _merged(judged: Iterable[tuple[Global, Verdict]]) -> tuple[NamedGlobal, ...]:
    """One entry a name, over all pickles of the file."""
    uses: dict[str, int] = {}
    verdicts: dict[str, Verdict] = {}
    for found, verdict in judged:
        uses[found.name] = uses.get(found.name, 0) + found.uses
        verdicts[found.name] = worst([verdict, verdicts.get(found.name, "data")])
    return tuple(NamedGlobal(name, verdicts[name], uses[name]) for name in uses)


def _dangers(names: tuple[NamedGlobal, ...]) -> list[Finding]:
    bad = [name.name for name in names if name.verdict == "dangerous"]
    if not bad:
        return []
    return [Finding("danger", DANGER, f"It names {listed(bad)}.")]


def listed(names: list[str]) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(name[:200] for name in names[:MOST_NAMES]) + more


def _nested_findings(nested: list[Nested]) -> list[Finding]:
    """One finding for each place and form; whole torch files inside byte strings that name only data are no secret."""
    groups: dict[tuple[str, str], dict[str, Verdict]] = {}
    for inner in nested:
        names = {found.name: verdict for found, verdict in _judge(inner.stream)}
        if not inner.is_embedded or worst(list(names.values())) != "data":
            groups.setdefault((inner.form, inner.where), {}).update(names)
    found: list[Finding] = []
    for (form, where), verdicts in groups.items():
        worst_first = sorted(verdicts, key=lambda name: -RANKS[verdicts[name]])
        severity: Severity = "danger" if "dangerous" in verdicts.values() else "notice"
        found.append(Finding(severity, f"a pickle is hidden in {form}", f"It names {listed(worst_first)}.", where))
    return found


def _unseen(complete: bool) -> list[Finding]:
    detail = "There are more beginnings of pickles in its strings than are looked into, or they lie too deep in each other."
    return [] if complete else [Finding("notice", "not everything that may be a hidden pickle was looked at", detail)]


def _odd(pickle: Pickle) -> list[Finding]:
    """What no honest writer does: reported once a pickle, louder where it hides something from other readers."""
    stream, found = pickle.stream, []
    if any("no text" in what for what in stream.odd):
        strange = [name for name in stream.globals if "<" in name]
        found.append(Finding("warning", "a name is built from something that is no text", f"It reads {listed(strange)}.", pickle.name))
    if any(name.startswith("copyreg.extension ") for name in stream.globals):
        found.append(Finding("warning", "a name comes from a registry outside the file", "Only the loading process knows it.", pickle.name))
    if "frames overlap" in stream.odd:
        detail = "Readers that trust frames see other instructions than Python runs."
        found.append(Finding("warning", "a frame ends inside another", detail, pickle.name))
    built = [name.name for name in stream.globals.values() if any(call.how == "build" for call in name.calls)]
    if built:
        found.append(Finding("notice", "attributes are set on a class or function", f"On {listed(built)}.", pickle.name))
    return found
