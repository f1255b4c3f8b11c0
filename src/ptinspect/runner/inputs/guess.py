"""The input that a model most likely takes, as specs that people see and change.

In this order: an example that came with the model (exported programs keep one); what torchvision or timm say; what a transformers
model says of itself; the first layers. What the layers leave open (the side of a picture before a linear layer, the length of a
signal) is found by trying: likely sizes first, and then by halving, since what comes out of a network grows with what goes in.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ptinspect.errors import InputDoesNotFit
from ptinspect.frozen import frozen
from ptinspect.runner.inputs.companions import with_companions
from ptinspect.runner.inputs.entries import SEQUENCE, Entry, branches, candidates, cube, entries, vocabularies
from ptinspect.runner.inputs.known import known
from ptinspect.runner.inputs.made import made
from ptinspect.runner.inputs.probing import SAMPLES, Trial, tried
from ptinspect.runner.inputs.signature import COMPANIONS, asked, unwrapped
from ptinspect.runner.inputs.spec import parse

_SECONDS = 6.0
_TRIALS = 60
_LARGEST = 1_024
_TIMES = re.compile(r"t|time|times|timestep|timesteps|time_step|step|sigma|noise_level", re.ASCII)
_MASKS = re.compile(r".*mask", re.ASCII)


@frozen
class Guess:
    """The specs, why, and whether a trial showed that the model takes them."""

    specs: tuple[str, ...]
    because: str
    confirmed: bool = False


def guessed(module: nn.Module, architecture: str | None = None, example: Any = None) -> tuple[str, ...]:
    """The specs of all inputs, in order. Raises InputDoesNotFit where nothing that was tried fits, saying what was."""
    return guess(module, architecture, example).specs


def guess(module: nn.Module, architecture: str | None = None, example: Any = None) -> Guess:
    """The guess and what it rests on."""
    if example is not None:
        return Guess(_of_example(example), "the example that came with the model")
    library = known(unwrapped(module), architecture)
    if library is not None:
        return Guess(library.specs, "what its library says", confirmed=True)
    recorded = _of_graph(module)
    if recorded:
        return Guess(recorded, "the shapes that its graph was recorded with")
    return _by_trial(module)


def _of_example(example: Any) -> tuple[str, ...]:
    """The specs of tensors with a batch dimension: a sequence, a mapping by keyword, or a pair of both."""
    if isinstance(example, torch.Tensor):
        example = (example,)
    if isinstance(example, Sequence) and len(example) == 2 and isinstance(example[0], (tuple, list)) and isinstance(example[1], Mapping):
        return _of_example(tuple(example[0])) + _of_example(example[1])
    if isinstance(example, Mapping):
        return tuple(f"{name}={_of_tensor(value)}" for name, value in example.items() if isinstance(value, torch.Tensor))
    return tuple(_of_tensor(value) for value in example if isinstance(value, torch.Tensor))


def _of_tensor(value: torch.Tensor) -> str:
    sizes = "x".join(str(int(size)) for size in value.shape[1:]) or "scalar"
    kind = str(value.dtype).removeprefix("torch.")
    if kind == "int64":
        most = int(value.max()) + 1 if value.numel() and not value.is_meta and type(value) is torch.Tensor else 1
        return f"tokens:{sizes}:{max(2, most)}"
    return f"random:{sizes}" if kind == "float32" else f"random:{sizes}:{kind}"


def _of_graph(module: nn.Module) -> tuple[str, ...]:
    """A graph that was exported remembers the shapes of what goes in."""
    values = _recorded(module)
    found = tuple(_of_tensor(value) for value in values if isinstance(value, torch.Tensor))
    return found if len(found) == len(values) else ()


def _recorded(module: nn.Module) -> list[Any]:
    nodes = () if isinstance(module, torch.jit.ScriptModule) else getattr(getattr(module, "graph", None), "nodes", ())
    return [getattr(node, "meta", {}).get("val") for node in nodes if getattr(node, "op", "") == "placeholder"]


def fixed_count(module: nn.Module) -> int | None:
    """How many samples an exported program takes, if it takes no other number of them."""
    sizes = [value.shape[0] for value in _recorded(module) if isinstance(value, torch.Tensor) and value.dim()]
    fixed = {size for size in sizes if type(size) is int and size > 0}  # the others are symbols
    return fixed.pop() if len(fixed) == 1 and all(type(size) is int for size in sizes) else None


def _by_trial(module: nn.Module) -> Guess:
    tries = list(_sets(unwrapped(module)))
    best: tuple[str, ...] | None = None
    trials: list[tuple[tuple[str, ...], Trial]] = []
    until = time.perf_counter() + _SECONDS
    for specs in tries[:_TRIALS]:
        trial = trial_of(module, specs)
        trials.append((specs, trial))
        if trial.result == "fits":
            return Guess(specs, f"the first layers{_after(trials)}", confirmed=True)
        best = best or (specs if trial.result == "folds" and trial.side == 0 else None)
        if time.perf_counter() > until:
            break
    solved = _solved(module, tries[0], trials, until)
    if solved is not None:
        return solved
    folds = next((specs for specs, trial in trials if trial.result == "folds"), None)
    open_case = next((specs for specs, trial in trials if trial.result == "unknown"), None)
    chosen = folds or open_case
    if chosen is None:
        raise _nothing_fits(trials)
    return Guess(chosen, f"the first layers{_after(trials)}; a trial could not confirm it")


def trial_of(module: nn.Module, specs: Sequence[str]) -> Trial:
    """How the model takes two samples of these."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    try:
        for text in specs:
            for one in made(parse(text), SAMPLES, 0, vocabularies(module)).inputs:
                if one.name:
                    kwargs[one.name] = one.value
                else:
                    args.append(one.value)
    except InputDoesNotFit as problem:
        return Trial("misfit", 0, problem.message)
    return tried(module, *with_companions(module, args, kwargs, None))


