"""Which parameter each slot of an optimizer belongs to, and so which parameters were trained.

A slot is a number, so the order is all that older files tell. It counts only where the numbers of both sides are equal and the
shape of every state fits; torch writes names beside since 2.6, which count always. What cannot be mapped stays unknown: an
optimizer over two of 62 parameters says that 60 were frozen, and not which, so that is evidence and no answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

from ptinspect.checkpoint.model import Certainty, Entry, Evidence, WeightSet, memory_of
from ptinspect.checkpoint.optimizers import Optimizer, Slot
from ptinspect.checkpoint.weight_sets import common_prefix, without_wrappers
from ptinspect.findings import Finding
from ptinspect.frozen import frozen, slotted

How = Literal["identity", "names", "order", "order within groups", "shapes"]
Shape = tuple[int, ...]
Parameters = list[tuple[str, Shape]]

SHOWN = 3
# State that has its parameter's shape in every optimizer that keeps it; row and column sums, scales and counters have not.
ELEMENTWISE = frozenset(
    "exp_avg exp_avg_sq max_exp_avg_sq exp_inf exp_avg_var exp_avg_diff momentum_buffer square_avg acc_delta grad_avg sum prev step_size"
    " ax variance grad_sum_sq hessian master_param".split()
)
_DULL = frozenset("optim optims optimizer optimizers opt state states dict sd model net network weights param params".split())
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@frozen
class Fit:
    """An optimizer's slots beside the parameters of one weight set.

    `names` maps slots to parameters, empty where only the sets of both are known to be the same (`shapes`); `listed` are the
    parameters that some group lists.
    """

    optimizer: str
    weights: str
    how: How
    names: dict[Slot, str]
    listed: frozenset[str]


@frozen
class Trained:
    """Which parameters of a weight set are trained, by name, and how many elements are and are not."""

    certainty: Certainty
    because: str
    names: dict[str, bool]
    trainable: int
    frozen: int


@slotted
class Fitting:
    """What came out of fitting all optimizers to all weight sets."""

    fits: list[Fit]
    evidence: list[Evidence]
    findings: list[Finding]


def fit_all(optimizers: Sequence[Optimizer], weights: Sequence[WeightSet]) -> Fitting:
    """Every optimizer beside the weight set that it fits, the main one first unless their names say another."""
    fitting = Fitting([], [], [])
    alone = []
    for optimizer in optimizers:
        fit = next(filter(None, (_fit(optimizer, one) for one in _likely(optimizer, weights))), None)
        if fit is None:
            alone.append(optimizer)
        else:
            fitting.fits.append(fit)
            _tell(optimizer, fit, next(one for one in weights if one.path == fit.weights), fitting)
    main = next((one for one in weights if one.role == "main"), None)
    if alone and main is not None:
        fitting.fits += _together(alone, main) or [] if len(alone) > 1 else []
        mapped = {fit.optimizer for fit in fitting.fits}
        for optimizer in alone:
            if optimizer.path not in mapped:
                _explain(optimizer, main, fitting)
    return fitting


def _likely(optimizer: Optimizer, weights: Sequence[WeightSet]) -> list[WeightSet]:
    """The sets that share a word with the optimizer's path (`opt_D`, `discriminator`), then main, other, averaged."""
    words, ranks = _words(optimizer.path), ("main", "other", "ema")

    def rank(one: WeightSet) -> tuple[bool, int]:
        return not _related(words, _words(one.path)), ranks.index(one.role)

    return sorted((one for one in weights if one.entries), key=rank)


def _words(path: str) -> set[str]:
    return {word.lower() for word in _WORDS.findall(path)} - _DULL


def _related(left: set[str], right: set[str]) -> bool:
    return any(a.startswith(b) or b.startswith(a) for a in left for b in right)


def parameters_of(weights: WeightSet) -> Parameters:
    """A set's parameters as `parameters()` would list them: tied ones once."""
    seen: set[object] = set()
    found: Parameters = []
    for entry in weights.entries:
        if entry.role == "parameter":
            key = memory_of(entry.tensor)
            if key not in seen:
                seen.add(key)
                found.append((entry.name, entry.tensor.shape))
    return found


def _fit(optimizer: Optimizer, weights: WeightSet) -> Fit | None:
    """How an optimizer belongs to a weight set, None where it does not."""
    names = _by_identity(optimizer, weights) if optimizer.tensors else None
    if names:
        return Fit(optimizer.path, weights.path, "identity", names, frozenset(names.values()))
    names = _by_names(optimizer, weights)
    if names is not None:
        return Fit(optimizer.path, weights.path, "names", names, frozenset(names.values())) if names else None
    slots = optimizer.slots
    if not slots or not optimizer.groups:
        return None
    for listing in (parameters_of, _every_name):
        parameters = listing(weights) if len(slots) <= len(weights.entries) else []
        found = _by_order(optimizer, weights.path, slots, parameters) if len(slots) == len(parameters) else None
        if found is not None:
            return found
    return None


