"""Reparametrized, adapted and packed layers, and how many parameters the packed ones stand for."""

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.layer_types import inferred_types
from ptinspect.dtypes import BY_NAME
from ptinspect.tensors import TensorInfo
from tests.checkpoint.layer_rows import info, named, tensors_of, types
from tests.checkpoint.saved import saved


@pytest.mark.filterwarnings("ignore")
def test_that_weight_norm_and_spectral_norm_are_seen_through():
    from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

    makers = (weight_norm, parametrizations.weight_norm, spectral_norm, parametrizations.spectral_norm, parametrizations.orthogonal)
    for make in (*makers, lambda m: prune.l1_unstructured(m, "weight", amount=1)):
        found = inferred_types(tensors_of(nn.Sequential(make(nn.Linear(4, 6)), make(nn.Linear(6, 6)))))
        assert (found["0"].type, found["1"].type) == ("Linear", "Linear")
        assert "norm" in found["0"].because or "pruned" in found["0"].because or "parametrized" in found["0"].because
        assert set(named(found).values()) <= {"Linear", "ParametrizationList"}


def test_that_a_lora_pair_shares_its_rank():
    q = "base_model.model.model.layers.0.self_attn.q_proj"
    found = types((f"{q}.lora_A.weight", 4, 64), (f"{q}.lora_B.weight", 32, 4))
    assert named(found) == {q: "LoRA", f"{q}.lora_A": "Linear", f"{q}.lora_B": "Linear"}
    assert found[f"{q}.lora_A"].extra == "rank 4"
    found = types((f"{q}.base_layer.weight", 32, 64), (f"{q}.lora_A.default.weight", 4, 64), (f"{q}.lora_B.default.weight", 32, 4))
    assert named(found) == {q: "LoRA", f"{q}.base_layer": "Linear", f"{q}.lora_A.default": "Linear", f"{q}.lora_B.default": "Linear"}
    kohya = "lora_unet_down_blocks_0_resnets_0_conv1"
    found = types((f"{kohya}.lora_down.weight", 4, 320, 3, 3), (f"{kohya}.lora_up.weight", 320, 4, 1, 1), (f"{kohya}.alpha",))
    assert named(found) == {kohya: "LoRA", f"{kohya}.lora_down": "Conv2d", f"{kohya}.lora_up": "Conv2d"}
    assert named(types(("x.lora_A.weight", 4, 64), ("x.lora_B.weight", 32, 5))) == {"x": "LoRA"}
    assert named(types(("x.weight", 32, 64), ("x.bias", 32), ("x.lora_A", 4, 64), ("x.lora_B", 32, 4))) == {"x": "Linear"}


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_that_gptq_and_awq_count_their_real_parameters(bits):
    ins, outs, group = 256, 768, 128
    zeros = ("l.qzeros", ins // group, outs * bits // 32, "int32"), ("l.scales", ins // group, outs, "float16")
    gptq = types(("l.qweight", ins * bits // 32, outs, "int32"), *zeros, ("l.g_idx", ins, "int32"), ("l.bias", outs))["l"]
    assert (gptq.type, gptq.parameters, gptq.extra) == ("Linear", ins * outs + outs, f"GPTQ, {bits} bits, group size {group}")
    old = types(("l.qweight", ins * bits // 32, outs, "int32"), *zeros)["l"]
    assert old.parameters == ins * outs
    awq = types(("l.qweight", ins, outs * bits // 32, "int32"), *zeros)["l"]
    assert (awq.type, awq.parameters, awq.extra) == ("Linear", ins * outs, f"AWQ, {bits} bits, group size {group}")


def test_that_bitsandbytes_counts_its_real_parameters():
    half = 64 * 32 // 2
    found = types(
        ("q_proj.weight", half, 1, "uint8"),
        ("q_proj.bias", 32),
        ("q_proj.weight.absmax", 32, "uint8"),
        ("q_proj.weight.quant_map", 16),
        ("q_proj.weight.nested_absmax", 1),
        ("q_proj.weight.nested_quant_map", 256),
        ("q_proj.weight.quant_state.bitsandbytes__nf4", 90, "uint8"),
    )
    assert named(found) == {"q_proj": "Linear"}
    assert (found["q_proj"].parameters, found["q_proj"].extra) == (64 * 32 + 32, "bitsandbytes, 4 bits nf4")
    stored_as_bfloat16 = types(("q.weight", half // 2, 1, "bfloat16"), ("q.weight.absmax", 32), ("q.weight.quant_map", 16))
    assert stored_as_bfloat16["q"].parameters == 64 * 32
    found = types(("fc.weight", 32, 64, "int8"), ("fc.SCB", 32), ("fc.weight_format", "uint8"))["fc"]
    assert (found.type, found.parameters) == ("Linear", 32 * 64)


def test_that_other_packings_say_what_they_are():
    found = types(("l.W_q", 512, 64, "uint8"), ("l.scale", 512, 1, "float16"), ("l.zero", 512, 1, "float16"))["l"]
    assert (found.type, found.parameters, found.extra) == ("Linear", None, "HQQ")
    found = types(("l.weight", 64, 32, "int8"), ("l.weight_scales", 32, "float16"))["l"]
    assert (found.type, found.parameters) == ("Linear", 64 * 32)
    found = types(("l.weight", 64, 32, "float8_e4m3fn"), ("l.weight_scale_inv", 1, 1))["l"]
    assert (found.type, found.parameters, found.extra) == ("Linear", 64 * 32, "float8_e4m3fn")
    found = types(("l.weight", 64, 16, "uint8"), ("l.weight_scale", 64, 2, "float8_e4m3fn"), ("l.weight_scale_2",), ("l.input_scale",))["l"]
    assert (found.type, found.parameters, found.extra) == ("Linear", 64 * 32, "NVFP4")
    found = types(("l.weight_packed", 64, 4, "int32"), ("l.weight_scale", 64, 1), ("l.weight_shape", 2, "int64"))["l"]
    assert (found.type, found.parameters) == ("Linear", None)


def test_that_a_torchao_weight_says_so():
    weight = TensorInfo("", (64, 32), (32, 1), BY_NAME["bfloat16"], None, layout="wrapper", subclass="torchao.dtypes.AffineQuantizedTensor")
    found = inferred_types([("q_proj.weight", weight)])["q_proj"]
    assert (found.type, found.parameters, found.extra) == ("Linear", None, "torchao, AffineQuantizedTensor")


def test_that_sizes_which_no_packing_gives_are_left_open():
    assert types(("l.qweight", 31, 64, "int32"), ("l.qzeros", 2, 7, "int32"), ("l.scales", 2, 64), ("l.g_idx", 256)) == {}
    assert types(("l.qweight", 0, 0, "int32"), ("l.qzeros", 0, 0, "int32"), ("l.scales", 0, 0)) == {}
    assert types(("l.weight", 4, 4, "uint8"), ("l.weight.absmax", 4)) == {}


@pytest.mark.filterwarnings("ignore")
def test_that_quantized_modules_of_torch_are_recognised(tmp_path):
    from ptinspect.checkpoint.opening import open_checkpoint

    model = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
    torch.save(torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8).state_dict(), tmp_path / "q.pt")
    entries = open_checkpoint(tmp_path / "q.pt").weights[0].entries
    found = inferred_types((entry.name, entry.tensor) for entry in entries)
    assert named(found) == {"0": "Linear", "2": "Linear"}
    assert (found["0"].parameters, found["0"].extra) == (8 * 4 + 4, "quantized, qint8")
    quantized = info("c.weight", (8, 3, 3, 3), "qint8"), info("c.bias", (8,)), info("c.scale", ()), info("c.zero_point", (), "int64")
    assert inferred_types(quantized)["c"].type == "Conv2d"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(torch.ao.nn.quantized.dynamic.Linear(8, 4), nn.ReLU(), torch.ao.nn.quantized.dynamic.Linear(4, 2)),
        lambda: nn.Sequential(torch.ao.nn.quantized.Linear(8, 4, bias_=False), torch.ao.nn.quantized.Embedding(10, 4)),
        lambda: nn.Sequential(nn.Linear(2, 2), torch.ao.nn.quantized.Conv2d(3, 4, 3), torch.ao.nn.quantized.ConvTranspose1d(3, 4, 3)),
    ],
    ids=["dynamic linear", "linear and embedding", "convolutions"],
)
def test_that_a_pickled_quantized_model_has_the_weights_that_its_state_dict_names(make, tmp_path):
    """What torch keeps as floats (`scale`, `zero_point`) becomes a tensor in the state_dict only, and is none in the file."""
    model = make()
    expected = {}
    for key, item in model.state_dict().items():
        parts = dict(enumerate(item)) if isinstance(item, tuple) else {None: item}
        tensors = {key if index is None else f"{key}.{index}": part for index, part in parts.items() if isinstance(part, torch.Tensor)}
        expected |= {name: tuple(part.shape) for name, part in tensors.items() if not name.endswith((".scale", ".zero_point"))}
    checkpoint = saved(tmp_path, {"model": model, "epoch": 1})
    (weights,) = checkpoint.weights
    assert weights.form == "model"
    assert {entry.name: entry.tensor.shape for entry in weights.entries} == expected
    assert {f"model.{name}" for name in expected} == {place.path for place in checkpoint.document.places}
    assert checkpoint.totals.shared == ()


def test_that_what_only_looks_like_a_packed_object_is_left_as_it_is(tmp_path):
    from ptinspect.formats.quantized import convolution, packed_parts
    from ptinspect.pickles.values import Call, Global

    odd = Call(Global("torch.ScriptObject"), ())
    for state in (None, (), ((1, 2, 3), "__torch__.torch.classes.quantized.LinearPackedParamsBase"), ((1, 2), "__torch__.other"), (1, 2)):
        odd.states = (state,)
        assert packed_parts(odd) is None
    layer = Call(Global("torch.ao.nn.quantized.modules.linear.Linear"), ())
    layer.states = (tuple(range(15)),)
    assert convolution(layer) is None
