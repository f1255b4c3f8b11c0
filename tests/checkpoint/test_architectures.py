from __future__ import annotations

import time

import pytest

from ptinspect import resources
from ptinspect.checkpoint import architectures
from ptinspect.checkpoint.architecture_index import Index
from ptinspect.checkpoint.architecture_matches import Mismatch
from ptinspect.checkpoint.architectures import recognise
from ptinspect.checkpoint.heads import heads
from ptinspect.checkpoint.model import Entry, WeightSet
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.dtypes import BY_NAME
from ptinspect.tensors import TensorInfo


def weights(tensors, dtype="float32"):
    """A weight set as a reader makes it, of names and shapes alone."""
    entries = []
    for name, shape in tensors.items():
        strides = tuple(1 for _ in shape)
        entries.append(Entry(name, TensorInfo(name, tuple(shape), strides, BY_NAME[dtype], None), "parameter"))
    return WeightSet("", "state_dict", None, (), None, tuple(entries), "inferred", None, (0, 0))


def prefixed(tensors, prefix):
    return {prefix + name: shape for name, shape in tensors.items()}


def headless(tensors):
    head = heads(tensors)
    return {name: shape for name, shape in tensors.items() if not name.startswith(head)}


@pytest.fixture(scope="module")
def known():
    """The layout of each entry of the shipped index; a detector's plain build before the one with frozen batch norms."""
    with Index.opened(resources.path("architectures.bin")) as index:
        found: dict[str, dict[str, tuple[int, ...]]] = {}
        for layout in index.all():
            for entry in layout.entries:
                found.setdefault(entry, dict(layout.tensors))
        return found


@pytest.fixture(scope="module")
def of_torchvision(known):
    found = {entry.partition(":")[2]: tensors for entry, tensors in known.items() if entry.startswith("torchvision:") and "?" not in entry}
    assert len(found) == 121
    return found


def changed(tensors, classes):
    """The head's last weight and bias for another number of classes."""
    head = heads(tensors)
    last = [name for name in tensors if name.startswith(head) and tensors[name]][-1].rpartition(".")[0]
    return {name: (classes, *shape[1:]) if name.rpartition(".")[0] == last else shape for name, shape in tensors.items()}


# Without its head, a detector is the same network as others without theirs; what was recognised is a match, under one of the names.
FORMS = {
    "bare": (lambda t: t, "exact"),
    "prefixed": (lambda t: prefixed(t, "module."), "exact"),
    "compiled and prefixed twice": (lambda t: prefixed(t, "_orig_mod.module.model."), "exact"),
    "checkpointed in the middle": (lambda t: {name.replace(".", "._checkpoint_wrapped_module.", 1): s for name, s in t.items()}, "exact"),
    "sorted by name": (lambda t: dict(sorted(t.items())), "exact"),
    "averaged": (lambda t: {"n_averaged": (), **prefixed(t, "module.")}, "exact"),
    "another head": (lambda t: changed(t, 7), "head differs"),
    "another head, prefixed": (lambda t: prefixed(changed(t, 7), "module."), "head differs"),
    "a replaced head": (lambda t: {**headless(t), "fc.0.weight": (9, 512), "fc.0.bias": (9,)}, "head differs"),
    "no head": (headless, "subset"),
    "under another name": (lambda t: prefixed(t, "backbone."), "subset"),
}


@pytest.mark.parametrize("form", FORMS)
def test_that_every_torchvision_model_is_recognised_in_each_form(of_torchvision, form):
    shape_of, match = FORMS[form]
    missed = {}
    for name, tensors in of_torchvision.items():
        found = recognise(weights(shape_of(tensors)))
        is_named = found is not None and (name in (found.name, *found.also) or form in ("no head", "a replaced head"))
        if found is None or found.match != match or not is_named:
            missed[name] = found and (found.name, found.match, found.because)
    assert not missed


def test_that_googlenet_names_its_quantized_twin_and_keeps_the_plain_name(of_torchvision):
    found = recognise(weights(of_torchvision["googlenet"]))
    assert (found.name, found.library, found.match, found.also) == ("googlenet", "torchvision", "exact", ("quantized_googlenet",))
    assert found.because == "all 364 names and shapes are those of torchvision's googlenet"


def test_that_another_librarys_equal_model_is_named_with_its_library(of_torchvision):
    assert "timm:resnet50" in recognise(weights(of_torchvision["resnet50"])).also


def test_that_a_fine_tuned_head_is_told_with_both_numbers_of_classes(of_torchvision):
    found = recognise(weights(changed(of_torchvision["resnet50"], 7)))
    assert found.mismatched == (Mismatch("fc.weight", (7, 2048), (1000, 2048)), Mismatch("fc.bias", (7,), (1000,)))
    assert found.because.endswith("; fc 1000 -> 7")
    assert found.claim == "torchvision's resnet50, head differs"
    assert dict(found.arguments) == {"num_classes": 7}


