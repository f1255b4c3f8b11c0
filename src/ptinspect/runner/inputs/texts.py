"""`text:PATH`: texts of a CSV file, cut into words, numbered, and padded to the longest sample.

A checkpoint seldom holds the words of its vocabulary. So one is built from the file's first 10,000 rows as torchtext builds it (the
most frequent first, ties by letter), as large as the embedding: right for the file that the model was trained on, at best close
for any other. The note says so, since predictions mean little without the right words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

import torch

from ptinspect.errors import InputDoesNotFit
from ptinspect.frozen import frozen
from ptinspect.runner.inputs.classes import Classes, classes_of, usual_label
from ptinspect.runner.inputs.columns import Choice, parse_columns
from ptinspect.runner.inputs.companions import with_companions
from ptinspect.runner.inputs.csv_rows import Table, number, table_of
from ptinspect.runner.inputs.part import Named, Part, sample
from ptinspect.runner.inputs.probing import tried
from ptinspect.runner.inputs.reading import exists
from ptinspect.runner.inputs.signature import COMPANIONS
from ptinspect.runner.inputs.spec import Spec, place_of
from ptinspect.runner.inputs.taking import Taking

_WORD = re.compile(r"\w+|[^\w\s]")
_LONGEST = 512
_MOST_CHARS = 20_000
_SHOWN = 80


@frozen
class Vocabulary:
    """Words and their numbers; `unknown` and `padding` are numbers of no word."""

    numbers: dict[str, int]
    unknown: int
    padding: int

    def encoded(self, words: Sequence[str]) -> list[int]:
        """The numbers of a text, one unknown word where it has none: no layer takes a text of length 0."""
        return [self.numbers.get(word, self.unknown) for word in words] or [self.unknown]


def texts(spec: Spec, count: int, taking: Taking, place: int = 0) -> Part:
    """The first `count` texts."""
    path, chosen = place_of(spec)
    exists(path, "file")
    size = next(iter(taking.vocabularies), None)
    if size is None:
        raise InputDoesNotFit("the model has no embedding that would take the words of a text", "Give its features with csv: or tensor:.")
    choice = parse_columns(chosen)
    found = table_of(path, [*choice.columns, *([choice.label] if choice.label else [])], count)
    count = min(count, len(found.rows))
    label, columns = _columns(found, choice)
    joined = [" ".join(row[at] for at in columns if at < len(row)).replace("\\", " ") for row in found.rows]
    words = [_WORD.findall(text[:_MOST_CHARS].lower()) for text in joined]
    entry = taking.entry
    padding = getattr(entry.module, "padding_idx", None) if entry is not None else None
    vocabulary = vocabulary_of(words, size, padding)
    value, lengths = padded([vocabulary.encoded(one) for one in words[:count]], vocabulary.padding, _longest(taking))
    shape = taking.shape(spec, place)
    if shape and not spec.name and _is_refused(value, lengths, taking):
        value = in_length(value, shape[0], vocabulary.padding)
        notes = [f"cut and padded to {shape[0]:,}, the only length that the model takes"]
    else:
        notes = [f"padded to {value.shape[1]:,}, the longest"]
    known = classes_of(found.column(label), count) if label is not None else Classes(None, None, "")
    names = ", ".join(found.names[at] for at in columns)
    rows = f"{'the first ' * found.more}{len(found.rows):,} rows"
    note = f"{names}: words numbered by how often they stand in {rows} ({len(vocabulary.numbers):,} known)"
    said = ["the model's own vocabulary is not in its file: predictions hold only if it was built the same way", *notes]
    said += [f"label {found.names[label]}"] if label is not None else []
    samples = tuple(sample(joined[at].strip()[:_SHOWN], path) for at in range(count))
    said += [known.note] if known.note else []
    return Part((Named(value, spec.text, spec.name),), count, note, samples, known.labels, known.names, lengths, tuple(said))


def vocabulary_of(words: Sequence[Sequence[str]], size: int, padding: int | None = None) -> Vocabulary:
    """The most frequent words below `size`, besides one number for unknown words and the one that is padded with."""
    unknown = 1 if padding == 0 and size > 1 else 0
    padding = padding if padding is not None else min(1, size - 1)
    free = (at for at in range(size) if at not in (unknown, padding))
    counted = Counter(chain.from_iterable(words))
    ordered = sorted(counted, key=lambda word: (-counted[word], word))
    return Vocabulary(dict(zip(ordered, free, strict=False)), unknown, padding)


def padded(samples: Sequence[Sequence[int]], padding: int, longest: int) -> tuple[torch.Tensor, tuple[int, ...]]:
    """The collate function: all samples as long as the longest, cut where that is too long, and how long each was."""
    lengths = tuple(min(len(one), longest) for one in samples)
    found = torch.full((len(samples), max(lengths, default=1)), padding, dtype=torch.int64)
    for row, (one, length) in enumerate(zip(samples, lengths, strict=True)):
        found[row, :length] = torch.tensor(one[:length], dtype=torch.int64)
    return found, lengths


def _longest(taking: Taking) -> int:
    """What the embedding of places allows, where the model has one."""
    names = [(name, part) for name, part in taking.module.named_modules() if "pos" in name.lower() and hasattr(part, "num_embeddings")]
    return min([_LONGEST, *(int(part.num_embeddings) for _, part in names)])


def _is_refused(value: torch.Tensor, lengths: tuple[int, ...], taking: Taking) -> bool:
    """Whether the model takes no texts of that length, as one with a linear layer behind all of its words."""
    if len([one for one in taking.arguments if one.required and one.name not in COMPANIONS]) > 1:
        return False
    two = value[:2] if len(value) > 1 else value.repeat(2, 1)
    args, kwargs = with_companions(taking.module, [two], {}, (lengths * 2)[:2])
    return tried(taking.module, args, kwargs).result == "misfit"


def in_length(value: torch.Tensor, length: int, padding: int) -> torch.Tensor:
    """Cut or padded to one length."""
    found = torch.full((len(value), length), padding, dtype=torch.int64)
    width = min(length, value.shape[1])
    found[:, :width] = value[:, :width]
    return found


def _columns(found: Table, choice: Choice) -> tuple[int | None, list[int]]:
    """The label and the columns of text: those that were chosen, or that named like labels and all that are no numbers."""
    label = found.place(choice.label) if choice.label else None
    if choice.columns:
        return label, [found.place(column) for column in choice.columns]
    if label is None:
        label = usual_label(found.names)
    if label is None and not found.named and len(found.names) > 1 and all(number(text) is not None for text in found.column(0)):
        label = 0  # AG News and its kin: class, title, text
    columns = [at for at in range(len(found.names)) if at != label and any(number(text) is None for text in found.column(at) if text)]
    if not columns:
        raise InputDoesNotFit(f"`{found.path}` has no column of texts", "For numbers, write csv:PATH.")
    return label, columns


__all__ = ["Vocabulary", "in_length", "padded", "texts", "vocabulary_of"]
