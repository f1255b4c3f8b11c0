"""Which tensor belongs to which: names, prefixes, rules, equal bytes, and what is only proposed."""

from __future__ import annotations

import copy
import time

import pytest
import torch
from torch import nn

from ptinspect.analysis.compare.alignment import align
from ptinspect.analysis.compare.rules import parsed_rules
from ptinspect.checkpoint.model import Entry
from ptinspect.errors import InspectError
from tests.analysis.compare.networks import Pairs, network


def ways(found: object) -> set[object]:
    return {pair.match.paired_by for pair in found.pairs}  # type: ignore[attr-defined]


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.", "net.model.", "student.backbone."])
def test_that_a_prefix_is_found_on_either_side_and_named(pairs: Pairs, prefix: str) -> None:
    state = network().state_dict()
    wrapped = {prefix + name: value for name, value in state.items()}
    found = pairs(state, wrapped)
    assert (found.outline.alignment.left_prefix, found.outline.alignment.right_prefix) == (None, prefix)
    assert (found.verdict, ways(found)) == ("identical", {"prefix"})
    found = pairs(wrapped, state)
    assert (found.outline.alignment.left_prefix, found.outline.alignment.right_prefix) == (prefix, None)


def test_that_two_prefixes_are_found_at_once(pairs: Pairs) -> None:
    state = network().state_dict()
    found = pairs(*({prefix + name: value for name, value in state.items()} for prefix in ("module.", "model.encoder.")))
    assert (found.outline.alignment.left_prefix, found.outline.alignment.right_prefix) == ("module.", "model.encoder.")
    assert found.verdict == "identical"


def test_that_segments_of_wrappers_inside_names_do_not_count(pairs: Pairs) -> None:
    state = network().state_dict()
    wrapped = {name.replace("layer1.", "layer1._fsdp_wrapped_module."): value for name, value in state.items()}
    found = pairs(state, wrapped)
    assert found.verdict == "identical"
    assert found.outline.alignment.right_prefix == "_fsdp_wrapped_module."


def test_that_a_prefix_that_some_names_lack_pairs_the_rest_by_name(pairs: Pairs) -> None:
    state = network().state_dict()
    mixed = {name if name.startswith("fc") else f"backbone.{name}": value for name, value in state.items()}
    found = pairs(state, mixed)
    assert found.verdict == "identical"
    assert ways(found) == {"prefix", "name"}


def test_that_names_on_both_sides_need_no_prefix(pairs: Pairs) -> None:
    wrapped = nn.DataParallel(network()).state_dict()
    found = pairs(wrapped, wrapped)
    assert (found.outline.alignment.left_prefix, found.outline.alignment.right_prefix) == (None, None)
    assert ways(found) == {"name"}


def test_that_layers_that_one_side_lacks_are_not_taken_for_others(pairs: Pairs) -> None:
    """`layer1.` is no prefix of a file, though what follows it is called as in `layer2.`."""
    state = network().state_dict()
    left = {name: value for name, value in state.items() if not name.startswith("layer2")}
    right = {name: value + 1 for name, value in state.items() if not name.startswith("layer1")}
    found = pairs(left, right)
    assert ways(found) <= {"name", "bytes", None}  # ones and zeros have their equals everywhere
    assert not any(pair.match.both for pair in found.pairs if pair.match.name.endswith("conv1.weight") and "layer" in pair.match.name)


def test_that_another_name_for_all_is_no_prefix(pairs: Pairs) -> None:
    state = network().state_dict()
    found = pairs(*({lead + name: value for name, value in state.items()} for lead in ("encoder.", "backbone.")))
    assert (found.verdict, ways(found)) == ("renamed only", {"bytes"})
    found = pairs({"old.weight": torch.ones(2), "old.bias": torch.zeros(1)}, {"new.weight": torch.zeros(2), "new.bias": torch.ones(1)})
    assert ways(found) == {None}
    assert len(found.proposed) == 2


def test_that_bytes_pair_in_file_order_among_equals(pairs: Pairs) -> None:
    left = {"a.x": torch.ones(3), "a.y": torch.ones(3), "a.z": torch.zeros(3), "a.w": torch.ones(3, 1)}
    right = {"b.q": torch.zeros(3), "b.r": torch.ones(3), "b.s": torch.ones(3), "b.t": torch.ones(3)}
    found = pairs(left, right)
    by_bytes = {pair.match.left.name: pair.match.right.name for pair in found.pairs if pair.match.paired_by == "bytes"}  # type: ignore[union-attr]
    assert by_bytes == {"a.x": "b.r", "a.y": "b.s", "a.z": "b.q"}
    assert [pair.match.name for pair in found.pairs if pair.match.both is None] == ["a.w", "b.t"]
    assert not found.proposed


