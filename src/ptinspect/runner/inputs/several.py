"""Sets of specs for models with several inputs, the likeliest first: by the names of the arguments, and by the layers they reach."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from torch import nn

from ptinspect.frozen import frozen
from ptinspect.runner.inputs.entries import Entry, branches, candidates, entries
from ptinspect.runner.inputs.flows import Reached, flows

_LENGTHS = (64, 32, 16, 8)
_A_LENGTH = 40  # sets for one length of sequences
_NAMES = re.ASCII | re.IGNORECASE
_TIMES = re.compile(r"t|times?|time_?steps?|step|sigma|noise_level", _NAMES)
_MASKS = re.compile(r".*mask", _NAMES)
_KINDS = re.compile(r"token_type_ids?|segment(_ids?|s)?", _NAMES)
_PLACES = re.compile(r"pos(itions?|ition_ids?)?", _NAMES)
_STATES = re.compile(r"h|hx|h_?0|c_?0|hc|hiddens?|hidden_states?|(prev_|initial_)?states?|mems?|memory", _NAMES)
_SINGLE = re.compile(
    r"y|.*(user|item|movie|product|track|artist|book|head|tail|relation|entity|center|context|anchor|label|class|cond).*", _NAMES
)


@frozen
class _Question:
    """What may go in: the model, the layers that its arguments reach, and how long sequences are."""

    module: nn.Module
    first: Entry
    reached: dict[str, list[Reached]]
    length: int


def sets(module: nn.Module, names: Sequence[str], first: Entry) -> Iterator[tuple[str, ...]]:
    """Sets for these arguments."""
    reached = flows(module)
    ends = [end for name in names for end in reached.get(name, ())]
    same = len({tuple(end.entry.path for end in reached.get(name, ())) for name in names}) == 1
    if same and not any(end.joined for end in ends) and first.layer != "Bilinear" and not any(_told_by(name, 1) for name in names):
        yield from ((text,) * len(names) for text in candidates(ends[0].entry if ends else first, module))  # as in a Siamese network
    for length in _LENGTHS:
        question = _Question(module, first, reached, length)
        choices = [_choices(name, place, question) for place, name in enumerate(names)]
        orders = sorted(itertools.islice(itertools.product(*(range(len(choice)) for choice in choices)), 5_000), key=sum)
        for order in orders[:_A_LENGTH]:
            yield tuple(choice[at] for choice, at in zip(choices, order, strict=True))


def _told_by(name: str, length: int) -> list[str]:
    """What a name alone says."""
    if _TIMES.fullmatch(name):
        return ["tokens:scalar:1000", "random:scalar", "random:1"]
    if _MASKS.fullmatch(name):
        return [f"ones:{length}:int64", f"ones:{length}:bool"]
    if _KINDS.fullmatch(name):
        return [f"tokens:{length}:2"]
    if _PLACES.fullmatch(name):
        return [f"zeros:{length}:int64", f"random:{length}x3"]
    return []


def _choices(name: str, place: int, question: _Question) -> list[str]:
    """What one argument may be, the likeliest first."""
    told, first = _told_by(name, question.length), question.first
    if _STATES.fullmatch(name):
        told.append("none:")
    found = _by_layers(name, question)
    if first.layer == "Bilinear" and place == 1:
        found.insert(0, f"random:{getattr(first.module, 'in2_features', first.takes)}")
    if not found and not told:
        parts = branches(question.module) if first.path else []
        own = parts[min(place, len(parts) - 1)] if parts else first
        found = [*_of(own, name, question), *_of(first, name, question)]
        found += [text for part in parts[:6] for text in _of(part, name, question)[:2]]
    return list(dict.fromkeys([*told, *found])) or [f"random:{first.takes}"]


def _by_layers(name: str, question: _Question) -> list[str]:
    ends = question.reached.get(name, [])
    tables = [end for end in ends if end.entry.layer == "Embedding"]
    columns = [end.column for end in ends if end.column is not None]
    if tables and columns:  # categories side by side, each with an embedding of its own
        return [f"tokens:{max(columns) + 1}:{min(end.entry.takes for end in tables)}"]
    found: list[str] = []
    for end in ends[:3]:
        if end.joined and end.entry.layer == "Linear":
            found += [f"random:{size}" for size in _shares(end.entry, question.module)]
        found += _of(end.entry, name, question)
    return found


def _of(entry: Entry, name: str, question: _Question) -> list[str]:
    if entry.layer == "Embedding":
        pair = [f"tokens:{question.length}:{entry.takes}", f"tokens:scalar:{entry.takes}"]
        return pair[::-1] if _SINGLE.fullmatch(name) else pair
    return candidates(entry, question.module)[:4]


def _shares(entry: Entry, module: nn.Module) -> list[int]:
    """How the features of a layer may be shared among what is joined before it: another layer's output is one share."""
    attributes = ("embedding_dim", "out_features", "hidden_size")
    outs = (getattr(part.module, attribute, None) for part in entries(module) for attribute in attributes)
    sizes = dict.fromkeys(size for size in outs if isinstance(size, int) and 0 < size < entry.takes)
    return list(dict.fromkeys(share for size in sizes for share in (entry.takes - size, size)))


__all__ = ["sets"]
