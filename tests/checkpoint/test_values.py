"""Values, with torch's own as ground truth: every dtype, layout and container."""

from __future__ import annotations

import io
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from safetensors.torch import save_file
from torch import nn

from ptinspect.checkpoint import values as module
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.checkpoint.values import numpy_type, values, whole
from ptinspect.dtypes import BY_NAME
from ptinspect.errors import Unsupported
from tests.checkpoint.saved import saved
from tests.checkpoint.truth import every_value, in_chunks, of, place, same, truth
from tests.corpus import Row, each, needs_corpus
from tests.formats.test_torch_tar import Reference, made

pytestmark = pytest.mark.filterwarnings("ignore")

ZIP, LEGACY = {}, {"_use_new_zipfile_serialization": False}
BOTH = pytest.mark.parametrize("options", [ZIP, LEGACY], ids=["zip", "legacy"])

def can_be_saved(name: str) -> bool:
    """Torch has names for int1 to uint7 and cannot write them."""
    try:
        torch.save(torch.empty(0, dtype=getattr(torch, name)), io.BytesIO())
    except (KeyError, AttributeError):
        return False
    return True


KINDS = [dtype for name, dtype in BY_NAME.items() if name == dtype.name and dtype.family not in ("quantized", "bits")]
PLAIN = [dtype.name for dtype in KINDS if can_be_saved(dtype.name)]


