"""Weight sets against what torch's own `state_dict()` returns: names, shapes, counts, wrappers, and which one is the main one."""

from __future__ import annotations

import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.optim.swa_utils import AveragedModel

from ptinspect.checkpoint.model import WeightSet
from ptinspect.checkpoint.opening import open_checkpoint
from tests.attacks.payloads import name, pickled, text
from tests.checkpoint.saved import saved

LEGACY = {"_use_new_zipfile_serialization": False}


class Buffers(nn.Module):
    """Persistent and other buffers, a plain tensor attribute, an empty parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kept", torch.ones(3))
        self.register_buffer("dropped", torch.ones(5), persistent=False)
        self.register_buffer("absent", None)
        self.register_parameter("nothing", None)
        self.weight = nn.Parameter(torch.ones(2))
        self.cache = torch.ones(7)


class Stateful(nn.Linear):
    """Says itself what is pickled."""

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "note": "x"}


class Tupled(nn.Linear):
    def __getstate__(self) -> tuple[object, ...]:
        return self.__dict__, {"slot": 1}


class Plain(nn.Module):
    """Its own layer under two names, and again in a list that is no module."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.again = self.first
        self.lists = nn.ModuleList([self.first, nn.Linear(3, 3)])
        self.lists[1].weight = self.first.weight
        self.unlisted = [nn.Linear(2, 2)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.first(x) + self.lists[1](x)


def tied() -> nn.Module:
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5))
    model[1].weight = model[0].weight
    return model


def modules() -> dict[str, nn.Module]:
    """Everything whose state_dict is not simply its attributes."""
    nothing_yet = nn.LazyLinear(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        normed = nn.utils.weight_norm(nn.Conv2d(1, 2, 3))
        spectral = nn.utils.spectral_norm(nn.Linear(3, 4))
    return {
        "buffers": Buffers(),
        "getstate": Stateful(2, 3),
        "getstate, a pair": Tupled(2, 3),
        "shared": Plain(),
        "tied": tied(),
        "lstm": nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2),
        "attention": nn.MultiheadAttention(8, 2),
        "attention of three": nn.MultiheadAttention(8, 2, kdim=3, vdim=5, bias=False),
        "transformer": nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2),
        "batch norm": nn.BatchNorm2d(3),
        "no statistics": nn.BatchNorm2d(3, affine=False, track_running_stats=False),
        "lists": nn.ModuleDict({"a": nn.ParameterList([torch.ones(2), torch.ones(3)])}),
        "dicts": nn.ParameterDict({"x": torch.ones(2), "y": nn.Parameter(torch.ones(3, dtype=torch.int64), requires_grad=False)}),
        "weight norm": normed,
        "spectral norm": spectral,
        "parallel": nn.DataParallel(nn.Sequential(nn.Linear(2, 2))),
        "averaged": AveragedModel(nn.BatchNorm1d(2)),
        "lazy": nn.Sequential(nothing_yet, nn.Linear(2, 2)),
        "half": nn.Linear(2, 2).half(),
        "meta": nn.Linear(2, 2, device="meta"),
    }


def truth(module: nn.Module) -> dict[str, tuple[int, ...]]:
    lazy = torch.nn.parameter.UninitializedParameter
    return {key: tuple(tensor.shape) for key, tensor in module.state_dict().items() if not isinstance(tensor, lazy)}


def counts(module: nn.Module) -> tuple[int, int]:
    """Elements of parameters and of persistent buffers, by torch."""
    kept, seen = module.state_dict(keep_vars=True), set()
    found = [0, 0]
    for tensor in kept.values():
        if id(tensor) not in seen and not isinstance(tensor, torch.nn.parameter.UninitializedParameter):
            seen.add(id(tensor))
            found[not isinstance(tensor, nn.Parameter)] += tensor.numel()
    return found[0], found[1]


def names(weights: WeightSet) -> dict[str, tuple[int, ...]]:
    return {entry.name: tuple(entry.tensor.shape) for entry in weights.entries}


def main_of(folder: Path, value: object, **options: object) -> WeightSet:
    found = saved(folder, value, **options).main
    assert found is not None
    return found


@pytest.mark.parametrize("options", [{}, {"pickle_protocol": 5}, LEGACY], ids=str)
@pytest.mark.parametrize("kind", modules())
def test_that_a_pickled_module_has_the_names_of_its_state_dict(tmp_path: Path, kind: str, options) -> None:
    """F-03, F-16: shared modules, tied parameters, lists, wrappers, weight norm."""
    module = modules()[kind]
    found = main_of(tmp_path, module, **options)
    assert names(found) == truth(module)
    assert list(names(found)) == list(truth(module))
    assert len(found.entries) == len(truth(module))
    assert (found.parameters, found.buffers) == counts(module)
    assert (found.split, found.form) == ("confirmed", "model")


