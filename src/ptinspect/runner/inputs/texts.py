"""`text:PATH`: texts of a CSV file, cut into words, numbered (see words.py), and padded to the longest sample."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch

from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.classes import Classes, classes_of, usual_label
from ptinspect.runner.inputs.columns import Choice, parse_columns
from ptinspect.runner.inputs.companions import with_companions
from ptinspect.runner.inputs.csv_rows import Table, number, table_of
from ptinspect.runner.inputs.part import Named, Part, sample
from ptinspect.runner.inputs.probing import tried
from ptinspect.runner.inputs.reading import exists
from ptinspect.runner.inputs.signature import COMPANIONS
from ptinspect.runner.inputs.spec import Spec, place_of, split_vocabulary
from ptinspect.runner.inputs.taking import Taking
from ptinspect.runner.inputs.words import Vocabulary, read_vocabulary, vocabulary_of, words_of

_LONGEST = 512
_SHOWN = 80
_TRAINED_ON = 1_000_000  # rows of the file that a vocabulary was built of


def texts(spec: Spec, count: int, taking: Taking, place: int = 0) -> Part:
    """The first `count` texts."""
    path, behind = place_of(spec)
    exists(path, "file")
    if not taking.vocabularies:
        raise InputDoesNotFit("the model has no embedding that would take the words of a text", "Give its features with csv: or tensor:.")
    chosen, given = split_vocabulary(behind)
    choice = parse_columns(chosen)
    found = table_of(path, [*choice.columns, *([choice.label] if choice.label else [])], count)
    count = min(count, len(found.rows))
    label, columns = _columns(found, choice)
    joined = _joined(found, columns)
    vocabulary, said = _vocabulary(found, joined, given, choice, taking)
    value, lengths = padded([vocabulary.encoded(words_of(text)) for text in joined[:count]], vocabulary.padding, _longest(taking))
    value, length_said = _in_its_length(value, lengths, vocabulary.padding, taking, None if spec.name else taking.shape(spec, place))
    known = classes_of(found.column(label), count) if label is not None else Classes(None, None, "")
    notes = [said, length_said, f"label {found.names[label]}" if label is not None else "", known.note]
    samples = tuple(sample(text.strip()[:_SHOWN], path) for text in joined[:count])
    columns_said = f"{', '.join(found.names[at] for at in columns)} cut into words"
    inputs = (Named(value, spec.text, spec.name),)
    return Part(inputs, count, columns_said, samples, known.labels, known.names, lengths, tuple(filter(None, notes)))


def _joined(found: Table, columns: Sequence[int]) -> list[str]:
    return [" ".join(row[at] for at in columns if at < len(row)) for row in found.rows]


def _vocabulary(found: Table, joined: Sequence[str], given: str, choice: Choice, taking: Taking) -> tuple[Vocabulary, str]:
    """The words of the file that was given, or of the table that was, or those of the texts themselves."""
    size, entry = taking.vocabularies[0], taking.entry
    padding = getattr(entry.module, "padding_idx", None) if entry is not None else None
    bags = entry is not None and entry.layer == "EmbeddingBag"
    name = os.path.basename(given)
    if given and not given.lower().removesuffix(".gz").endswith((".csv", ".tsv")):
        return read_vocabulary(given, size, padding), f"words numbered by {name}"
    if given:
        table = table_of(given, choice.columns, _TRAINED_ON)
        joined = _joined(table, _columns(table, choice)[1])
        built = vocabulary_of(map(words_of, joined), size, padding, bags)
        return built, f"words numbered by how often they stand in {len(joined):,} rows of {name}"
    built = vocabulary_of(map(words_of, joined), size, padding, bags)
    rows = f"{'the first ' * found.more}{len(joined):,} rows"
    doubt = "the model's own words are not known, and predictions mean little without them: add @words.txt or @train.csv"
    return built, f"words numbered by how often they stand in {rows}; {doubt}"


def _in_its_length(
    value: torch.Tensor, lengths: tuple[int, ...], padding: int, taking: Taking, shape: tuple[int, ...] | None
) -> tuple[torch.Tensor, str]:
    if shape and _is_refused(value, lengths, taking):
        return in_length(value, shape[0], padding), f"cut and padded to {shape[0]:,}, the only length that the model takes"
    return value, f"padded to {value.shape[1]:,}, the longest"


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


__all__ = ["in_length", "padded", "texts"]
