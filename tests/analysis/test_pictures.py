"""What a window keeps of each tensor, made where its values are counted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ptinspect.analysis.appraisal import Audience, appraise
from ptinspect.analysis.packed import INF, NAN, brief, marks_of, pack, statistics_of, unpacked
from ptinspect.analysis.sparklines import BARS
from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.opening import open_checkpoint


def test_that_a_layer_has_its_picture_once_all_below_it_is_counted(tmp_path) -> None:
    path = tmp_path / "a.pt"
    torch.save({"net.a.weight": torch.randn(8, 8), "net.a.bias": torch.randn(8), "net.b.weight": torch.randn(4, 8)}, path)
    tree, told = layer_tree(open_checkpoint(path)), []
    appraise(open_checkpoint(path), tree, Audience(told.append, lambda *_: None), compiled=False)
    nodes = [node.path for node in tree.walk()]
    assert [[nodes[at] for at, _ in one.layers] for one in told] == [[], ["net.a"], ["net.b", "net", ""]]
    assert all(len(spark) == BARS + 1 for one in told for _, spark in one.layers)
    truth = torch.load(path)["net.a.bias"].double()
    assert statistics_of(told[1].packed).mean == pytest.approx(truth.mean().item())
    assert brief(told[1].packed)[1] == pytest.approx(float(np.std(truth.numpy())))


def test_that_packed_numbers_say_without_the_rest_whether_some_are_none() -> None:
    fields = {"mean": 10**400, "min": -1, "max": 2, "nans": 3, "infs": 0}
    assert unpacked(pack(fields)) == fields
    assert brief(pack(fields))[2:] == (3.0, NAN)
    assert marks_of(pack({"infs": 1})) == INF
