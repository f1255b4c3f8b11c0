"""Matrices whose power laws WeightWatcher has fitted, and what it found.

Made with WeightWatcher 0.7.7 (numpy 2.4.6, torch 2.13), each matrix as the float64 weight of a Linear or Conv2d alone in a model:

    pip install weightwatcher==0.7.7 torch && python -m tests.analysis.weightwatcher_reference

WeightWatcher rounds weights to float32, so these are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ptinspect.checkpoint.values import Array

NAMES = ("alpha", "D", "sigma", "xmin", "num_pl_spikes", "num_evals", "stable_rank")
FOUND = {
    "random": (7.923751211821478, 0.1246297982535749, 1.1874135367061145, 2.178358876227065, 34.0, 300.0, 96.94263242022001),
    "heavy": (2.480222307099525, 0.03521438698174495, 0.10493017727369301, 0.0025112107432268887, 199.0, 200.0, 12.843420308753645),
    "low rank": (8.465064328879466, 0.1506057818261627, 2.821529105044908, 13.531777059419385, 7.0, 256.0, 17.479798862735194),
    "few": (1.473951187502081, 0.15878255351525106, 0.12237367040738589, 35.19638610258856, 15.0, 15.0, 1.1746923208975528),
    "convolution": (3.3935103442305707, 0.06362816525780651, 0.3882786495322639, 0.057520054635859866, 38.0, 288.0, 23.523478347540355),
    "depthwise": (9.668828281902988, 0.20674364202240247, 2.167207070475747, 1.164692856915633, 16.0, 25.0, 20.018698761140026),
    "wide kernel": (4.6349536874531685, 0.0861317829652864, 0.6144193149384312, 0.24885195542584523, 35.0, 147.0, 36.20328596582298),
}


def matrices() -> Iterator[tuple[str, Array]]:
    """Random, heavy tailed as after training, of low rank, with few eigenvalues; and convolutions of three kinds."""
    rng = np.random.default_rng(20240607)
    for name, found in _made(rng):
        yield name, found.astype(np.float32)


def _made(rng: np.random.Generator) -> Iterator[tuple[str, Array]]:
    yield "random", rng.standard_normal((300, 500)) / np.sqrt(500)
    left, right = (np.linalg.qr(rng.standard_normal((size, 200)))[0] for size in (400, 200))
    yield "heavy", (left * (rng.pareto(1.5, 200) + 1) ** 0.5) @ right.T * 0.05
    yield "low rank", rng.standard_normal((256, 40)) @ rng.standard_normal((40, 320)) / 100 + 1e-4 * rng.standard_normal((256, 320))
    yield "few", rng.standard_t(2, (40, 15))
    yield "convolution", rng.standard_t(3, (32, 48, 3, 3)) * 0.02
    yield "depthwise", rng.standard_normal((64, 1, 5, 5)) * 0.2
    yield "wide kernel", rng.standard_normal((8, 3, 7, 7)) * 0.2


def main() -> None:
    """Print what WeightWatcher says."""
    import torch
    import weightwatcher

    for name, values in matrices():
        if values.ndim == 2:
            layer: torch.nn.Module = torch.nn.Linear(values.shape[1], values.shape[0], bias=False)
        else:
            layer = torch.nn.Conv2d(values.shape[1], values.shape[0], values.shape[2:], bias=False)
        layer.weight = torch.nn.Parameter(torch.from_numpy(values).double())
        row = weightwatcher.WeightWatcher(model=torch.nn.Sequential(layer)).analyze(svd_method="accurate").iloc[0]
        print(f'    "{name}": ({", ".join(repr(float(row[column])) for column in NAMES)}),')


if __name__ == "__main__":
    main()