@pytest.mark.parametrize("kind", [kind for kind in modules() if kind not in ("lazy", "no statistics")])
def test_that_a_saved_state_dict_is_told_apart_the_same_way(tmp_path: Path, kind: str) -> None:
    """A bare state_dict does not say what is a parameter; names and whole numbers do, and it is called inferred."""
    module = modules()[kind]
    found = main_of(tmp_path, module.state_dict())
    assert names(found) == truth(module)
    assert (found.split, found.form, found.class_name) == ("inferred", "state_dict", None)
    assert sum(found.elements) == sum(counts(module))
    if kind not in ("buffers", "spectral norm", "dicts"):  # nothing in `kept`, `weight_u`, a frozen whole number tells it
        assert (found.parameters, found.buffers) == counts(module)


def test_that_parametrized_weights_are_names_like_others(tmp_path: Path) -> None:
    module = parametrizations.weight_norm(nn.Linear(3, 2))
    found = main_of(tmp_path, module.state_dict())
    assert list(names(found)) == ["bias", "parametrizations.weight.original0", "parametrizations.weight.original1"]


@pytest.mark.parametrize("make", [Plain, tied], ids=lambda make: make.__name__)
def test_that_programs_have_the_names_of_the_module_they_come_from(tmp_path: Path, make) -> None:
    path = tmp_path / "program.pt"
    module = make().eval()
    inputs = torch.ones(1, 3) if make is Plain else torch.ones(1, dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.trace(module, (inputs,))
        script.save(path)
    found = open_checkpoint(path).main
    assert names(found) == truth(script)
    assert (found.parameters, found.split) == (counts(module)[0], "confirmed")
    torch.export.save(torch.export.export(module, (inputs,)), path)
    found = open_checkpoint(path).main
    assert names(found) == {key: tuple(value.shape) for key, value in torch.export.load(path).state_dict.items()}
    assert (found.parameters, found.split) == (counts(module)[0], "confirmed")


def test_that_a_class_outside_the_pickle_is_named(tmp_path: Path) -> None:
    """F-05: before torch 1.6 a module's class was ("module", class, file, source)."""
    class_name = b"(" + text("module") + name("models.mine", "Net") + text("models/mine.py") + text("class Net: ...") + b"tQ"
    body = class_name + b")\x81}" + text("_modules") + b"}" + text("relu") + name("torch.nn", "ReLU") + b")\x81}" + text("_parameters")
    path = tmp_path / "old.pkl"
    path.write_bytes(pickled(body + b"}sbssb"))
    found = open_checkpoint(path)
    assert (found.kind, found.main.class_name) == ("model", "models.mine.Net")


# -- wrappers and prefixes ------------------------------------------------------------------------------------------------


@pytest.fixture
def wrappers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, nn.Module], nn.Module]:
    """Wrappers as other torches pickle them: their classes exist for as long as the test runs."""

    def wrapped(class_name: str, child: str, inner: nn.Module) -> nn.Module:
        module, _, short_name = class_name.rpartition(".")
        holder = types.ModuleType(module)
        made_of = type(short_name, (nn.Module,), {"__module__": module, "__qualname__": short_name})
        setattr(holder, short_name, made_of)
        monkeypatch.setitem(sys.modules, module, holder)
        made = made_of()
        made.add_module(child, inner)
        return made

    return wrapped


def test_that_wrappers_are_named_and_the_class_is_the_inner_one(tmp_path: Path, wrappers) -> None:
    """F-04."""
    found = main_of(tmp_path, AveragedModel(nn.DataParallel(nn.Linear(2, 2))))
    assert found.wrapped_in == ("torch.optim.swa_utils.AveragedModel", "torch.nn.parallel.data_parallel.DataParallel")
    assert found.class_name == "torch.nn.modules.linear.Linear"
    compiled = wrappers("torch._dynamo.elsewhere.OptimizedModule", "_orig_mod", nn.DataParallel(nn.Linear(2, 2)))
    found = main_of(tmp_path, compiled)
    assert [wrapped.rpartition(".")[2] for wrapped in found.wrapped_in] == ["OptimizedModule", "DataParallel"]
    assert (found.class_name, found.prefix) == ("torch.nn.modules.linear.Linear", "module.")


