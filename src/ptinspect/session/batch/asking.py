"""What a question about code says: what will run, by which names, and for what the answer holds."""

from __future__ import annotations

import os

from ptinspect.frozen import frozen
from ptinspect.runner.consents import Consent, Consents
from ptinspect.runner.ways import PROGRAMS, way_of
from ptinspect.session.batch.work import Question
from ptinspect.session.safety_page import NameLine, safety_page
from ptinspect.session.settings import folder
from ptinspect.session.words import plain, plural

MOST_NAMES = 400
_WAYS = {
    "program": "The program in this file will be loaded and run",
    "pickled": "Loading this file will run the code that its pickle names",
    "factory": "Your function will be run to make the model",
}


@frozen
class Asked:
    """The dialog in words."""

    title: str
    sentence: str
    what: str
    names: tuple[NameLine, ...]
    more: int
    holds: str
    digest: str
    is_dangerous: bool


def asked_of(question: Question) -> Asked:
    """What is asked."""
    checkpoint = question.checkpoint
    way = way_of(question.model, checkpoint)
    page = safety_page(checkpoint)
    is_function = way == "factory"
    names = () if is_function else page.names[:MOST_NAMES]
    bad = 0 if is_function else page.count("dangerous")
    name = plain(question.model if is_function else os.path.basename(checkpoint.path), 200)
    kind = "torch.export" if PROGRAMS.get(checkpoint.document.container) == "exported" else "TorchScript"
    what = {
        "factory": "Python imports the file, with everything at its top, and calls the function. What it imports runs as well.",
        "program": f"It is a {kind} program: operators of torch, in the order that it says.",
        "pickled": "Python imports each of these names and calls some of them with what the file says, before anything can be checked.",
    }[way]
    sentence = f"{plural(bad, 'name')} of it can reach beyond the model. Agree only if you trust who made it." if bad else (
        "It runs in a process of its own, without the network and without writing outside its folder where the system allows that."
    )  # fmt: skip
    holds = (
        "Your answer holds for exactly this content: another byte of code, and you are asked again. "
        "Menu › Test batches › What may run… takes it back."
    )
    return Asked(f"{_WAYS[way]}", sentence, f"{name}. {what}", names, max(0, len(page.names) - len(names)) if names else 0, holds,
                 question.digest, bool(bad))  # fmt: skip


def kept() -> tuple[Consent, ...]:
    """What was agreed to, the newest first."""
    return tuple(reversed(Consents(folder()).given()))


def forget(digest: str) -> None:
    """Take one back."""
    Consents(folder()).forget(digest)


def forget_all() -> None:
    """Take all of them back."""
    Consents(folder()).forget_all()


__all__ = ["Asked", "asked_of", "forget", "forget_all", "kept"]
