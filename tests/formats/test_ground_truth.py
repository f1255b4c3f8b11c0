"""torch writes, our reader reads, and both must say the same: every container, protocol, dtype, view and layout that torch can store."""

from __future__ import annotations

import pickle
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ptinspect.checkpoint.storages import totals_of
from ptinspect.dtypes import BY_NAME
from ptinspect.formats.document import Document
from ptinspect.formats.source import FileSource
from ptinspect.tensors import TensorInfo
from tests.formats.opened import by_name, opened

CONTAINERS = ("zip", "legacy", "pickle")
PROTOCOLS = (2, 3, 4, 5)
everywhere = pytest.mark.parametrize(("container", "protocol"), [(c, p) for c in CONTAINERS for p in PROTOCOLS])


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def written(folder: Path, content: object, container: str, protocol: int = 2) -> Path:
    path = folder / f"made.{container}"
    if container == "pickle":
        path.write_bytes(pickle.dumps(content, protocol))
    else:
        torch.save(content, path, pickle_protocol=protocol, _use_new_zipfile_serialization=container == "zip")
    return path


def read(folder: Path, content: object, container: str, protocol: int = 2) -> Document:
    document = opened(written(folder, content, container, protocol))
    assert document.problem is None
    assert [f.title for f in document.findings if f.severity in ("warning", "danger")] == []
    assert [tensor.problem for tensor in document.tensors if tensor.problem] == []
    return document


def raw_bytes(path: Path, document: Document, tensor: TensorInfo) -> bytes:
    """The bytes of a tensor's whole storage, from the place that the reader names."""
    ref = tensor.storage
    assert ref is not None
    if ref.key in document.held:
        return document.held[ref.key]()
    with FileSource(path) as source:
        if ref.record is None:
            return b"" if ref.nbytes == 0 else source.read(ref.offset, ref.nbytes)
        record = document.records[ref.record]
        name, extra = source.read(record.header, 30)[26:28], source.read(record.header, 30)[28:30]
        return source.read(record.header + 30 + int.from_bytes(name, "little") + int.from_bytes(extra, "little"), ref.nbytes)


def storage_bytes_of(tensor: torch.Tensor) -> bytes:
    storage = tensor.untyped_storage()
    return bytes(torch.tensor([], dtype=torch.uint8).set_(storage).numpy().tobytes()) if storage.nbytes() else b""


def assert_same(info: TensorInfo, tensor: torch.Tensor) -> None:
    assert info.shape == tuple(tensor.shape)
    assert info.strides == tensor.stride()
    assert info.dtype is BY_NAME[str(tensor.dtype).removeprefix("torch.")]
    assert info.storage_offset == tensor.storage_offset()
    assert info.elements == tensor.numel()
    assert info.storage is not None
    assert info.storage.nbytes == info.storage.present == tensor.untyped_storage().nbytes()


def views() -> dict[str, torch.Tensor]:
    base = torch.arange(60.0)
    grid = base.reshape(3, 4, 5)
    return OrderedDict(
        whole=base,
        grid=grid,
        turned=grid.permute(2, 0, 1),
        slice=base[7:20],
        steps=base[3::4],
        column=grid[:, 1, :],
        expanded=torch.ones(1).expand(1_000_000),
        partly=torch.ones(3, 1).expand(3, 7),
        nothing=torch.empty(0, 5),
        empty_slice=base[60:],
        number=torch.tensor(2.5),
        one_of=base[59],
        channels_last=torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    )


@everywhere
def test_that_views_have_torchs_shapes_strides_offsets_and_bytes(tmp_path: Path, container: str, protocol: int) -> None:
    """F-06."""
    tensors = views()
    document = read(tmp_path, tensors, container, protocol)
    found = by_name(document)
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        assert_same(found[name], tensor)
        assert raw_bytes(tmp_path / f"made.{container}", document, found[name]) == storage_bytes_of(tensor)
    sizes = [(tensor.untyped_storage()._cdata, tensor.untyped_storage().nbytes()) for tensor in tensors.values()]
    written_sizes = sizes if container == "pickle" else dict(sizes).items()  # pickle writes a shared storage once for each tensor on it
    assert totals_of(document, ())[0].stored == sum(size for _, size in written_sizes)


DTYPES = sorted({str(value).removeprefix("torch.") for value in vars(torch).values() if isinstance(value, torch.dtype)})


def of_dtype(name: str) -> torch.Tensor:
    """Sixteen bytes or more of a dtype, made by looking at bytes differently where torch cannot convert."""
    if name.startswith("q"):
        raise NotImplementedError  # quantized ones have tests of their own
    return torch.arange(48, dtype=torch.uint8).view(getattr(torch, name))


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("name", DTYPES)
def test_that_every_dtype_of_torch_is_read(tmp_path: Path, container: str, name: str) -> None:
    try:
        tensor = of_dtype(name)
        path = written(tmp_path, {"a": tensor}, container, 2)
    except (NotImplementedError, RuntimeError, KeyError, TypeError, AttributeError) as reason:
        pytest.skip(f"this torch cannot make or save it: {type(reason).__name__}")
    document = opened(path)
    found = by_name(document)["a"]
    assert_same(found, tensor)
    assert found.problem is None
    assert raw_bytes(path, document, found) == bytes(range(48))


