"""The little language of the filter field."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.layers import TensorRow
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.findings import Finding
from ptinspect.session.filters import BadFilter, Listing, narrow, parse
from ptinspect.session.shelf import Shelf, pack


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Listing:
    path = tmp_path_factory.mktemp("filters") / "model.pt"
    tensors = {
        "stem.conv.weight": torch.zeros(64, 3, 7, 7),
        "stem.bn.weight": torch.zeros(64),
        "stem.bn.running_mean": torch.zeros(64),
        "Head.fc.weight": torch.zeros(10, 64, dtype=torch.bfloat16),
        "Head.fc.bias": torch.zeros(10, dtype=torch.float16),
        "steps": torch.zeros((), dtype=torch.int64),
    }
    torch.save(tensors, path)
    return Listing(layer_tree(open_checkpoint(path)))


def hits(listing: Listing, text: str) -> set[str]:
    """The tensors that are kept."""
    kept = narrow(listing, text).kept
    return {source.path for source in listing.sources if id(source) in kept and hasattr(source, "tensor")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("head", {"Head.fc.weight", "Head.fc.bias"}),
        ("FC bias", {"Head.fc.bias"}),
        ("stem.bn", {"stem.bn.weight", "stem.bn.running_mean"}),
        ("/weight$/", {"stem.conv.weight", "stem.bn.weight", "Head.fc.weight"}),
        ("/^stem.*(mean|weight)$/ bn", {"stem.bn.weight", "stem.bn.running_mean"}),
        ("dtype:bfloat16", {"Head.fc.weight"}),
        ("dtype:bf16,f16", {"Head.fc.weight", "Head.fc.bias"}),
        ("dtype:half", {"Head.fc.bias"}),
        ("dtype:int", {"steps"}),
        ("shape:64,3,7,7", {"stem.conv.weight"}),
        ("shape:64x*x7x*", {"stem.conv.weight"}),
        ("shape:10", {"Head.fc.weight", "Head.fc.bias"}),
        ("size>1k", {"stem.conv.weight"}),
        ("size<=10 head", {"Head.fc.bias"}),
        ("bytes>=1KB", {"stem.conv.weight", "Head.fc.weight"}),
        ("type:conv2d", {"stem.conv.weight"}),
        ("role:buffer stem", {"stem.bn.running_mean"}),
        ("nothing-like-this", set()),
        ("dtype: shape: fc", {"Head.fc.weight", "Head.fc.bias"}),
    ],
)
def test_that_a_filter_keeps(listing: Listing, text: str, expected: set[str]) -> None:
    assert hits(listing, text) == expected


@pytest.mark.parametrize("text", ["/(/", "size>big", "shape:wide", "health:splendid", "/(a+)+b/"])
def test_that_a_bad_filter_is_told(text: str) -> None:
    with pytest.raises(BadFilter):
        parse(text)


def test_that_nan_finds_what_was_counted_and_tells_how_much_was_not(listing: Listing) -> None:
    shelf, rows = Shelf(), [row for row in listing.sources if isinstance(row, TensorRow)]
    for row, nans, infs in zip(rows, (2, 0, 0, 0), (0, 0, 1, 0), strict=False):
        shelf.put(row, pack({"nans": nans, "infs": infs}), b"")
    both, inf, fc = (narrow(listing, text, shelf=shelf) for text in ("nan:", "inf:", "nan:fc dtype:float"))
    assert (both.hits, inf.hits, fc.hits) == (2, 1, sum("fc" in row.path for row in (rows[0], rows[2])))
    assert both.uncounted == len(rows) - 4
    assert {rows[0].path, rows[2].path} == {row.path for row in rows if id(row) in both.found}
    assert narrow(listing, "nan:").uncounted == len(rows)


def test_that_health_finds_the_rows_that_a_finding_names(listing: Listing) -> None:
    shelf = Shelf()
    assert (narrow(listing, "health:", shelf=shelf).hits, narrow(listing, "health:", shelf=shelf).uncounted) == (0, 6)
    shelf.mark_all((Finding("danger", "t", "d", "Head.fc.bias"), Finding("notice", "t", "d", "stem.bn.weight")))
    assert [narrow(listing, text, shelf=shelf).hits for text in ("health:", "health:broken", "health:dang", "health:look")] == [2, 1, 1, 0]


def test_that_hits_are_kept_with_all_that_leads_to_them(listing: Listing) -> None:
    found = narrow(listing, "running")
    assert (found.hits, found.first) == (1, "tensor:stem.bn.running_mean")
    assert found.expanded == {"layer:stem", "layer:stem.bn"}
    assert len(found.kept) == 3


def test_that_hits_are_marked_in_names_as_they_are_shown() -> None:
    query = parse("mea /^run/")
    assert query.spans("running_mean") == ((0, 3), (8, 11))


@pytest.mark.slow
def test_that_a_hundred_thousand_rows_take_no_time_to_notice(tmp_path: Path) -> None:
    path = tmp_path / "many.pt"
    shared = torch.zeros(2)
    torch.save({f"encoder.layers.{at // 10}.block.{at % 10}.weight": shared for at in range(100_000)}, path)
    listing = Listing(layer_tree(open_checkpoint(path)))
    taken = []
    for text in ("weight", "99.block", "/[13579]\\.block/", "dtype:f32 shape:2"):
        start = time.process_time()
        assert narrow(listing, text).hits > 100
        taken.append(time.process_time() - start)
    assert max(taken) < 1.0  # the promise is a tenth of it, on a machine that does nothing else