def test_that_what_torch_compile_returns_is_a_wrapper(tmp_path: Path) -> None:
    """It pickles as a call with the module as its first argument, not by its state."""
    module = nn.Sequential(nn.Linear(2, 2))
    found = saved(tmp_path, torch.compile(module))
    assert (found.kind, found.main.path, found.main.class_name) == ("model", "", "torch.nn.modules.container.Sequential")
    assert found.main.wrapped_in == ("torch._dynamo.eval_frame.OptimizedModule",)
    assert names(found.main) == truth(torch.compile(module))
    assert {place.path for place in found.document.places} == set(names(found.main))


def test_that_a_traced_model_is_a_module(tmp_path: Path) -> None:
    """torch.fx pickles a call with the module's attributes and its code."""
    module = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    found = saved(tmp_path, module)
    assert (found.kind, found.main.class_name) == ("model", "torch.fx.graph_module.GraphModule")
    assert names(found.main) == truth(module)
    assert {place.path for place in found.document.places} == set(names(found.main))


def test_that_a_class_of_a_wrappers_name_with_more_in_it_is_no_wrapper(tmp_path: Path, wrappers) -> None:
    made = wrappers("mine.DataParallel", "module", nn.Linear(2, 2))
    made.add_module("other", nn.Linear(2, 2))
    found = main_of(tmp_path, made)
    assert (found.class_name, found.wrapped_in) == ("mine.DataParallel", ())


def test_that_a_wrapper_around_itself_has_an_end(tmp_path: Path) -> None:
    """S-29: a DataParallel whose module is itself."""
    made = name("torch.nn.parallel.data_parallel", "DataParallel") + b")\x81q\x00"
    body = made + b"}" + text("_modules") + b"}" + text("module") + b"h\x00ss" + b"b"
    path = tmp_path / "cycle.pkl"
    path.write_bytes(pickled(body))
    assert open_checkpoint(path).kind == "model"


def test_that_modules_with_more_names_than_anyone_can_list_are_cut(tmp_path: Path) -> None:
    """S-27: forty modules, each with the one before as ten children, have 10^39 names; one parameter stands on each."""
    module: nn.Module = nn.Linear(1, 1, bias=False)
    for _ in range(39):
        module = nn.ModuleList([module] * 10)
    path = tmp_path / "laughs.pt"
    torch.save(module, path)
    found = open_checkpoint(path)
    assert (found.main.parameters, len(found.document.tensors)) == (1, 1)
    assert 1 < len(found.main.entries) < 200_000


@pytest.mark.parametrize(
    ("leads", "prefix"),
    [
        (["module."], "module."),
        (["model."], "model."),
        (["net."], "net."),
        (["module.model."], "module.model."),
        (["_orig_mod."], None),
        (["_orig_mod.module."], "module."),
        (["module._orig_mod."], "module."),
        (["_fsdp_wrapped_module.model._checkpoint_wrapped_module."], "model."),
        (["module.", ""], None),
        (["module.", "modules."], None),
        (["backbone."], None),
        (["model_"], None),
        (["my_orig_mod.module."], None),
    ],
)
def test_that_a_prefix_is_one_only_if_every_name_carries_it(tmp_path: Path, leads: list[str], prefix: str | None) -> None:
    state = {f"{lead}{key}{index}.w": torch.ones(2) for index, lead in enumerate(leads) for key in ("conv", "fc")}
    assert main_of(tmp_path, state).prefix == prefix


# -- counting -------------------------------------------------------------------------------------------------------------


def test_that_buffers_of_a_bare_state_dict_are_told_by_name_and_by_whole_numbers(tmp_path: Path) -> None:
    state = {"bn.running_mean": torch.ones(3), "table.index": torch.ones(4, dtype=torch.int32), "bn.weight": torch.ones(5)}
    state |= {"mask": torch.ones(6, dtype=torch.bool), "bn.num_batches_tracked": torch.tensor(1), "running_mean_head.w": torch.ones(7)}
    assert main_of(tmp_path, state).elements == (12, 14)


def test_that_tied_tensors_are_two_names_and_counted_once(tmp_path: Path) -> None:
    weight = torch.ones(4, 3)
    found = main_of(tmp_path, {"a.w": weight, "b.w": weight, "c.w": weight.t(), "d.w": weight[:2], "e.w": weight.clone()})
    assert len(found.entries) == 5
    assert found.parameters == 12 + 6 + 12  # c lies on all of a's bytes, d is another stretch of them
    assert saved(tmp_path, {"x": {"a.w": weight, "b.w": weight}}).totals.shared == (("x.a.w", "x.b.w"),)


# -- which one is the main one ----------------------------------------------------------------------------------------------

SMALL, LARGE = {"a.w": torch.ones(2)}, {"a.w": torch.ones(9)}


