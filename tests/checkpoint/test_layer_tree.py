"""The layer tree: modules in file order, what is counted once, what trains, and files that are made to break it."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.cli.tree import node_json
from ptinspect.errors import InspectError
from tests.attacks.payloads import pickled, short, text
from tests.checkpoint.told import stepped

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


@pytest.fixture
def tree(tmp_path):
    """Save a value, and give its tree as JSON; every tree that a test makes is checked against itself."""

    def made(value, weights=None, match=None, depth=None, **how):
        path = tmp_path / "x.pt"
        if isinstance(value, (bytes, bytearray)):
            path.write_bytes(value)
        else:
            torch.save(value, path, **how)
        return checked(path, weights, match, depth)

    return made


def checked(path, weights=None, match=None, depth=None):
    """The tree of a file as JSON, equal to the tree of rows that it is printed from, and right in its sums."""
    root = layer_tree(open_checkpoint(path), weights, match)
    printed = json.loads("".join(node_json(root, depth)))
    if depth is None:
        stack = [(root, printed)]
        while stack:
            node, found = stack.pop()
            assert (found["name"], found["path"], found["type"]) == (node.name, node.path, node.type)
            assert (found["parameters"], found["bytes"], found["trainable"]) == (node.parameters, node.bytes, node.trainable)
            assert [row["path"] for row in found["tensors"]] == [row.path for row in node.tensors]
            assert found["parameters"] == once(found)
            assert len(found["children"]) == len(node.children)
            stack.extend(zip(node.children, found["children"], strict=True))
    return printed


def walk(node):
    todo = [node]
    while todo:
        found = todo.pop()
        yield found
        todo.extend(reversed(found["children"]))


def once(node):
    """Elements of the parameters below, tied ones once: by a second way than the one under test."""
    rows = [row for found in walk(node) for row in found["tensors"] if row["role"] == "parameter"]
    if len(rows) > 2_000:
        return node["parameters"]
    seen, count = set(), 0
    for row in rows:
        if not seen & {row["path"], *row["shared_with"]}:
            count += int(np.prod(row["shape"], dtype=object)) if row["shape"] else 1
        seen |= {row["path"], *row["shared_with"]}
    return count


def by_path(root):
    return {node["path"]: node for node in walk(root)}


def tensors(root):
    return {row["path"]: row for node in walk(root) for row in node["tensors"]}


# -- what a tree says ------------------------------------------------------------------------------------------------------------


def test_that_modules_stand_in_the_order_of_the_file_with_subtotals(tree):
    root = tree(nn.Sequential(nn.Linear(2, 3), Net(), nn.Linear(1, 1)))
    assert [node["path"] for node in walk(root)] == ["", "0", "1", "1.body", "1.body.0", "1.body.1", "1.body.2", "1.head", "2"]
    assert [node["parameters"] for node in walk(root)] == [141, 9, 130, 120, 112, 0, 8, 10, 2]
    assert by_path(root)["1.body.0"]["bytes"] == 112 * 4


def test_that_a_pickled_module_is_told_with_class_arguments_and_mode(tree):
    net = Net().eval()
    net.head.train()
    found = by_path(tree(net))
    conv = found["body.0"]
    assert (conv["type"], conv["certainty"], conv["class"]) == ("Conv2d", "confirmed", "torch.nn.modules.conv.Conv2d")
    assert conv["extra"] == "3, 4, kernel_size=(3, 3), stride=(1, 1)"
    assert (found[""]["training"], found["head"]["training"]) == (False, True)
    assert (found["body.1"]["type"], found["body.1"]["tensors"]) == ("ReLU", [])


def test_that_metadata_names_the_modules_without_weights(tree):
    found = by_path(tree({"epoch": 1, "net": Net().state_dict()}))
    assert list(found) == ["", "net", "net.body", "net.body.0", "net.body.1", "net.body.2", "net.head"]
    assert (found["net.body.1"]["type"], found["net.body.1"]["tensors"]) == (None, [])
    assert (found["net.head"]["type"], found["net.head"]["certainty"]) == ("Linear", "inferred")


def test_that_tied_tensors_count_once_in_every_module_above_both(tree):
    net = nn.ModuleDict({"a": nn.ModuleDict({"embed": nn.Embedding(5, 3), "decoder": nn.Linear(3, 5)}), "b": nn.Linear(3, 5)})
    net["a"]["decoder"].weight = net["a"]["embed"].weight
    net["b"].weight = net["a"]["embed"].weight
    for value in (net, net.state_dict()):
        found = by_path(tree(value))
        counts = {path: node["parameters"] for path, node in found.items()}
        assert counts == {"": 25, "a": 20, "a.embed": 15, "a.decoder": 20, "b": 20}
        rows = tensors(found[""])
        assert rows["b.weight"]["shared_with"] == ["a.embed.weight", "a.decoder.weight"]
        assert found[""]["bytes"] == 25 * 4


def test_that_a_module_under_two_names_is_listed_under_both_and_counted_once(tree):
    net = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    net.append(net[0])
    root = tree(net)
    assert set(tensors(root)) == set(net.state_dict())
    assert root["parameters"] == sum(p.numel() for p in net.parameters()) == 12
    assert by_path(root)["2"]["parameters"] == 6


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_that_a_recurrent_layer_has_each_weight_once(tree, kind):
    net = nn.ModuleDict({"rnn": kind(3, 4, bidirectional=True)})
    root = tree(net)
    assert list(by_path(root)) == ["", "rnn"]
    assert list(tensors(root)) == list(net.state_dict())
    assert root["parameters"] == sum(p.numel() for p in net.parameters())
    assert {tuple(row["shared_with"]) for row in tensors(root).values()} == {()}


def test_that_buffers_that_are_not_saved_and_plain_tensors_have_their_roles(tree):
    net = Net()
    net.register_buffer("kept", torch.ones(2))
    net.register_buffer("mask", torch.ones(3), persistent=False)
    net.cache = torch.ones(4)
    net.__dict__["again"] = net.head.weight
    root = tree(net)
    roles = {path: row["role"] for path, row in tensors(root).items() if "." not in path}
    assert roles == {"kept": "buffer", "mask": "buffer", "cache": "other"}
    assert root["parameters"] == sum(p.numel() for p in net.parameters())


def test_that_requires_grad_tells_frozen_and_mixed_modules(tree):
    net = Net()
    net.body.requires_grad_(requires_grad=False)
    found = by_path(tree({"model": net}))
    trains = {path: node["trainable"] for path, node in found.items()}
    assert trains == {
        "": "mixed", "model": "mixed", "model.body": False, "model.body.0": False, "model.body.1": None, "model.body.2": False,
        "model.head": True,
    }  # fmt: skip
    assert tensors(found[""])["model.body.0.weight"]["requires_grad"] is False


def test_that_an_optimizer_tells_what_trains(tree):
    net = Net()
    net.body.requires_grad_(requires_grad=False)
    head = torch.optim.Adam([(f"head.{name}", p) for name, p in net.head.named_parameters()])
    net(torch.ones(1, 3, 4, 4)).sum().backward()
    head.step()
    root = tree({"net": net.state_dict(), "optimizer": head.state_dict()})
    found = by_path(root)
    assert [found[path]["trainable"] for path in ("net", "net.body", "net.head", "optimizer")] == ["mixed", False, True, None]
    rows = tensors(root)
    assert rows["net.body.2.running_mean"]["requires_grad"] is None
    assert {row["role"] for path, row in rows.items() if path.startswith("optimizer.")} == {"optimizer"}
    assert [found[f"optimizer.state.{slot}"]["slot_of"] for slot in (0, 1)] == ["head.weight", "head.bias"]
    assert root["parameters"] == found["net"]["parameters"]


def test_that_without_an_optimizer_nothing_is_said(tree):
    root = tree(Net().state_dict())
    assert {node["trainable"] for node in walk(root)} == {None}
    assert {row["requires_grad"] for row in tensors(root).values()} == {None}


def test_that_a_pickled_optimizer_is_one(tree):
    net = Net()
    root = tree({"net": net, "optimizer": stepped(torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9))})
    roles = {row["role"] for path, row in tensors(root).items() if path.startswith("optimizer.")}
    assert roles == {"optimizer"}
    assert root["parameters"] == sum(p.numel() for p in net.parameters())


def test_that_plain_values_are_lines(tree):
    root = tree(
        {
            "epoch": 3, "lr": 0.5, "name": "run", "none": None, "args": argparse.Namespace(lr=0.1, sizes=[1, 2]), "empty": {},
            "mean": np.arange(6.0).reshape(2, 3), "best": np.float32(0.5), "net": Net().state_dict(), "nan": float("nan"),
        }
    )  # fmt: skip
    values = {value["name"]: (value["type"], value["text"]) for value in root["values"]}
    assert values["epoch"] == ("int", "3")
    assert values["none"] == ("None", "None")
    assert values["mean"] == ("ndarray", "shape (2, 3), float64")
    assert values["best"][1] == "0.5"
    assert values["nan"] == ("float", "nan")
    args = by_path(root)["args"]
    assert (args["type"], [value["name"] for value in args["values"]]) == ("Namespace", ["lr", "sizes"])


def test_that_safetensors_names_sort_as_people_count(tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file({f"layer.{n}.weight": torch.ones(1) for n in (10, 2, 1, 0, 9)}, path)
    assert [node["name"] for node in walk(checked(path))] == ["", "layer", "0", "1", "2", "9", "10"]


def test_that_a_second_place_of_one_path_gets_a_number(tree):
    linear = nn.Linear(2, 2)
    root = tree(
        {"nets": {1: linear.state_dict(), "1": nn.Linear(2, 2).state_dict()}, "a.b": torch.ones(3), "a": [[torch.ones(3)]], "a.0.0": 1}
    )
    names = {"nets.1.weight", "nets.1.bias", "nets.1.weight#2", "nets.1.bias#2", "a.b", "a.0.0"}
    assert set(tensors(root)) == names
    assert root["parameters"] == 12


def test_that_a_scripted_module_reads_as_the_one_it_was_made_of(tmp_path):
    net = Net().eval()
    net.register_buffer("mask", torch.ones(3), persistent=False)
    path = tmp_path / "x.pt"
    torch.jit.save(torch.jit.script(net), path)
    found = by_path(checked(path))
    for name, module in net.named_modules():
        assert (found[name]["type"], found[name]["certainty"]) == (type(module).__name__, "confirmed")
        if name and name != "body":
            assert (found[name]["extra"] or "") == module.extra_repr()
    assert found[""]["parameters"] == sum(p.numel() for p in net.parameters())
    assert tensors(found[""])["mask"]["role"] == "buffer"


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("*.weight", {"body.0.weight", "body.2.weight", "head.weight"}),
        ("head", {"head.weight", "head.bias"}),
        ("body.0.*, head.bias", {"body.0.weight", "body.0.bias", "head.bias"}),
        ("body.[02].bias", {"body.0.bias", "body.2.bias"}),
        ("HEAD*", set()),
        ("*running_m?an", {"body.2.running_mean"}),
    ],
)
def test_that_a_glob_keeps_what_fits_and_sums_what_is_kept(tree, match, expected):
    root = tree(Net(), match=match)
    assert set(tensors(root)) == expected
    assert all(node["tensors"] or node["children"] or not node["path"] for node in walk(root))


def test_that_one_weight_set_can_be_chosen(tree):
    value = {"net": Net().state_dict(), "ema": {"shadow": nn.Linear(2, 2).state_dict()}}
    assert tree(value, weights="ema.shadow")["parameters"] == 6
    with pytest.raises(InspectError) as error:
        tree(value, weights="nets")
    assert "`net`, `ema.shadow`" in error.value.hint


def test_that_depth_cuts_children_and_keeps_totals(tree):
    root = tree(Net(), depth=1)
    assert [child["name"] for child in root["children"]] == ["body", "head"]
    assert root["children"][0]["children"] == []
    assert root["children"][0]["parameters"] == 120


def test_that_a_tensor_that_cannot_be_read_keeps_its_row(tree):
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(4), "b": torch.ones(40)}, buffer)
    rows = tensors(tree(buffer.getvalue().replace(b"data/1", b"data/7")))
    assert "problem" not in rows["a"]
    assert rows["b"]["problem"]


# -- files that are made to break it --------------------------------------------------------------------------------------------


def zipped(body):
    stream = io.BytesIO()
    writer = torch._C.PyTorchFileWriter(stream)
    writer.write_record("data.pkl", body, len(body))
    writer.write_end_of_file()
    return stream.getvalue()


def test_that_a_module_that_holds_itself_ends(tree):
    net = Net()
    net.body._modules["again"] = net
    net._modules["self"] = net
    assert tree(net)["parameters"] == 130


@pytest.mark.slow
def test_that_two_hundred_thousand_lists_in_each_other_are_bounded(tree):
    root = tree(zipped(pickled(b"]" * 200_000 + b"a" * 199_999)))
    assert sum(1 for _ in walk(root)) < 10_000


def test_that_deep_nests_of_long_keys_do_not_fill_the_memory(tree):
    body = b"".join(b"}" + short(f"{n:06d}" + "x" * 200) for n in range(30_000)) + b"}" + b"s" * 30_000
    root = tree(zipped(b"\x80\x04" + body + b"."))
    assert sum(len(node["path"]) for node in walk(root)) < 200_000_000


def test_that_a_name_of_a_hundred_thousand_dots_is_bounded(tree):
    root = tree({"net": {"a." * 100_000 + "w": torch.ones(1), "b.w": torch.ones(2)}})
    assert sum(len(node["path"]) for node in walk(root)) < 100_000_000
    assert root["parameters"] == 3


def test_that_a_name_too_long_to_be_spelled_as_a_place_is_one_row(tree):
    root = tree({"a" * 10_000 + ".weight": torch.ones(2, 2), "b.weight": torch.ones(1)})
    assert [len(node["name"]) for node in root["children"]] == [10_000, 1]
    assert root["parameters"] == 5


@pytest.mark.slow
def test_that_two_hundred_thousand_keys_are_bounded(tree):
    root = tree({f"key{n}": n for n in range(200_000)})
    assert 0 < len(root["values"]) <= 20_000


def test_that_ten_thousand_names_of_one_tensor_do_not_list_each_other(tree):
    one = torch.ones(2, 2)
    root = tree({f"w{n}": one for n in range(10_000)})
    assert root["parameters"] == 4
    assert root["bytes"] == 16
    assert max(len(row["shared_with"]) for row in root["tensors"]) <= 32


def test_that_ten_thousand_views_of_one_storage_are_rows(tree):
    whole = torch.ones(10_001)
    root = tree({f"w{n}": whole[n : n + 2] for n in range(10_000)})
    assert len(root["tensors"]) == 10_000


def test_that_names_with_anything_in_them_are_valid_json(tree):
    nasty = ['"', "\\", "\n", "\x00", "\x1b[31m", "\U0001f600", "\u2028", "a..b", ".", ""]
    root = tree({name: {f"{name}.weight": torch.ones(1), f"x{name}": torch.ones(1)} for name in nasty})
    assert {f"{name}.{name}.weight" for name in nasty if name} <= set(tensors(root))


def test_that_a_lone_surrogate_survives_as_json(tree):
    lone = b"X\x03\x00\x00\x00\xed\xa0\x80"
    root = tree(zipped(pickled(b"}(" + lone + lone + text("a") + b"K\x01u")))
    assert [value["name"] for value in root["values"]] == ["\ud800", "a"]


def test_that_odd_keys_have_a_path(tree):
    keys = [1, 1.5, True, None, b"x", (1, 2), torch.float32]
    root = tree({key: {"w": torch.ones(1)} for key in keys})
    assert len(tensors(root)) == len(keys) - 1  # True is 1


def test_that_a_tree_of_very_many_names_says_how_many_it_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-32: a million names of one tensor took 1.6 GB as rows."""
    monkeypatch.setattr("ptinspect.checkpoint.layers.MOST_ROWS", 10)
    torch.save({f"layer.{index}": torch.ones(2) for index in range(25)}, tmp_path / "many.pt")
    root = layer_tree(open_checkpoint(tmp_path / "many.pt"))
    assert sum(len(node.tensors) for node in root.walk()) == 10
    assert [value.text for value in root.values] == ["15 more tensors are not shown"]
