"""What a classifier says of samples whose classes are known, or are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.runner.runs import run

ROWS = torch.eye(3)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its likeliest class is the place of the 1."""
    module = nn.Sequential(nn.Linear(3, 3))
    with torch.no_grad():
        module[0].weight.copy_(2 * torch.eye(3))
        module[0].bias.zero_()
    path = tmp_path_factory.mktemp("models") / "eye.pt"
    torch.save(module.eval(), path)
    return path


def labelled(network: Path, folder: Path, labels: list[int], **fields: Any) -> dict[str, Any]:
    np.savez(folder / "rows.npz", x=ROWS.numpy(), y=np.array(labels))
    return run(network, inputs=(f"tensor:{folder / 'rows.npz'}:x=y",), **fields)


def test_that_a_sample_without_a_class_does_not_count(network: Path, tmp_path: Path) -> None:
    found = labelled(network, tmp_path, [0, -1, 1], backward=True)
    accuracy = found["accuracy"]
    assert (accuracy["right"], accuracy["samples"], accuracy["labels"]) == (1, 2, [0, -1, 1])
    scores = 2 * ROWS
    assert found["backward"]["loss"] == pytest.approx(float(nn.functional.cross_entropy(scores[[0, 2]], torch.tensor([0, 1]))), rel=1e-6)


def test_that_no_class_at_all_is_no_accuracy(network: Path, tmp_path: Path) -> None:
    found = labelled(network, tmp_path, [-1, -100, -1], backward=True)
    assert "accuracy" not in found
    assert "mean square" in found["backward"]["note"]


def test_that_labels_the_model_never_gives_are_doubted(network: Path, tmp_path: Path) -> None:
    titles = [finding["title"] for finding in labelled(network, tmp_path, [0, 7, 1])["findings"]]
    assert "The samples tell of 8 classes, and the model has 3: its accuracy means little" in titles
    assert not labelled(network, tmp_path, [0, 1, 2])["findings"]


def test_that_folders_of_other_classes_than_the_models_are_doubted(network: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b,c,label\n1,0,0,cat\n0,1,0,dog\n")
    found = run(network, inputs=(f"csv:{tmp_path / 'rows.csv'}:a,b,c=label",))
    assert any("tell of 2 classes, and the model has 3" in finding["title"] for finding in found["findings"])


def test_that_a_sample_made_of_nothing_is_one(network: Path) -> None:
    assert [run(network, inputs=(spec,))["input"][0]["shape"] for spec in ("ones:3", "zeros:3", "normal:3")] == [[1, 3]] * 3
