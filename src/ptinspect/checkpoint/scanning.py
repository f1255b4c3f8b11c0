"""`scan`: the safety of a file, with a deeper look than opening it takes: the first bytes of every record are read too."""

from __future__ import annotations

from ptinspect.checkpoint.headers import collector_paused, is_hollow, unreadable_tensors
from ptinspect.checkpoint.kinds import kind_of
from ptinspect.checkpoint.model import Kind
from ptinspect.checkpoint.safety import Safety, assess, look_into_records
from ptinspect.checkpoint.weight_sets import WeightSearch
from ptinspect.findings import Finding, worst_first
from ptinspect.formats.document import Container
from ptinspect.formats.reading import read
from ptinspect.formats.source import FileSource
from ptinspect.frozen import frozen
from ptinspect.limits import DEFAULT, Limits


@frozen
class Scanned:
    """What a scan says of one file."""

    container: Container
    kind: Kind
    safety: Safety
    findings: tuple[Finding, ...]


def scan_file(path: str, limits: Limits = DEFAULT) -> Scanned:
    """Scan one file. An ordinary zip whose members are pickles with code is told as such; a harmless one is no checkpoint."""
    with collector_paused(), FileSource(path) as source:
        document = read(source, path, limits)
        records = look_into_records(document, source)
        if document.only_members:
            safety = assess(document)
            if safety.verdict == "data" and document.problem is not None:
                raise document.problem
            return Scanned(document.container, "other", safety, (*document.findings, *safety.findings, *records))
        if document.problem is not None and is_hollow(document):
            raise document.problem
        search = WeightSearch(document)
        search.below(document.root)
        safety = assess(document)
        findings = [*document.findings, *unreadable_tensors(document, limits), *safety.findings, *records]
        return Scanned(document.container, kind_of(document, search)[0], safety, worst_first(findings))