@pytest.mark.parametrize("name", [f"{sign}int{bits}" for sign in ("", "u") for bits in range(1, 8)])
def test_that_a_dtype_that_torch_names_and_cannot_save_yet_is_read(tmp_path: Path, name: str) -> None:
    data = pickle.dumps({"a": torch.arange(48, dtype=torch.uint8).view(torch.float8_e5m2)}, 2)
    path = tmp_path / "made.pkl"
    path.write_bytes(data.replace(b"ctorch\nfloat8_e5m2\n", f"ctorch\n{name}\n".encode()))
    (found,) = opened(path).tensors
    assert (found.dtype.name, found.shape, found.problem) == (name, (48,), None)


QUANTIZED = {
    "quint8": lambda: torch.quantize_per_tensor(torch.randn(3, 5), 0.1, 2, torch.quint8),
    "qint8": lambda: torch.quantize_per_tensor(torch.randn(3, 5), 0.1, 2, torch.qint8),
    "qint32": lambda: torch.quantize_per_tensor(torch.randn(3, 5), 0.1, 2, torch.qint32),
    "channels": lambda: torch.quantize_per_channel(torch.randn(3, 5), torch.ones(3), torch.zeros(3, dtype=torch.int64), 0, torch.qint8),
    "quint4x2": lambda: torch.quantize_per_channel(torch.randn(3, 6), torch.ones(3), torch.zeros(3), 0, torch.quint4x2),
}


@everywhere
@pytest.mark.parametrize("kind", QUANTIZED)
def test_that_quantized_tensors_are_one_tensor_with_their_scales_as_parts(tmp_path: Path, container: str, protocol: int, kind: str) -> None:
    tensor = QUANTIZED[kind]()
    (found,) = read(tmp_path, {"a": tensor}, container, protocol).tensors
    assert (found.shape, found.strides, found.elements) == (tuple(tensor.shape), tensor.stride(), tensor.numel())
    assert found.dtype.name == str(tensor.dtype).removeprefix("torch.")
    assert found.storage is not None
    assert found.storage.nbytes == tensor.untyped_storage().nbytes()
    if kind in ("channels", "quint4x2"):
        assert [part.shape for part in found.parts] == [(3,), (3,)]
        assert found.quantizer is not None
        assert found.quantizer[0] == "torch.per_channel_affine"
        assert found.quantizer[-1] == 0
    else:
        assert found.quantizer == ("torch.per_tensor_affine", pytest.approx(0.1), 2)


SPARSE = {
    "sparse_coo": lambda: torch.eye(4).to_sparse(),
    "sparse_csr": lambda: torch.eye(4).to_sparse_csr(),
    "sparse_csc": lambda: torch.eye(4).to_sparse_csc(),
    "sparse_bsr": lambda: torch.eye(4).to_sparse_bsr((2, 2)),
    "sparse_bsc": lambda: torch.eye(4).to_sparse_bsc((2, 2)),
}


@everywhere
@pytest.mark.parametrize("layout", SPARSE)
def test_that_sparse_tensors_are_one_tensor_with_indices_and_values_as_parts(
    tmp_path: Path, container: str, protocol: int, layout: str
) -> None:
    """F-12."""
    tensor = SPARSE[layout]()
    (found,) = read(tmp_path, [tensor], container, protocol).tensors
    assert (found.layout, found.shape, found.elements, found.dtype.name) == (layout, (4, 4), 16, "float32")
    assert found.parts[-1].shape == tuple(tensor.values().shape if layout != "sparse_coo" else tensor._values().shape)
    assert len(found.parts) == (2 if layout == "sparse_coo" else 3)


@everywhere
def test_that_nested_tensors_are_one_tensor(tmp_path: Path, container: str, protocol: int) -> None:
    rows = [torch.ones(2, 3), torch.ones(4, 3)]
    tensors = {"strided": torch.nested.nested_tensor(rows), "jagged": torch.nested.nested_tensor(rows, layout=torch.jagged)}
    document = read(tmp_path, tensors, container, protocol)
    found = by_name(document)
    assert list(found) == ["strided", "jagged"]
    assert {tensor.layout for tensor in document.tensors} == {"nested"}
    assert [tensor.elements for tensor in document.tensors] == [tensors["strided"].numel(), tensors["jagged"].numel()]
    assert found["jagged"].subclass == "torch.nested._internal.nested_tensor.NestedTensor"