def test_that_a_detectors_predictors_give_its_number_of_classes(of_torchvision):
    boxes = {"roi_heads.box_predictor.cls_score.weight": (5, 1024), "roi_heads.box_predictor.cls_score.bias": (5,),
             "roi_heads.box_predictor.bbox_pred.weight": (20, 1024), "roi_heads.box_predictor.bbox_pred.bias": (20,)}  # fmt: skip
    found = recognise(weights({**of_torchvision["fasterrcnn_resnet50_fpn"], **boxes}))
    assert (found.name, found.match, dict(found.arguments)) == ("fasterrcnn_resnet50_fpn", "head differs", {"num_classes": 5})


def test_that_predictors_which_disagree_give_no_number_of_classes(of_torchvision):
    boxes = {"roi_heads.box_predictor.cls_score.weight": (5, 1024), "roi_heads.box_predictor.bbox_pred.weight": (24, 1024)}
    assert recognise(weights({**of_torchvision["fasterrcnn_resnet50_fpn"], **boxes})).arguments == ()


def test_that_auxiliary_classifiers_left_out_are_a_subset(of_torchvision):
    plain = {name: shape for name, shape in of_torchvision["googlenet"].items() if not name.startswith("aux")}
    found = recognise(weights(plain))
    assert (found.name, found.match, len(found.missing), found.unexpected) == ("googlenet", "subset", 364 - len(plain), ())


def test_that_left_out_auxiliary_classifiers_and_another_head_are_a_head_that_differs(of_torchvision):
    plain = {name: shape for name, shape in changed(of_torchvision["inception_v3"], 7).items() if not name.startswith("AuxLogits")}
    found = recognise(weights(plain))
    assert (found.name, found.match) == ("inception_v3", "head differs")


def test_that_an_auxiliary_classifier_of_a_segmentation_model_is_an_argument(known):
    found = recognise(weights(known["torchvision:deeplabv3_resnet50?aux_loss=1"]))
    assert (found.name, found.match, dict(found.arguments)) == ("deeplabv3_resnet50", "exact", {"aux_loss": 1})


def test_that_a_file_without_batch_norm_counters_is_a_subset_that_says_so(of_torchvision):
    old = {name: shape for name, shape in of_torchvision["resnet18"].items() if not name.endswith("num_batches_tracked")}
    found = recognise(weights(old))
    assert (found.name, found.match, len(found.missing)) == ("resnet18", "subset", 20)
    assert "torch 0.4.1" in found.because


def test_that_published_detectors_with_frozen_batch_norms_are_exact(of_torchvision):
    file = {name: s for name, s in of_torchvision["maskrcnn_resnet50_fpn"].items() if not name.endswith("num_batches_tracked")}
    assert recognise(weights(file)).match == "exact"


def test_that_a_backbone_below_another_name_is_found_among_other_parts(of_torchvision):
    decoder = {f"decoder.blocks.{at}.weight": (at + 1, 16, 3, 3) for at in range(20)}
    found = recognise(weights({**prefixed(headless(of_torchvision["resnet34"]), "encoder."), **decoder}))
    assert (found.name, found.match, found.leading) == ("resnet34", "subset", "encoder.")
    assert found.missing == ("fc.weight", "fc.bias")
    assert found.unexpected == tuple(decoder)
    assert "under `encoder.`" in found.because
    assert found.because.endswith("20 names lie outside")


def test_that_a_lightning_module_is_found_beside_its_loss(of_torchvision):
    found = recognise(weights({**prefixed(changed(of_torchvision["resnet18"], 10), "model."), "criterion.weight": (10,)}))
    assert (found.name, found.match, found.unexpected, found.leading) == ("resnet18", "head differs", ("criterion.weight",), "model.")


def test_that_a_network_with_some_layers_of_another_size_is_similar(of_torchvision):
    plain = of_torchvision["resnet50"]
    wide = {name: (*shape[:-1], 5) for name, shape in plain.items() if name.startswith("layer4") and len(shape) == 4}
    found = recognise(weights({**plain, **wide}))
    assert (found.name, found.match, len(found.mismatched)) == ("resnet50", "similar", 10)


