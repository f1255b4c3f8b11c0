"""Runs loading lines as a reader would paste them: `python -m tests.checkpoint.loaded CASES.json`, one process for all of them.

Each case has a namespace of its own. What comes back is what the lines made: the digests of `state_dict`, what a strict look at
`model` says, and the error where there was one.
"""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from pathlib import Path

import torch

from ptinspect.runner.operators import declare_missing


def digests(state_dict):
    """Names, shapes, dtypes and bytes."""
    tensors = {name: value.detach() for name, value in state_dict.items() if isinstance(value, torch.Tensor)}
    return {name: [list(tensor.shape), str(tensor.dtype), digest(tensor)] for name, tensor in tensors.items()}


def digest(tensor):
    return hashlib.sha1(tensor.reshape(-1).contiguous().view(torch.uint8).numpy()).hexdigest()


def outcome(lines):
    """What one case makes."""
    made = {"__name__": "pasted"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(lines, made)
    except BaseException as error:
        return {"error": f"{type(error).__name__}: {error}"}
    found = {"error": None, "names": sorted(name for name in made if not name.startswith("__")), "state_dict": None, "strict": None}
    if isinstance(made.get("state_dict"), dict):
        found["state_dict"] = digests(made["state_dict"])
    if "load_state_dict" in lines:
        fits = made["model"].load_state_dict(made["state_dict"], strict=False)
        found["strict"] = [sorted(fits.missing_keys), sorted(fits.unexpected_keys)]
        found["model"] = type(made["model"]).__name__
    return found


if __name__ == "__main__":
    declare_missing()
    cases = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    print(json.dumps({name: outcome(lines) for name, lines in cases.items()}))
