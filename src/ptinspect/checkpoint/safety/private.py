"""Before you share: names of people and machines, home paths and tokens in the file's strings. A notice, with samples masked."""

from __future__ import annotations

from ptinspect.checkpoint.safety.spelling import escaped
from ptinspect.findings import Finding
from ptinspect.formats.document import Document

SAMPLES = 3

_NOBODY = frozenset(
    """
    runner user users ubuntu root public shared default jovyan ec2-user docker admin vscode app travis circleci github work test anaconda
    """.split()
)
_KINDS = ("access token", "e-mail address", "user name", "home path", "host name")


def before_you_share(document: Document) -> list[Finding]:
    """One notice that lists what kinds were found, with a few masked samples of each."""
    seen: dict[str, dict[str, None]] = {}
    for pickle in document.pickles:
        for kind, value in pickle.traces.private if pickle.traces is not None else ():
            if kind != "user name" or value.lower() not in _NOBODY:
                seen.setdefault(kind, {})[value] = None
    if not seen:
        return []
    parts = [_sentence(kind, list(seen[kind])) for kind in _KINDS if kind in seen]
    return [Finding("notice", "before you share: the file tells about who made it", ". ".join(parts) + ".")]


def _sentence(kind: str, values: list[str]) -> str:
    plural = {"e-mail address": "e-mail addresses"}.get(kind, f"{kind}s")
    samples = ", ".join(masked(kind, value) for value in values[:SAMPLES])
    more = f" and {len(values) - SAMPLES:,} more" if len(values) > SAMPLES else ""
    return f"{len(values):,} {kind if len(values) == 1 else plural}: {samples}{more}"


def masked(kind: str, value: str) -> str:
    """Enough to recognise it by, and no more: a token keeps its prefix, an address its first letter."""
    if kind == "access token":
        return escaped(value[:6]) + "…"
    if kind == "e-mail address":
        user, _, host = value.partition("@")
        return f"{escaped(user[:1])}…@{escaped(host)}"
    if kind == "user name":
        return f"{escaped(value[:2])}…"
    if kind == "home path":
        cut = max(value.rfind("/"), value.rstrip("\\").rfind("\\")) + 1
        return f"{escaped(value[: cut + 2])}…"
    return f"{escaped(value[:10])}…"
