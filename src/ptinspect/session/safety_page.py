"""The safety page: every name that loading would import, what it means in plain words, and what torch.load would do."""

from __future__ import annotations

import sys
from typing import Literal

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.safety import NamedGlobal, Verdict
from ptinspect.checkpoint.safety.assessment import DANGER
from ptinspect.checkpoint.safety.effects import words_for
from ptinspect.frozen import frozen
from ptinspect.session.words import plain, plural

MOST_NAMES, MOST_EFFECTS = 2_000, 60
_PROGRAMS = {"torchscript": "torch.jit.load(f)", "torch-export": "torch.export.load(f)", "torch-package": "PackageImporter(f)"}
_RANKS: tuple[Verdict, ...] = ("dangerous", "code", "data")
_STORAGES = {
    "FloatStorage": "32-bit floats",
    "DoubleStorage": "64-bit floats",
    "HalfStorage": "16-bit floats",
    "BFloat16Storage": "bfloat16 numbers",
    "LongStorage": "64-bit integers",
    "IntStorage": "32-bit integers",
    "ShortStorage": "16-bit integers",
    "CharStorage": "8-bit integers",
    "ByteStorage": "bytes",
    "BoolStorage": "truth values",
    "UntypedStorage": "bytes of any kind",
}
_DATA = {
    "collections.OrderedDict": "A plain ordered dictionary",
    "collections.defaultdict": "A plain dictionary with a default",
    "collections.Counter": "A plain dictionary of counts",
    "collections.deque": "A plain queue",
    "torch._utils._rebuild_tensor": "Builds a tensor from stored bytes",
    "torch._utils._rebuild_tensor_v2": "Builds a tensor from stored bytes",
    "torch._utils._rebuild_tensor_v3": "Builds a tensor from stored bytes",
    "torch._utils._rebuild_parameter": "Marks a tensor as trainable",
    "torch._utils._rebuild_parameter_with_state": "Marks a tensor as trainable",
    "torch._utils._rebuild_qtensor": "Builds a quantized tensor from stored bytes",
    "torch._utils._rebuild_sparse_tensor": "Builds a sparse tensor from stored bytes",
    "torch.Size": "The shape of a tensor",
    "torch.device": "The name of a device",
    "torch.serialization._get_layout": "The layout of a tensor",
    "_codecs.encode": "Turns stored text into bytes",
    "argparse.Namespace": "A plain bag of settings",
    "numpy.dtype": "The number format of an array",
    "numpy.ndarray": "An array of numbers",
}
_SET_NAMES = frozenset(("set", "frozenset", "bytearray", "complex", "slice", "range"))


@frozen
class NameLine:
    """One imported name."""

    name: str
    verdict: Verdict
    words: str
    uses: int


@frozen
class LoadCard:
    """What one way of loading would do."""

    call: str
    note: str
    verdict: str
    tone: Literal["good", "warn", "danger", "plain"]
    lines: tuple[str, ...]
    code: tuple[str, ...] = ()


@frozen
class SafetyPage:
    """All of the page."""

    verdict: Verdict
    title: str
    sentence: str
    names: tuple[NameLine, ...]
    more_names: int
    cards: tuple[LoadCard, ...]
    effects: tuple[str, ...]
    findings: tuple[tuple[str, str, str], ...]
    report: str

    def count(self, verdict: Verdict) -> int:
        """How many names have a verdict."""
        return sum(line.verdict == verdict for line in self.names)


def safety_page(checkpoint: Checkpoint) -> SafetyPage:
    """The page of one checkpoint."""
    safety = checkpoint.safety
    ranked = sorted(safety.globals, key=lambda found: (_RANKS.index(found.verdict), -found.uses))
    names = tuple(NameLine(plain(found.name, 300), found.verdict, _words(found), found.uses) for found in ranked[:MOST_NAMES])
    effects = tuple(plain(effect, 600) for effect in safety.effects[:MOST_EFFECTS])
    title, sentence = _headline(checkpoint, names)
    others = [found for found in safety.findings if found.title != DANGER]  # which is what the page begins with
    findings = tuple((f.severity, plain(f.title, 200), plain(f.detail, 400)) for f in others[:20])
    page = SafetyPage(safety.verdict, title, sentence, names, max(0, len(ranked) - MOST_NAMES), (), effects, findings, "")
    cards = tuple(_cards(checkpoint, page))
    report = _report(checkpoint, page)
    return SafetyPage(page.verdict, title, sentence, names, page.more_names, cards, effects, findings, report)


def _headline(checkpoint: Checkpoint, names: tuple[NameLine, ...]) -> tuple[str, str]:
    verdict = checkpoint.safety.verdict
    if verdict == "dangerous":
        bad = [line for line in names if line.verdict == "dangerous"]
        what = words_for(bad[0].name) if bad else "do more than compute"
        called = f"It names {bad[0].name}" if bad else "It holds operators that reach outside of it"
        what = "reach into Python and run something" if what in ("be called", "reach into Python's own objects") else what
        return f"Loading this file would {what}", f"{called}. ptinspect read it as data: nothing was imported, nothing was run."
    if verdict == "code":
        if checkpoint.document.container in _PROGRAMS:
            return "This file is a program", "Loading it makes its code ready to run. ptinspect read it as data: nothing was run."
        return (
            "Loading this file would import code",
            "It is built from classes of libraries or of its author. That is usual for whole models. Nothing was imported or run here.",
        )
    where = "Everything in it" if names else "It names nothing at all: everything in it"
    return "This file holds data only", f"{where} describes numbers, texts and plain containers. Loading it runs nothing of its own."