def _sets(module: nn.Module) -> Iterator[tuple[str, ...]]:
    """Sets of specs that may fit, the likeliest first."""
    main = getattr(module, "main_input_name", None)
    if isinstance(main, str):
        yield from _transformer(module, main)
    first = next(entries(module), None)
    alone = candidates(first, module) if first else _without_layers(module)
    names = [one.name for one in asked(module) if one.required and one.name not in COMPANIONS]
    if len(names) <= 1 or first is None:
        yield from ((text,) for text in alone)
        return
    choices = [_choices(name, place, first, module) for place, name in enumerate(names)]
    orders = sorted(itertools.islice(itertools.product(*(range(len(choice)) for choice in choices)), 20_000), key=sum)
    yield from (tuple(choice[at] for choice, at in zip(choices, order, strict=True)) for order in orders)


def _without_layers(module: nn.Module) -> list[str]:
    """A module that computes with parameters of its own, or with none."""
    sizes = dict.fromkeys(size for parameter in itertools.islice(module.parameters(), 4) for size in parameter.shape)
    return [*(f"random:{size}" for size in sizes), "random:16", "random:3x224x224", "random:1x28x28", "random:16x16"]


def _choices(name: str, place: int, first: Entry, module: nn.Module) -> list[str]:
    """What one of several inputs may be: by its name, by its own branch of the network, else like the first."""
    whole = [entry for entry in entries(module) if entry.layer == "Embedding"]
    if _TIMES.fullmatch(name):
        return ["tokens:scalar:1000", "random:scalar", "random:1"]
    if _MASKS.fullmatch(name):
        length = next(iter(candidates(first, module)), "").partition(":")[2].partition("x")[0].partition(":")[0]
        return [f"ones:{length}:int64", f"ones:{length}:bool", f"ones:{SEQUENCE}:bool"]
    if len(whole) > 1 and first.layer == "Embedding":
        own = whole[min(place, len(whole) - 1)]
        return [f"tokens:scalar:{own.takes}", f"tokens:{SEQUENCE}:{own.takes}", f"random:{SEQUENCE}"]
    if first.layer == "Bilinear" and place == 1:
        return [f"random:{getattr(first.module, 'in2_features', first.takes)}"]
    parts = branches(module) if first.path else []
    own = parts[min(place, len(parts) - 1)] if parts else first
    found = [*candidates(own, module)[:4], *candidates(first, module)[:4]]
    found += [text for part in parts[:6] for text in candidates(part, module)[:2]]
    return list(dict.fromkeys(found))


