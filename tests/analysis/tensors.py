"""Tensors that are hard to count: every dtype, special numbers, layouts that show values more than once or not at all."""

from __future__ import annotations

import torch

from tests.checkpoint.test_values import PLAIN, of_every_bit

NAN, INF = float("nan"), float("inf")
FLOATS = (torch.float32, torch.float64, torch.bfloat16)
SHORT = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")


def dtypes(count: int) -> dict[str, torch.Tensor]:
    """Random bits of everything that torch saves: NaN, infinities and subnormals are among them."""
    found = {name: of_every_bit(name, (count,)) for name in PLAIN}
    return found | {f"normal {name}": (torch.randn(count) * 0.02).to(getattr(torch, name)) for name in SHORT}


def special(count: int) -> dict[str, torch.Tensor]:
    """Numbers that break sums of squares, ends, counters and scales, as float32, float64 and bfloat16."""
    found: dict[str, torch.Tensor] = {}
    for kind in FLOATS:
        name = str(kind).removeprefix("torch.")
        noise = torch.randn(count, dtype=torch.float64)
        mixed, outlier, outliers = noise.clone(), noise.clone(), noise.clone()
        mixed[::7], mixed[::11], mixed[::13], mixed[::17], mixed[::19] = NAN, INF, -INF, -0.0, 0
        outlier[count // 2] = 1e30
        outliers[0], outliers[-1] = 1e30, -1e30
        rows = {
            "all NaN": torch.full((count,), NAN),
            "all infinite": torch.full((count,), -INF),
            "mixed": mixed,
            "constant": torch.full((count,), 0.1),
            "zeros": torch.zeros(count),
            "minus zeros": -torch.zeros(count),
            "two values": torch.where(noise > 0, 0.97, -3.0),
            "outlier": outlier,
            "outliers": outliers,
            "heavy tails": noise / noise.roll(1).abs().clamp_min(1e-9),
            "log-normal": torch.exp(4 * noise),
            "negative log-normal": -torch.exp(4 * noise),
            "around 0.97": 0.97 + 1e-4 * noise,
            "1000 + noise": 1000 + 1e-3 * noise,
            "rectified": noise.relu(),
            "mostly zero": torch.where(noise > 2, noise, 0.0),
            "squares": noise**2 * 1e-10,
        }
        found |= {f"{title} {name}": row.to(kind) for title, row in rows.items()}
    return found | extreme(count)


def extreme(count: int) -> dict[str, torch.Tensor]:
    """At the ends of float32 and float64."""
    noise = torch.randn(count, dtype=torch.float64)
    both = torch.full((count,), 1e-308, dtype=torch.float64)
    both[::2] = 1.7e308
    return {
        "subnormal float32": (noise * 1e-40).float(),
        "subnormal float64": noise * 1e-310,
        "near 1e-308": noise * 1e-308,
        "near 1e-149, narrow": 1e-149 + noise * 1e-160,
        "near 1e200": noise * 1e200,
        "up to 1.7e308": noise.clamp(-1, 1) * 1.7e308,
        "near 1.5e308": 1.5e308 + noise * 1e305,
        "1e-308 and 1.7e308": both,
        "1 + 1e-12 x noise": 1 + noise * 1e-12,
        "up to 3.4e38": (noise.clamp(-1, 1) * 3.4e38).float(),
        "complex of 1e200": torch.complex(noise, noise.roll(1)) * 1e200,
        "complex with NaN": torch.complex(noise, torch.where(noise > 2, NAN, noise)).to(torch.complex64),
    }


def whole(count: int) -> dict[str, torch.Tensor]:
    """Integers that float64 cannot tell apart, and ends that have nothing behind them."""
    small, least, most = torch.randint(0, 500, (count,)), -(2**63), 2**63 - 1
    ends = small.clone()
    ends[0], ends[-1] = least, most
    above = small.clone()
    above[count // 2] = most
    return {
        "2^62 + small": 2**62 + 3 + small,
        "2^62 + less": 2**62 + small // 20,
        "-2^62 - small": -(2**62) - small * 100,
        "both ends": ends,
        "one at the end": above,
        "all 2^63 - 1": torch.full((count,), most),
        "all -2^63": torch.full((count,), least),
        "zeros int64": torch.zeros(count, dtype=torch.int64),
        "a row int64": torch.arange(count),
        "a row int32": torch.arange(count, dtype=torch.int32) - count // 2,
        "uint64 max": torch.full((count,), -1).view(torch.uint64),
        "below uint64 max": (small - 500).view(torch.uint64),
        "both ends uint64": (small - 250).view(torch.uint64),
        "uint32 max": torch.full((count,), -1, dtype=torch.int32).view(torch.uint32),
        "all true": torch.ones(count, dtype=torch.bool),
        "all false": torch.zeros(count, dtype=torch.bool),
        "all 127": torch.full((count,), 127, dtype=torch.int8),
        "all 255": torch.full((count,), 255, dtype=torch.uint8),
    }


def shown(count: int) -> dict[str, torch.Tensor]:
    """Tensors that show a storage in a way of their own; `count` is a multiple of four."""
    plane = torch.randn(4, count // 4)
    few = torch.where(plane > 2, plane, 0.0)
    places = torch.randint(0, 1000, (2, 500)) % torch.tensor([[4], [count // 4]])
    none = torch.empty(2, 0, dtype=torch.int64)
    scales, zeros = torch.tensor([0.01, 0.02, 0.5, 1.0]), torch.arange(4)
    turned = plane.t().contiguous()
    return {
        "turned": plane.t(),
        "sliced": plane[1:, 3:-5:2],
        "one row in steps": plane.t()[:, 1],
        "overlapping": torch.as_strided(plane.reshape(-1), (count // 8, 4), (1, 1)),
        "expanded": plane[:, :1].expand(4, count),
        "expanded between": plane[:, None, :].expand(4, 3, count // 4),
        "conjugate": torch.complex(plane, plane).conj().t(),
        "negative": torch.complex(plane, plane).conj().imag,
        "COO": few.to_sparse(),
        "COO with dense rows": few.to_sparse(1),
        "COO of integers": (few > 0).long().to_sparse(),
        "COO below zero": (-few).to_sparse(),
        "COO with NaN": torch.where(few > 0, NAN, 0.0).to_sparse(),
        "CSR": few.to_sparse_csr(),
        "CSC": few.to_sparse_csc(),
        "BSR": few.to_sparse_bsr((2, 1)),
        "BSC": few.to_sparse_bsc((2, 1)),
        "uncoalesced": torch.sparse_coo_tensor(places, torch.randn(500), (4, count // 4)),
        "nothing stored": torch.sparse_coo_tensor(none, torch.empty(0), (4, count // 4)),
        "no integer stored": torch.sparse_coo_tensor(none, torch.empty(0, dtype=torch.int64), (4, count // 4)),
        "quint8": torch.quantize_per_tensor(plane, 0.02, 128, torch.quint8),
        "qint8": torch.quantize_per_tensor(plane, 0.02, 0, torch.qint8),
        "qint32": torch.quantize_per_tensor(plane, 1e-5, 5, torch.qint32),
        "by channel": torch.quantize_per_channel(plane, scales, zeros, 0, torch.qint8),
        "by the last channel": torch.quantize_per_channel(turned, scales, zeros, 1, torch.qint8),
        "quint4x2": torch.quantize_per_channel(plane, scales, zeros.float(), 0, torch.quint4x2),
    }


def everything(count: int) -> dict[str, torch.Tensor]:
    """All of them, the same every time."""
    torch.manual_seed(count)
    return dtypes(count) | special(count) | whole(count) | shown(count - count % 4)
