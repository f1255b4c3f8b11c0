"""The overview: what the file is and why, what is wrong, how its size is made up, how to load it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from ptinspect.checkpoint.layers import LayerNode
from ptinspect.checkpoint.load import load_lines
from ptinspect.checkpoint.model import Certainty, Checkpoint, Evidence, WeightSet, memory_of
from ptinspect.checkpoint.packed_counts import packed_count
from ptinspect.checkpoint.slots import trainable_of
from ptinspect.findings import SEVERITIES, Finding
from ptinspect.frozen import frozen, replace
from ptinspect.session.naming import architecture_name, progress_of
from ptinspect.session.problems import Problem, problems_of
from ptinspect.session.words import article, count_text, number_text, parameters_text, plain, plural, size_text

MOST_PROBLEMS, MOST_EVIDENCE, MOST_BLOCKS, MOST_SETS = 40, 24, 24, 24
_WHAT = {
    "state_dict": "Bare weights",
    "model": "A pickled model",
    "checkpoint": "A training checkpoint",
    "torchscript": "A TorchScript program",
    "exported_program": "An exported program",
    "optimizer": "An optimizer's state",
    "tensors": "A collection of tensors",
    "other": "A file without tensors",
}
_COMMENT = 50  # letters
_LABELS = (("epoch ", "Progress"), ("step ", "Progress"), ("loss ", "Progress"), ("the optimizer was", "Optimizer"))


@frozen
class Claim:
    """One thing we say of the file, how sure it is and why."""

    label: str
    text: str
    because: str
    certainty: Certainty


@frozen
class Block:
    """A part of the main weights, for the picture of their sizes."""

    name: str
    path: str
    count: int
    share: float


@frozen
class Share:
    """A dtype and the bytes stored in it."""

    name: str
    size: int


@frozen
class SetLine:
    """One weight set, or the optimizer's state beside them."""

    name: str
    key: str
    detail: str
    count: str
    is_main: bool


@frozen
class Overview:
    """All of the page."""

    title: str
    sentence: str
    problems: tuple[Problem, ...]
    more_problems: int
    claims: tuple[Claim, ...]
    blocks: tuple[Block, ...]
    blocks_title: str
    dtypes: tuple[Share, ...]
    stored: str
    sets: tuple[SetLine, ...]
    load: str
    facts: tuple[tuple[str, str], ...]


def overview_of(checkpoint: Checkpoint, tree: LayerNode) -> Overview:
    """The page of one checkpoint."""
    document, totals = checkpoint.document, checkpoint.totals
    blocks, title = _blocks(checkpoint, tree)
    problems = _with_places(problems_of(checkpoint.findings), tree)
    return Overview(
        title=_title(checkpoint),
        sentence=_sentence(checkpoint),
        problems=tuple(problems[:MOST_PROBLEMS]),
        more_problems=sum(problem.times for problem in problems[MOST_PROBLEMS:]),
        claims=tuple(_claims(checkpoint)),
        blocks=blocks,
        blocks_title=title,
        dtypes=_dtypes(checkpoint),
        stored=size_text(totals.stored),
        sets=tuple(_sets(checkpoint)),
        load=_wrapped(load_lines(checkpoint)),
        facts=(
            ("Tensors", f"{len(document.tensors):,}"),
            ("Elements", f"{sum(tensor.elements for tensor in document.tensors):,}"),
            ("Stored", size_text(totals.stored)),
            ("Wasted", size_text(totals.wasted) if totals.wasted else "nothing"),
            *((("Shared", f"{len(totals.shared):,} tied"),) if totals.shared else ()),
        ),
    )


def _with_places(problems: list[Problem], tree: LayerNode) -> list[Problem]:
    """Only those that stand somewhere in the tree have a place to show; others are told by the record they lie in."""
    wanted = {problem.key for problem in problems if problem.key}
    there = {node.path for node in tree.walk() if node.path in wanted} if wanted else set[str]()
    there |= {row.path for node in tree.walk() for row in node.tensors if row.path in wanted} if wanted - there else set()
    return [problem if problem.key in there else replace(problem, key="") for problem in problems]


def _wrapped(code: str) -> str:
    """Code whose comments are as wide as the page: they are read, where lines of code are only copied."""
    lines: list[str] = []
    for line in code.split("\n"):
        lines += wrap(line, _COMMENT, subsequent_indent="# ", break_on_hyphens=False) if line.startswith("# ") else [line]
    return "\n".join(lines)


def with_findings(page: Overview, findings: Sequence[Finding]) -> Overview:
    """The page with what was found in the values, the worst first; a notice stays on the page of its own."""
    loud = problems_of(finding for finding in findings if finding.severity in ("warning", "danger"))
    found = sorted((*page.problems, *loud), key=lambda problem: -SEVERITIES.index(problem.severity))
    more = page.more_problems + sum(problem.times for problem in found[MOST_PROBLEMS:])
    return replace(page, problems=tuple(found[:MOST_PROBLEMS]), more_problems=more)


def _title(checkpoint: Checkpoint) -> str:
    text, name = _WHAT[checkpoint.kind], architecture_name(checkpoint)
    if not name and checkpoint.main is not None and checkpoint.main.class_name:
        name = plain(checkpoint.main.class_name.rpartition(".")[2], 60)
    return f"{text}, {name}" if name and checkpoint.architecture is None else f"{text} of {name}" if name else text


