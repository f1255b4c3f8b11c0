"""torch.package archives, written by torch itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import fx, nn
from torch.package import PackageExporter, package_exporter

from ptinspect.formats.substitution import substituted
from ptinspect.pickles.values import Call, Dict, Persistent
from tests.corpus import Row, each, needs_corpus
from tests.formats.opened import by_name, edited, held_open, members, opened, written

pytestmark = pytest.mark.filterwarnings("ignore")


def network() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 4), nn.Linear(4, 4))
    model[3].weight = model[2].weight
    return model


def packed(path: Path, *resources: tuple[str, str, object]) -> Path:
    with PackageExporter(path) as exporter:
        exporter.extern(["torch.**", "collections", "builtins"])
        for package, resource, value in resources:
            exporter.save_pickle(package, resource, value)
        exporter.save_source_string("sources.text", "GREETING = 'hello'\n")
        exporter.save_text("sources", "notes.txt", "text beside the code")
    return path


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def shown(document) -> dict[str, tuple[int, ...]]:
    return {name: tensor.shape for name, tensor in by_name(document).items()}


def test_that_a_packaged_model_shows_its_state_dict_names(tmp_path: Path) -> None:
    model = network()
    document = opened(packed(tmp_path / "m.pt", ("model", "model.pkl", model)))
    assert document.container == "torch-package"
    assert shown(document) == shapes(model)
    assert len(document.tensors) == len(set(map(id, model.state_dict(keep_vars=True).values())))
    assert by_name(document)["2.weight"] is by_name(document)["3.weight"]
    assert (document.findings, document.unused, document.problem) == ([], [], None)
    assert not [tensor.problem for tensor in document.tensors if tensor.problem]


def test_that_sources_are_shown_as_text(tmp_path: Path) -> None:
    with held_open(packed(tmp_path / "m.pt", ("model", "model.pkl", network()))) as document:
        assert "hello" in document.code["sources/text.py"]()
        assert "torch" in document.facts["modules expected outside"]


def test_that_the_first_pickle_with_tensors_is_the_root(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "m.pt",
        ("config", "config.pkl", {"lr": 0.1}),
        ("model", "weights", network().state_dict()),
        ("model", "more.pkl", [torch.ones(2)]),
    )
    document = opened(path)
    assert {"0.weight", "model.more.0"} <= set(shown(document))
    assert len(document.pickles) == 3


def test_that_a_graph_module_is_whole(tmp_path: Path) -> None:
    traced = fx.symbolic_trace(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))
    document = opened(packed(tmp_path / "m.pt", ("model", "model.pkl", {"net": traced})))
    assert shown(document) == {f"net.{name}": shape for name, shape in shapes(traced).items()}
    assert document.root.pairs[0][1].name == "torch.fx.graph_module.GraphModule"


def test_that_torchscript_inside_a_package_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_exporter, "_gate_torchscript_serialization", False)
    scripted = torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)))
    path = packed(tmp_path / "m.pt", ("model", "model.pkl", {"net": scripted, "again": scripted, "plain": torch.ones(2)}))
    with held_open(path) as document:
        assert shown(document) == {f"net.{name}": shape for name, shape in shapes(scripted).items()} | {"plain": (2,)}
        linear = dict(dict(document.root.pairs)["net"].state.pairs)["0"]
        assert document.classes(linear.name).parameters == ("weight", "bias")
    assert (document.findings, document.unused) == ([], [])


def test_that_storage_shared_by_two_pickles_is_one(tmp_path: Path) -> None:
    whole = torch.arange(10.0)
    document = opened(packed(tmp_path / "m.pt", ("a", "a.pkl", whole), ("b", "b.pkl", {"tail": whole[4:]})))
    first, second = document.tensors
    assert first.storage.key == second.storage.key
    assert (second.storage_offset, len(document.tensors)) == (4, 2)


# -- hostile files -------------------------------------------------------------------------------------------------------


def test_that_a_missing_storage_is_told_at_its_tensor(tmp_path: Path) -> None:
    path = edited(packed(tmp_path / "m.pt", ("model", "model.pkl", network())), lambda content: content.pop(".data/0.storage"))
    assert len([tensor for tensor in opened(path).tensors if tensor.problem]) == 1


def test_that_a_pickle_under_any_name_is_read(tmp_path: Path) -> None:
    """S-17: a pickle in a member whose name does not say so."""
    path = edited(
        packed(tmp_path / "m.pt", ("m", "m.pkl", [1])), lambda content: content.update({"m/logo.png": b"\x80\x02cos\nsystem\n)R."})
    )
    assert "os.system" in {name for pickle in opened(path).pickles for name in pickle.stream.globals}


@pytest.mark.parametrize(
    "identity",
    [
        b"(X\x0e\x00\x00\x00reduce_packageK\x01t",
        b"(X\x0e\x00\x00\x00reduce_packageK\x01cos\nsystem\nNt",
        b"(X\x0e\x00\x00\x00reduce_packageK\x01ctorch.jit._script\nunpackage_script_module\n(X\x01\x00\x00\x007tt",
        b"(X\x0e\x00\x00\x00reduce_packageNNNt",
        b"(]]]]t",
        b"X\x01\x00\x00\x00x",
    ],
)
def test_that_an_odd_reference_stays_inert(identity: bytes, tmp_path: Path) -> None:
    path = edited(
        packed(tmp_path / "m.pt", ("m", "m.pkl", [1])), lambda content: content.update({"m/m.pkl": b"\x80\x02]" + identity + b"Qa."})
    )
    assert opened(path).tensors == []


def test_that_a_pickle_cut_anywhere_raises_nothing_but_a_file_problem(tmp_path: Path) -> None:
    content = members(packed(tmp_path / "m.pt", ("model", "model.pkl", network())))
    whole = content["model/model.pkl"]
    for length in range(0, len(whole), 13):
        assert opened(written(tmp_path / "cut.pt", content | {"model/model.pkl": whole[:length]})).problem is not None


def test_that_substitution_meets_each_object_once() -> None:
    """S-27, S-29: a nest that spells 10^39 leaves, and a list that holds itself."""
    nest: object = Persistent("x")
    for _ in range(39):
        nest = (nest,) * 10
    cycle: list[object] = [nest]
    cycle.append(cycle)
    made = Call(Dict(), ())
    assert substituted(cycle, lambda _: made) is cycle
    assert substituted((Persistent("x"), [Persistent("y")]), lambda _: made)[1] == [made]


@needs_corpus
@each(lambda row: row.container == "torch-package")
def test_that_a_real_package_is_read_as_the_manifest_says(row: Row) -> None:
    """The manifest leaves the counts of test_nn_module.pt open; it is the module of test_torchscript_module.pt before scripting."""
    document = opened(row.path)
    assert document.container == "torch-package"
    assert (len(document.tensors), sum(tensor.elements for tensor in document.tensors)) == (row.tensors or 25, row.elements or 62_320)
    assert not [tensor.problem for tensor in document.tensors if tensor.problem]
    assert (document.findings, document.unused) == ([], [])
