"""Whether somebody agreed to run what a model would bring along: asked before every run that needs it, remembered by content."""

from __future__ import annotations

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.runner.consent import digest_of
from ptinspect.runner.consents import Consents
from ptinspect.runner.named_factory import factory_digest, named
from ptinspect.runner.ways import WITH_CONSENT, way_of
from ptinspect.session.settings import folder

_KINDS = {"program": "a program in the file", "pickled": "a pickled model", "factory": "a function of the user's"}


def needed_digest(checkpoint: Checkpoint, model: str, paths: tuple[str, ...] = ()) -> str | None:
    """What would have to be agreed to for this way to a model; None where nothing of anybody's is run."""
    way = way_of(model, checkpoint)
    if way not in WITH_CONSENT:
        return None
    if way == "factory":
        return factory_digest(model, paths)
    with checkpoint.source as source:
        return digest_of(source, checkpoint)


def agreed(checkpoint: Checkpoint, model: str, trust: bool, paths: tuple[str, ...] = ()) -> str | None:
    """The digest that was agreed to, now (`trust`) or earlier; None where there was no need, or nobody agreed."""
    digest = needed_digest(checkpoint, model, paths)
    if digest is None:
        return None
    if not trust:
        return digest if is_kept(digest) else None
    agree(checkpoint, model, digest, paths)
    return digest


def is_kept(digest: str) -> bool:
    """Whether somebody agreed to exactly this content before."""
    return Consents(folder()).has(digest)


def agree(checkpoint: Checkpoint, model: str, digest: str, paths: tuple[str, ...] = ()) -> None:
    """Remember that somebody agreed to this digest; where it lay and what it names are kept to tell it by."""
    way = way_of(model, checkpoint)
    factory = named(model, paths) if way == "factory" else None
    names = () if factory else tuple(one.name for one in checkpoint.safety.globals if one.verdict != "data")
    Consents(folder()).add(digest, (factory.path or factory.text) if factory else checkpoint.path, _KINDS[way], names)


__all__ = ["agree", "agreed", "is_kept", "needed_digest"]