@everywhere
def test_that_meta_tensors_have_a_shape_and_no_bytes(tmp_path: Path, container: str, protocol: int) -> None:
    document = read(tmp_path, {"a": torch.empty(3, 4, device="meta"), "b": torch.ones(2)}, container, protocol)
    assert [(tensor.shape, tensor.elements) for tensor in document.tensors] == [((3, 4), 12), ((2,), 2)]
    assert totals_of(document, ())[0].stored == 8


@everywhere
def test_that_a_parameter_is_one_tensor_and_its_two_names_are_one(tmp_path: Path, container: str, protocol: int) -> None:
    first = torch.nn.Parameter(torch.ones(3))
    frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    noted = torch.nn.Parameter(torch.ones(4))
    noted.note = "mine"
    buffer = torch.nn.Buffer(torch.ones(5))
    content = {"a": first, "again": first, "frozen": frozen, "noted": noted, "buffer": buffer, "data": first.data}
    document = read(tmp_path, content, container, protocol)
    found = by_name(document)
    assert list(found) == list(content)
    assert found["a"] is found["again"]
    assert found["data"] is not found["a"]
    assert (found["data"].storage == found["a"].storage) is (container != "pickle")  # pickle writes a shared storage twice
    assert [found[name].requires_grad for name in ("a", "frozen", "noted")] == [True, False, True]
    assert [found[name].is_parameter for name in content] == [True, True, True, True, False, False]
    assert len(document.tensors) == 5


class Labelled(torch.Tensor):
    """A subclass that behaves like a tensor and carries something."""


class Wrapping(torch.Tensor):
    """A subclass without bytes of its own, as DTensor is one."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Wrapping:  # noqa: PYI034 - torch makes exactly this class
        made = torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype, requires_grad=inner.requires_grad)
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        raise NotImplementedError(func)


@everywhere
def test_that_a_subclass_keeps_its_name_and_its_attributes_are_tensors_of_their_own(tmp_path: Path, container: str, protocol: int) -> None:
    labelled = torch.ones(3).as_subclass(Labelled)
    plain = torch.ones(4)
    plain.statistics = torch.ones(2)
    document = read(tmp_path, {"labelled": labelled, "plain": plain}, container, protocol)
    found = by_name(document)
    assert found["labelled"].subclass == f"{Labelled.__module__}.Labelled"
    assert found["plain"].subclass is None
    assert [tensor.shape for tensor in document.tensors] == [(3,), (4,), (2,)]


@everywhere
def test_that_a_wrapper_is_one_tensor_with_what_it_wraps_as_a_part(tmp_path: Path, container: str, protocol: int) -> None:
    (found,) = read(tmp_path, {"a": Wrapping(torch.ones(3, 2))}, container, protocol).tensors
    assert (found.layout, found.shape, found.elements) == ("wrapper", (3, 2), 6)
    assert found.subclass == f"{Wrapping.__module__}.Wrapping"
    assert [(part.shape, part.storage.nbytes if part.storage else 0) for part in found.parts] == [((3, 2), 24)]


def test_that_a_distributed_tensor_is_one_tensor_with_its_local_part(tmp_path: Path) -> None:
    distributed = pytest.importorskip("torch.distributed.tensor")
    if not torch.distributed.is_available():
        pytest.skip("this torch has no torch.distributed")
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (1,))
        tensor = distributed.distribute_tensor(torch.ones(6, 2), mesh, [distributed.Shard(0)])
        path = written(tmp_path, {"a": tensor}, "zip")
    finally:
        torch.distributed.destroy_process_group()
    (found,) = opened(path).tensors
    assert (found.layout, found.shape, found.elements) == ("wrapper", (6, 2), 12)
    assert found.subclass == "torch.distributed.tensor.DTensor"
    assert [part.shape for part in found.parts] == [(6, 2)]


@everywhere
def test_that_a_pickled_module_has_torchs_own_names_in_torchs_order(tmp_path: Path, container: str, protocol: int) -> None:
    """F-16."""
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3, bias=False))
    document = read(tmp_path, module, container, protocol)
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    places = [place for place in document.places if place.in_weights]
    assert {place.path: place.tensor.shape for place in places} == expected
    assert [place.tensor.requires_grad for place in places if place.tensor.is_parameter] == [True] * 5


@pytest.mark.parametrize("container", CONTAINERS)
def test_that_a_training_checkpoint_counts_every_tensor_once(tmp_path: Path, container: str) -> None:
    """F-01, F-02: None beside tensors, tuples of a tensor and a number, a namespace."""
    import argparse

    module = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    content = {
        "model": module.state_dict(),
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(lr=0.1, device="cpu", nothing=None),
        "best": (torch.tensor(0.5), 3),
        "rng": torch.get_rng_state(),
        "missing": None,
    }
    document = read(tmp_path, content, container)
    moments = [tensor for state in optimizer.state.values() for tensor in state.values()]
    tensors = [*module.state_dict().values(), *moments, content["best"][0], content["rng"]]
    assert len(document.tensors) == len(tensors)
    assert sum(tensor.elements for tensor in document.tensors) == sum(tensor.numel() for tensor in tensors)
