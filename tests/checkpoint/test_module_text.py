"""What stands in a module's parentheses, against torch's own `extra_repr()` for every class of torch.nn."""

import inspect

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.module_text import MOST_CHARACTERS, extra_of, short_type
from ptinspect.checkpoint.modules import Module, module_of
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.pickles.values import Call, Dict, Global

LISTS_ITS_TENSORS = {"ParameterList", "ParameterDict"}
CONVOLUTIONS = [getattr(nn, f"{lazy}Conv{t}{n}d") for lazy in ("", "Lazy") for t in ("", "Transpose") for n in (1, 2, 3)]
BATCH_NORMS = [getattr(nn, f"{kind}Norm{n}d") for kind in ("Batch", "Instance") for n in (1, 2, 3)]


def of(cls, *arguments):
    """One instance for each set of arguments."""
    return [cls(*(() if args is None else args[0]), **(args[1] if args is not None and len(args) > 1 else {})) for args in arguments]


def convolutions():
    for cls in CONVOLUTIONS:
        sizes = (8,) if cls.__name__.startswith("Lazy") else (4, 8)
        yield cls(*sizes, 3)
        yield cls(*sizes, 3, stride=2, padding=1, groups=4, bias=False)
        yield cls(*sizes, 3, dilation=2)
        if "Transpose" in cls.__name__:
            yield cls(*sizes, 3, stride=2, output_padding=1)
        else:
            yield cls(*sizes, 3, padding="same", padding_mode="reflect")
            yield cls(*sizes, 3, padding="valid")


def with_sizes():
    yield from of(nn.Linear, ((3, 4),), ((3, 4), {"bias": False}), ((3, 4), {"dtype": torch.float16}))
    yield from of(nn.LazyLinear, ((4,),), ((4, False),))
    yield from of(nn.Bilinear, ((2, 3, 4),), ((2, 3, 4, False),))
    yield from of(nn.Embedding, ((10, 3),), ((10, 3), {"padding_idx": -1, "max_norm": 1.5, "norm_type": 1.0, "sparse": True}))
    yield nn.Embedding(10, 3, scale_grad_by_freq=True)
    yield from of(nn.EmbeddingBag, ((10, 3),), ((10, 3), {"mode": "sum", "padding_idx": 2, "max_norm": 2.0, "scale_grad_by_freq": True}))
    yield from of(nn.MultiheadAttention, ((8, 2),), ((8, 2), {"kdim": 3, "vdim": 5, "bias": False}))
    for cls in (nn.RNN, nn.LSTM, nn.GRU):
        yield from of(cls, ((3, 4),), ((3, 4, 2), {"bias": False, "batch_first": True, "dropout": 0.25, "bidirectional": True}))
    yield nn.LSTM(3, 4, proj_size=2)
    yield from of(nn.RNNBase, (("LSTM", 3, 4),))
    for cls in (nn.RNNCell, nn.LSTMCell, nn.GRUCell):
        yield from of(cls, ((3, 4),), ((3, 4), {"bias": False}))
    yield nn.RNNCell(3, 4, nonlinearity="relu")
    yield nn.RNNCellBase(3, 4, bias=True, num_chunks=1)
    yield nn.Transformer(8, 2, 1, 1, 16)
    yield nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 1)
    yield nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, activation="gelu"), 1)
    yield nn.TransformerEncoderLayer(8, 2)
    yield nn.TransformerDecoderLayer(8, 2)
    yield nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10])
    yield nn.LinearCrossEntropyLoss(4, 3)
    yield nn.LinearCrossEntropyLoss(4, 3, out_features=(2,), bias=True, label_smoothing=0.1, ignore_index=1)


def norms():
    for cls in BATCH_NORMS:
        yield from of(cls, ((4,),), ((4,), {"eps": 1e-3, "momentum": None, "affine": False, "track_running_stats": False}))
        yield cls(4, affine=True, bias=False)
        yield getattr(nn, "Lazy" + cls.__name__)()
    yield nn.SyncBatchNorm(4)
    yield from of(nn.GroupNorm, ((2, 4),), ((2, 4), {"affine": False}), ((2, 4), {"bias": False}))
    yield from of(nn.LayerNorm, (((3, 4),),), ((4,),), ((4,), {"elementwise_affine": False}), ((4,), {"bias": False, "eps": 1e-6}))
    yield from of(nn.RMSNorm, ((4,),), (((3, 4),), {"eps": 1e-5}), ((4,), {"elementwise_affine": False}))
    yield from of(nn.LocalResponseNorm, ((2,),))
    yield from of(nn.CrossMapLRN2d, ((2,),), ((2, 1e-3, 0.5, 2),))