def test_that_equal_shapes_alone_are_only_proposed_and_the_rule_that_accepts_them_works(pairs: Pairs) -> None:
    left = {"old.weight": torch.randn(4, 5), "same.weight": torch.ones(2)}
    right = {"new.weight": torch.randn(4, 5), "same.weight": torch.ones(2)}
    found = pairs(left, right)
    assert [pair.status for pair in found.pairs] == ["left_only", "same", "right_only"]
    assert [(one.left.name, one.right.name, one.paired_by) for one in found.proposed] == [("old.weight", "new.weight", "shape")]  # type: ignore[union-attr]
    found = pairs(left, right, "old.weight=new.weight")
    assert [(pair.status, pair.match.paired_by) for pair in found.pairs] == [("changed", "rule"), ("same", "name")]
    assert found.summary["renamed"] == 1
    assert not found.proposed


@pytest.mark.parametrize(
    "rules",
    [
        ("layer1.*=stage.first.*", "fc.*=head.*"),
        ("layer1.=stage.first.", "fc.=head."),
        ("*1.0.*=*1.0.*", "layer1.*=stage.first.*", "fc.*=head.*"),
    ],
)
def test_that_rules_rename_with_stars(pairs: Pairs, rules: tuple[str, ...]) -> None:
    state = network().state_dict()
    renamed = {name.replace("layer1.", "stage.first.").replace("fc.", "head."): value + 1 for name, value in state.items()}
    found = pairs(state, renamed, *rules)
    assert {pair.status for pair in found.pairs} == {"changed"}


def test_that_a_rule_on_names_without_wrappers_is_enough(pairs: Pairs) -> None:
    state = {f"_orig_mod.{name}": value for name, value in network().state_dict().items()}
    renamed = {name.removeprefix("_orig_mod.").replace("fc.", "head."): value for name, value in state.items()}
    found = pairs(state, renamed, "fc.*=head.*")
    assert found.verdict == "identical"
    assert found.outline.alignment.used[0][1] == 2


@pytest.mark.parametrize("text", ["nonsense", "=b", "a.*=b", "*.*=b.*"])
def test_that_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(InspectError) as caught:
        parsed_rules([text])
    assert caught.value.hint


def test_that_a_rule_with_many_stars_does_not_take_for_ever() -> None:
    rule = parsed_rules(["*a*a*a*a*=*b*b*b*b*"])[0]
    begin = time.perf_counter()
    assert rule.renamed("a" * 200) is not None
    assert time.perf_counter() - begin < 1


def test_that_tied_names_pair_one_by_one(pairs: Pairs) -> None:
    tied = torch.randn(6, 4)
    left = {"embed.weight": tied, "head.weight": tied, "norm.weight": torch.ones(4)}
    right = {"embed.weight": tied + 1, "head.weight": tied, "norm.weight": torch.ones(4)}
    found = pairs(left, right)
    assert [pair.status for pair in found.pairs] == ["changed", "same", "same"]


def test_that_reordered_keys_are_the_same_in_the_order_of_the_left(pairs: Pairs) -> None:
    state = network().state_dict()
    found = pairs(state, dict(reversed(list(state.items()))))
    assert [pair.match.name for pair in found.pairs] == list(state)
    assert found.verdict == "identical"


def test_that_one_module_under_two_names_is_compared_twice(pairs: Pairs) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    model[2] = model[0]
    found = pairs(model, copy.deepcopy(model).state_dict())
    assert len(found.pairs) == 4
    assert found.verdict == "identical"


@pytest.mark.slow
def test_that_100_000_names_align_in_seconds() -> None:
    from ptinspect.dtypes import BY_NAME
    from ptinspect.tensors import TensorInfo

    def entry(name: str) -> Entry:
        return Entry(name, TensorInfo(name, (2,), (1,), BY_NAME["float32"], None), "parameter")

    names = [f"encoder.layers.{i // 10}.block.{i % 10}.weight" for i in range(100_000)]
    begin = time.perf_counter()
    found = align([entry(name) for name in names], [entry(f"module.{name}") for name in reversed(names)])
    assert time.perf_counter() - begin < 20
    assert found.right_prefix == "module."
    assert len(found.matches) == 100_000
