"""TorchScript archives, with torch's own account of the same module as ground truth."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.errors import FileProblem
from ptinspect.formats.torchscript_code import class_members
from tests.corpus import Row, each, needs_corpus
from tests.formats.opened import by_name, edited, held_open, members, opened, written

pytestmark = pytest.mark.filterwarnings("ignore")


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(4, 4)
        self.register_buffer("scale", torch.ones(4))
        self.plain = torch.full((3,), 2.0)
        self.listed = [torch.ones(2), torch.zeros(5)]
        self.names = {"a": torch.ones(2)}
        self.sizes = [1, 2, 3]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (
            self.lin(x) * self.scale + self.plain.sum() + torch.tensor([1.0, 2.0, 3.0, 4.0]) + self.names["a"].sum() + self.listed[0].sum()
        )


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = Block()
        self.conv = nn.Conv2d(3, 8, 3)
        self.bn = nn.BatchNorm2d(8)
        self.tied = nn.Linear(4, 4)
        self.tied.weight = self.a.lin.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tied(self.a(x))


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


def declared(document, kind: str) -> set[str]:
    """The names that the class texts declare, by a walk as the tree would do it."""
    found, todo = set(), [(document.root, "")]
    while todo:
        value, path = todo.pop()
        known = document.classes(value.name)
        found |= {path + name for name in getattr(known, kind) or ()}
        todo += [
            (item, f"{path}{key}.") for key, item in value.state.pairs if getattr(item, "name", "").startswith("__torch__.") and item.states
        ]
    return found


def test_that_a_scripted_module_shows_its_state_dict_names(net: Net, tmp_path: Path) -> None:
    scripted = torch.jit.script(net)
    scripted.save(tmp_path / "m.pt")
    document = opened(tmp_path / "m.pt")
    found = by_name(document)
    truth = scripted.state_dict()
    assert document.container == "torchscript"
    assert {name: tuple(tensor.shape) for name, tensor in truth.items()}.items() <= {
        name: tensor.shape for name, tensor in found.items()
    }.items()
    assert set(found) - set(truth) == {"a.plain", "a.names.a", "a.listed.0", "a.listed.1"}
    assert found["tied.weight"] is found["a.lin.weight"]
    assert len(document.tensors) == len(found) - 1
    assert not [tensor.problem for tensor in document.tensors if tensor.problem]
    assert document.unused == []


def test_that_the_class_texts_tell_parameters_from_buffers(net: Net, tmp_path: Path) -> None:
    for made in (torch.jit.script(net), torch.jit.trace(net, torch.randn(2, 4))):
        made.save(tmp_path / "m.pt")
        with held_open(tmp_path / "m.pt") as document:
            parameters, buffers = declared(document, "parameters"), declared(document, "buffers")
        truth = {name for name, _ in made.named_parameters(remove_duplicate=False)}
        assert {name for name in parameters if name in by_name(document)} == truth
        assert {name for name, _ in made.named_buffers()} <= buffers


def test_that_constants_of_the_code_are_found_in_a_frozen_module(net: Net, tmp_path: Path) -> None:
    torch.jit.freeze(torch.jit.script(net)).save(tmp_path / "m.pt")
    document = opened(tmp_path / "m.pt")
    truth = [tensor.shape for tensor in torch.jit.load(tmp_path / "m.pt").forward.code_with_constants[1].values()]
    assert [tensor.shape for tensor in document.tensors] == [tuple(shape) for shape in truth]
    assert all(place.path.startswith("constants.") for place in document.places)


def test_that_traced_inputs_are_shapes_without_bytes(net: Net, tmp_path: Path) -> None:
    torch.jit.trace(net, torch.randn(7, 4)).save(tmp_path / "m.pt")
    found = by_name(opened(tmp_path / "m.pt"))["traced_inputs.forward.0"]
    assert (found.shape, found.problem, found.storage.is_meta, found.storage.nbytes) == ((7, 4), None, True, 0)


def test_that_a_mobile_archive_opens_with_its_bytecode(net: Net, tmp_path: Path) -> None:
    traced = torch.jit.trace(net, torch.randn(2, 4))
    with warnings.catch_warnings(action="ignore"):
        traced._save_for_lite_interpreter(str(tmp_path / "m.ptl"))
    document = opened(tmp_path / "m.ptl")
    assert document.container == "torchscript"
    assert set(traced.state_dict()) <= set(by_name(document))
    assert document.facts["bytecode version"].isdigit()
    assert any(name.startswith("bytecode.") for name in by_name(document))
    assert not [tensor.problem for tensor in document.tensors if tensor.problem]


DTYPES = [
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.complex64,
    torch.complex128,
    torch.bool,
    torch.int8,
    torch.uint8,
    torch.int16,
    torch.int32,
]


def test_that_every_dtype_of_a_buffer_is_told(tmp_path: Path) -> None:
    class Dtypes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for dtype in DTYPES:
                self.register_buffer(f"of_{dtype}".replace("torch.", ""), torch.zeros(3, dtype=dtype))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    torch.jit.script(Dtypes()).save(tmp_path / "m.pt")
    assert {name: tensor.dtype.name for name, tensor in by_name(opened(tmp_path / "m.pt")).items()} == {
        f"of_{dtype}".replace("torch.", ""): str(dtype).partition(".")[2] for dtype in DTYPES
    }


@pytest.mark.parametrize(("layout", "made"), [("sparse_coo", torch.Tensor.to_sparse), ("sparse_csr", torch.Tensor.to_sparse_csr)])
def test_that_torchscripts_own_sparse_form_is_read(layout: str, made, tmp_path: Path) -> None:
    class Sparse(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("eye", made(torch.eye(4)))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    torch.jit.script(Sparse()).save(tmp_path / "m.pt")
    document = opened(tmp_path / "m.pt")
    (tensor,) = document.tensors
    assert (tensor.name, tensor.layout, tensor.shape, tensor.problem) == ("eye", layout, (4, 4), None)
    assert document.unused == []


def test_that_a_view_keeps_its_place_in_the_storage(tmp_path: Path) -> None:
    whole = torch.arange(12.0)

    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("tail", whole[4:])
            self.register_buffer("columns", whole.view(3, 4).t())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    torch.jit.script(Views()).save(tmp_path / "m.pt")
    found = by_name(opened(tmp_path / "m.pt"))
    assert (found["tail"].storage_offset, found["columns"].strides) == (4, (1, 4))
    assert found["tail"].storage.key == found["columns"].storage.key


def test_that_texts_are_read_when_asked_and_not_before(net: Net, tmp_path: Path) -> None:
    torch.jit.script(net).save(tmp_path / "m.pt")

    spoiled: list[str] = []  # torch mangles the name of a class that it has met before in this process

    def spoil(content: dict[str, bytes]) -> None:
        spoiled.extend(name for name, text in content.items() if name.startswith("code/") and b"class Net(" in text)
        content[spoiled[0]] = b"\xff\xfe class Net(Module):\n"

    path = edited(tmp_path / "m.pt", spoil)
    document = opened(path)
    assert spoiled[0] in document.code
    with held_open(path) as document:
        assert "class Net" in document.code[spoiled[0]]()

        def module(place: str) -> str:
            return place.removeprefix("code/").removesuffix(".py").replace("/", ".")

        convolution = next(name for name, text in document.code.items() if name != spoiled[0] and "class Conv2d(" in text())
        assert document.classes(f"{module(spoiled[0])}.Net") is None
        assert document.classes(f"{module(convolution)}.Conv2d").constants["kernel_size"] == "(3, 3)"
        assert document.classes("no.such.class") is None


def test_that_class_texts_are_matched_not_run() -> None:
    text = """op_version_set = 1