def test_that_half_precision_changes_nothing(of_torchvision):
    assert recognise(weights(of_torchvision["vit_b_16"], "float16")) == recognise(weights(of_torchvision["vit_b_16"]))


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"fc1.weight": (64, 784), "fc1.bias": (64,), "fc2.weight": (10, 64), "fc2.bias": (10,)},
        {"conv1.weight": (64, 3, 7, 7), "bn1.weight": (64,), "bn1.bias": (64,), "fc.weight": (1000, 512), "fc.bias": (1000,)},
        {f"layers.{at}.{part}": (64,) for at in range(6) for part in ("weight", "bias")},
        {f"model.layers.{at}.{part}_proj.weight": (4096, 4096) for at in range(32) for part in "qkvo"},
        {f"features.{at}.weight": (64, 64, 3, 3) for at in range(30)},
    ],
    ids=["nothing", "two layers", "a stem and a head", "twelve vectors", "a language model", "thirty convolutions"],
)
def test_that_little_or_other_evidence_is_no_architecture(tensors):
    assert recognise(weights(tensors)) is None


def test_that_the_same_names_at_another_width_are_no_match(of_torchvision):
    wide = {name: tuple(size * 3 for size in shape) for name, shape in of_torchvision["resnet50"].items()}
    assert recognise(weights(wide)) is None


def test_that_odd_names_are_compared_and_not_choked_on(of_torchvision):
    odd = {"": (3,), ".": (1,), "\ud800": (2, 2), "a b\n": (), **of_torchvision["resnet18"]}
    assert recognise(weights(odd)).match == "similar"


def test_that_nothing_is_recognised_where_no_index_was_installed(of_torchvision, tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "place", tmp_path.joinpath)
    assert recognise(weights(of_torchvision["resnet18"])) is None
    (tmp_path / "architectures.bin").write_bytes(b"something else")
    assert recognise(weights(of_torchvision["resnet18"])) is None


def test_that_a_hundred_thousand_names_are_given_up_at_once(monkeypatch):
    def never(*_):
        raise AssertionError("compared")

    monkeypatch.setattr(architectures, "among", never)
    large = weights({f"layers.{at}.weight": (8, 8) for at in range(100_000)})
    start = time.process_time()
    assert recognise(large) is None
    assert time.process_time() - start < 0.1


def test_that_a_miss_unpacks_no_block(monkeypatch):
    def never(*_):
        raise AssertionError("unpacked")

    monkeypatch.setattr(Index, "layout", never)
    assert recognise(weights({f"tower.{at}.mixer.weight": (at + 11, 13) for at in range(400)})) is None


DOZEN = (
    "alexnet", "vgg11_bn", "resnet18", "densenet121", "googlenet", "inception_v3", "mobilenet_v2", "vit_b_16", "swin_t", "regnet_x_400mf",
    "fasterrcnn_mobilenet_v3_large_fpn", "lraspp_mobilenet_v3_large", "r3d_18", "raft_small", "quantized_shufflenet_v2_x0_5",
)  # fmt: skip


def recognised_from_files(name, folder):
    """What is recognised in five files that torch itself wrote; on the meta device, so that they cost nothing."""
    import torch

    from ptinspect.runner import factories

    model = factories.build("torchvision", name)
    files = {
        "bare": model.state_dict(),
        "prefixed": {f"module.{key}": value for key, value in model.state_dict().items()},
        "checkpoint": {"epoch": 3, "model_state_dict": model.state_dict(), "loss": 0.5},
    }
    if not name.startswith("raft"):
        files["head"] = {"state_dict": factories.build("torchvision", name, num_classes=7).state_dict()}
    files["half"] = model.half().state_dict()
    for form, content in files.items():
        torch.save(content, folder / f"{form}.pt")
        (found,) = [recognise(each) for each in open_checkpoint(folder / f"{form}.pt").weights]
        names = found and (found.name, *found.also)
        assert found is not None, (name, form)
        assert name in names, (name, form, names)
        assert found.match == ("head differs" if form == "head" else "exact"), (name, form, found.because)


@pytest.mark.parametrize("name", DOZEN)
def test_that_a_model_is_recognised_in_files_that_torch_wrote(name, tmp_path):
    pytest.importorskip("torch")
    recognised_from_files(name, tmp_path)


@pytest.mark.slow
def test_that_all_torchvision_models_are_recognised_in_files_that_torch_wrote(of_torchvision, tmp_path):
    from ptinspect.runner import factories

    for name in factories.names("torchvision"):
        recognised_from_files(name, tmp_path)


def test_that_trained_values_change_nothing(tmp_path):
    torch = pytest.importorskip("torch")

    from ptinspect.runner import factories

    model = factories.build("torchvision", "squeezenet1_1", num_classes=7, device="cpu")
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    (found,) = [recognise(each) for each in open_checkpoint(tmp_path / "weights.pth").weights]
    assert (found.name, found.match, dict(found.arguments)) == ("squeezenet1_1", "head differs", {"num_classes": 7})
