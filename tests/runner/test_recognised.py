"""The first way to a model: a known architecture, filled from plain buffers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import ArchitectureUnknown, ChangedOnDisk, WeightsDoNotFit
from ptinspect.runner import factories
from ptinspect.runner.loading import put_in
from ptinspect.runner.operators import import_torchvision
from ptinspect.runner.protocol import FileAsked, identity_numbers
from ptinspect.runner.sources import Made, made

models = import_torchvision().models
INPUT = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))


def seeded(name: str, **options: object) -> nn.Module:
    torch.manual_seed(5)
    return models.get_model(name, weights=None, **options).eval()


def run_of(path: Path, model: str = "auto", weights: str | None = None) -> Made:
    checkpoint = open_checkpoint(path)
    return made(FileAsked(str(path), identity_numbers(checkpoint.identity), weights, model), checkpoint)


def outputs(module: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return module.eval()(INPUT)


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5"])
def test_that_a_recognised_model_gives_what_the_original_gives(tmp_path: Path, name: str) -> None:
    original = seeded(name)
    torch.save(original.state_dict(), tmp_path / "a.pt")
    found = run_of(tmp_path / "a.pt")
    assert (found.source, found.trusted) == (f"torchvision:{name}", False)
    assert found.load.fields() == {"missing": [], "unexpected": [], "mismatched": []}
    assert torch.equal(outputs(found.module), outputs(original))


def test_that_a_head_of_another_size_is_built_to_fit(tmp_path: Path) -> None:
    original = seeded("shufflenet_v2_x0_5", num_classes=7)
    torch.save({"epoch": 3, "net": {f"module.{name}": value for name, value in original.state_dict().items()}}, tmp_path / "a.pt")
    assert torch.equal(outputs(run_of(tmp_path / "a.pt").module), outputs(original))


def test_that_a_head_of_more_layers_is_rebuilt_and_said_to_be_a_guess(tmp_path: Path) -> None:
    original = seeded("shufflenet_v2_x0_5")
    original.fc = nn.Sequential(nn.Linear(1024, 32), nn.ReLU(), nn.Linear(32, 4))
    torch.save(original.state_dict(), tmp_path / "a.pt")
    found = run_of(tmp_path / "a.pt")
    assert torch.equal(outputs(found.module), outputs(original))
    assert [finding.title for finding in found.findings] == ["fc was rebuilt from its names and shapes"]


def test_that_weights_that_are_missing_are_told_and_the_model_runs(tmp_path: Path) -> None:
    state = seeded("shufflenet_v2_x0_5").state_dict()
    del state["fc.weight"]
    torch.save(state, tmp_path / "a.pt")
    found = run_of(tmp_path / "a.pt")
    assert found.load.missing == ("fc.weight",)
    assert "random values stand in" in found.findings[-1].detail
    assert torch.isfinite(outputs(found.module)).all()


def test_that_the_weights_keep_their_type_and_are_not_copied_twice(tmp_path: Path) -> None:
    torch.save(seeded("shufflenet_v2_x0_5").half().state_dict(), tmp_path / "a.pt")
    parameters = list(run_of(tmp_path / "a.pt").module.parameters())
    assert {value.dtype for value in parameters} == {torch.float16}


def test_that_weights_of_another_model_are_refused_with_what_to_do(tmp_path: Path) -> None:
    torch.save(seeded("shufflenet_v2_x0_5").state_dict(), tmp_path / "a.pt")
    with pytest.raises(WeightsDoNotFit, match="only 0 of the"):
        run_of(tmp_path / "a.pt", "torchvision:squeezenet1_1")
    with pytest.raises(ArchitectureUnknown, match="cannot build 'resnet51'"):
        run_of(tmp_path / "a.pt", "torchvision:resnet51")


def test_that_bare_weights_of_nobody_ask_for_a_model(tmp_path: Path) -> None:
    torch.save({"encoder.weight": torch.ones(3, 3), "encoder.bias": torch.ones(3)}, tmp_path / "a.pt")
    for model in ("auto", "rebuilt"):
        with pytest.raises(ArchitectureUnknown) as caught:
            run_of(tmp_path / "a.pt", model)
        assert "--model" in caught.value.hint or "Name" in caught.value.hint


def test_that_another_weight_set_is_run_when_it_is_named(tmp_path: Path) -> None:
    live, average = seeded("shufflenet_v2_x0_5"), seeded("shufflenet_v2_x0_5", num_classes=3)
    torch.save({"model": live.state_dict(), "ema": average.state_dict()}, tmp_path / "a.pt")
    assert torch.equal(outputs(run_of(tmp_path / "a.pt", weights="ema").module), outputs(average))


def test_that_a_file_that_became_another_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save(seeded("shufflenet_v2_x0_5").state_dict(), path)
    asked = FileAsked(str(path), identity_numbers(open_checkpoint(path).identity))
    torch.save(seeded("shufflenet_v2_x0_5", num_classes=4).state_dict(), path)
    with pytest.raises(ChangedOnDisk, match="not the one that was chosen"):
        made(asked, open_checkpoint(path))


def test_that_a_skeleton_has_its_buffers_and_no_weights() -> None:
    module = factories.skeleton("torchvision", "swin_t")
    assert all(one.weight.is_meta for one in module.modules() if isinstance(one, (nn.Linear, nn.Conv2d)))
    assert not any(value.is_meta for value in module.buffers())


class _Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight


def test_that_tied_names_stay_tied_and_one_of_them_is_enough() -> None:
    module = _Tied()
    weight = torch.randn(5, 3)
    load = put_in(module, {"embedding.weight": weight}, {})
    assert load.missing == ()
    assert module.head.weight is module.embedding.weight
    assert torch.equal(module.head.weight, weight)


@pytest.mark.parametrize("said", ["", "?transform_input=0"])
def test_that_a_model_which_scales_its_input_is_taken_for_one_of_torchvisions_own(tmp_path: Path, said: str) -> None:
    original = seeded("googlenet", transform_input=not said, init_weights=False)
    torch.save(original.state_dict(), tmp_path / "a.pt")
    found = run_of(tmp_path / "a.pt", f"torchvision:googlenet{said}" if said else "auto")
    assert found.module.transform_input == (not said)
    assert torch.equal(outputs(found.module), outputs(original))
    assert [finding.title for finding in found.findings] == ["It was assumed that the weights come from torchvision's own"] * (not said)


@pytest.mark.parametrize("said", ["?transform_input", "?num_classes=os.system", "?__class__=1=2"])
def test_that_options_are_whole_numbers_by_name(tmp_path: Path, said: str) -> None:
    torch.save(seeded("shufflenet_v2_x0_5").state_dict(), tmp_path / "a.pt")
    with pytest.raises(ArchitectureUnknown, match="no whole numbers by name"):
        run_of(tmp_path / "a.pt", f"torchvision:shufflenet_v2_x0_5{said}")


def test_that_a_pickled_model_is_the_one_of_the_file_not_the_librarys(tmp_path: Path) -> None:
    original = seeded("resnet18", num_classes=5)
    original.maxpool = nn.Identity()
    torch.save(original, tmp_path / "a.pt")
    found = run_of(tmp_path / "a.pt")
    assert (found.source, found.architecture) == ("rebuilt", "torchvision:resnet18")
    assert torch.equal(outputs(found.module), outputs(original))
    assert run_of(tmp_path / "a.pt", "recognised").source == "torchvision:resnet18"


def test_that_quantized_weights_are_told_to_be_missing(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(2, 2), torch.ao.nn.quantized.Conv2d(1, 1, 1))
    with pytest.raises(WeightsDoNotFit, match=r"1\.weight is missing, .* not run"):
        put_in(module, {name: torch.zeros_like(value) for name, value in nn.Linear(2, 2).state_dict(prefix="0.").items()}
               | {"1.scale": torch.tensor(1.0), "1.zero_point": torch.tensor(0), "1.bias": torch.zeros(1)},
               {"1.weight": "qint8 values are not run"})  # fmt: skip


def test_that_the_frozen_norms_of_a_detector_are_torchvisions_own(tmp_path: Path) -> None:
    factory = models.get_model_weights("retinanet_resnet50_fpn")
    with factories._weights_stay_away(factory):
        original = models.get_model("retinanet_resnet50_fpn", weights=factory.COCO_V1).eval()
    for norm in (one for one in original.modules() if hasattr(one, "running_var")):
        norm.running_var.fill_(1e-4)
    torch.save(original.state_dict(), tmp_path / "a.pt")
    found = run_of(tmp_path / "a.pt")
    layers = [one.backbone.body.layer1[0].bn1 for one in (found.module.eval(), original)]
    inputs = torch.rand(1, 64, 4, 4)
    assert torch.equal(*(layer(inputs) for layer in layers))
    assert [sum(value.numel() for value in one.parameters()) for one in (found.module, original)] == [34_014_999] * 2
    assert [finding.title for finding in found.findings] == ["It was assumed that the frozen norms are those of torchvision's own weights"]
