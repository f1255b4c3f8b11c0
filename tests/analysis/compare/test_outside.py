"""What differs outside the weights: training, settings, safety, sizes, structure."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import torch

from tests.analysis.compare.networks import Pairs, network


def checkpoint(epoch: int, lr: float, **more: Any) -> dict[str, Any]:
    model = network(width=4)
    optimizer = torch.optim.Adam(model.parameters(), lr)
    model(torch.randn(2, 3, 4, 4)).sum().backward()
    optimizer.step()
    return {"epoch": epoch, "loss": 1 / epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict(), **more}


def told(found: Any) -> dict[str, tuple[Any, Any]]:
    return {one.path: (one.left, one.right) for one in found.outside}


def test_that_the_training_is_compared(pairs: Pairs) -> None:
    left = checkpoint(1, 0.1, args=Namespace(batch=8, name="a", layers=[1, 2]))
    right = checkpoint(4, 0.01, args=Namespace(batch=8, name="b", layers=[1, 3], more=True))
    found = told(pairs(left, right))
    assert found["epoch"] == (1, 4)
    assert found["loss"] == (1.0, 0.25)
    assert found["optimizers.0.groups.0.lr"] == (0.1, 0.01)
    assert found["hyper_parameters.name"] == ("a", "b")
    assert found["hyper_parameters.layers.1"] == (2, 3)
    assert found["hyper_parameters.more"] == (None, True)
    assert "hyper_parameters.batch" not in found


def test_that_structure_and_names_and_sizes_are_compared(pairs: Pairs) -> None:
    bare = network(width=4)
    found = told(pairs(checkpoint(1, 0.1), bare))
    assert found["kind"] == ("checkpoint", "model")
    assert found["safety.verdict"] == ("data", "code")
    assert found["safety.globals.torch.nn.modules.conv.Conv2d"] == (None, "code")
    assert found["tensors.optimizer.state.0.exp_avg"] == ("float32 [4, 3, 3, 3]", None)
    assert found["size"][0] != found["size"][1]


def test_that_equal_files_differ_nowhere(pairs: Pairs) -> None:
    made = checkpoint(1, 0.1, note="x")
    assert set(told(pairs(made, made))) <= {"size"}  # torch writes the file's own name into it


def test_that_an_optimizers_tensors_belong_to_parameters_whatever_their_order(pairs: Pairs) -> None:
    """A number in an optimizer is a place in the list that it was given."""

    def stepped(turned: bool) -> dict[str, object]:
        model = network(width=4)
        named = list(model.named_parameters())
        optimizer = torch.optim.Adam(named[::-1] if turned else named)  # type: ignore[arg-type]
        for _, parameter in named:
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        return {"model": model.state_dict(), "optimizer": optimizer.state_dict()}

    found = told(pairs(stepped(False), stepped(True)))
    assert [path for path in found if path.startswith("tensors.")] == []
    wider = stepped(False)
    wider["optimizer"]["state"][0]["exp_avg_sq"] = torch.ones(4, 3, 3, 3, dtype=torch.float64)  # type: ignore[index]
    changed = told(pairs(stepped(True), wider))
    assert [path for path in changed if path.startswith("tensors.")] == ["tensors.optimizer.state.conv1.weight.exp_avg_sq"]
