"""What a careful script does with plain torch: every tensor's ends, mean, std, norm, histogram, zeros and finite values."""

from __future__ import annotations

import sys

import torch


def main(path: str) -> None:
    """One tensor after the other, each computed as torch offers it."""
    for tensor in torch.load(path, weights_only=True).values():
        values = tensor.float()
        low, high = torch.aminmax(values)
        std, mean = torch.std_mean(values, correction=0)
        bins = torch.histc(values, 72, float(low), float(high))
        zeros = int((values == 0).sum())
        finite = int(torch.isfinite(values).sum())
        print(list(tensor.shape), float(low), float(high), float(mean), float(std), float(values.norm()), zeros, finite, bins.sum().item())


if __name__ == "__main__":
    main(sys.argv[1])