def activations():
    for name in ("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardswish", "Hardsigmoid", "ELU", "CELU", "LeakyReLU", "RReLU", "Hardtanh"):
        yield from of(getattr(nn, name), None, ((), {"inplace": True}))
    yield from of(nn.Threshold, ((0.1, 20),), ((0.1, 20, True),))
    yield from of(nn.PReLU, None, ((3,),))
    yield from of(nn.GELU, None, (("tanh",),))
    for name in ("GLU", "Softmax", "Softmin", "LogSoftmax"):
        yield from of(getattr(nn, name), None, ((1,),))
    yield from of(nn.Softplus, None, ((2, 10.0),))
    yield from of(nn.Hardshrink, None, ((0.1,),))
    yield from of(nn.Softshrink, None, ((0.1,),))
    for name in ("Sigmoid", "Tanh", "Tanhshrink", "Softsign", "LogSigmoid", "Softmax2d"):
        yield getattr(nn, name)()
    for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"):
        yield from of(getattr(nn, name), None, ((0.25, True),))


def pools():
    for n in (1, 2, 3):
        yield from of(getattr(nn, f"AvgPool{n}d"), ((2,),), ((3, 2, 1),))
        yield from of(getattr(nn, f"MaxPool{n}d"), ((2,),), ((3, 2, 1, 2), {"ceil_mode": True, "return_indices": True}))
        yield from of(getattr(nn, f"MaxUnpool{n}d"), ((2,),), ((3, 2, 1),))
        yield from of(getattr(nn, f"LPPool{n}d"), ((2, 3),), ((1.5, 3, 2, True),))
        for kind in ("Avg", "Max"):
            yield from of(getattr(nn, f"Adaptive{kind}Pool{n}d"), ((2,),), (((3,) * n,),))
    yield nn.AdaptiveAvgPool2d((None, 7))
    yield nn.FractionalMaxPool2d(3, output_size=2)
    yield nn.FractionalMaxPool3d(3, output_ratio=0.5)


def shapes():
    for n in (1, 2, 3):
        for kind in ("Circular", "Reflection", "Replication", "Zero"):
            yield from of(getattr(nn, f"{kind}Pad{n}d"), ((1,),), ((tuple(range(2 * n)),),))
        yield from of(getattr(nn, f"ConstantPad{n}d"), ((1, 0.5),), ((tuple(range(2 * n)), -1),))
    yield from of(nn.Flatten, None, ((0, 2),))
    yield from of(nn.Unflatten, ((1, (2, 3)),), ((1, torch.Size([2, 3])),))
    yield from of(nn.Fold, (((4, 5), 2),), ((4, (2, 2), 1, 1, 2),))
    yield from of(nn.Unfold, ((2,),), (((2, 3), 1, 0, 2),))
    yield from of(nn.PixelShuffle, ((2,),))
    yield from of(nn.PixelUnshuffle, ((2,),))
    yield from of(nn.ChannelShuffle, ((2,),))
    yield from of(nn.Upsample, ((), {"scale_factor": 2}), ((), {"size": (3, 4), "mode": "bilinear", "align_corners": True}), ((5,),))
    yield nn.Upsample(scale_factor=(2, 3), mode="bicubic")
    yield from of(nn.UpsamplingBilinear2d, ((), {"scale_factor": 2}))
    yield from of(nn.UpsamplingNearest2d, ((4,),))
    yield from of(nn.Identity, None)
    yield from of(nn.CosineSimilarity, None)
    yield from of(nn.PairwiseDistance, None)


def losses_and_containers():
    for name, cls in vars(nn).items():
        if name.endswith(("Loss", "Loss2d")) and name not in ("AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss", "Module"):
            yield cls()
    yield nn.Module()
    yield nn.Container()
    yield nn.Sequential(nn.ReLU())
    yield nn.ModuleList([nn.ReLU()])
    yield nn.ModuleDict({"a": nn.ReLU()})
    yield nn.DataParallel(nn.ReLU())
    yield nn.ParameterList([torch.zeros(2)])
    yield nn.ParameterDict({"a": torch.zeros(2)})


def zoo():
    """One or more modules of every class of torch.nn."""
    return [m for group in (convolutions, with_sizes, norms, activations, pools, shapes, losses_and_containers) for m in group()]


def opened(value, folder):
    path = folder / "model.pt"
    torch.save(value, path)
    document = open_checkpoint(path).document
    return [module_of(item, document) for item in document.root] if type(document.root) is list else module_of(document.root, document)


@pytest.mark.filterwarnings("ignore")
def test_that_every_module_of_torch_reads_as_torch_prints_it(tmp_path):
    modules = zoo()
    missing = {n for n, c in vars(nn).items() if inspect.isclass(c) and issubclass(c, nn.Module)} - {type(m).__name__ for m in modules}
    assert missing <= {"NLLLoss2d"}, missing
    root = opened(modules, tmp_path)
    assert len(root) == len(modules)
    different = []
    for module, value in zip(modules, root, strict=True):
        name = type(module).__name__
        expected = None if name in LISTS_ITS_TENSORS else module.extra_repr() or None
        if extra_of(value) != expected or short_type(value.class_name) != name:
            different.append((name, extra_of(value), expected))
    assert different == []


