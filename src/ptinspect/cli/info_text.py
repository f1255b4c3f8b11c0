"""`info` as a colleague would say it: what it is, whether it is harmless, what is wrong, the numbers, how we know."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from ptinspect.checkpoint.load import load_lines
from ptinspect.checkpoint.model import Checkpoint, WeightSet
from ptinspect.checkpoint.packed_counts import packed_count
from ptinspect.checkpoint.slots import trainable_of
from ptinspect.checkpoint.training import Training
from ptinspect.cli.training_text import progress_parts, purpose_text, training_lines
from ptinspect.quantities import count_text, plural, size_text
from ptinspect.spelled import plain

WIDTH = 100
MOST_FINDINGS = 12
MOST_WEIGHTS = 8
MOST_NAMES = 12
LONGEST_NAME = 64
_STAY = "\x1f"  # a space where no line may break; nothing of a file can hold one here, `plain` has spelled it out

_WHAT = {
    "state_dict": "Bare weights",
    "model": "A pickled model",
    "checkpoint": "A checkpoint",
    "torchscript": "A TorchScript program",
    "exported_program": "An exported program",
    "optimizer": "An optimizer's state",
    "tensors": "Tensors",
    "other": "A file without tensors",
}
_SEGMENTS = {
    "_orig_mod": "torch.compile",
    "_fsdp_wrapped_module": "FSDP",
    "_checkpoint_wrapped_module": "activation checkpointing",
}
_SAFE = {
    "data": "It holds data only. Nothing in it was run.",
    "code": "Loading it the ordinary way would run code from libraries or from the file. Nothing in it was run.",
    "dangerous": "DANGEROUS: loading it the ordinary way would run the calls named below. Nothing in it was run.",
}


def lines_of(checkpoint: Checkpoint) -> Iterator[str]:
    """The whole answer."""
    yield plain(checkpoint.path)
    yield from _wrapped(sentence(checkpoint), "")
    yield from _wrapped(_SAFE[checkpoint.safety.verdict], "")
    yield ""
    yield "How we know"
    for evidence in checkpoint.evidence[:MOST_FINDINGS]:
        yield from _wrapped(plain(f"{evidence.certainty}: {evidence.claim}, because {evidence.because}"))
    yield from _problems(checkpoint)
    yield from _weights(checkpoint)
    yield from _training(checkpoint.training)
    yield from _numbers(checkpoint)
    yield from _names(checkpoint)
    yield ""
    yield "How to load it"
    lines = load_lines(checkpoint)
    yield from (f"  {plain(line)}".rstrip() for line in lines.splitlines())


def sentence(checkpoint: Checkpoint) -> str:
    """What the file is, in one sentence."""
    main = checkpoint.main
    text = _WHAT[checkpoint.kind]
    if main is not None:
        of = f" of class {plain(main.class_name)}" if main.class_name else ""
        where = f" in `{plain(main.path)}`" if main.path else ""
        text += f"{of} with {_count(main)}" if checkpoint.kind == "model" else f" with {_count(main)}{where}{of}"
    elif checkpoint.document.tensors:
        text += f": {plural(len(checkpoint.document.tensors), 'tensor')}"
    purpose = purpose_text(checkpoint.training) if checkpoint.kind in ("other", "tensors") and checkpoint.training is not None else ""
    text += f"{', ' if ':' in text else ': '}{purpose}" if purpose else ""
    text += _state_text(checkpoint)
    others = len(checkpoint.weights) - 1
    text += f", beside {plural(others, 'other weight set')}" if others > 0 else ""
    size = size_text(checkpoint.identity.size).replace(" ", _STAY)
    return f"{text} ({checkpoint.document.container},{_STAY}{size})."


def _count(main: WeightSet) -> str:
    """Its parameters; packed ones would be told too low by what is stored."""
    unpacked = packed_count(main)
    if unpacked is None:
        return f"{count_text(main.parameters)} parameters"
    return f"{'at least ' if unpacked.unknown else ''}{count_text(unpacked.parameters)} parameters, packed into fewer bits,"


def _state_text(checkpoint: Checkpoint) -> str:
    """Architecture and training state, as far as they are known: `, resnet50 (torchvision, exact), epoch 3, loss 0.41, Adam`."""
    architecture, training = checkpoint.architecture, checkpoint.training
    parts = [architecture.claim] if architecture else []
    if training is not None:
        parts += progress_parts(training)
        optimizer = training.optimizer
        parts += [plain(optimizer.class_name)] if optimizer and optimizer.class_name else []
    return "".join(f", {part}" for part in parts)


def _problems(checkpoint: Checkpoint) -> Iterator[str]:
    findings = checkpoint.findings
    effects = checkpoint.safety.effects if checkpoint.safety.verdict == "dangerous" else ()  # plain code is a fact, no problem
    if not findings and not effects:
        return
    yield ""
    yield "Look at this"
    for effect in effects[:MOST_FINDINGS]:
        yield from _wrapped(f"runs: {plain(effect)}")
    for finding in findings[:MOST_FINDINGS]:
        where = f" [{plain(finding.where)}]" if finding.where else ""
        yield from _wrapped(f"{finding.severity}: {plain(finding.title)}. {plain(finding.detail)}{where}")
    if len(findings) > MOST_FINDINGS:
        yield f"  … and {len(findings) - MOST_FINDINGS:,} more (--json lists all)"


def _weights(checkpoint: Checkpoint) -> Iterator[str]:
    if not checkpoint.weights:
        return
    yield ""
    yield "Weights"
    for weights in checkpoint.weights[:MOST_WEIGHTS]:
        yield from _wrapped(f"{plain(weights.path) or '(the root)'}: {_weights_text(weights, checkpoint.training)}")
    if len(checkpoint.weights) > MOST_WEIGHTS:
        yield f"  … and {len(checkpoint.weights) - MOST_WEIGHTS:,} more"


def _weights_text(weights: WeightSet, training: Training | None) -> str:
    parts = [weights.role, plural(len(weights.entries), "tensor"), f"{weights.parameters:,} parameters"]
    buffers, trained = weights.buffers, trainable_of(weights, training.fits if training else ())
    parts += [f"{buffers:,} in buffers"] if buffers else []
    parts += [f"{trained.trainable:,} trainable, {trained.frozen:,} frozen ({trained.certainty})"] if trained else []
    parts += [f"wrapped in {plain(name)}" for name in weights.wrapped_in]
    parts += [f"every name begins with `{weights.prefix}`"] if weights.prefix else []
    parts += [f"names hold `{step}` ({what})" for step, what in _SEGMENTS.items() if _is_step(step, weights)]
    return ", ".join(parts) + ("" if weights.split == "confirmed" else "; parameters and buffers told apart by their names")


def _is_step(step: str, weights: WeightSet) -> bool:
    return any(step in entry.name for entry in weights.entries)


def _training(training: Training | None) -> Iterator[str]:
    lines = list(training_lines(training)) if training is not None else []
    if lines:
        yield ""
        yield "Training"
        yield from (part for line in lines for part in _wrapped(line))


def _numbers(checkpoint: Checkpoint) -> Iterator[str]:
    document, totals = checkpoint.document, checkpoint.totals
    dtypes: dict[str, int] = {}
    for tensor in document.tensors:
        dtypes[tensor.dtype.name] = dtypes.get(tensor.dtype.name, 0) + 1
    yield ""
    yield "Numbers"
    yield f"  tensors   {len(document.tensors):,}" + (f"  ({', '.join(f'{n} {c:,}' for n, c in dtypes.items())})" if dtypes else "")
    yield f"  elements  {sum(tensor.elements for tensor in document.tensors):,}"
    size = f" ({size_text(totals.stored)})" if totals.stored >= 1_000 else ""
    yield f"  stored    {totals.stored:,} bytes{size}, {totals.wasted:,} of them wasted"
    for names in totals.shared[:MOST_NAMES]:
        yield from _wrapped("shared    " + " = ".join(_cut(plain(name)) for name in names[:4]) + (" …" if len(names) > 4 else ""))
    for name, text in document.facts.items():
        yield from _wrapped(f"{name}: {plain(text)}")


def _cut(name: str) -> str:
    """A name of reasonable length; Lightning's keys hold all settings of a callback."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME // 2 - 1]}…{name[-LONGEST_NAME // 2 :]}"


def _names(checkpoint: Checkpoint) -> Iterator[str]:
    safety = checkpoint.safety
    if not safety.globals:
        return
    yield ""
    loads = {True: "takes it", False: "refuses it", None: "is not its loader"}[safety.loads_weights_only]
    why = f" ({plain(safety.why_refused)})" if safety.why_refused else ""
    yield from _wrapped(f"Names in it; torch.load(weights_only=True) {loads}{why}", "")
    ranked = sorted(safety.globals, key=lambda g: ("dangerous", "code", "data").index(g.verdict))
    for found in ranked[:MOST_NAMES]:
        yield f"  {found.verdict:<9} {plain(found.name)}  ×{found.uses:,}"
    if len(ranked) > MOST_NAMES:
        yield f"  … and {len(ranked) - MOST_NAMES:,} more"


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    lines = wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + ("  " if indent else ""), break_on_hyphens=False)
    return [line.replace(_STAY, " ") for line in lines] or [""]
