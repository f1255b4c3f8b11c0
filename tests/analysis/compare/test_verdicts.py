"""Every verdict of the contract's table, by a pair that torch made for it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from ptinspect.analysis.compare.comparison import Comparison
from tests.analysis.compare.networks import Mixer, Net, Pairs, mapped, network, trained


def told(found: Comparison) -> tuple[str | None, tuple[str, ...]]:
    return found.verdict, found.also


def test_that_a_copy_is_identical_whatever_lies_around_the_weights(pairs: Pairs) -> None:
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    for other in (
        model.state_dict(),
        {"epoch": 3, "model": model.state_dict(), "optimizer": optimizer.state_dict()},
        nn.DataParallel(model).state_dict(),
        model,
        dict(reversed(model.state_dict().items())),
    ):
        found = pairs(model.state_dict(), other)
        assert told(found) == ("identical", ())
        assert found.summary["same"] == len(model.state_dict())
        assert {pair.equal_by for pair in found.pairs} == {"bytes"}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn])
def test_that_a_cast_is_a_cast_either_way(pairs: Pairs, dtype: torch.dtype) -> None:
    state = network().state_dict()
    cast = mapped(state, lambda value: value.to(dtype))
    for left, right in ((state, cast), (cast, state)):
        found = pairs(left, right)
        assert found.verdict == "cast only", found.sentence
        assert found.buffers_moved == 0
        assert "rounding" in found.sentence


def test_that_a_cast_that_cuts_off_is_a_cast_too(pairs: Pairs) -> None:
    state = network().state_dict()
    cut = mapped(state, lambda v: v.view(torch.int32).bitwise_and(-65536).view(torch.float32).to(torch.bfloat16))
    assert pairs(state, cut).verdict == "cast only"


def test_that_training_after_a_cast_is_none(pairs: Pairs) -> None:
    model = network()
    found = pairs(model.state_dict(), mapped(trained(model, lr=0.01).state_dict(), lambda value: value.to(torch.bfloat16)))
    assert found.verdict == "fully fine-tuned"
    assert found.summary["dtype_changed"] > 0


def test_that_other_names_alone_are_renamed_only(pairs: Pairs) -> None:
    state = network().state_dict()
    renamed = {name.replace("layer1", "stage_one").replace("fc", "classifier"): value for name, value in state.items()}
    found = pairs(state, renamed)
    assert found.verdict == "renamed only"
    assert found.summary["renamed"] == sum(name not in renamed for name in state)
    assert not found.would_load.strict


def test_that_statistics_alone_are_told(pairs: Pairs) -> None:
    model = network()
    moved = copy.deepcopy(model).train()
    moved(torch.randn(4, 3, 8, 8))
    found = pairs(model.state_dict(), moved.state_dict())
    assert found.verdict == "statistics only"
    assert found.buffers_moved == sum("running" in name or "num_batches" in name for name in model.state_dict())
    assert "train mode" in found.sentence


def test_that_a_frozen_backbone_in_train_mode_is_told(pairs: Pairs) -> None:
    model = network()
    assert isinstance(model, Net)
    found = pairs(model, trained(model, model.fc.parameters()))
    assert found.verdict == "head only"
    assert found.buffers_moved > 0
    assert "backbone frozen, but its running statistics moved" in found.sentence.lower()
    assert "train mode" in found.sentence


def test_that_a_frozen_backbone_in_eval_mode_has_not_moved(pairs: Pairs) -> None:
    model = network()
    assert isinstance(model, Net)
    found = pairs(model.state_dict(), trained(model, model.fc.parameters(), train=False).state_dict())
    assert told(found) == ("head only", ())
    assert found.buffers_moved == 0
    assert "backbone frozen" in found.sentence
    assert "train mode" not in found.sentence


@pytest.mark.parametrize("how", ["shape", "module", "values"])
def test_that_a_replaced_head_is_head_only(pairs: Pairs, how: str) -> None:
    model = network()
    assert isinstance(model, Net)
    other = copy.deepcopy(model)
    torch.manual_seed(5)
    heads = {
        "shape": nn.Linear(40, 3),
        "module": nn.Sequential(nn.Linear(40, 20), nn.ReLU(), nn.Linear(20, 3)),
        "values": nn.Linear(40, 10),
    }
    other.fc = heads[how]  # type: ignore[assignment]
    for left, right in ((model, other), (other, model)):
        found = pairs(left.state_dict(), right.state_dict())
        assert found.verdict == "head only", found.sentence
        assert "`fc`" in found.sentence


def merged(model: nn.Module, rank: int) -> nn.Module:
    """What merging an adapter leaves: a product of two thin matrices added to each linear layer."""
    torch.manual_seed(rank)
    made = copy.deepcopy(model)
    for layer in made.modules():
        if isinstance(layer, nn.Linear) and min(layer.weight.shape) >= 64:
            out, inner = layer.weight.shape
            layer.weight.data += 0.02 * torch.randn(out, rank) @ torch.randn(rank, inner)
    return made


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_that_a_merged_adapter_is_of_low_rank(pairs: Pairs, dtype: torch.dtype) -> None:
    model = network(Mixer)
    found = pairs(*(mapped(one.state_dict(), lambda value: value.to(dtype)) for one in (model, merged(model, 4))))
    assert found.verdict == "low rank", (found.sentence, found.low_rank)
    assert len(found.low_rank.tested) == 8 == found.low_rank.candidates
    assert all(one.energy is not None and one.energy >= 0.99 for one in found.low_rank.tested)


def test_that_a_dense_change_is_not_of_low_rank_and_stops_the_test(pairs: Pairs) -> None:
    model = network(Mixer)
    dense = mapped(model.state_dict(), lambda value: value + 0.01 * torch.randn_like(value))
    found = pairs(model.state_dict(), dense)
    assert found.verdict == "fully fine-tuned"
    assert len(found.low_rank.tested) == 1
    assert found.low_rank.tested[0].energy is not None
    assert found.low_rank.tested[0].energy < 0.5


def test_that_a_dense_change_among_many_of_low_rank_is_found_when_asked_to_be_thorough(pairs: Pairs) -> None:
    model = network(Mixer, layers=6)
    other = merged(model, 4)
    assert isinstance(other, Mixer)
    other.layers[5][2].weight.data += 0.01 * torch.randn_like(other.layers[5][2].weight)
    assert pairs(model.state_dict(), other.state_dict()).verdict == "low rank"
    found = pairs(model.state_dict(), other.state_dict(), thorough=True)
    assert found.verdict == "partly fine-tuned"
    assert found.low_rank.candidates == 12


def test_that_unrelated_networks_are_another_architecture(pairs: Pairs) -> None:
    found = pairs(network().state_dict(), network(Mixer).state_dict())
    assert found.verdict == "different architecture"
    assert found.summary["same"] == 0


def test_that_a_wider_network_is_another_architecture(pairs: Pairs) -> None:
    found = pairs(network().state_dict(), network(width=48).state_dict())
    assert found.verdict == "different architecture"
    assert found.summary["shape_changed"] > 0


def test_that_training_everything_is_fully_fine_tuned(pairs: Pairs) -> None:
    model = network()
    found = pairs(model.state_dict(), trained(model).state_dict())
    assert told(found) == ("fully fine-tuned", ())
    assert found.buffers_moved > 0


def test_that_training_the_last_layer_and_the_head_is_partly_fine_tuned(pairs: Pairs) -> None:
    model = network()
    assert isinstance(model, Net)
    found = pairs(model.state_dict(), trained(model, [*model.layer2.parameters(), *model.fc.parameters()], train=False).state_dict())
    assert told(found) == ("partly fine-tuned", ())
    same = {pair.match.name for pair in found.pairs if pair.status == "same" and pair.match.role == "parameter"}
    assert same == {name for name, _ in model.named_parameters() if not name.startswith(("layer2", "fc"))}


def test_that_the_same_architecture_from_another_seed_is_fully_changed_and_says_so(pairs: Pairs) -> None:
    found = pairs(network(Mixer, seed=0).state_dict(), network(Mixer, seed=1).state_dict())
    changed = [pair for pair in found.pairs if pair.status == "changed"]
    norms = {f"layers.{layer}.0.{kind}" for layer in range(4) for kind in ("weight", "bias")}
    assert {pair.match.name for pair in changed} == {name for name, _ in network(Mixer).named_parameters()} - norms
    assert found.verdict == "partly fine-tuned"  # layer norms begin the same


def test_that_an_average_is_compared_with_the_live_weights_of_one_file(pairs: Pairs, tmp_path) -> None:
    from tests.analysis.compare.networks import compared

    model = network()
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    average.update_parameters(model)
    average.update_parameters(trained(model, train=False))
    path = pairs.path("both", {"model": model.state_dict(), "ema": average.state_dict()})
    found = compared(path, path, sets=("model", "ema"))
    assert found.verdict == "fully fine-tuned"
    assert found.outline.alignment.right_prefix == "module."
    assert [pair.match.name for pair in found.pairs if pair.status == "right_only"] == ["n_averaged"]


def test_that_nothing_against_nothing_is_identical(pairs: Pairs) -> None:
    found = pairs({"epoch": 1}, {"epoch": 2})
    assert found.verdict == "identical"
    assert [(one.path, one.left, one.right) for one in found.outside if one.path == "epoch"] == [("epoch", 1, 2)]


def unmerged(model: nn.Module, rank: int) -> dict[str, torch.Tensor]:
    """What peft saves of a whole model with an adapter beside each linear layer."""
    torch.manual_seed(rank)
    state = {}
    for name, value in model.state_dict().items():
        layer, _, kind = name.rpartition(".")
        is_linear = isinstance(model.get_submodule(layer), nn.Linear)
        state[f"base_model.model.{layer}{'.base_layer' if is_linear else ''}.{kind}"] = value
        if is_linear and kind == "weight":
            state[f"base_model.model.{layer}.lora_A.default.weight"] = torch.randn(rank, value.shape[1])
            state[f"base_model.model.{layer}.lora_B.default.weight"] = torch.zeros(value.shape[0], rank)
    return state


def test_that_an_adapter_beside_its_layers_leaves_them_the_same(pairs: Pairs) -> None:
    model = network(Mixer)
    found = pairs(model.state_dict(), unmerged(model, 4))
    same = [pair for pair in found.pairs if pair.status == "same"]
    assert len(same) == len(model.state_dict())
    beside = {pair.match.right.name for pair in found.pairs if pair.status == "right_only" and pair.match.right is not None}
    assert len(beside) == 2 * sum(isinstance(layer, nn.Linear) for layer in model.modules())
    assert all(".lora_" in name for name in beside)
    assert len(same) + len(beside) == len(found.pairs)
    assert found.verdict not in ("identical", "renamed only", "low rank")
    told = f"All {len(same)} tensors of the left side are there byte for byte; the right has {len(beside)} more, named `lora_A`, `lora_B`."
    assert told in found.sentence
    turned = pairs(unmerged(model, 4), model.state_dict())
    assert "tensors of the right side are there byte for byte; the left has" in turned.sentence


@pytest.mark.slow
@pytest.mark.parametrize("train", [False, True])
def test_that_a_network_of_torchvision_tuned_with_a_frozen_backbone_is_told(pairs: Pairs, train: bool) -> None:
    from ptinspect.runner.operators import import_torchvision

    torch.manual_seed(0)
    model = import_torchvision().models.shufflenet_v2_x0_5(weights=None, num_classes=10)
    tuned = copy.deepcopy(model).train(train)
    optimizer = torch.optim.SGD(tuned.fc.parameters(), 0.1)
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(tuned(torch.randn(4, 3, 64, 64)), torch.tensor([0, 1, 2, 3])).backward()
        optimizer.step()
    found = pairs(model.state_dict(), {"epoch": 1, "model": tuned.state_dict(), "optimizer": optimizer.state_dict()})
    assert found.verdict == "head only", found.sentence
    assert (found.buffers_moved > 0) is train
    assert ("train mode" in found.sentence) is train