def _every_name(weights: WeightSet) -> Parameters:
    """A set's parameters with tied ones under each of their names, as a model lists them that was untied after loading."""
    return [(entry.name, entry.tensor.shape) for entry in weights.entries if entry.role == "parameter"]


def _by_identity(optimizer: Optimizer, weights: WeightSet) -> dict[Slot, str]:
    """A pickled optimizer holds the parameters themselves."""
    names = {memory_of(entry.tensor): entry.name for entry in reversed(weights.entries)}
    found = {slot: names.get(memory_of(tensor)) for slot, tensor in optimizer.tensors.items()}
    return {slot: name for slot, name in found.items() if name is not None}


def _by_names(optimizer: Optimizer, weights: WeightSet) -> dict[Slot, str] | None:
    """By the names beside the numbers, or in their place (FSDP). None where there are none; empty where most are not of this set."""
    slots = optimizer.slots
    names = optimizer.names
    if names is None:
        names = tuple(slot for slot in slots if type(slot) is str) if optimizer.groups else ()
        if not names or len(names) != len(slots):
            return None
    own = {entry.name: entry.name for entry in weights.entries if entry.role == "parameter"}
    plain = {_plain(name, weights.prefix): name for name in own}
    prefix = common_prefix(list(names))
    found = {}
    for slot, name in zip(slots, names, strict=True):
        known = own.get(name) or plain.get(_plain(name, prefix)) or plain.get(_plain(name, None))
        if known is not None:
            found[slot] = known
    return found if len(found) * 2 >= len(slots) else {}


def _plain(name: str, prefix: str | None) -> str:
    """A name without a set's common prefix and without the segments that wrappers add."""
    return without_wrappers(name.removeprefix(prefix or ""))


def _by_order(optimizer: Optimizer, path: str, slots: tuple[Slot, ...], parameters: Parameters) -> Fit | None:
    """By the order of the parameters; where two groups split them into matrices and the rest (weight decay), by that order."""
    listed = frozenset(name for name, _ in parameters)
    for how, ordered in _orders(optimizer, parameters):
        if not any(_misfit(optimizer, slot, shape) for slot, (_, shape) in zip(slots, ordered, strict=True)):
            names = {slot: name for slot, (name, _) in zip(slots, ordered, strict=True)}
            return Fit(optimizer.path, path, how, names, listed)
    if len(optimizer.groups) < 2:
        return None
    kept = Counter(shape for shape in (_shape(optimizer, slot) for slot in slots) if shape is not None)
    if kept and kept <= Counter(shape for _, shape in parameters):
        return Fit(optimizer.path, path, "shapes", {}, listed)
    return None


def _orders(optimizer: Optimizer, parameters: Parameters) -> Iterator[tuple[How, Parameters]]:
    yield "order", parameters
    if len(optimizer.groups) != 2:
        return
    split = ([p for p in parameters if len(p[1]) >= 2], [p for p in parameters if len(p[1]) < 2])
    for first, second in (split, split[::-1]):
        if len(first) == len(optimizer.groups[0].slots):
            yield "order within groups", first + second


def _shape(optimizer: Optimizer, slot: Slot) -> Shape | None:
    """The shape of the parameter that a slot's state was made for."""
    kept = optimizer.state.get(slot) or {}
    return next((tensor.shape for name, tensor in kept.items() if name in ELEMENTWISE and not tensor.problem), None)


def _misfit(optimizer: Optimizer, slot: Slot, shape: Shape) -> tuple[str, Shape] | None:
    """The name and shape of a state that does not have its parameter's shape."""
    for name, tensor in (optimizer.state.get(slot) or {}).items():
        if tensor.shape != shape and name in ELEMENTWISE and not tensor.problem:
            return name, tensor.shape
    return None


def _together(optimizers: Sequence[Optimizer], weights: WeightSet) -> list[Fit] | None:
    """Several optimizers that list all parameters of one set between them, one after another (a GAN in one module)."""
    parameters = parameters_of(weights)
    if sum(len(one.slots) for one in optimizers) != len(parameters) or any(not one.slots or one.names for one in optimizers):
        return None
    fits, at = [], 0
    for one in optimizers:
        part = parameters[at : at + len(one.slots)]
        at += len(part)
        fit = _by_order(one, weights.path, one.slots, part)
        if fit is None:
            return None
        fits.append(fit)
    return fits


