"""The ways to a model that the form offers; the first is the one that is taken by itself."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.runner.operators import import_torchvision
from ptinspect.session.batch.offers import subject_of


def titles(value: object, path: Path) -> list[tuple[str, str]]:
    torch.save(value, path)
    return [(offer.word, offer.title) for offer in subject_of(open_checkpoint(path)).offers]


def test_that_a_pickled_module_is_first_put_together_from_the_file(tmp_path: Path) -> None:
    module = import_torchvision().models.shufflenet_v2_x0_5(weights=None)
    whole = titles(module, tmp_path / "a.pt")
    assert whole[:2] == [("auto", "Rebuilt: ShuffleNetV2"), ("recognised", "The library's shufflenet_v2_x0_5")]
    assert whole[-1][0] == "pickled"
    assert titles(module.state_dict(), tmp_path / "b.pt")[0] == ("auto", "Recognised: torchvision shufflenet_v2_x0_5")
    assert titles(nn.Linear(2, 2).state_dict(), tmp_path / "c.pt")[0] == ("auto", "Found by its weights")
