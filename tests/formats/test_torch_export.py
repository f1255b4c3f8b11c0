"""torch.export archives, with torch's own exported program as ground truth."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn
from torch._export.serde import serialize
from torch.export.pt2_archive._package import package_pt2

from ptinspect.formats.export_payload import DTYPES
from tests.corpus import Row, each, needs_corpus
from tests.formats.opened import by_name, edited, members, opened, written

pytestmark = pytest.mark.filterwarnings("ignore")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(5, 4)
        self.lin = nn.Linear(4, 5)
        self.lin.weight = self.emb.weight
        self.bn = nn.BatchNorm1d(5)
        self.register_buffer("scale", torch.ones(5))
        self.register_buffer("passing", torch.zeros(5), persistent=False)
        self.constant = torch.full((5,), 3.0)
        self.halved = nn.Parameter(torch.randn(4).half(), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (
            self.bn(self.lin(self.emb(x))) * self.scale
            + self.passing
            + self.constant
            + torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
            + self.halved.sum()
        )


@pytest.fixture(scope="module")
def program() -> torch.export.ExportedProgram:
    torch.manual_seed(0)
    return torch.export.export(Net().eval(), (torch.tensor([1, 2, 3]),))


@pytest.fixture(scope="module")
def archive(program, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model.pt2"
    torch.export.save(program, path)
    return path


def old_archive(path: Path, program: torch.export.ExportedProgram, ending: str = "pt", **changes: bytes) -> Path:
    """The form of torch 2.1 to 2.7, put together as its torch.export.save did."""
    artifact = serialize.serialize(program, None)
    content = {
        "version": ".".join(map(str, serialize.SCHEMA_VERSION)).encode(),
        "serialized_exported_program.json": artifact.exported_program,
        f"serialized_state_dict.{ending}": artifact.state_dict,
        f"serialized_constants.{ending}": artifact.constants,
        "serialized_example_inputs.pt": artifact.example_inputs,
    }
    return written(path, content | changes, folder="")


def expected(program: torch.export.ExportedProgram) -> dict[str, tuple[tuple[int, ...], str]]:
    args, _ = program.example_inputs
    tensors = {**program.state_dict, **program.constants, **{f"example_inputs.0.{index}": arg for index, arg in enumerate(args)}}
    return {name: (tuple(tensor.shape), str(tensor.dtype).partition(".")[2]) for name, tensor in tensors.items()}


def shown(document) -> dict[str, tuple[tuple[int, ...], str]]:
    return {name: (tensor.shape, tensor.dtype.name) for name, tensor in by_name(document).items()}


def check_signature(document, program: torch.export.ExportedProgram) -> None:
    truth, found = program.graph_signature, document.signature
    assert list(found.parameters) == list(truth.parameters)
    assert list(found.buffers) == list(truth.buffers)
    assert list(found.non_persistent) == list(truth.non_persistent_buffers)
    assert sorted(found.constants) == sorted(truth.lifted_tensor_constants)
    weights = set(found.parameters) | (set(found.buffers) - set(found.non_persistent))
    assert weights == set(program.state_dict)


def test_that_todays_archive_shows_weights_constants_and_inputs(archive: Path, program) -> None:
    document = opened(archive)
    assert document.container == "torch-export"
    assert shown(document) == expected(program)
    assert len(document.tensors) == len(expected(program))
    check_signature(document, program)
    assert (document.findings, document.unused, document.problem) == ([], [], None)
    assert document.facts["torch version"] == torch.__version__


def test_that_tied_weights_stand_on_one_storage(archive: Path) -> None:
    found = by_name(opened(archive))
    assert found["emb.weight"].storage.key == found["lin.weight"].storage.key
    assert found["emb.weight"] is not found["lin.weight"]
    assert (found["lin.weight"].is_parameter, found["scale"].is_parameter) == (True, False)
    assert (found["lin.weight"].requires_grad, found["halved"].requires_grad) == (True, False)


def test_that_the_bytes_of_a_nested_tensor_lie_where_it_says(archive: Path) -> None:
    tensor = by_name(opened(archive))["example_inputs.0.0"]
    begin = tensor.storage.offset
    assert torch.frombuffer(bytearray(archive.read_bytes()[begin : begin + 24]), dtype=torch.int64).tolist() == [1, 2, 3]


@pytest.mark.parametrize("ending", ["pt", "json"])
def test_that_the_older_form_shows_the_same(ending: str, program, tmp_path: Path) -> None:
    path = old_archive(tmp_path / "old.pt2", program, ending)
    document = opened(path)
    assert document.container == "torch-export"
    assert shown(document) == expected(program)
    check_signature(document, program)
    assert not [tensor.problem for tensor in document.tensors if tensor.problem]
    assert {name for name, _ in document.root.pairs} >= set(program.state_dict)


def test_that_torch_itself_takes_our_older_form(program, tmp_path: Path) -> None:
    loaded = torch.export.load(old_archive(tmp_path / "old.pt2", program))
    assert loaded.state_dict.keys() == program.state_dict.keys()


def test_that_several_programs_stand_below_their_names(program, tmp_path: Path) -> None:
    other = torch.export.export(nn.Linear(2, 3), (torch.randn(1, 2),))
    package_pt2(str(tmp_path / "two.pt2"), exported_programs={"first": program, "second": other})
    document = opened(tmp_path / "two.pt2")
    assert shown(document)["second.weight"] == ((3, 2), "float32")
    assert shown(document)["first.emb.weight"] == ((5, 4), "float32")
    assert shown(document)["second.example_inputs.0.0"] == ((1, 2), "float32")
    assert document.signatures["second"].parameters == ("weight", "bias")
    assert [name for name, _ in document.root.pairs] == ["first", "second"]


def test_that_a_subclass_saved_by_pickle_is_read_in_its_place(archive: Path, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(torch.arange(20.0).view(5, 4), buffer)

    def pickled(content: dict[str, bytes]) -> None:
        config = json.loads(content["data/weights/model_weights_config.json"])
        config["config"]["emb.weight"] |= {"use_pickle": True, "path_name": "weight_99"}
        content["data/weights/model_weights_config.json"] = json.dumps(config).encode()
        content["data/weights/weight_99"] = buffer.getvalue()

    document = opened(edited(archive, pickled))
    assert shown(document)["emb.weight"] == ((5, 4), "float32")
    assert document.unused == []


def test_that_weights_without_bytes_are_shapes_without_values(archive: Path) -> None:
    name = json.loads(members(archive)["data/weights/model_weights_config.json"])["config"]["scale"]["path_name"]
    document = opened(edited(archive, lambda content: content.update({f"data/weights/{name}": b""})))
    found = by_name(document)["scale"]
    assert (found.shape, found.problem, found.storage.is_meta) == ((5,), None, True)
    assert document.unused == []


def test_that_every_dtype_code_is_torchs() -> None:
    from torch._export.serde.serialize import _SERIALIZE_TO_TORCH_DTYPE as truth

    assert {number: dtype.name for number, dtype in DTYPES.items()} == {int(number): str(dtype)[6:] for number, dtype in truth.items()}


# -- hostile files -------------------------------------------------------------------------------------------------------


def with_entry(archive: Path, **changes: object) -> Path:
    """The archive with the entry of `scale` changed."""

    def change(content: dict[str, bytes]) -> None:
        config = json.loads(content["data/weights/model_weights_config.json"])
        entry = config["config"]["scale"]
        meta = {key: value for key, value in changes.items() if key in entry["tensor_meta"]}
        entry["tensor_meta"] |= meta
        entry |= {key: value for key, value in changes.items() if key not in meta}
        content["data/weights/model_weights_config.json"] = json.dumps(config).encode()

    return edited(archive, change)


WRONG: list[dict[str, object]] = [
    {"path_name": "../../etc/passwd"},
    {"path_name": None},
    {"tensor_meta": None},
    {"dtype": 99},
    {"dtype": "float32"},
    {"sizes": [{"as_int": 6}]},
    {"sizes": [{"as_int": -1}]},
    {"sizes": [{"as_int": 1 << 62}, {"as_int": 1 << 62}]},
    {"sizes": [{"as_expr": {"expr_str": "s0"}}]},
    {"sizes": 5},
    {"strides": [{"as_int": 1 << 40}]},
    {"strides": []},
    {"storage_offset": {"as_int": 1}},
    {"storage_offset": {"as_int": -1}},
    {"layout": 1},
]


@pytest.mark.parametrize("changes", WRONG, ids=str)
def test_that_a_wrong_entry_spoils_its_row_only(changes: dict[str, object], archive: Path) -> None:
    """S-25, S-31: nothing is shown from beside a record."""
    document = opened(with_entry(archive, **changes))
    assert [tensor.name for tensor in document.tensors if tensor.problem] == ["scale"]


BROKEN = {
    "data/weights/model_weights_config.json": [b"", b"{", b"[]", b'{"config": 3}', b"[" * 100_000, b'{"config":{"a":3}}', b"\xff\xfe"],
    "models/model.json": [
        b"",
        b"{",
        b"\xff",
        b'{"signature": {"input_specs": [3, {"parameter": 3}, {"parameter": {}}]}}',
        b'{"signature":' * 10_000,
    ],
    "data/sample_inputs/model.pt": [b"", b"PK", b"PK\x03\x04", b"\x80\x02]."],
    "archive_format": [b"pt3", b""],
}


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, texts in BROKEN.items() for data in texts], ids=lambda value: str(value)[:40]
)
def test_that_a_broken_member_leaves_the_rest_usable(name: str, data: bytes, archive: Path) -> None:
    document = opened(edited(archive, lambda content: content.update({name: data})))
    assert "const" in " ".join(by_name(document)) or document.problem is not None
    assert len(document.tensors) >= 3


def test_that_a_config_of_endless_pieces_is_refused_by_its_count(archive: Path) -> None:
    text = b'{"config":[' + b"[]," * 3_000_000 + b"0]}"
    document = opened(edited(archive, lambda content: content.update({"data/weights/model_weights_config.json": text})))
    assert "objects" in document.problem.message


def test_that_an_archive_mark_does_not_hide_a_pickle(tmp_path: Path) -> None:
    """S-20: a polyglot of an export archive and an ordinary checkpoint, which torch.load would run."""
    document = opened(written(tmp_path / "m.pt", {"data.pkl": b"cos\nsystem\n(S'id'\ntR.", "version": b"3", "archive_format": b"pt2"}))
    assert "os.system" in {name for pickle in document.pickles for name in pickle.stream.globals}


def test_that_a_compressed_member_tells_that_its_values_cannot_be_read(program, tmp_path: Path) -> None:
    path = old_archive(tmp_path / "old.pt2", program)
    with zipfile.ZipFile(path) as plain:
        content = {name: plain.read(name) for name in plain.namelist()}
    document = opened(written(tmp_path / "packed.pt2", content, "", zipfile.ZIP_DEFLATED))
    assert shown(document).keys() == expected(program).keys()
    assert all("compressed" in tensor.problem for tensor in document.tensors)


@needs_corpus
@each(lambda row: row.container == "torch-export")
def test_that_a_real_archive_is_read_as_the_manifest_says(row: Row) -> None:
    """The manifest leaves the counts open; linear.pt2 holds weight, bias and one sample input by its own JSON."""
    document = opened(row.path)
    assert document.container == "torch-export"
    assert (len(document.tensors), sum(tensor.elements for tensor in document.tensors)) == (3, 15)
    assert document.signature.parameters == ("linear.weight", "linear.bias")
    assert document.findings == []