def _sentence(checkpoint: Checkpoint) -> str:
    parts = []
    main, training = checkpoint.main, checkpoint.training
    if main is not None:
        unpacked = packed_count(main)
        count = f"{parameters_text(unpacked.parameters)}, packed" if unpacked else parameters_text(main.parameters)
        place = f" in {plain(main.path, 80)}" if main.path else ""
        parts.append(f"{count}{place}, {plural(len(main.entries), 'tensor')}.")
        trained = trainable_of(main, training.fits if training else ())
        if trained is not None and trained.frozen:
            parts.append(f"{count_text(trained.trainable)} of them train, {count_text(trained.frozen)} are frozen.")
    elif checkpoint.document.tensors:
        parts.append(f"{plural(len(checkpoint.document.tensors), 'tensor')}, and no set of weights among them.")
    else:
        parts.append("Plain values only: there are no weights in it.")
    if training is not None:
        said = [f"{name} {number_text(value)}" for name, value in progress_of(checkpoint)]
        optimizer = training.optimizer
        run = f" of {article(plain(optimizer.class_name, 40))} run" if optimizer is not None and optimizer.class_name else ""
        parts += [f"Saved at {', '.join(said)}{run}."] if said else [f"Saved in the course{run}."] if run else []
    return " ".join(parts)


def _claims(checkpoint: Checkpoint) -> Iterator[Claim]:
    for at, evidence in enumerate(checkpoint.evidence[:MOST_EVIDENCE]):
        text, label = plain(evidence.claim, 200).replace("`", ""), _label(checkpoint, evidence, at)
        text = text if label == "Architecture" or evidence.claim.startswith("`") else f"{text[:1].upper()}{text[1:]}"
        yield Claim(label, text, plain(evidence.because, 400).replace("`", "").replace(" -> ", " → "), evidence.certainty)


def _label(checkpoint: Checkpoint, evidence: Evidence, at: int) -> str:
    """The word before a claim; the first two of every checkpoint are its kind and its container."""
    if at < 2:
        return ("Kind", "Container")[at]
    claim = evidence.claim
    if checkpoint.architecture is not None and claim == checkpoint.architecture.claim:
        return "Architecture"
    label = next((label for start, label in _LABELS if claim.startswith(start)), "")
    if label:
        return label
    training = checkpoint.training
    if training is not None and "is the state of" in claim:
        paths = {f"`{optimizer.path}`" if optimizer.path else "the root" for optimizer in training.optimizers}
        return "Optimizer" if any(claim.startswith(path) for path in paths) else "Schedule"
    if training is not None and evidence in training.evidence:
        return "Training"
    return "Weights"


def _blocks(checkpoint: Checkpoint, tree: LayerNode) -> tuple[tuple[Block, ...], str]:
    """The layers that the main weights are made of: down from their root to the first level that branches."""
    main = checkpoint.main
    node = next((node for node in tree.walk() if node.path == main.path), None) if main is not None else None
    while node is not None and len(node.children) == 1 and not node.tensors and node.children[0].children:
        node = node.children[0]
    if node is None or not node.parameters:
        return (), ""
    parts = [(child.name, child.path, child.parameters) for child in node.children if child.parameters]
    parts += [(row.name, row.path, row.tensor.elements) for row in node.tensors if row.role == "parameter" and row.tensor.elements]
    parts.sort(key=lambda part: -part[2])
    if len(parts) > MOST_BLOCKS:
        rest = sum(part[2] for part in parts[MOST_BLOCKS - 1 :])
        if 2 * rest > node.parameters:  # many small parts: a picture of them would show one block, "the rest"
            return (), ""
        parts = [*parts[: MOST_BLOCKS - 1], (f"{len(parts) - MOST_BLOCKS + 1:,} more", "", rest)]
    total = sum(part[2] for part in parts)
    blocks = tuple(Block(plain(name, 80), path, count, count / total) for name, path, count in parts)
    return blocks, parameters_text(node.parameters)


def _dtypes(checkpoint: Checkpoint) -> tuple[Share, ...]:
    """Bytes by dtype, tensors on the same bytes once."""
    sizes: dict[str, int] = {}
    seen: set[object] = set()
    for tensor in checkpoint.document.tensors:
        key = memory_of(tensor)
        if key not in seen and tensor.problem is None:
            seen.add(key)
            sizes[tensor.dtype.name] = sizes.get(tensor.dtype.name, 0) + tensor.dtype.nbytes(tensor.elements)
    return tuple(Share(name, size) for name, size in sorted(sizes.items(), key=lambda pair: -pair[1]))


def _sets(checkpoint: Checkpoint) -> Iterator[SetLine]:
    for weights in checkpoint.weights[:MOST_SETS]:
        yield SetLine(
            plain(weights.path, 120) or "the whole file",
            f"layer:{weights.path}",
            _set_detail(weights),
            count_text(weights.parameters),
            weights.role == "main",
        )


def _set_detail(weights: WeightSet) -> str:
    dtypes = list(dict.fromkeys(entry.tensor.dtype.name for entry in weights.entries if entry.role == "parameter"))
    parts = ["moving average"] if weights.role == "ema" else []
    parts += [dtypes[0] if len(dtypes) == 1 else plural(len(dtypes), "dtype")] if dtypes else []
    parts += [f"wrapped in {plain(name.rpartition('.')[2], 40)}" for name in weights.wrapped_in[:1]]
    parts += [f"names begin with {weights.prefix}"] if weights.prefix else []
    return ", ".join(parts) or plural(len(weights.entries), "tensor")
