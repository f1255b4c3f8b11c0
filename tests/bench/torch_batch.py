"""What somebody would write by hand to try a checkpoint: `python -m tests.bench.torch_batch first|rate FILE`."""

from __future__ import annotations

import sys
import time

import torch

from ptinspect.runner.operators import declare_missing
from tests.bench.torch_batch_size import BATCH, PASSES


def main(what: str, path: str) -> None:
    declare_missing()  # a torchvision for CUDA beside a torch for the CPU needs it; otherwise it does nothing
    from torchvision.models import resnet50

    model = resnet50(weights=None)
    model.load_state_dict(torch.load(path, mmap=True, weights_only=True))
    model.eval()
    batch = torch.rand(BATCH, 3, 224, 224)
    with torch.no_grad():
        output = model(batch)
        print(float(output.mean()))
        if what == "rate":
            for _ in range(3):
                model(batch)
            spent = []
            for _ in range(PASSES):
                began = time.perf_counter()
                model(batch)
                spent.append(time.perf_counter() - began)
            print(min(spent))


if __name__ == "__main__":
    main(*sys.argv[1:])
