"""What the form can offer for a file: ways to a model, its weight sets, the type of its weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.runner.ways import PROGRAMS
from ptinspect.session.batch.choices import Offer, Subject
from ptinspect.session.words import plain

MOST_SETS = 40
OWN = "own"  # stands for FILE.py:FUNCTION until the user has written one
_REBUILT = "Put together from known classes of torch and torchvision, without its pickle."
_BUILT = "Built by the library's own code, filled with the weights. Nothing of the file is run."
_OF_KNOWN_LIBRARIES = ("torch.nn.", "torchvision.")
_PROGRAM_TITLES = {"torchscript": "TorchScript program", "exported": "Exported program"}


def subject_of(checkpoint: Checkpoint, other: Checkpoint | None = None) -> Subject:
    """Both files, and what can be chosen."""
    sets = tuple((found.path, plain(found.path, 60) or "the whole file") for found in checkpoint.weights[:MOST_SETS])
    kinds: Counter[str] = Counter()
    for found in checkpoint.weights:
        if found is checkpoint.main:
            for entry in found.entries[:2_000]:
                kinds[entry.tensor.dtype.name] += entry.tensor.elements
    dtype = kinds.most_common(1)[0][0] if kinds else ""
    return Subject(checkpoint, other, tuple(_offers(checkpoint)), sets, dtype)


def _offers(checkpoint: Checkpoint) -> Iterator[Offer]:
    """The first is what `auto` leads to, as far as that is known before torch is."""
    program = PROGRAMS.get(checkpoint.document.container)
    found, main = checkpoint.architecture, checkpoint.main
    is_whole, kind = (main.form == "model", main.class_name or "") if main is not None else (False, "")
    if program is not None:
        yield Offer("auto", _PROGRAM_TITLES[program], "The program in the file is run, once you agree.", runs_code=True)
    elif is_whole and (found is None or kind.startswith(_OF_KNOWN_LIBRARIES)):
        name = plain(kind.rpartition(".")[2], 60)
        yield Offer("auto", f"Rebuilt: {name}" if name else "Rebuilt", _REBUILT)
    elif found is not None:
        yield Offer("auto", f"Recognised: {plain(found.library, 30)} {plain(found.name, 60)}", _BUILT)
    else:
        yield Offer("auto", "Found by its weights", "Architectures of torchvision and timm are tried. Nothing of the file is run.")
    if found is not None and is_whole and program is None:
        yield Offer("recognised", f"The library's {plain(found.name, 60)}", _BUILT)
    yield Offer(OWN, "A function of yours…", "FILE.py:FUNCTION makes the model; it is run, once you agree.", runs_code=True)
    if is_whole and program is None:
        yield Offer("pickled", "The pickled model itself", "Loading it runs the file's own code, once you agree.", runs_code=True)


__all__ = ["MOST_SETS", "OWN", "subject_of"]