def _words(found: NamedGlobal) -> str:
    """In plain words, what a name is."""
    module, _, last = found.name.rpartition(".")
    if found.verdict == "dangerous":
        what = words_for(found.name)
        return f"Can {what} with your rights" if what != "be called" else "Reaches outside of plain data"
    if found.verdict == "code":
        return _code_words(module, found.name)
    if found.name in _DATA:
        return _DATA[found.name]
    if last in _STORAGES:
        return f"Says that bytes are {_STORAGES[last]}"
    if last in _SET_NAMES:
        return f"A plain {last}"
    if module.startswith("torch"):
        return "Describes a tensor" if "rebuild" in last else "Describes how numbers are stored"
    if module.startswith("numpy"):
        return "Builds an array or a number from stored bytes"
    return "Plain data of Python's own library"


def _code_words(module: str, name: str) -> str:
    if name.startswith("__torch__"):
        return "A class of the program in this file"
    top = module.partition(".")[0]
    if module.startswith("torch.nn"):
        return "A PyTorch layer, in PyTorch's own code"
    if top in ("torch", "torchvision"):
        return f"Code of {top}"
    if top in ("__main__", "main"):
        return "A class of the script that saved this file"
    if top in ("builtins", "__builtin__"):
        return "A function or a class of Python itself"
    if top in sys.stdlib_module_names:
        return f"Code of {plain(top, 60)}, which comes with Python"
    return f"Imports {plain(top, 60)}, code of a library or of the file's author"


def _cards(checkpoint: Checkpoint, page: SafetyPage) -> list[LoadCard]:
    safety, container = checkpoint.safety, checkpoint.document.container
    if container == "safetensors":
        return [
            LoadCard(
                "load_file(f)",
                "safetensors holds numbers and a table of names",
                "Safe",
                "good",
                ("There is nothing in it that could run.",),
            )
        ]
    if container in _PROGRAMS:
        verdict = ("Dangerous", "danger") if safety.verdict == "dangerous" else ("A program", "warn")
        lines = ("Builds the program that is in the file. Its code runs when the model is called.", *page.effects[:4])
        return [LoadCard(_PROGRAMS[container], "the loader of this kind of file", verdict[0], verdict[1], lines)]  # type: ignore[arg-type]
    if safety.loads_weights_only:
        safe = LoadCard(
            "torch.load(f)",
            "weights_only=True, the default since PyTorch 2.6",
            "Loads it",
            "good",
            ("You get all of it. Nothing of the file runs.",),
        )
    elif safety.loads_weights_only is None:
        safe = LoadCard(
            "torch.load(f)",
            "weights_only=True, the default since PyTorch 2.6",
            "Not its loader",
            "plain",
            ("torch.load does not read this kind of file.",),
        )
    else:
        why = plain(safety.why_refused or "it holds more than plain data", 300)
        lines = ("You get an error and no model. Nothing runs.",)
        safe = LoadCard(
            "torch.load(f)", "weights_only=True, the default since PyTorch 2.6", "Stops, safe", "good", lines, (f"UnpicklingError: {why}",)
        )
    return [safe, _unsafe(page, "pickle.load(f)" if container == "pickle" else "torch.load(f, weights_only=False)")]


def _unsafe(page: SafetyPage, call: str) -> LoadCard:
    note = "the default before 2.6, and what many scripts still pass" if call.startswith("torch") else "what reads plain pickles"
    if page.verdict == "data":
        return LoadCard(
            call, note, "Runs nothing", "good", ("Every name in it stands for plain data, so this runs nothing of the file's own either.",)
        )
    if page.verdict == "code":
        return LoadCard(
            call,
            note,
            "Imports code",
            "warn",
            ("Imports and constructs what the file names. Only for a source you trust.", *page.effects[:3]),
        )
    return LoadCard(
        call, note, "Runs it", "danger", ("Does this with your rights, then goes on as if nothing had happened:",), page.effects[:4]
    )


def _report(checkpoint: Checkpoint, page: SafetyPage) -> str:
    """The page as text, to send to whoever gave the file."""
    lines = [plain(checkpoint.path), page.title, page.sentence, ""]
    lines += [f"{line.verdict:<10} {line.name}  x{line.uses:,}  {line.words}" for line in page.names[:200]]
    lines += ["", *(f"- {effect}" for effect in page.effects)] if page.effects else []
    lines += ["", *(f"{severity}: {title}. {detail}" for severity, title, detail in page.findings)] if page.findings else []
    return "\n".join([*lines, "", f"{plural(len(page.names), 'imported name')}; nothing was imported or run."])
