"""Sparse tensors as torch spreads them out, and those whose indices lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ptinspect.checkpoint import values as module
from ptinspect.checkpoint.sparse import coalesced
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.checkpoint.values import whole
from ptinspect.errors import Corrupt, FileProblem, Unsupported
from tests.checkpoint.saved import saved
from tests.checkpoint.truth import in_chunks, of, place, same, truth

pytestmark = pytest.mark.filterwarnings("ignore")

INDICES = torch.tensor([[0, 2, 0, 1], [1, 0, 1, 3]])


def sparse() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    holes = (torch.rand(4, 6) > 0.5) * torch.randn(4, 6)
    batches = torch.randn(2, 3, 4, 6)
    return {
        "uncoalesced": torch.sparse_coo_tensor(INDICES, torch.tensor([1.0, 2.0, 3.0, 4.0]), (3, 4)),
        "coalesced": torch.sparse_coo_tensor(INDICES, torch.tensor([1.0, 2.0, 3.0, 4.0]), (3, 4)).coalesce(),
        "brain": torch.sparse_coo_tensor(INDICES, torch.tensor([1, 2, 3, 4], dtype=torch.bfloat16), (3, 4)),
        "whole numbers": torch.sparse_coo_tensor(INDICES, torch.tensor([1, 2, 3, 2**62]), (3, 4)),
        "complex": torch.sparse_coo_tensor(INDICES, torch.randn(4, dtype=torch.complex64), (3, 4)),
        "hybrid": torch.sparse_coo_tensor(torch.tensor([[2, 0, 2]]), torch.randn(3, 2, 5), (3, 2, 5)),
        "without dimensions": torch.sparse_coo_tensor(torch.zeros(0, 1, dtype=torch.long), torch.tensor([3.0]), ()),
        "all dense": torch.sparse_coo_tensor(torch.zeros(0, 2, dtype=torch.long), torch.randn(2, 4), (4,)),
        "all zeros": torch.sparse_coo_tensor(torch.zeros(2, 0, dtype=torch.long), torch.zeros(0), (3, 4)),
        "empty": torch.sparse_coo_tensor(torch.zeros(2, 0, dtype=torch.long), torch.zeros(0), (0, 4)),
        "csr": holes.to_sparse_csr(),
        "csc": holes.to_sparse_csc(),
        "bsr": holes.to_sparse_bsr((2, 3)),
        "bsc": holes.to_sparse_bsc((2, 3)),
        "csr batches": batches.to_sparse_csr(),
        "csc batches": batches.to_sparse_csc(),
        "bsr batches": batches.to_sparse_bsr((2, 3)),
        "bsc batches": batches.to_sparse_bsc((2, 3)),
        "csr hybrid": torch.randn(4, 6, 3).to_sparse_csr(dense_dim=1),
        "bsr hybrid": torch.randn(4, 6, 3).to_sparse_bsr((2, 2), dense_dim=1),
        "csc hybrid batches": torch.randn(2, 4, 6, 3).to_sparse_csc(dense_dim=1),
        "csr without values": torch.zeros(3, 4).to_sparse_csr(),
        "csr empty": torch.zeros(0, 4).to_sparse_csr(),
        "csr short indices": torch.sparse_csr_tensor(
            torch.tensor([0, 1, 2], dtype=torch.int32), torch.tensor([1, 0], dtype=torch.int32), torch.tensor([1.0, 2.0]), (2, 2)
        ),
    }


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", sparse())
def test_that_a_sparse_tensor_reads_as_torch_spreads_it_out(name: str, options: dict[str, object], tmp_path: Path) -> None:
    tensor = sparse()[name]
    checkpoint = saved(tmp_path, {"x": tensor}, **options)
    assert same(of(checkpoint, "x"), truth(tensor))
    for most in (1, 5, 100):
        chunks = in_chunks(checkpoint, place(checkpoint, "x"), most)
        assert all(0 < chunk.size <= most for chunk in chunks)
        assert b"".join(chunk.tobytes() for chunk in chunks) == truth(tensor).tobytes()


@pytest.mark.parametrize("name", sparse())
def test_that_stored_values_are_those_of_the_coalesced_tensor(name: str, tmp_path: Path) -> None:
    tensor = sparse()[name]
    checkpoint = saved(tmp_path, {"x": tensor})
    info = place(checkpoint, "x")
    with StorageBytes(checkpoint) as storages:
        found = coalesced(info, [whole(storages, part) for part in info.parts])
    expected = tensor.coalesce().values() if tensor.layout is torch.sparse_coo else tensor.values()
    assert sorted(found.reshape(-1).tolist(), key=str) == sorted(truth(expected).reshape(-1).tolist(), key=str)


class Made:
    """A sparse tensor from parts of our choice, which torch would refuse."""

    def __init__(self, layout: torch.layout, *data: object) -> None:
        self.layout, self.data = layout, data

    def __reduce__(self):
        return torch._utils._rebuild_sparse_tensor, (self.layout, self.data)


def ints(*numbers: object) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.int64)


WRONG = {
    "column outside": (torch.sparse_coo, ints([0, 2], [0, 9]), torch.ones(2), (3, 4)),
    "negative index": (torch.sparse_coo, ints([0, -1], [0, 1]), torch.ones(2), (3, 4)),
    "too few values": (torch.sparse_coo, ints([0, 2], [0, 1]), torch.ones(1), (3, 4)),
    "too many values": (torch.sparse_coo, ints([0, 2], [0, 1]), torch.ones(3), (3, 4)),
    "too many dimensions": (torch.sparse_coo, ints([0], [0], [0]), torch.ones(1), (3, 4)),
    "flat indices": (torch.sparse_coo, ints(0, 1), torch.ones(2), (3,)),
    "one index": (torch.sparse_coo, torch.tensor(0), torch.ones(2), (3,)),
    "fractions as indices": (torch.sparse_coo, torch.tensor([[0.5]]), torch.ones(1), (3,)),
    "one value": (torch.sparse_coo, ints([0, 1]), torch.tensor(1.0), (3,)),
    "rows that go back": (torch.sparse_csr, ints(0, 2, 1), ints(0, 1), torch.ones(2), (2, 2)),
    "rows that end early": (torch.sparse_csr, ints(0, 1, 1), ints(0, 1), torch.ones(2), (2, 2)),
    "rows that end late": (torch.sparse_csr, ints(0, 1, 3), ints(0, 1), torch.ones(2), (2, 2)),
    "rows that begin late": (torch.sparse_csr, ints(1, 2, 3), ints(0, 1), torch.ones(2), (2, 2)),
    "too few rows": (torch.sparse_csr, ints(0, 2), ints(0, 1), torch.ones(2), (2, 2)),
    "no rows": (torch.sparse_csr, torch.zeros(0, dtype=torch.long), ints(0, 1), torch.ones(2), (2, 2)),
    "a column too far": (torch.sparse_csr, ints(0, 1, 2), ints(0, 2), torch.ones(2), (2, 2)),
    "a column before": (torch.sparse_csc, ints(0, 1, 2), ints(-1, 0), torch.ones(2), (2, 2)),
    "one shape only": (torch.sparse_csr, ints(0, 1, 2), ints(0, 1), torch.ones(2), (4,)),
    "numbers for rows": (torch.sparse_csr, torch.tensor(0), torch.tensor(0), torch.tensor(1.0), (1, 1)),
    "fractions for rows": (torch.sparse_csr, torch.tensor([0.0, 1.0, 2.0]), ints(0, 1), torch.ones(2), (2, 2)),
    "blocks that do not fill": (torch.sparse_bsr, ints(0, 1), ints(0), torch.ones(1, 2, 2), (3, 2)),
    "blocks of nothing": (torch.sparse_bsr, ints(0, 1), ints(0), torch.ones(1, 0, 2), (2, 2)),
    "no blocks": (torch.sparse_bsr, ints(0, 1), ints(0), torch.ones(1), (2, 2)),
    "another batch": (torch.sparse_csr, ints([0, 1], [0, 1]), ints([0]), torch.ones(1, 1), (2, 1, 1)),
    "a batch too many": (torch.sparse_csr, ints([0, 1], [0, 1]), ints([0], [0]), torch.ones(2, 1), (3, 1, 1)),
    "more than there are numbers": (torch.sparse_coo, ints([0]), torch.ones(1), (2**40,)),
}


@pytest.mark.parametrize("name", WRONG)
def test_that_parts_that_lie_are_a_clear_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"indices|parts do not fit|zeros") as caught:
        of(saved(tmp_path, [Made(*WRONG[name])]), "0")
    assert caught.value.hint


def test_that_too_large_a_shape_to_count_is_corrupt_when_only_its_values_are_asked_for(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, [Made(torch.sparse_coo, ints([0, 1], [0, 1]), torch.ones(2), (2**40, 2**40))])
    info = place(checkpoint, "0")
    with StorageBytes(checkpoint) as storages, pytest.raises(Corrupt, match="do not fit its shape"):
        coalesced(info, [whole(storages, part) for part in info.parts])


def test_that_a_flood_of_stored_values_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Indices that are expanded from one number cost a file nothing."""
    many = module.MOST_STORED + 1
    made = Made(torch.sparse_coo, torch.zeros(1, 1, dtype=torch.long).expand(1, many), torch.ones(1).expand(many), (3,))
    with pytest.raises(Unsupported, match="more than are read at once"):
        of(saved(tmp_path, [made]), "0")


def test_that_sums_of_duplicates_are_made_in_the_order_of_the_file(tmp_path: Path) -> None:
    stored = torch.tensor([1e8, 1.0, -1e8, 1.0])
    tensor = torch.sparse_coo_tensor(torch.zeros(1, 4, dtype=torch.long), stored, (2,))
    expected = np.float32(0)
    for number in stored.numpy():
        expected += number
    assert of(saved(tmp_path, [tensor]), "0").tolist() == [float(expected), 0.0]