@pytest.mark.parametrize(
    ("content", "main", "rule"),
    [
        ({"ema": LARGE, "model": SMALL}, "model", "averages by their names"),
        ({"model_ema": LARGE, "model": SMALL}, "model", "averages"),
        ({"state_dict_ema": LARGE, "state_dict": SMALL}, "state_dict", "averages"),
        ({"params-ema": LARGE, "params": SMALL}, "params", "averages"),
        ({"modelEMA": LARGE, "model": SMALL}, "model", "averages"),
        ({"averaged": LARGE, "model": SMALL}, "model", "averages"),
        ({"shadow_params": LARGE, "model": SMALL}, "model", "averages"),
        ({"teacher": LARGE, "student": SMALL}, "student", "averages"),
        ({"target_net": LARGE, "q_net": SMALL}, "q_net", "averages"),
        ({"ema0.999": LARGE, "model": SMALL}, "model", "averages"),
        ({"ema": {"state_dict": LARGE}, "deep": [[[SMALL]]]}, "deep.0.0.0", "averages"),
        ({"swa": {**LARGE, "n_averaged": torch.tensor(3)}, "model": SMALL}, "model", "averages"),
        ({"schema": LARGE, "model": SMALL}, "schema", "most parameters"),
        ({"cinema": LARGE, "model": SMALL}, "cinema", "most parameters"),
        ({"targets": LARGE, "model": SMALL}, "targets", "most parameters"),
        ({"retargeting": LARGE, "model": SMALL}, "retargeting", "most parameters"),
        ({"below": {"model": LARGE}, "model": SMALL}, "model", "shallowest"),
        ({"with.dots": LARGE, "model": SMALL}, "with.dots", "most parameters"),
        ({"generator": SMALL, "discriminator": dict(SMALL)}, "generator", "first in the file"),
        ([SMALL, LARGE], "1", "most parameters"),
        ({"ema": SMALL, "ema_2": LARGE}, "ema_2", "averages only"),
        ({"ema": SMALL, "epoch": 3}, "ema", "averages only"),
        ({"model": None, "ema": SMALL, "note": "x"}, "ema", "averages only"),
    ],
)
def test_that_one_rule_chooses_the_main_weights_and_is_told(tmp_path: Path, content, main: str, rule: str) -> None:
    found = saved(tmp_path, content)
    assert [weights.path for weights in found.weights if weights.role == "main"] == [main]
    evidence = next(one for one in found.evidence if one.claim.startswith("the main weights are"))
    assert f"`{main}`" in evidence.claim
    assert rule in evidence.because
    assert evidence.certainty == "inferred"


def test_that_every_set_has_a_role(tmp_path: Path) -> None:
    content = {"model": LARGE, "critic": SMALL, "model_ema": dict(LARGE), "optimizer": {"state": {}, "param_groups": []}}
    found = saved(tmp_path, content)
    assert {weights.path: weights.role for weights in found.weights} == {"model": "main", "critic": "other", "model_ema": "ema"}


def test_that_a_single_set_needs_no_rule(tmp_path: Path) -> None:
    assert not any(one.claim.startswith("the main weights") for one in saved(tmp_path, {"model": SMALL, "x": "y"}).evidence)


@pytest.mark.parametrize("average_first", [True, False])
def test_that_lightnings_average_is_the_main_weights(tmp_path: Path, average_first: bool) -> None:
    """WeightAveraging stores the average in `state_dict` and the live weights in `current_model_state`."""
    pairs = [("state_dict", dict(SMALL)), ("current_model_state", dict(SMALL))]
    content = {**dict(pairs if average_first else pairs[::-1]), "averaging_state": {"n_averaged": torch.tensor(5)}, "epoch": 3}
    found = saved(tmp_path, content)
    assert found.main.path == "state_dict"
    assert {weights.path: weights.role for weights in found.weights} == {"state_dict": "main", "current_model_state": "other"}
    because = next(one.because for one in found.evidence if one.claim == "the main weights are `state_dict`")
    assert "WeightAveraging" in because
    assert "`current_model_state`" in because


def test_that_one_object_under_two_keys_is_one_set(tmp_path: Path) -> None:
    """It is stored once; the tree shows it where it is met first."""
    assert [weights.path for weights in saved(tmp_path, {"model": SMALL, "copy": SMALL}).weights] == ["model"]


def test_that_what_an_optimizer_keeps_is_no_weight_set(tmp_path: Path) -> None:
    one = {"exp_avg": torch.ones(2), "exp_avg_sq": torch.ones(2), "step": torch.tensor(1.0)}
    content = {"model": SMALL, "best": {"a.ckpt": torch.tensor(0.1)}, "optim": {"state": {0: one}, "param_groups": []}, "slots": [one]}
    assert [weights.path for weights in saved(tmp_path, content).weights] == ["model"]
