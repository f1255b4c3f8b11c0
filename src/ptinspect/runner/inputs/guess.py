"""The input that a model most likely takes, as specs that people see and change.

In this order: an example that came with the model (exported programs keep one); what torchvision or timm say; what a transformers
model says of itself; the first layers. What the layers leave open (the side of a picture before a linear layer, the length of a
signal) is found by trying: likely sizes first, and then by halving, since what comes out of a network grows with what goes in.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ptinspect.errors import InputDoesNotFit
from ptinspect.frozen import frozen
from ptinspect.runner.inputs.companions import with_companions
from ptinspect.runner.inputs.entries import SEQUENCE, Entry, candidates, cube, entries, vocabularies
from ptinspect.runner.inputs.known import known
from ptinspect.runner.inputs.made import made
from ptinspect.runner.inputs.probing import SAMPLES, Trial, tried
from ptinspect.runner.inputs.several import sets
from ptinspect.runner.inputs.signature import COMPANIONS, asked, unwrapped
from ptinspect.runner.inputs.spec import parse

_SECONDS = 4.0  # of this thread: on a machine that is busy with other things the same trials are made
_MOST_SECONDS = 20.0
_TRIALS = 200
_LARGEST = 1_024
_HEIGHTS = (64, 128, 80, 40, 32, 96)  # bands of spectrograms and heights of text lines


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
    search = _Search(module)
    alike = True
    for specs in itertools.islice(_sets(unwrapped(module)), _TRIALS):
        if alike and len(set(specs)) > 1:  # one size for all did not do: look between the sizes before anything else
            alike = False
            search.solve()
        found = search.found or search.tried(specs)
        if found is not None:
            return found
        if search.is_over():
            break
    if alike:
        search.solve()
    return search.found or search.open_case()


class _Search:
    """The trials so far, within their time."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.trials: list[tuple[tuple[str, ...], Trial]] = []
        self.found: Guess | None = None
        self._begun = (time.thread_time(), time.perf_counter())

    def is_over(self) -> bool:
        """Whether the time is."""
        return time.thread_time() - self._begun[0] > _SECONDS or time.perf_counter() - self._begun[1] > _MOST_SECONDS

    def tried(self, specs: tuple[str, ...]) -> Guess | None:
        """One trial more; the guess if it fits."""
        trial = trial_of(self.module, specs)
        self.trials.append((specs, trial))
        after = len(self.trials) - 1
        if trial.result == "fits":
            self.found = Guess(specs, "the first layers" + (f", after {after} that did not fit" if after else ""), confirmed=True)
        return self.found

    def solve(self) -> None:
        """The side at which the layers fit, by halving between one that is too small and one that is too large; then oblong ones."""
        first = next(entries(self.module), None)
        if not self.trials or first is None or cube(first, 1) is None or not any(trial.side for _, trial in self.trials):
            return
        count = len(self.trials[0][0])
        self._halve([cube(first, side) or "" for side in range(_LARGEST + 1)], count, *_bracket(first, self.trials))
        for height in _HEIGHTS if first.layer == "Conv2d" else ():
            if self.found is None:
                self._halve([f"random:{first.takes}x{height}x{width}" for width in range(2 * _LARGEST + 1)], count, 1, 2 * _LARGEST)

    def _halve(self, texts: Sequence[str], count: int, low: int, high: int) -> None:
        """Among texts of growing inputs."""
        while low <= high and not self.is_over():
            middle = (low + high) // 2
            if self.tried((texts[middle],) * count) is not None:
                return
            side = self.trials[-1][1].side
            if side == 0:
                return
            low, high = (middle + 1, high) if side < 0 else (low, middle - 1)

    def open_case(self) -> Guess:
        """The first that may fit, as far as trials can tell. Raises InputDoesNotFit where none may."""
        for result in ("folds", "unknown"):
            for specs, trial in self.trials:
                if trial.result == result:
                    return Guess(specs, "the first layers; a trial could not confirm it")
        raise _nothing_fits(self.trials)


def trial_of(module: nn.Module, specs: Sequence[str]) -> Trial:
    """How the model takes two samples of these."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    try:
        for text in specs:
            for one in made(parse(text), SAMPLES, 0, vocabularies(module), len(specs) == 1).inputs:
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
    yield from sets(module, names, first)


def _without_layers(module: nn.Module) -> list[str]:
    """A module that computes with parameters of its own, or with none."""
    sizes = dict.fromkeys(size for parameter in itertools.islice(module.parameters(), 4) for size in parameter.shape)
    return [*(f"random:{size}" for size in sizes), "random:16", "random:3x224x224", "random:1x28x28", "random:16x16"]


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


def _bracket(first: Entry, trials: list[tuple[tuple[str, ...], Trial]]) -> tuple[int, int]:
    """The sides that are left between those that were tried."""
    low, high = 1, _LARGEST
    for specs, trial in trials:
        last = specs[0].rpartition("x")[2]
        side = int(last) if last.isdecimal() else 0
        if set(specs) == {cube(first, side)}:
            low, high = (max(low, side + 1), high) if trial.side < 0 else (low, min(high, side - 1) if trial.side > 0 else high)
    return low, high


def _nothing_fits(trials: list[tuple[tuple[str, ...], Trial]]) -> InputDoesNotFit:
    texts = [", ".join(specs) for specs, _ in trials]
    shown = " | ".join(texts[:6]) + (f" and {len(texts) - 6} more" if len(texts) > 6 else "")
    reason = next((trial.reason for _, trial in trials if trial.reason), "")
    return InputDoesNotFit(
        f"no input was found that the model takes; tried {shown}", f"Give one with --input. The first attempt ended with: {reason}"
    )


__all__ = ["Guess", "fixed_count", "guess", "guessed", "trial_of"]
