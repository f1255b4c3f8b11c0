"""From texts to numbers: how a text is cut into words, and which number each word has.

A checkpoint seldom holds its vocabulary. One that is given (`@words.txt`, a word a line; `@vocab.json`, words and their numbers)
is right; so is one built of the file that the model was trained on (`@train.csv`), if it was built as torchtext builds it: the most
frequent word first, ties by letter. Without any, it is built of the texts themselves, which is at best close.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from ptinspect.errors import InputDoesNotFit
from ptinspect.frozen import frozen
from ptinspect.runner.inputs.reading import opened, told

_MOST_CHARS = 20_000
_MOST_BYTES = 64 << 20
_SPACES = re.compile(r"[;:]|<br\s*/?>")
_APART = re.compile(r"([.,()!?'])")
_UNKNOWN = ("<unk>", "[UNK]", "<UNK>", "unk", "<|endoftext|>")
_PADDING = ("<pad>", "[PAD]", "<PAD>", "pad")
_HINT = "Give a text file with a word in each line, or JSON: {word: number}."


@frozen
class Vocabulary:
    """Words and their numbers; `unknown` and `padding` are the numbers for other words and for filling up."""

    numbers: dict[str, int]
    unknown: int
    padding: int

    def encoded(self, words: Sequence[str]) -> list[int]:
        """The numbers of a text, one unknown word where it has none: no layer takes a text of length 0."""
        return [self.numbers.get(word, self.unknown) for word in words] or [self.unknown]


def words_of(text: str) -> list[str]:
    """The words as torchtext's `basic_english` cuts them: lower case, stops and brackets apart, quotes gone."""
    plain = _SPACES.sub(" ", text[:_MOST_CHARS].lower().replace('"', ""))
    return _APART.sub(r" \1 ", plain).split()


def vocabulary_of(words: Iterable[Sequence[str]], size: int, padding: int | None = None, bags: bool = False) -> Vocabulary:
    """The most frequent words below `size`, besides one number for unknown words and, unless they come in bags, one to pad with."""
    unknown = 1 if padding == 0 and size > 1 else 0
    if padding is None:
        padding = unknown if bags else min(1, size - 1)
    free = (at for at in range(size) if at not in (unknown, padding))
    counted = Counter(chain.from_iterable(words))
    ordered = sorted(counted, key=lambda word: (-counted[word], word))
    return Vocabulary(dict(zip(ordered, free, strict=False)), unknown, padding)


def read_vocabulary(path: str, size: int, padding: int | None = None) -> Vocabulary:
    """The words of a file and their numbers, which must be those of an embedding of `size` rows."""
    with told(path), opened(path) as stream:
        data = stream.read(_MOST_BYTES)
    text = data.decode("utf-8-sig", "replace")
    if "\0" in text:
        raise InputDoesNotFit(f"`{path}` is no vocabulary", _HINT)
    numbers = _of_json(text, path) if path.lower().endswith(".json") else {word: at for at, word in enumerate(text.splitlines())}
    highest = max(numbers.values(), default=0)
    if highest >= size:
        raise InputDoesNotFit(f"`{os.path.basename(path)}` numbers words up to {highest:,}, and the embedding has {size:,} rows", _HINT)
    unknown = next((numbers[word] for word in _UNKNOWN if word in numbers), 0)
    own = next((numbers[word] for word in _PADDING if word in numbers), None)
    return Vocabulary(numbers, unknown, own if own is not None else padding if padding is not None else unknown)


def _of_json(text: str, path: str) -> dict[str, int]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InputDoesNotFit(f"`{path}` is no JSON", _HINT) from None
    if not isinstance(found, dict) or not all(type(number) is int and number >= 0 for number in found.values()):
        raise InputDoesNotFit(f"`{path}` is no vocabulary", _HINT)
    return found


__all__ = ["Vocabulary", "read_vocabulary", "vocabulary_of", "words_of"]