def test_that_the_inner_projection_of_attention_reads_as_a_linear_layer(tmp_path):
    attention = nn.MultiheadAttention(8, 2)
    path = tmp_path / "model.pt"
    torch.save(attention, path)
    document = open_checkpoint(path).document
    child = dict(module_of(document.root, document).children)["out_proj"]
    assert extra_of(module_of(child, document)) == attention.out_proj.extra_repr()


def test_that_pruned_and_weight_normed_layers_read_as_torch_prints_them(tmp_path):
    from torch.nn.utils import prune, weight_norm

    pruned = prune.l1_unstructured(nn.Linear(4, 4), "bias", amount=1)
    with pytest.warns(FutureWarning):
        normed = weight_norm(nn.Conv1d(2, 3, 3, bias=False))
    for module, value in zip([pruned, normed], opened([pruned, normed], tmp_path), strict=True):
        assert extra_of(value) == module.extra_repr()


def made(class_name, _bias=None, **attributes):
    """A module as the machine would leave it."""
    state, parameters = Dict(), Dict()
    parameters.pairs = [("bias", _bias)]
    state.pairs = [("_parameters", parameters), *attributes.items()]
    return Module(class_name, state, [], [], [], frozenset())


def test_that_what_old_files_lack_has_its_old_value():
    sizes = {"in_channels": 3, "out_channels": 8, "kernel_size": (3, 3), "stride": (1, 1), "padding": (0, 0)}
    assert extra_of(made("torch.nn.modules.conv.Conv2d", _bias=Dict(), **sizes)) == "3, 8, kernel_size=(3, 3), stride=(1, 1)"
    assert extra_of(made("torch.nn.modules.activation.GELU")) == "approximate='none'"
    assert extra_of(made("torch.nn.modules.rnn.LSTM", input_size=3, hidden_size=4, num_layers=2)) == "3, 4, num_layers=2"
    assert extra_of(made("torch.nn.modules.activation.Softmax")) == "dim=None"


def test_that_a_torch_class_without_its_attributes_shows_those_it_has():
    assert extra_of(made("torch.nn.modules.linear.Linear", in_features=3)) == "in_features=3"
    assert extra_of(made("torch.nn.modules.linear.Linear")) is None


def test_that_other_classes_list_their_plain_public_attributes_in_file_order():
    plain = {"training": False, "nc": 80, "_hidden": 1, "stride": [8, 16, 32], "name": "head", "inplace": True, "none": None}
    assert (
        extra_of(made("models.yolo.Detect", **plain, call=Call(1, ()))) == "nc=80, stride=[8, 16, 32], name=head, inplace=True, none=None"
    )
    assert extra_of(made("my.Block", training=True)) is None


def test_that_the_list_is_bounded():
    many = extra_of(made("my.Block", **{f"a{n}": n for n in range(20)}))
    assert many == "a0=0, a1=1, a2=2, a3=3, a4=4, a5=5, a6=6, a7=7, …"
    for value in ("x" * 10**6, 10**4000, -(1 << 200), list(range(100))):
        assert len(extra_of(made("my.Block", **{"n" * 500: value})) or "") <= MOST_CHARACTERS
    long = extra_of(made("my.Block", **{f"name_{n}": "y" * 50 for n in range(8)}))
    assert len(long) <= MOST_CHARACTERS
    assert long.endswith(", …")


def test_that_hostile_values_in_a_torch_class_are_bounded_and_never_run():
    nested = ((((((1,),),),),),)
    call = Call(Global("os.system"), ("true",))
    for value in ("{in_features.__class__}" * 100, 10**5000, (1,) * 10**5, nested, Global("os.system"), call):
        text = extra_of(made("torch.nn.modules.linear.Linear", in_features=value, out_features=value))
        assert len(text) < 1_000
        assert "<class" not in text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_that_what_a_scripted_layer_keeps_as_constants_is_not_made_up(tmp_path):
    path = tmp_path / "scripted.pt"
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding_mode="reflect"), nn.ReLU(inplace=True), nn.Softmax(dim=1), nn.GELU("tanh"), nn.LeakyReLU(0.5)
    )
    torch.jit.save(torch.jit.script(net), path)
    document = open_checkpoint(path).document
    texts = [extra_of(module_of(child, document)) for _, child in module_of(document.root, document).children]
    assert len(texts) == 5
    for text, module in zip(texts, net, strict=True):
        for name, _, value in (part.partition("=") for part in (text or "").split(", ") if part):
            assert str(getattr(module, name)) == value


def test_that_a_short_type_is_the_last_segment():
    assert short_type("torch.nn.modules.conv.Conv2d") == "Conv2d"
    assert short_type("Net") == "Net"
    assert short_type("?") == "?"
