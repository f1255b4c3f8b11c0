"""What a careful script does with plain torch and two files: `equal` asks each pair, `numbers` measures each difference."""

from __future__ import annotations

import sys

import torch


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    """Whether each tensor is the same."""
    print(all(torch.equal(tensor, right[name]) for name, tensor in left.items()))


def numbers(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    """How far each tensor is from the other, as torch offers it."""
    for name, one in left.items():
        other = right[name]
        if one.dtype == other.dtype and torch.equal(one, other):
            continue
        x, y = one.float().flatten(), other.float().flatten()
        apart = y - x
        sizes = apart.abs()
        relative = apart.norm() / x.norm()
        cosine = torch.dot(x, y) / (x.norm() * y.norm())
        print(name, float(sizes.max()), float(sizes.mean()), float(relative), float(cosine), float((apart != 0).float().mean()))


def main(what: str, left: str, right: str) -> None:
    """Load both, then one pair after the other."""
    loaded = [torch.load(path, weights_only=True) for path in (left, right)]
    {"equal": equal, "numbers": numbers}[what](*loaded)


if __name__ == "__main__":
    main(*sys.argv[1:])