def of_every_bit(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Random bytes as numbers of a dtype: NaN, infinities and denormals are among them."""
    dtype = getattr(torch, name)
    count = torch.Size(shape).numel() * torch.empty(0, dtype=dtype).element_size()
    raw = torch.randint(0, 2 if name == "bool" else 256, (count,), dtype=torch.uint8, generator=torch.Generator().manual_seed(7))
    return raw.view(dtype).reshape(shape)


@BOTH
@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", PLAIN)
def test_that_every_dtype_reads_as_torch_has_it(name: str, options: dict[str, object], tmp_path: Path) -> None:
    tensor = of_every_bit(name, (8, 12))
    checkpoint = saved(tmp_path, {"a": tensor, "flat": tensor.reshape(-1)[5:]}, **options)
    if BY_NAME[name].per_item > 1:
        packed = tensor.view(torch.uint8).numpy()
        expected = np.stack((packed & 0xF, packed >> 4), axis=-1).reshape(8, 24).view(numpy_type(BY_NAME[name]))
        assert same(of(checkpoint, "a"), expected)
    else:
        assert same(of(checkpoint, "a"), truth(tensor))
        assert same(of(checkpoint, "flat"), truth(tensor.reshape(-1)[5:]))


@pytest.mark.parametrize("name", [name for name in PLAIN if BY_NAME[name].per_item == 1])
def test_that_every_dtype_reads_turned_and_in_steps(name: str, tmp_path: Path) -> None:
    tensor = of_every_bit(name, (8, 12))
    checkpoint = saved(tmp_path, {"turned": tensor.t(), "steps": tensor[1::2, ::3]})
    assert same(of(checkpoint, "turned"), truth(tensor.t()))
    assert same(of(checkpoint, "steps"), truth(tensor[1::2, ::3]))


def views() -> dict[str, torch.Tensor]:
    cube = torch.randn(7, 9, 5)
    return {
        "permuted": cube.permute(2, 0, 1),
        "sliced": cube[1:6:2, ::3, 1:],
        "expanded": torch.randn(4, 1, 3).expand(4, 6, 3),
        "expanded inside": torch.randn(4, 3).expand(2, 4, 3)[:, 1:],
        "turned and expanded": torch.randn(4, 3).t().unsqueeze(1).expand(3, 5, 4),
        "overlapping": torch.arange(50.0).unfold(0, 7, 2),
        "overlapping and turned": torch.arange(50.0).unfold(0, 7, 2).t(),
        "a number": torch.tensor(3.5),
        "one of many": cube[3, 2, 1],
        "empty": torch.empty(0, 3),
        "empty inside": torch.empty(3, 0, 2),
        "channels last": torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        "diagonal": torch.randn(6, 6).diagonal(),
        "parameter": nn.Parameter(torch.randn(3, 4)),
        "conjugate": torch.randn(5, 2, dtype=torch.complex64).conj(),
        "conjugate and turned": torch.randn(5, 2, dtype=torch.complex128).t().conj(),
        "negative": torch.randn(5, dtype=torch.complex64).conj().imag,
        "double": torch.randn(3, dtype=torch.complex32).conj(),
    }


@BOTH
@pytest.mark.parametrize("name", views())
def test_that_views_read_in_their_own_order(name: str, options: dict[str, object], tmp_path: Path) -> None:
    tensor = views()[name]
    checkpoint = saved(tmp_path, {"x": tensor}, **options)
    info = place(checkpoint, "x")
    assert same(of(checkpoint, "x"), truth(tensor))
    for most in (1, 2, 3, 7, 50):
        chunks = in_chunks(checkpoint, info, most)
        assert all(chunk.size <= most and chunk.ndim == 1 for chunk in chunks)
        assert b"".join(chunk.tobytes() for chunk in chunks) == truth(tensor).tobytes()


def test_that_a_turned_tensor_larger_than_a_slab_is_put_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLAB", 100)
    monkeypatch.setattr(module, "CHUNK", 64)
    tensor = torch.randn(11, 37, 3)
    checkpoint = saved(tmp_path, {"a": tensor.permute(1, 2, 0), "b": tensor.transpose(0, 2), "c": tensor[:, ::2].permute(2, 1, 0)})
    for name, expected in (("a", tensor.permute(1, 2, 0)), ("b", tensor.transpose(0, 2)), ("c", tensor[:, ::2].permute(2, 1, 0))):
        assert same(np.concatenate(in_chunks(checkpoint, place(checkpoint, name), 30)), truth(expected).reshape(-1))


@settings(max_examples=60, deadline=None)
@given(some.data())
def test_that_chunks_of_any_size_of_any_view_are_the_whole(data: some.DataObject) -> None:
    sizes = data.draw(some.lists(some.integers(1, 6), min_size=1, max_size=4))
    tensor = torch.arange(float(torch.Size(sizes).numel())).reshape(sizes)
    tensor = tensor.permute(data.draw(some.permutations(range(len(sizes)))))
    for dimension in range(len(sizes)):
        tensor = tensor.narrow(dimension, 0, data.draw(some.integers(1, tensor.shape[dimension])))
        tensor = tensor[(slice(None),) * dimension + (slice(None, None, data.draw(some.integers(1, 3))),)]
    if data.draw(some.booleans()):
        tensor = tensor.unsqueeze(0).expand(3, *tensor.shape)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = saved(Path(folder), [tensor])
        chunks = in_chunks(checkpoint, place(checkpoint, "0"), data.draw(some.integers(1, 50)))
    assert same(np.concatenate(chunks).reshape(tensor.shape), truth(tensor))


def quantized() -> dict[str, torch.Tensor]:
    plain, found = torch.randn(6, 4, 5), {}
    for kind in (torch.qint8, torch.quint8, torch.qint32):
        one = found[f"{kind}"] = torch.quantize_per_tensor(plain, 0.037, 3, kind)
        found[f"{kind} turned"] = one.permute(2, 0, 1)
        found[f"{kind} in steps"] = one[1:, ::2]
        for axis in range(3):
            count = plain.shape[axis]
            scales, zeros = torch.rand(count) * 0.1 + 0.01, torch.randint(0, 5, (count,))
            found[f"{kind} by channel {axis}"] = torch.quantize_per_channel(plain, scales, zeros, axis, kind)
    for kind, columns in ((torch.quint8, 10), (torch.quint4x2, 10), (torch.quint2x4, 12)):
        scales, zeros = torch.rand(6) * 0.1 + 0.01, torch.rand(6)
        found[f"{kind} by row"] = torch.quantize_per_channel(torch.randn(6, columns), scales, zeros, 0, kind)
    return found


@BOTH
@pytest.mark.parametrize("name", quantized())
def test_that_quantized_tensors_read_as_their_real_values(name: str, options: dict[str, object], tmp_path: Path) -> None:
    tensor = quantized()[name]
    checkpoint = saved(tmp_path, {"x": tensor}, **options)
    assert same(of(checkpoint, "x"), truth(tensor))
    for most in (1, 3, 7, 50):
        assert b"".join(chunk.tobytes() for chunk in in_chunks(checkpoint, place(checkpoint, "x"), most)) == truth(tensor).tobytes()


def test_that_a_nested_tensor_reads_as_its_buffer(tmp_path: Path) -> None:
    rows = [torch.randn(2, 3), torch.randn(4, 3)]
    plain, jagged = torch.nested.nested_tensor(rows), torch.nested.nested_tensor(rows, layout=torch.jagged)
    checkpoint = saved(tmp_path, {"plain": plain, "jagged": jagged})
    assert same(of(checkpoint, "plain"), truth(torch.cat([row.reshape(-1) for row in rows])))
    assert same(of(checkpoint, "jagged"), truth(torch.cat(rows)))


class Two(torch.Tensor):
    """A wrapper that keeps its values in other tensors."""

    @staticmethod
    def __new__(cls, *parts: torch.Tensor, shape: tuple[int, ...] | None = None):
        return torch.Tensor._make_wrapper_subclass(cls, shape or parts[0].shape, dtype=torch.float32)

    def __init__(self, *parts: torch.Tensor, shape: tuple[int, ...] | None = None) -> None:
        self.__dict__.update({f"part{place}": part for place, part in enumerate(parts)})

    def __tensor_flatten__(self):
        return [name for name in self.__dict__ if name.startswith("part")], None

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        if function is torch.ops.aten.detach.default:
            return args[0]
        raise NotImplementedError(function)


def wrapped(folder: Path, *parts: torch.Tensor, **options: object):
    return saved(folder, {"x": Two(*parts, **options)})


def test_that_a_wrapper_around_one_plain_tensor_reads_as_that_one(tmp_path: Path) -> None:
    tensor = torch.randn(3, 4)
    assert same(of(wrapped(tmp_path, tensor), "x"), truth(tensor))


def test_that_a_wrapper_that_packs_or_keeps_a_part_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match=r"packed in the way of .*Two"):
        of(wrapped(tmp_path, torch.randn(3, 4), torch.randn(3)), "x")
    with pytest.raises(Unsupported, match="Two keeps 12 of its 24 values"):
        of(wrapped(tmp_path, torch.randn(3, 4), shape=(6, 4)), "x")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("scale", torch.randn(3).to(torch.bfloat16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.linear(x)) * self.scale.float()


def check_net(path: Path, net: nn.Module) -> None:
    found = every_value(path)
    for name, tensor in net.state_dict().items():
        assert same(found[name], truth(tensor)), name


def test_that_torchscript_reads_as_its_state_dict(tmp_path: Path) -> None:
    net = Net().eval()
    torch.jit.script(net).save(tmp_path / "net.pt")
    check_net(tmp_path / "net.pt", net)


def test_that_an_exported_program_reads_as_its_state_dict(tmp_path: Path) -> None:
    net = Net().eval()
    torch.export.save(torch.export.export(net, (torch.randn(2, 4),)), tmp_path / "net.pt2")
    check_net(tmp_path / "net.pt2", net)


def test_that_safetensors_read_as_they_were_saved(tmp_path: Path) -> None:
    names = [name for name in PLAIN if BY_NAME[name].safetensors and BY_NAME[name].per_item == 1]
    tensors = {name: of_every_bit(name, (3, 5)) for name in names} | {"empty": torch.empty(0, 2), "number": torch.tensor(1.5)}
    save_file(tensors, tmp_path / "x.safetensors")
    found = every_value(tmp_path / "x.safetensors")
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert same(found[name], truth(tensor)), name


def test_that_the_old_tar_reads_by_its_strides(tmp_path: Path) -> None:
    floats = struct.pack("<6f", *range(6))
    content = {"a": Reference(21), "turned": Reference(22)}
    storages, tensors = [(11, torch.FloatStorage, 6, floats)], [(21, 11, (2, 3), (3, 1), 0), (22, 11, (2, 2), (1, 2), 1)]
    (tmp_path / "x.pt").write_bytes(made(content, storages, tensors))
    found = every_value(tmp_path / "x.pt")
    assert same(found["a"], np.arange(6, dtype=np.float32).reshape(2, 3))
    assert same(found["turned"], np.array([[1, 3], [2, 4]], np.float32))


def test_that_a_tensor_without_values_says_why(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"meta": torch.empty(3, device="meta"), "none": torch.empty(0, 5, device="meta")})
    with pytest.raises(Unsupported, match="on the meta device"):
        of(checkpoint, "meta")
    assert of(checkpoint, "none").shape == (0, 5)


def test_that_a_tensor_with_a_problem_gives_it_as_the_reason(tmp_path: Path) -> None:
    """A shape that reaches past its storage."""
    torch.save([torch.arange(4.0)], tmp_path / "x.pt", _use_new_zipfile_serialization=False, pickle_protocol=2)
    raw = (tmp_path / "x.pt").read_bytes()
    assert raw.count(b"K\x04\x85") == 1
    (tmp_path / "x.pt").write_bytes(raw.replace(b"K\x04\x85", b"K\x05\x85"))
    with pytest.raises(Unsupported, match="it reaches byte 20 of a storage of 16"):
        of(open_checkpoint(tmp_path / "x.pt"), "0")


class Scaled:
    """A quantized tensor with scales of our choice, which torch itself would refuse to make."""

    def __init__(self, tensor: torch.Tensor, *quantizer: object) -> None:
        self.tensor, self.quantizer = tensor, quantizer

    def __reduce__(self):
        function, arguments = self.tensor.__reduce_ex__(2)
        return function, (*arguments[:4], self.quantizer, *arguments[5:])


@pytest.mark.parametrize(
    "quantizer",
    [
        (torch.per_channel_affine, torch.full((3,), 0.1), torch.zeros(2), 0),
        (torch.per_channel_affine, torch.full((2,), 0.1), torch.zeros(3), 0),
        (torch.per_channel_affine, torch.full((3,), 0.1), torch.zeros(3), 0),
        (torch.per_channel_affine, torch.full((2,), 0.1), torch.zeros(2), 5),
        (torch.per_channel_affine, torch.full((2,), 0.1), torch.zeros(2), -1),
        (torch.per_channel_affine, torch.full((2,), 0.1), torch.zeros(2), "0"),
        (torch.per_channel_affine, torch.full((2,), 0.1), 3, 0),
        (torch.per_channel_affine, torch.full((2, 1), 0.1), torch.zeros(2, 1), 0),
        (torch.per_channel_affine, torch.ones(2, dtype=torch.bool), torch.zeros(2), 0),
        (torch.per_channel_affine, torch.full((1,), 0.1).expand(1 << 40), torch.zeros(1).expand(1 << 40), 0),
        (torch.per_tensor_affine, "0.1", 0),
        (torch.per_tensor_affine, [0.1], 0),
        (torch.per_tensor_affine, None, None),
        (torch.per_tensor_affine, 10**400, 0),
        (torch.per_tensor_affine, 0.1),
        (torch.per_tensor_affine,),
    ],
    ids=str,
)
def test_that_scales_that_do_not_fit_are_refused(quantizer: tuple[object, ...], tmp_path: Path) -> None:
    one = torch.quantize_per_tensor(torch.randn(2, 4), 0.1, 0, torch.qint8)
    checkpoint = saved(tmp_path, [Scaled(one, *quantizer)])
    with pytest.raises(Unsupported, match=r"scale|its description"):
        of(checkpoint, "0")


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("quantizer", [(1e39, 0), (float("nan"), 3), (float("inf"), 0), (-1e-320, 2**62), (1.0, float("inf"))], ids=str)
def test_that_scales_without_sense_give_numbers_without_sense_and_no_warning(quantizer: tuple[object, ...], tmp_path: Path) -> None:
    one = torch.quantize_per_tensor(torch.randn(2, 4), 0.1, 0, torch.qint8)
    assert of(saved(tmp_path, [Scaled(one, torch.per_tensor_affine, *quantizer)]), "0").shape == (2, 4)


def test_that_a_pending_mark_on_a_type_without_it_changes_nothing(tmp_path: Path) -> None:
    class Marked:
        def __reduce__(self):
            function, arguments = torch.tensor([True, False]).__reduce_ex__(2)
            return function, (*arguments, {"conj": True, "neg": True, 3: None})

    assert of(saved(tmp_path, [Marked()]), "0").tolist() == [True, False]


def test_that_a_view_that_shows_its_bytes_without_end_is_refused(tmp_path: Path) -> None:
    """(a, b, c) with strides 1: a hostile file may claim 10^12 elements on a megabyte."""
    tensor = torch.as_strided(torch.zeros(300_000, dtype=torch.uint8), (100_000, 100_000, 100_000), (1, 1, 1))
    with pytest.raises(Unsupported, match="shows each byte"):
        of(saved(tmp_path, [tensor]), "0")


def test_that_an_expanded_tensor_begins_without_being_written_out(tmp_path: Path) -> None:
    tensor = torch.tensor([1.0, 2.0]).expand(10**12, 2)
    checkpoint = saved(tmp_path, [tensor])
    with StorageBytes(checkpoint) as storages:
        first = next(values(storages, place(checkpoint, "0"), 6))
    assert first.tolist() == [1, 2, 1, 2, 1, 2]


def test_that_whole_has_a_shape_also_without_values(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, [torch.empty(0, 7, dtype=torch.float16)])
    with StorageBytes(checkpoint) as storages:
        found = whole(storages, place(checkpoint, "0"))
    assert (found.shape, found.dtype) == ((0, 7), np.float16)


def named(value: object, path: str, found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of a nest of mappings and lists by their paths."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, item in steps:
        named(item, f"{path}.{key}" if path else str(key), found)
    if isinstance(value, torch.Tensor):
        found[path] = value
    return found


def can_be_compared(row: Row) -> bool:
    known = row.container in ("torch-zip", "torch-legacy", "torchscript")
    return known and row.hostile == "no" and row.path.stat().st_size < 1 << 20


@needs_corpus
@each(can_be_compared)
def test_that_a_real_file_reads_as_torch_loads_it(row: Row) -> None:
    try:
        if row.container == "torchscript":
            expected = torch.jit.load(str(row.path), map_location="cpu").state_dict()
        else:
            expected = named(torch.load(row.path, map_location="cpu", weights_only=True), "", {})
    except Exception as error:
        pytest.skip(f"this torch does not load it: {type(error).__name__}")
    checkpoint = open_checkpoint(row.path)
    with StorageBytes(checkpoint) as storages:
        found = {one.path: whole(storages, one.tensor) for one in checkpoint.document.places if one.path in expected}
    assert len(found) >= len(expected) / 2
    assert all(same(one, truth(expected[path])) for path, one in found.items())
