"""Optimizers that torch saved: their class, their groups, and which parameter each slot belongs to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.checkpoint.told import saved, stepped

CLASSES = [
    cls
    for cls in vars(torch.optim).values()
    if isinstance(cls, type) and issubclass(cls, torch.optim.Optimizer) and cls is not torch.optim.Optimizer
]


def small() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))


def backbone_and_head() -> nn.Module:
    return nn.ModuleDict({"backbone": nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 6)), "head": nn.Linear(6, 3)})


def without(state: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A state as an older torch wrote it."""
    for group in state["param_groups"]:
        for key in keys:
            group.pop(key, None)
    return state


def checkpoint(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    return {"model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict()}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_that_every_class_of_torch_optim_is_inferred_from_its_state(cls: type, tmp_path: Path) -> None:
    parameters = [nn.Parameter(torch.ones(4, 3))]
    optimizer = stepped(cls(parameters, lr=0.01))
    told = saved(tmp_path / "optimizer.pt", {"optimizer": optimizer.state_dict(), "weights": {"w": parameters[0].data}}).known
    assert told.optimizer is not None
    assert (told.optimizer.class_name, told.optimizer.certainty) == (cls.__name__, "inferred")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_that_every_class_of_torch_optim_is_inferred_before_its_first_step(cls: type, tmp_path: Path) -> None:
    optimizer = cls([nn.Parameter(torch.ones(4, 3))], lr=0.01)
    told = saved(tmp_path / "optimizer.pt", optimizer.state_dict()).known
    assert told.optimizer is not None
    expected = "Adamax or RAdam" if cls is torch.optim.Adamax else cls.__name__
    assert told.optimizer.class_name == expected


@pytest.mark.parametrize("cls", [torch.optim.Adam, torch.optim.AdamW])
def test_that_nothing_tells_adam_from_adamw_in_older_files(cls: type, tmp_path: Path) -> None:
    state = without(stepped(cls(small().parameters())).state_dict(), "decoupled_weight_decay")
    told = saved(tmp_path / "old.pt", state).known
    assert told.optimizer is not None
    assert told.optimizer.class_name == "Adam or AdamW"


@pytest.mark.parametrize("cls", [torch.optim.SGD, torch.optim.AdamW])
def test_that_a_pickled_optimizer_confirms_its_class(cls: type, tmp_path: Path) -> None:
    model = small()
    told = saved(tmp_path / "object.pt", {"model": model, "optimizer": stepped(cls(model.parameters(), lr=0.1))})
    assert told.known.optimizer is not None
    assert (told.known.optimizer.class_name, told.known.optimizer.certainty) == (cls.__name__, "confirmed")
    assert [fit.how for fit in told.known.fits] == ["identity"]


def test_that_groups_keep_every_option_as_stored(tmp_path: Path) -> None:
    model = small()
    optimizer = torch.optim.SGD([{"params": model[0].parameters(), "lr": 0.5}, {"params": model[2].parameters()}], lr=0.1, momentum=0.9)
    groups = saved(tmp_path / "groups.pt", optimizer.state_dict()).known.fields()["optimizer"]["groups"]
    assert [(group["lr"], group["params"], group["momentum"]) for group in groups] == [(0.5, 2, 0.9), (0.1, 2, 0.9)]


def test_that_a_rate_kept_in_a_tensor_is_not_read(tmp_path: Path) -> None:
    optimizer = torch.optim.Adam(small().parameters(), lr=torch.tensor(0.1), capturable=False)
    assert saved(tmp_path / "rate.pt", optimizer.state_dict()).known.fields()["optimizer"]["groups"][0]["lr"] is None


@pytest.mark.parametrize("cls", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_that_slots_map_to_parameters_by_order_where_all_are_listed(cls: type, tmp_path: Path) -> None:
    model = small()
    told = saved(tmp_path / "all.pt", checkpoint(model, stepped(cls(model.parameters(), lr=0.1))))
    (fit,) = told.known.fits
    assert list(fit.names.values()) == [name for name, _ in model.named_parameters()]
    trained = told.trained()
    assert trained is not None
    assert (trained.certainty, trained.trainable, trained.frozen) == ("inferred", sum(p.numel() for p in model.parameters()), 0)


@pytest.mark.parametrize("cls", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_that_a_frozen_backbone_is_known_by_the_names_in_the_groups(cls: type, tmp_path: Path) -> None:
    model = backbone_and_head()
    model["backbone"].requires_grad_(False)
    head = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    told = saved(tmp_path / "frozen.pt", checkpoint(model, stepped(cls(head, lr=0.1))))
    trained = told.trained()
    assert trained is not None
    assert trained.names == {name: name.startswith("head") for name, _ in model.named_parameters()}
    assert (trained.trainable, trained.frozen) == (21, 72)


@pytest.mark.parametrize("cls", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_that_a_frozen_backbone_without_names_is_evidence_and_no_answer(cls: type, tmp_path: Path) -> None:
    model = backbone_and_head()
    told = saved(tmp_path / "frozen.pt", checkpoint(model, stepped(cls(model["head"].parameters(), lr=0.1))))
    assert told.trained() is None
    assert "lists 2 parameters, the main weights have 6" in told.claims()


def test_that_listed_parameters_without_state_are_evidence_only(tmp_path: Path) -> None:
    model = backbone_and_head()
    model["backbone"].requires_grad_(False)
    told = saved(tmp_path / "listed.pt", checkpoint(model, stepped(torch.optim.Adam(model.parameters()))))
    trained = told.trained()
    assert trained is not None
    assert trained.frozen == 0
    assert "inferred: 4 of 6 listed parameters have no optimizer state" in told.claims()


def test_that_names_match_through_compiled_and_parallel_wrappers(tmp_path: Path) -> None:
    model = small()
    names = [(name.replace("0.", "0._orig_mod."), parameter) for name, parameter in model.named_parameters()]
    wrapped = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.Adam(names)
    told = saved(tmp_path / "wrapped.pt", {"model": wrapped, "optimizer": optimizer.state_dict()})
    trained = told.trained()
    assert trained is not None
    assert set(trained.names) == {f"module.{name}" for name, _ in model.named_parameters()}
    assert trained.frozen == 0


def test_that_groups_split_by_weight_decay_are_mapped_in_their_own_order(tmp_path: Path) -> None:
    model = small()
    decay = [p for p in model.parameters() if p.ndim >= 2]
    rest = [p for p in model.parameters() if p.ndim < 2]
    optimizer = stepped(torch.optim.AdamW([{"params": decay}, {"params": rest, "weight_decay": 0.0}]))
    told = saved(tmp_path / "decay.pt", checkpoint(model, optimizer))
    (fit,) = told.known.fits
    assert fit.how == "order within groups"
    assert list(fit.names.values()) == ["0.weight", "2.weight", "0.bias", "1.weight", "1.bias", "2.bias"]


def test_that_any_split_into_groups_lists_all_when_shapes_and_numbers_agree(tmp_path: Path) -> None:
    model = small()
    groups = [{"params": list(model[2].parameters())}, {"params": list(model[0].parameters())}, {"params": list(model[1].parameters())}]
    told = saved(tmp_path / "shuffled.pt", checkpoint(model, stepped(torch.optim.AdamW(groups))))
    trained = told.trained()
    assert trained is not None
    assert trained.frozen == 0
    assert told.known.fits[0].names == {}


def test_that_a_state_that_does_not_fit_is_a_finding(tmp_path: Path) -> None:
    model, other = small(), small()
    other[2] = nn.Linear(6, 5)
    told = saved(
        tmp_path / "head.pt", {"model": other.state_dict(), "optimizer": stepped(torch.optim.Adam(model.parameters())).state_dict()}
    )
    (finding,) = told.known.findings
    assert finding.severity == "warning"
    assert re.search(r"`exp_avg` of 2\.weight has the shape \[3, 6\], the parameter \[5, 6\]", finding.detail)
    assert told.trained() is None


def test_that_tied_parameters_are_listed_once(tmp_path: Path) -> None:
    model = nn.ModuleDict({"embed": nn.Embedding(5, 4), "out": nn.Linear(4, 5, bias=False)})
    model["out"].weight = model["embed"].weight
    trained = saved(tmp_path / "tied.pt", checkpoint(model, stepped(torch.optim.Adam(model.parameters())))).trained()
    assert trained is not None
    assert trained.names == {"embed.weight": True, "out.weight": True}
    assert (trained.trainable, trained.frozen) == (20, 0)


def test_that_two_optimizers_find_their_own_networks(tmp_path: Path) -> None:
    networks = {"generator": small(), "discriminator": small()}
    file = {name: network.state_dict() for name, network in networks.items()}
    file |= {f"opt_{name[0].upper()}": stepped(torch.optim.Adam(network.parameters())).state_dict() for name, network in networks.items()}
    told = saved(tmp_path / "gan.pt", file)
    assert {fit.optimizer: fit.weights for fit in told.known.fits} == {"opt_G": "generator", "opt_D": "discriminator"}
    assert told.trained("discriminator") is not None


def test_that_two_optimizers_may_share_one_state_dict(tmp_path: Path) -> None:
    model = nn.ModuleDict({"generator": nn.Linear(4, 3), "discriminator": nn.Linear(3, 1)})
    states = [stepped(torch.optim.Adam(part.parameters())).state_dict() for part in model.values()]
    told = saved(tmp_path / "lightning_gan.ckpt", {"state_dict": model.state_dict(), "optimizer_states": states})
    trained = told.trained()
    assert trained is not None
    assert (trained.trainable, trained.frozen) == (19, 0)
    assert list(told.known.fits[1].names.values()) == ["discriminator.weight", "discriminator.bias"]


def test_that_averaged_weights_are_not_what_the_optimizer_trains(tmp_path: Path) -> None:
    model = small()
    file = {**checkpoint(model, stepped(torch.optim.Adam(model.parameters()))), "ema": small().state_dict()}
    told = saved(tmp_path / "ema.pt", file)
    assert told.trained() is not None
    assert told.trained("ema") is None


def test_that_requires_grad_of_a_pickled_module_is_confirmed(tmp_path: Path) -> None:
    model = small()
    model[0].requires_grad_(False)
    trained = saved(tmp_path / "model.pt", {"model": model, "epoch": 1}).trained()
    assert trained is not None
    assert (trained.certainty, trained.trainable, trained.frozen) == ("confirmed", 33, 30)


@pytest.mark.parametrize(
    "odd",
    [
        {"state": None, "param_groups": None},
        {"state": [], "param_groups": [None, 3, {"params": 4}]},
        {"state": {(1, 2): {"exp_avg": 1}, 0: 5, "x": {3: 4}}, "param_groups": [{"params": [0, None, [1]], "param_names": ["a"]}]},
        {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"params": [0, 0, 0, 0], "betas": {"a": [None]}}]},
    ],
)
def test_that_odd_structures_are_told_as_far_as_they_go(odd: dict[str, Any], tmp_path: Path) -> None:
    told = saved(tmp_path / "odd.pt", {"model": nn.Linear(2, 2).state_dict(), "optimizer": odd, "epoch": 1})
    assert told.known.optimizer is not None
    assert told.trained() is None
    assert told.known.fields()["epoch"] == 1
