"""An input in words, as the command line and the window write it. The batch dimension is not part of it.

    random:3x224x224        uniform in [0, 1); also normal: (mean 0, deviation 1), zeros: and ones:
    zeros:128:int64         another type behind the shape; `random:scalar` is one number a sample
    hidden=none:            Python's None, for a state that the model then begins with by itself
    tokens:128              whole numbers below the size of the first embedding; tokens:128:30522 says that size
    image:PATH              a picture, a folder of pictures, a folder of one folder a class
    image:PATH:32,half      prepared in another way: a size (32, 32x48, asis) and imagenet, half (-1 to 1), unit (0 to 1) or mnist
    tensor:PATH             .npy, .npz, .pt, .safetensors, read as data; tensor:PATH:x_test=y_test names the arrays
    mnist:PATH              IDX files, packed by gzip or not, labels beside them; mnist:PATH:unit prepares them in another way
    csv:PATH:Age,Sex=Survived      columns, and behind `=` that of the labels (see columns.py); csv:PATH chooses them itself
    text:PATH:Title,Body=Class     likewise; the columns are joined and cut into words
    text:PATH:Title=Class@words.txt    with the model's vocabulary, or the CSV file that it was built of (see words.py)

`mask=ones:128:bool` is the keyword argument `mask` of the model. Several specs are several inputs.

(Rejected: `?size=32` and the like behind a path. A shell takes `?`, `<`, `>` and `&` for its own.)
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from math import prod
from typing import Literal, get_args

from ptinspect.errors import InputDoesNotFit
from ptinspect.frozen import frozen

Kind = Literal["random", "normal", "zeros", "ones", "tokens", "none", "image", "tensor", "mnist", "csv", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MADE: tuple[Kind, ...] = ("random", "normal", "zeros", "ones")
SCALAR = "scalar"
DTYPES = ("float32", "float64", "float16", "bfloat16", "complex64", "int64", "int32", "int16", "int8", "uint8", "bool")
MOST_NUMBERS = 1 << 32

_FORM = re.compile(r"(?:(?P<name>[^\W\d]\w*)=)?(?P<kind>[A-Za-z]+):(?P<rest>.*)", re.DOTALL)
_DRIVE = re.compile(r"[A-Za-z]:(?=[\\/]|[^:=,]*\.\w)")
_BY_ENDING: dict[str, Kind] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm"), "image"),
    **dict.fromkeys((".npy", ".npz", ".pt", ".pth", ".safetensors"), "tensor"),
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".txt",), "text"),
}
_LIST = f"An input is one of {', '.join(f'{kind}:' for kind in KINDS)} such as random:3x224x224 or image:cat.png."
_SHAPE_HINT = "Write the sizes of one sample without the batch, such as random:3x224x224."


@frozen
class Spec:
    """One input. `name` is the keyword argument that it is for, None for the next one in order."""

    kind: Kind
    rest: str
    name: str | None = None

    @property
    def text(self) -> str:
        """As it would be written."""
        return f"{self.name}={self.kind}:{self.rest}" if self.name else f"{self.kind}:{self.rest}"


def parse(text: str) -> Spec:
    """The spec in a text. Raises InputDoesNotFit with what would be right; files are not looked at yet."""
    found = _FORM.fullmatch(text.strip())
    kind = found["kind"].lower() if found else ""
    if found is None or kind not in KINDS:
        raise InputDoesNotFit(f"`{text}` is no input", _meant(text, kind))
    spec = Spec(kind, found["rest"].strip(), found["name"])
    if kind in MADE:
        shape_of(spec)
    elif kind == "tokens":
        tokens_of(spec)
    elif kind == "none":
        return Spec("none", "", spec.name)
    elif not spec.rest:
        raise InputDoesNotFit(f"`{text}` names no file", f"Write {kind}:PATH.")
    return spec


def _meant(text: str, kind: str) -> str:
    ending = os.path.splitext(text)[1].lower()
    if ending in _BY_ENDING:
        return f"Write {_BY_ENDING[ending]}:{text} for that file."
    if re.fullmatch(r"\d+([x×,]\d+)*", text.strip()):
        return f"Write random:{text.strip().replace(',', 'x')} for random numbers of that shape."
    near = get_close_matches(kind, KINDS, 1)
    return (f"Did you mean {near[0]}:? " if near else "") + _LIST


def shape_of(spec: Spec) -> tuple[tuple[int, ...], str | None]:
    """The sizes of one sample and the type that is asked for, if one is."""
    sizes, colon, dtype = spec.rest.partition(":")
    if colon and dtype not in DTYPES:
        raise InputDoesNotFit(f"`{spec.text}` asks for an unknown type", f"Known ones are {', '.join(DTYPES)}.")
    return (() if sizes == SCALAR else _sizes(sizes, spec)), dtype or None


def tokens_of(spec: Spec) -> tuple[tuple[int, ...], int | None]:
    """The sizes of one sample and the number of different tokens, if it is given."""
    sizes, mark, vocabulary = re.fullmatch(r"([^:<]*)([:<]?)(.*)", spec.rest, re.DOTALL).groups()  # type: ignore[union-attr]
    if mark and not (vocabulary.isdecimal() and 0 < int(vocabulary[:12]) < MOST_NUMBERS):
        raise InputDoesNotFit(f"`{spec.text}` has no number of tokens behind its shape", "Write tokens:128 or tokens:128:30522.")
    return (() if sizes == SCALAR else _sizes(sizes, spec)), int(vocabulary) if mark else None


def _sizes(text: str, spec: Spec) -> tuple[int, ...]:
    parts = re.split(r"[xX×,*]", text)
    if not all(part.strip().isdecimal() and part.isascii() for part in parts):
        raise InputDoesNotFit(f"`{spec.text}` has no shape: `{text}`", _SHAPE_HINT)
    sizes = tuple(int(part[:20]) for part in parts)
    if 0 in sizes:
        raise InputDoesNotFit(f"`{spec.text}` has a size of 0", _SHAPE_HINT)
    if prod(sizes) > MOST_NUMBERS or len(sizes) > 8:
        raise InputDoesNotFit(f"`{spec.text}` is too large: a sample may have {MOST_NUMBERS:,} numbers in 8 dimensions", _SHAPE_HINT)
    return sizes


def place_of(spec: Spec, there: Callable[[str], bool] = os.path.exists) -> tuple[str, str]:
    """The path of a spec that names one, and what stands behind it.

    A path may hold colons and so may a column, and only the disk knows which is which: the longest beginning that is there is
    the path. Where none is, the text ends the path at the first colon that is not that of a drive.
    """
    if there(spec.rest):
        return spec.rest, ""
    for at in reversed(list(_colons(spec.rest))):
        if there(spec.rest[:at]):
            return spec.rest[:at], spec.rest[at + 1 :]
    colons = list(_colons(spec.rest))
    at = colons[0 if spec.kind != "image" else -1] if colons else len(spec.rest)
    if spec.kind == "image" and re.search(r"[./\\]", spec.rest[at:]):
        return spec.rest, ""
    return spec.rest[:at], spec.rest[at + 1 :]


def split_vocabulary(behind: str, there: Callable[[str], bool] = os.path.isfile) -> tuple[str, str]:
    """The columns and the path of a vocabulary: what stands behind the first `@` that a file stands behind."""
    for at in (at for at, sign in enumerate(behind) if sign == "@"):
        if there(behind[at + 1 :]):
            return behind[:at], behind[at + 1 :]
    tail = behind.rpartition("@")[2]
    if "@" in behind and os.path.splitext(tail)[1].lower() in (".txt", ".json", ".csv", ".tsv", ".gz"):
        raise InputDoesNotFit(f"there is no vocabulary `{tail}`", "Check its path: behind @ stands a .txt, .json or .csv file.")
    return behind, ""


def is_made(spec: Spec) -> bool:
    """Whether it is made of nothing, in any number; the others are read from files."""
    return spec.kind in MADE or spec.kind in ("tokens", "none")


def paths_of(spec: Spec) -> tuple[str, ...]:
    """What is read for a spec: a file, or a folder with all that is in it. Labels of IDX files lie beside them."""
    if is_made(spec):
        return ()
    path, behind = place_of(spec)
    if spec.kind == "mnist" and not os.path.isdir(path):
        return (os.path.dirname(path) or os.curdir,)
    vocabulary = split_vocabulary(behind)[1] if spec.kind == "text" else ""
    return (path, vocabulary) if vocabulary else (path,)


def rooted(spec: Spec) -> Spec:
    """The same spec with whole paths: the run is in another process, whose folder is another."""
    if is_made(spec):
        return spec
    path, behind = place_of(Spec(spec.kind, os.path.expanduser(spec.rest), spec.name))
    columns, words = split_vocabulary(behind) if spec.kind == "text" else (behind, "")
    behind = f"{columns}@{os.path.abspath(words)}" if words else columns
    return Spec(spec.kind, os.path.abspath(path) + (f":{behind}" if behind else ""), spec.name)


def _colons(text: str) -> Iterator[int]:
    drive = _DRIVE.match(text)
    return (at for at, sign in enumerate(text) if sign == ":" and at >= (drive.end() if drive else 1))


def with_specs(texts: list[str] | tuple[str, ...]) -> tuple[Spec, ...]:
    """Several specs; a keyword may stand there once."""
    specs = tuple(parse(text) for text in texts)
    names = [spec.name for spec in specs if spec.name]
    for name in names:
        if names.count(name) > 1:
            raise InputDoesNotFit(f"the input `{name}` is given twice", "Give each keyword once.")
    return specs


__all__ = [
    "DTYPES", "KINDS", "MADE", "SCALAR", "Kind", "Spec", "is_made", "parse", "paths_of", "place_of", "rooted", "shape_of",
    "split_vocabulary", "tokens_of", "with_specs",
]  # fmt: skip