def _tell(optimizer: Optimizer, fit: Fit, weights: WeightSet, fitting: Fitting) -> None:
    """What a fit says beyond itself: listed parameters without state, states that do not fit, names that are not there."""
    shapes = {entry.name: entry.tensor.shape for entry in weights.entries}
    where = optimizer.path or None
    by_shape = fit.how not in ("names", "identity")  # then every shape has been compared already
    slots = () if by_shape else fit.names.items()
    misfits = [(name, shapes[name], bad) for slot, name in slots if (bad := _misfit(optimizer, slot, shapes[name]))]
    if misfits:
        fitting.findings.append(_misfits(misfits, where))
    lost = len(optimizer.slots) - len(fit.names)
    if fit.how == "names" and lost:
        detail = f"{lost:,} of the {len(optimizer.slots):,} names that its groups list are no parameters of `{weights.path or 'the root'}`."
        fitting.findings.append(Finding("notice", "an optimizer lists parameters that are not in the weights", detail, where))
    bare = [name for slot, name in fit.names.items() if slot not in optimizer.state]
    if bare and optimizer.state:
        because = f"they never received a gradient: frozen after the optimizer was made, or unused ({_some(bare)})"
        claim = f"{len(bare):,} of {len(fit.names):,} listed parameters have no optimizer state"
        fitting.evidence.append(Evidence(claim, "inferred", because))


def _misfits(misfits: list[tuple[str, Shape, tuple[str, Shape]]], where: str | None) -> Finding:
    texts = [f"`{kept}` of {name} has the shape {list(has)}, the parameter {list(shape)}" for name, shape, (kept, has) in misfits[:SHOWN]]
    more = f", and {len(misfits) - SHOWN:,} more" if len(misfits) > SHOWN else ""
    detail = f"{'; '.join(texts)}{more}. Training that resumes from this file fails at its first step."
    return Finding("warning", "optimizer state does not fit its parameters", detail, where)


def _explain(optimizer: Optimizer, main: WeightSet, fitting: Fitting) -> None:
    """Why an optimizer could not be mapped, and what it suggests all the same."""
    parameters, slots = parameters_of(main), optimizer.slots
    if not slots or not optimizer.groups:
        return
    if len(slots) == len(parameters):
        misfits = [
            (name, shape, bad) for slot, (name, shape) in zip(slots, parameters, strict=True) if (bad := _misfit(optimizer, slot, shape))
        ]
        if 0 < len(misfits) <= len(slots) // 2:
            fitting.findings.append(_misfits(misfits, optimizer.path or None))
        return
    claim = f"the optimizer lists {len(slots):,} parameters, the main weights have {len(parameters):,}"
    because = "their numbers differ and it names none of them, so which ones it trains cannot be told"
    if len(slots) < len(parameters):
        last = parameters[len(parameters) - len(slots) :]
        because = f"the rest were frozen or belong to no group; {because}"
        if optimizer.state and not any(_misfit(optimizer, slot, shape) for slot, (_, shape) in zip(slots, last, strict=True)):
            because += f" (its state has the shapes of the last ones: {_some([name for name, _ in last])})"
    fitting.evidence.append(Evidence(claim, "inferred", because))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def trainable_of(weights: WeightSet, fits: Iterable[Fit]) -> Trained | None:
    """Which parameters of a weight set are trained: by requires_grad of a pickled module, else by the optimizers mapped to it."""
    parameters = [entry for entry in weights.entries if entry.role == "parameter"]
    if weights.form == "model" and all(entry.tensor.requires_grad is not None for entry in parameters):
        on = {entry.name for entry in parameters if entry.tensor.requires_grad}
        return _counted(weights, parameters, on, "confirmed", "`requires_grad` of each parameter is stored in the pickled module")
    own = [fit for fit in fits if fit.weights == weights.path]
    if not own or not parameters:
        return None
    paths = ", ".join(f"`{fit.optimizer or 'the root'}`" for fit in own)
    because = f"the groups of {paths} list the trained ones, matched by {own[0].how}"
    listed = own[0].listed if len(own) == 1 else frozenset().union(*(fit.listed for fit in own))
    return _counted(weights, parameters, listed, "inferred", because)


def _counted(weights: WeightSet, parameters: Sequence[Entry], listed: AbstractSet[str], certainty: Certainty, because: str) -> Trained:
    """Elements on both sides, tied ones once; a tensor that one of its names trains is trained under all of them."""
    if len(listed) >= len(parameters) and all(entry.name in listed for entry in parameters):
        return Trained(certainty, because, {entry.name: True for entry in parameters}, weights.parameters, 0)
    keys = [memory_of(entry.tensor) for entry in parameters]
    trained = {key for key, entry in zip(keys, parameters, strict=True) if entry.name in listed}
    names = {entry.name: key in trained for key, entry in zip(keys, parameters, strict=True)}
    counts = {key: entry.tensor.elements for key, entry in zip(keys, parameters, strict=True)}
    on = sum(count for key, count in counts.items() if key in trained)
    return Trained(certainty, because, names, on, sum(counts.values()) - on)
