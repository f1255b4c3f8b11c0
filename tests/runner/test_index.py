from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptinspect import resources
from ptinspect.checkpoint.architecture_index import Index, Layout, crcs, digest, named, packed
from ptinspect.checkpoint.architecture_matches import View, comparison

pytest.importorskip("torch")

from ptinspect.runner import factories, index

NAMES = st.text("abcdefgh.0123456789_", min_size=1, max_size=30)
SHAPES = st.lists(st.integers(0, 70_000), max_size=5).map(tuple)
ENTRIES = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
LAYOUT = st.builds(Layout, ENTRIES, st.integers(0, 1_000), st.dictionaries(NAMES, SHAPES, min_size=1))
LAYOUTS = st.lists(LAYOUT, min_size=1, max_size=8)


@given(LAYOUTS)
def test_that_what_is_packed_comes_out_again(tmp_path_factory, layouts):
    path = tmp_path_factory.getbasetemp() / "index.bin"
    path.write_bytes(packed(layouts, "a 1 b 2"))
    assert path.read_bytes() == packed(layouts, "a 1 b 2")
    with Index.opened(path) as known:
        assert (known.versions(), known.layouts) == ("a 1 b 2", len(layouts))
        assert list(known.all()) == layouts
        assert [list(layout.tensors) for layout in known.all()] == [list(layout.tensors) for layout in layouts]
        for number, layout in enumerate(layouts):
            values = crcs(layout.tensors)
            assert number in known.with_digest(digest(values.values()))
            assert known.names_in(number) == named(layout.tensors)
            if any(not name.endswith("num_batches_tracked") for name in layout.tensors):
                assert known.with_samples(values.values())[number] == min(16, len(set(values.values())))


def test_that_layouts_of_several_blocks_are_found_each_in_its_own(tmp_path):
    layouts = [Layout((f"lib:m{at}",), at, {f"layer{row}.{at}.weight": (row, at) for row in range(900)}) for at in range(12)]
    (tmp_path / "index.bin").write_bytes(packed(layouts, "lib 1"))
    with Index.opened(tmp_path / "index.bin") as known:
        assert [known.layout(at) for at in reversed(range(12))] == layouts[::-1]


def test_that_digests_do_not_depend_on_order():
    tensors = {"b.weight": (3, 4), "a.weight": (3,), "a.bias": ()}
    assert digest(crcs(tensors).values()) == digest(crcs(dict(sorted(tensors.items()))).values())


def test_that_a_name_that_cannot_be_written_is_refused():
    with pytest.raises(ValueError, match="cannot be written"):
        packed([Layout(("lib:m",), 0, {"a b": (1,)})], "lib 1")


def test_that_equal_models_share_a_layout_and_the_plain_name_comes_first():
    same = {"fc.weight": (2, 2)}
    entries = ("torchvision:quantized_net", "timm:net", "torchvision:net?quantize=1", "torchvision:net_320", "torchvision:net")
    (one,) = index.distinct(Layout((entry,), 2, same) for entry in entries)
    assert one.entries == ("torchvision:net", "torchvision:net_320", "torchvision:net?quantize=1", "torchvision:quantized_net", "timm:net")


def test_that_the_shipped_index_is_small_and_knows_all_of_torchvision():
    path = resources.path("architectures.bin")
    with Index.opened(path) as known:
        models = {entry.partition("?")[0] for layout in known.all() for entry in layout.entries}
        said = f"{path.stat().st_size:,} bytes: {known.layouts:,} distinct layouts"
    assert {f"torchvision:{name}" for name in factories.names("torchvision")} <= models
    assert len(models) > 1_400
    assert said in (index.__doc__ or "")
    assert path.stat().st_size < 1_500_000


@pytest.mark.parametrize("name", ["resnet18", "regnet_x_400mf", "fcn_resnet50", "retinanet_resnet50_fpn"])
def test_that_the_shipped_index_holds_what_the_library_builds(name):
    with Index.opened(resources.path("architectures.bin")) as known:
        if f"torchvision {factories.version('torchvision')}" not in known.versions():
            pytest.skip(f"the index was written from {known.versions()}")
        for layout in index.layouts_of("torchvision", [name]):
            numbers = known.with_digest(digest(crcs(layout.tensors).values()))
            assert any(comparison(View("", layout.tensors), known.layout(number)).differences == 0 for number in numbers)


def test_that_a_model_that_fails_on_the_meta_device_is_built_without_memory():
    import torch

    sizes = {parameter.device.type for parameter in factories.build("torchvision", "regnet_y_128gf").parameters() if parameter.dim() == 4}
    assert sizes == {"meta"}
    assert torch.empty(1).device.type == "cpu"


def test_that_a_model_for_a_run_is_built_with_values():
    model = factories.build("torchvision", "squeezenet1_0", num_classes=5, device="cpu")
    assert {tensor.device.type for tensor in model.state_dict().values()} == {"cpu"}
    assert model.classifier[1].out_channels == 5


def test_that_an_unknown_model_is_refused_in_the_librarys_words():
    with pytest.raises(ValueError, match="Unknown model"):
        factories.build("torchvision", "resnet51")


@pytest.mark.slow
def test_that_the_shipped_index_is_what_its_layouts_pack_to():
    if "ng" in zlib.ZLIB_RUNTIME_VERSION:
        pytest.skip("another zlib packs to other bytes")
    with Index.opened(resources.path("architectures.bin")) as known:
        assert packed(list(known.all()), known.versions()) == resources.path("architectures.bin").read_bytes()


@pytest.mark.slow
def test_that_all_of_torchvision_can_be_collected_again():
    with Index.opened(resources.path("architectures.bin")) as known:
        if f"torchvision {factories.version('torchvision')}" not in known.versions():
            pytest.skip(f"the index was written from {known.versions()}")
        again = index.distinct(index.layouts_of("torchvision"))
        for number, layout in enumerate(again):
            shipped = known.layout(number)
            assert list(shipped.tensors.items()) == list(layout.tensors.items())
            assert shipped.entries[: len(layout.entries)] == layout.entries
            assert shipped.classes == layout.classes