class Odd(Module):
  __parameters__ = ["weight", "0.w\\"x", ]
  __annotations__ = []
  __annotations__["quantized._packed"] = __torch__.torch.classes.quantized.Conv2dPackedParamsBase
  weight : Tensor
  groups : Final[int] = 2
  mode : Final[str] = "zeros"
  def forward(self: __torch__.Odd,
    fake : Tensor) -> Tensor:
    __parameters__ = ["no"]
    return weight
class Point(NamedTuple):
  x : Tensor
def free(x: Tensor) -> Tensor:
  return x
"""
    found = class_members(text)
    assert list(found) == ["Odd", "Point"]
    assert found["Odd"].parameters == ("weight", '0.w"x')
    assert found["Odd"].buffers is None
    assert found["Odd"].constants == {"groups": "2", "mode": '"zeros"'}
    assert set(found["Odd"].attributes) == {"quantized._packed", "weight"}
    assert found["Point"].attributes == {"x": "Tensor"}


# -- the form of torch 1.0 to 1.3 ----------------------------------------------------------------------------------------


def tensor_entry(key: str, dims: list[int], kind: str = "FLOAT", **more: object) -> dict[str, object]:
    strides = [1] * len(dims)
    for at in range(len(dims) - 2, -1, -1):
        strides[at] = strides[at + 1] * dims[at + 1]
    entry = {"dims": [str(d) for d in dims], "offset": "0", "strides": [str(s) for s in strides], "requiresGrad": False, "dataType": kind}
    return entry | {"data": {"key": key}, "device": "cpu"} | more


def old_model() -> dict[str, object]:
    child = {
        "name": "0",
        "parameters": [{"isBuffer": False, "tensorId": "0", "name": "weight"}, {"isBuffer": True, "tensorId": "1", "name": "running_mean"}],
        "attributes": [{"type": "List[Tensor]", "name": "listed", "id": "0"}, {"type": "int", "name": "count", "id": "1"}],
    }
    return {
        "protoVersion": "3",
        "mainModule": {"submodules": [child], "name": "Net", "torchscriptArena": {"key": "code/net.py"}},
        "producerName": "pytorch",
        "producerVersion": "1.2",
        "tensors": [
            tensor_entry("tensors/0", [3, 4], requiresGrad=True),
            tensor_entry("tensors/1", [4]),
            tensor_entry("tensors/2", [2], "INT64"),
            tensor_entry("tensors/3", [2], "UINT8", isQuantized=True, scale=0.5, zeroPoint="3"),
        ],
    }


# ([TensorID 3], 7) as torch 1.2's pickler wrote it
ATTRIBUTES = b"\x80\x02((lp0\nctorch.jit._pickle\nbuild_tensor_from_id\n(K\x03tRaK\x07t."


def old_archive(path: Path, model: object | None = None, **changes: bytes | None) -> Path:
    content: dict[str, bytes | None] = {
        "version": b"1",
        "model.json": json.dumps(old_model() if model is None else model).encode(),
        "attributes.pkl": ATTRIBUTES,
        "code/net.py": b"op_version_set = 0\ndef forward(self, x: Tensor) -> Tensor:\n  return x\n",
        "tensors/0": bytes(48),
        "tensors/1": bytes(16),
        "tensors/2": bytes(16),
        "tensors/3": bytes(2),
    }
    return written(path, {name: data for name, data in (content | changes).items() if data is not None}, "net/")


def test_that_an_archive_of_torch_1_2_opens_as_any_other(tmp_path: Path) -> None:
    document = opened(old_archive(tmp_path / "m.pt"))
    found = by_name(document)
    assert document.container == "torchscript"
    assert {name: tensor.shape for name, tensor in found.items()} == {
        "0.weight": (3, 4),
        "0.running_mean": (4,),
        "0.listed.0": (2,),
        "constants.0": (2,),
    }
    assert len(document.tensors) == 4
    assert (found["0.listed.0"].dtype.name, found["0.listed.0"].quantizer) == ("quint8", ("torch.per_tensor_affine", 0.5, 3))
    assert found["0.weight"].requires_grad is True
    child = document.root.state.pairs[0][1]
    members = document.classes(child.name)
    assert (members.parameters, members.buffers) == (("weight",), ("running_mean",))
    assert (declared(document, "parameters"), declared(document, "buffers")) == ({"0.weight"}, {"0.running_mean"})
    assert document.facts["producer version"] == "1.2"
    assert list(document.code) == ["code/net.py"]


def test_that_a_missing_record_of_the_table_spoils_its_tensor_only(tmp_path: Path) -> None:
    found = by_name(opened(old_archive(tmp_path / "m.pt", **{"tensors/1": None})))
    assert "missing" in found["0.running_mean"].problem
    assert found["0.weight"].problem is None


BROKEN_MODELS: list[object] = [
    {"protoVersion": "3"},
    {"protoVersion": "3", "mainModule": [], "tensors": {}},
    {
        "protoVersion": "3",
        "mainModule": {"parameters": [{"tensorId": "99", "name": 7}, 3], "submodules": [None, {"name": None}]},
        "tensors": [{}],
    },
    {
        "protoVersion": "3",
        "tensors": [tensor_entry("tensors/0", [-1]), tensor_entry("tensors/0", [10**30]), tensor_entry("tensors/0", [1 << 62, 1 << 62])],
    },
    {"protoVersion": "3", "tensors": [{"dims": ["x"], "strides": ["1"], "dataType": "FLOAT", "data": {"key": "tensors/0"}}]},
]


@pytest.mark.parametrize("model", BROKEN_MODELS)
def test_that_a_contradictory_model_json_opens_with_invalid_rows(model: object, tmp_path: Path) -> None:
    document = opened(old_archive(tmp_path / "m.pt", model))
    assert all(tensor.problem for tensor in document.tensors)


@pytest.mark.parametrize(
    "text",
    [b'{"protoVersion": ', b'["protoVersion"]', b'{"protoVersion":' + b"[" * 100_000, b'{"protoVersion":"1","x":' + b"[]," * 3_000_000],
)
def test_that_a_broken_model_json_is_a_file_problem(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(FileProblem):
        opened(old_archive(tmp_path / "m.pt", **{"model.json": text}))


def test_that_constants_and_bytecode_are_no_weights(net: Net, tmp_path: Path) -> None:
    torch.jit.trace(net, torch.randn(2, 4))._save_for_lite_interpreter(str(tmp_path / "m.ptl"))
    places = opened(tmp_path / "m.ptl").places
    assert {place.path.partition(".")[0] for place in places if not place.in_weights} == {"constants", "bytecode", "traced_inputs"}
    assert {place.path.partition(".")[0] for place in places if place.in_weights} == {"a", "conv", "bn", "tied"}


# -- hostile files -------------------------------------------------------------------------------------------------------


def test_that_a_missing_record_is_told_at_its_tensor(net: Net, tmp_path: Path) -> None:
    torch.jit.script(net).save(tmp_path / "m.pt")
    found = by_name(opened(edited(tmp_path / "m.pt", lambda content: content.pop("data/0"))))
    assert [tensor.name for tensor in found.values() if tensor.problem] == ["a.scale"]


def test_that_program_text_without_constants_is_noted(net: Net, tmp_path: Path) -> None:
    """S-20: what torch.jit.load refuses, torch.load takes for an ordinary checkpoint."""
    torch.jit.script(net).save(tmp_path / "m.pt")
    document = opened(edited(tmp_path / "m.pt", lambda content: content.pop("constants.pkl")))
    assert document.container == "torchscript"
    assert "constants.pkl is missing" in [finding.title for finding in document.findings]


def test_that_a_pickle_beside_the_program_is_read_too(net: Net, tmp_path: Path) -> None:
    """S-17: a second pickle under another name."""
    torch.jit.script(net).save(tmp_path / "m.pt")
    document = opened(edited(tmp_path / "m.pt", lambda content: content.update({"extra/config.pkl": b"cos\nsystem\n(S'id'\ntR."})))
    assert "os.system" in {name for pickle in document.pickles for name in pickle.stream.globals}
    assert "a pickle that TorchScript does not read" in [finding.title for finding in document.findings]


def test_that_model_json_does_not_hide_a_pickle(tmp_path: Path) -> None:
    """S-20: a polyglot of the oldest form and an ordinary checkpoint."""
    document = opened(old_archive(tmp_path / "m.pt", **{"data.pkl": b"cos\nsystem\n(S'id'\ntR."}))
    assert "os.system" in {name for pickle in document.pickles for name in pickle.stream.globals}


@pytest.mark.parametrize("name", ["constants.pkl", "data.pkl"])
def test_that_a_pickle_cut_anywhere_raises_nothing_but_a_file_problem(name: str, net: Net, tmp_path: Path) -> None:
    torch.jit.trace(net, torch.randn(2, 4)).save(tmp_path / "m.pt")
    content = members(tmp_path / "m.pt")
    for length in range(0, len(content[name]), 7):
        document = opened(written(tmp_path / "cut.pt", content | {name: content[name][:length]}))
        assert document.problem is not None


def test_that_wrappers_around_wrappers_end(net: Net, tmp_path: Path) -> None:
    """S-28, S-29: nothing recurses."""
    nest = b"(ctorch.jit._pickle\nrestore_type_tag\n" * 50_000 + b"]" + b"X\x01\x00\x00\x00t\x86R" * 50_000
    torch.jit.script(net).save(tmp_path / "m.pt")
    for data in (b"\x80\x02" + nest.replace(b"(c", b"c") + b".", b"\x80\x02]q\x00(h\x00ctorch.jit._pickle\nbuild_intlist\n(h\x00tRe."):
        document = opened(edited(tmp_path / "m.pt", lambda content, data=data: content.update({"data.pkl": data})))
        assert document.problem is None
        assert document.tensors == []


@needs_corpus
@each(lambda row: row.container == "torchscript")
def test_that_a_real_archive_is_read_as_the_manifest_says(row: Row) -> None:
    document = opened(row.path)
    assert document.container == "torchscript"
    assert row.tensors is None or len(document.tensors) == row.tensors
    assert row.elements is None or sum(tensor.elements for tensor in document.tensors) == row.elements
    assert not [tensor.problem for tensor in document.tensors if tensor.problem]
    assert document.findings == []
