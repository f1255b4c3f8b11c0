"""The line above a comparison: the verdict in a few words, what is also true, and whether both files are harmless."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ptinspect.analysis.compare.comparison import Comparison, Outline, within
from ptinspect.analysis.compare.head import module_of
from ptinspect.analysis.compare.model import Pair, Status, Verdict
from ptinspect.frozen import frozen
from ptinspect.session.chips import Chip
from ptinspect.session.words import plain, plural

_FEW = 2
_ALSO: dict[Verdict, str] = {
    "low rank": "Changes of low rank, as a merged adapter leaves them",
    "head only": "Outside the head nothing changed",
    "statistics only": "Only running statistics differ",
    "different architecture": "Another architecture",
    "cast only": "Also a cast",
    "renamed only": "Also renamed",
}
WORDS: dict[Status | None, str] = {
    None: "Not read",
    "same": "Same",
    "changed": "Changed",
    "left_only": "Left only",
    "right_only": "Right only",
    "shape_changed": "Shape",
    "dtype_changed": "Type",
}


@frozen
class Toggle:
    """One kind of row: how many there are, and whether they are shown."""

    status: Status
    title: str
    count: int
    is_shown: bool


@frozen
class ComparisonBanner:
    """A word in bold, the rest of the sentence, all of it for a tool tip, chips, and the verdict on safety."""

    verdict: str
    rest: str
    tip: str
    chips: tuple[Chip, ...]
    safety: Chip


@frozen
class Modules:
    """The layers that hold parameters, by whether any of those changed."""

    total: int
    changed: tuple[str, ...]


def modules_of(found: Comparison) -> Modules:
    """Count them, by the names of the left where it has any."""
    parameters = [pair for pair in found.pairs if pair.match.role == "parameter"]
    names = dict.fromkeys(module_of(pair.match.name) for pair in parameters)
    changed = dict.fromkeys(module_of(pair.match.name) for pair in parameters if not pair.is_cast)
    return Modules(len(names), tuple(changed))


def banner_of(found: Comparison, tolerance: float | None = None) -> ComparisonBanner:
    """What a comparison came to. The verdict is the truth of the bytes; a tolerance has a chip of its own."""
    verdict = found.verdict
    if verdict is None:
        return ComparisonBanner("Names and shapes:", plain(found.sentence, 600), plain(found.sentence), (), safety_of(found.outline))
    modules = modules_of(found)
    said = f"{verdict[0].upper()}{verdict[1:]}:"
    chips = (*_tolerated(found, tolerance), *_chips(found, frozenset(modules.changed)))
    return ComparisonBanner(said, _rest(verdict, found, modules), plain(found.sentence, 1_000), chips, safety_of(found.outline))


def _rest(verdict: Verdict, found: Comparison, modules: Modules) -> str:
    same = f"{modules.total - len(modules.changed):,} of {plural(modules.total, 'layer')} identical"
    if verdict == "head only":
        moved = bool(found.buffers_moved)
        return f"backbone {'weights ' if moved else ''}frozen ({same}), {_replaced(found, modules.changed)}"
    if verdict == "identical":
        return f"all {plural(len(found.pairs), 'tensor')} are the same to the byte" if found.pairs else "neither side has a tensor"
    if verdict == "statistics only":
        return f"all parameters are identical, {plural(found.buffers_moved, 'buffer')} moved"
    if verdict in ("fully fine-tuned", "partly fine-tuned"):
        return f"{len(modules.changed):,} of {plural(modules.total, 'layer')} changed{_furthest(found.pairs)}"
    text = plain(found.sentence.partition(". ")[0].rstrip("."), 300)
    return f"{text[:1].lower()}{text[1:]}"


def _replaced(found: Comparison, changed: tuple[str, ...]) -> str:
    """`fc replaced 1000 → 7`, or `fc trained`."""
    told = []
    for name in changed[:_FEW]:
        sizes = ""
        for pair in found.pairs:
            both = pair.match.both
            if both is not None and module_of(pair.match.name) == name and pair.status == "shape_changed":
                left, right = (entry.tensor.shape for entry in both)
                sizes = f" {left[0]} → {right[0]}" if left and right else ""
                break
        alone = any(p.match.both is None and module_of(p.match.name) == name for p in found.pairs)
        told.append(f"{plain(name, 60)} {'replaced' if sizes or alone else 'trained'}{sizes}")
    rest = len(changed) - len(told)
    return ", ".join(told) + (f" and {rest} more" if rest else "")


def _furthest(pairs: Sequence[Pair]) -> str:
    moved = [
        (pair.difference.relative_l2, pair.match.name)
        for pair in pairs
        if pair.difference is not None and pair.match.role == "parameter" and pair.difference.relative_l2
    ]
    finite = [(size, name) for size, name in moved if size and size != float("inf")]
    if not finite:
        return ""
    size, name = max(finite)
    return f", at most {100 * size:.3g} % ({plain(name, 80)})"


def _chips(found: Comparison, changed: frozenset[str]) -> tuple[Chip, ...]:
    """What is also true. Statistics that move while their layer is trained are as they should be."""
    chips = [Chip(_ALSO[also], icon="triangle-alert", tone="warn") for also in found.also if also in _ALSO]
    buffers = [pair for pair in found.pairs if pair.match.role == "buffer" and not pair.is_cast]
    drifted = [pair for pair in buffers if pair.match.both and pair.match.name.rpartition(".")[2] in ("running_mean", "running_var")]
    statistics = [pair for pair in drifted if module_of(pair.match.name) not in changed]
    if statistics and found.verdict != "statistics only":
        where = _where(statistics)
        tip = "Batch norms averaged other data: the network ran in train mode, though its weights may be frozen"
        chips.insert(0, Chip(f"Running statistics drifted{where}", icon="triangle-alert", tone="warn", tip=tip))
    alone = {pair.status for pair in found.pairs} - {"same"}
    if found.verdict == "different architecture" and len(alone) == 1 and len(found.pairs) > 1 and alone & {"left_only", "right_only"}:
        inner, outer = ("left", "right") if "right_only" in alone else ("right", "left")
        if any(pair.status == "same" for pair in found.pairs):
            chips.insert(0, Chip(f"All of the {inner} is in the {outer}", icon="circle-check", tone="good", tip="To the byte"))
    spoiled = sum(bool(pair.difference and pair.difference.nans_gained) for pair in found.pairs)
    if spoiled:
        chips.insert(0, Chip(f"NaN gained in {plural(spoiled, 'tensor')}", icon="octagon-alert", tone="danger"))
    unread = sum(pair.problem is not None for pair in found.pairs)
    if unread:
        chips.append(Chip(f"{plural(unread, 'pair')} cannot be read", icon="triangle-alert", tone="warn"))
    return tuple(chips)


def _tolerated(found: Comparison, tolerance: float | None) -> tuple[Chip, ...]:
    if tolerance is None:
        return ()
    beyond = sum(not within(pair, tolerance) for pair in found.pairs)
    if not beyond:
        return (Chip(f"All within {tolerance:g}", icon="circle-check", tone="good", tip="No value differs by more, none is missing"),)
    return (Chip(f"{plural(beyond, 'tensor')} beyond {tolerance:g}", icon="triangle-alert", tone="warn"),)


def _where(pairs: Sequence[Pair]) -> str:
    """The blocks that they stand in, where those are few."""
    blocks = Counter(_block(pair.match.name) for pair in pairs)
    names = [plain(name, 40) for name in blocks if name]
    return f" in {' and '.join(names)}" if 0 < len(names) <= _FEW and len(names) == len(blocks) else ""


def _block(name: str) -> str:
    steps = name.split(".")[:-2]
    return ".".join(steps[:2] if steps[:1] in (["module"], ["backbone"], ["model"]) else steps[:1])


def safety_of(outline: Outline) -> Chip:
    """Both files in one chip: the worse of the two."""
    verdicts = [side.checkpoint.safety.verdict for side in (outline.left, outline.right)]
    for verdict, text, icon, tone in (("dangerous", "Would run code", "shield-alert", "danger"), ("code", "Names code", "shield", "warn")):
        where = [side for side, found in zip(("left", "right"), verdicts, strict=True) if found == verdict]
        if where:
            after = "— both files" if len(where) == 2 else f"— the {where[0]} file"
            return Chip(text, after=f"{after}, nothing was run", icon=icon, tone="danger" if tone == "danger" else "warn")
    return Chip("Data only", after="— both files", icon="shield-check", tone="good")