def _transformer(module: nn.Module, main: str) -> Iterator[tuple[str, ...]]:
    """transformers names the main input of a model and keeps its sizes in its config; all arguments have defaults."""
    config = getattr(module, "config", None)
    tokens = next(iter(vocabularies(module)), None) or getattr(config, "vocab_size", None) or 1_000
    side, channels = getattr(config, "image_size", None) or 224, getattr(config, "num_channels", None) or 3
    known_inputs = {
        "input_ids": f"tokens:64:{tokens}", "pixel_values": f"random:{channels}x{side}x{side}", "input_values": "normal:16000",
        "input_features": f"normal:{getattr(config, 'num_mel_bins', None) or 80}x3000",
    }  # fmt: skip
    if main not in known_inputs:
        return
    chosen = f"{main}={known_inputs[main]}"
    decoder = f"decoder_input_ids=tokens:{SEQUENCE}:{tokens}"
    if getattr(config, "is_encoder_decoder", False):
        yield (chosen, decoder)
    yield (chosen,)
    yield (chosen, f"input_ids=tokens:{SEQUENCE}:{tokens}") if main != "input_ids" else (chosen, decoder)


def _solved(module: nn.Module, specs: tuple[str, ...], trials: list[tuple[tuple[str, ...], Trial]], until: float) -> Guess | None:
    """The side at which the layers fit, by halving between one that is too small and one that is too large."""
    first = next(entries(module), None)
    if len(specs) != 1 or first is None or cube(first, 1) is None or not any(trial.side for _, trial in trials):
        return None
    low, high = _bracket(first, trials)
    while low <= high and time.perf_counter() < until:
        side = (low + high) // 2
        text = cube(first, side) or ""
        trial = trial_of(module, (text,))
        trials.append(((text,), trial))
        if trial.result == "fits":
            return Guess((text,), f"the size at which its layers fit, found in {len(trials)} trials", confirmed=True)
        if trial.side == 0:
            return None
        low, high = (side + 1, high) if trial.side < 0 else (low, side - 1)
    return None


def _bracket(first: Entry, trials: list[tuple[tuple[str, ...], Trial]]) -> tuple[int, int]:
    """The sides that are left between those that were tried."""
    low, high = 1, _LARGEST
    for specs, trial in trials:
        side = int(specs[0].rpartition("x")[2])
        if specs == (cube(first, side),):
            low, high = (max(low, side + 1), high) if trial.side < 0 else (low, min(high, side - 1) if trial.side > 0 else high)
    return low, high


def _after(trials: list[tuple[tuple[str, ...], Trial]]) -> str:
    return f", after {len(trials) - 1} that did not fit" if len(trials) > 1 else ""


def _nothing_fits(trials: list[tuple[tuple[str, ...], Trial]]) -> InputDoesNotFit:
    texts = [", ".join(specs) for specs, _ in trials]
    shown = " | ".join(texts[:6]) + (f" and {len(texts) - 6} more" if len(texts) > 6 else "")
    reason = next((trial.reason for _, trial in trials if trial.reason), "")
    return InputDoesNotFit(
        f"no input was found that the model takes; tried {shown}", f"Give one with --input. The first attempt ended with: {reason}"
    )


__all__ = ["Guess", "fixed_count", "guess", "guessed", "trial_of"]
