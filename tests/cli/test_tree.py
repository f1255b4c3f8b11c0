"""The layer table as people see it: golden files, and sums that are right."""

from __future__ import annotations

import json
import re

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.layer_table import table_lines
from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.cli.main import main
from tests.goldens.trees import GOLDENS, table, texts

NAMES = sorted(path.name for path in GOLDENS.glob("tree-*.txt"))


@pytest.fixture(scope="module")
def printed():
    return texts()


def rows(text):
    """The table's lines between the two rules."""
    lines = text.splitlines()
    first, last = (number for number, line in enumerate(lines) if line.startswith("─"))
    return lines[first + 1 : last], lines[last + 1 :]


def total(lines, label):
    found = next((line for line in lines if line.startswith(label)), None)
    return None if found is None else int(found.split()[1].replace(",", ""))


def counts(lines, width=100):
    """The numbers of the parameter column in rows of tensors: those that have a shape and no share."""
    found = []
    for line in lines:
        cell, share = line[width - 31 : width - 17].strip(), line[width - 17 : width - 9].strip()
        if cell and not share and re.fullmatch(r"[\d,]+", cell):
            found.append(int(cell.replace(",", "")))
    return found


def of(value, folder, depth=None):
    """The table of a value."""
    path = folder / "x.pt"
    torch.save(value, path)
    return "\n".join(table_lines(layer_tree(open_checkpoint(path)), depth))


def test_that_the_tables_are_those_of_the_golden_files(printed):
    """`python -m tests.goldens` writes them anew."""
    assert sorted(printed) == NAMES
    for name, text in printed.items():
        assert text == (GOLDENS / name).read_text("utf-8"), name


@pytest.mark.parametrize("name", [name for name in NAMES if "depth" not in name])
def test_that_the_column_of_parameters_adds_up_to_the_total(name):
    table, totals = rows((GOLDENS / name).read_text("utf-8"))
    assert sum(counts(table)) == total(totals, "Parameters") > 0


@pytest.mark.parametrize("name", NAMES)
def test_that_what_trains_and_what_is_frozen_are_all_parameters(name):
    _, totals = rows((GOLDENS / name).read_text("utf-8"))
    if total(totals, "Trainable") is not None:
        assert total(totals, "Trainable") + total(totals, "Frozen") == total(totals, "Parameters")


@pytest.mark.parametrize("name", NAMES)
def test_that_no_line_ends_in_blanks_or_is_wider_than_the_rule(name):
    for line in (GOLDENS / name).read_text("utf-8").splitlines():
        assert line == line.rstrip()
        assert len(line) <= 100 or "  = " in line, line


def test_that_the_columns_stand_under_their_headers():
    lines = (GOLDENS / "tree-model.txt").read_text("utf-8").splitlines()
    kind, end = lines[0].index("Type"), lines[0].index("Parameters") + len("Parameters")
    numbered = [line for line in lines[2:-4] if counts([line]) or " %" in line]
    assert len(numbered) > 10
    assert all(line[kind - 1] == " " and line[end - 1].isdigit() and line[end : end + 1] in ("", " ") for line in numbered)


def test_that_a_wide_terminal_gets_wider_columns(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"a" * 50: nn.Linear(2, 2)}, path)
    wide = table(path, columns=300).splitlines()
    assert len(wide[1]) == 160
    assert "a" * 50 in wide[2]
    assert sum(counts(rows("\n".join(wide))[0], 160)) == 6


def test_that_a_deep_nest_keeps_its_names_in_sight(tmp_path):
    value = {"the_weight": torch.ones(2)}
    for _ in range(100):
        value = {"level": value}
    line = next(line for line in of(value, tmp_path).splitlines() if "the_weight" in line)
    assert line.index("float32") == 31


def test_that_the_slots_of_an_optimizer_bear_the_names_of_their_parameters(tmp_path):
    net = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    text = of({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path)
    assert re.search(r"^ +0 \(weight\) +step, exp_avg, exp_avg_sq \(2, 3\)$", text, re.MULTILINE)
    assert re.search(r"^ +1 \(bias\) +step, exp_avg, exp_avg_sq \(2\)$", text, re.MULTILINE)
    assert re.search(r"^ +0 +lr=0.001, betas=\[0.9, 0.999\]", text, re.MULTILINE)


def test_that_a_tied_tensor_counts_where_it_stands_first(tmp_path):
    net = nn.ModuleDict({"embed": nn.Embedding(5, 3), "decoder": nn.Linear(3, 5)})
    net["decoder"].weight = net["embed"].weight
    table, totals = rows(of(net, tmp_path))
    assert [line.split()[-2:] for line in table if "= embed.weight" in line] == [["=", "embed.weight"]]
    assert sum("(15)" in line for line in table) == 1
    assert sum(counts(table)) == total(totals, "Parameters") == 20


def test_that_nothing_of_a_file_steers_the_terminal(tmp_path):
    nasty = {"a\x1b[2J\r\n\u202eb": torch.ones(1), "c": torch.ones(1)}
    text = of({"w\x07": nasty, "t": "x\x1b]0;title\x07"}, tmp_path)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "\\x1b" in text


def test_that_a_broken_tensor_says_why_in_its_row(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"a": torch.ones(4), "b": torch.ones(40_000)}, path)
    path.write_bytes(path.read_bytes().replace(b"data/1", b"data/7"))
    text = "\n".join(table_lines(layer_tree(open_checkpoint(path)), None))
    line = next(line for line in text.splitlines() if line.startswith("b "))
    assert len(line) > 70


def test_that_low_bit_weights_are_counted_as_what_they_stand_for(tmp_path):
    packed = {
        "q.qweight": torch.zeros(64, 256, dtype=torch.int32), "q.qzeros": torch.zeros(4, 32, dtype=torch.int32),
        "q.scales": torch.zeros(4, 256, dtype=torch.float16), "q.g_idx": torch.zeros(512, dtype=torch.int32),
    }  # fmt: skip
    text = of(packed, tmp_path)
    assert re.search(r"^Unpacked +131,072 ", text, re.MULTILINE), text


def test_that_depth_adds_up_what_it_hides(tmp_path):
    text = of(nn.Sequential(nn.Sequential(nn.Linear(3, 2)), nn.Linear(2, 2)), tmp_path, 1)
    table, totals = rows(text)
    assert [line[:83].split()[-1] for line in table] == ["14", "8", "6"]
    assert table[0].startswith("(the root)                     Sequential ")
    assert total(totals, "Parameters") == 14


def test_that_a_negative_depth_is_an_error_of_two_lines(tmp_path, capsys):
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "x.pt")
    assert main(["tree", str(tmp_path / "x.pt"), "--depth", "-1"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 2
    assert "--depth -1" in err


def test_that_a_glob_without_a_hit_says_so(tmp_path, capsys):
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "x.pt")
    assert main(["tree", str(tmp_path / "x.pt"), "--match", "nowhere*"]) == 0
    assert capsys.readouterr().out == "no path matches nowhere*\n"
    assert main(["tree", str(tmp_path / "x.pt"), "--match", "nowhere*", "--json"]) == 0
    root = json.loads(capsys.readouterr().out)["root"]
    assert (root["children"], root["tensors"], root["parameters"]) == ([], [], 0)


def test_that_a_lone_tensor_has_a_name_in_the_table(tmp_path):
    lines, totals = rows(of(torch.ones(2, 3), tmp_path))
    assert lines[0].split() == ["(the", "root)", "float32", "(2,", "3)", "other"]
    assert totals[0].startswith("Parameters")


def test_that_a_model_of_one_layer_says_what_it_is(tmp_path):
    lines, _ = rows(of(nn.LSTM(4, 8, 2), tmp_path))
    assert lines[0].startswith("(the root)                     LSTM(4, 8, num_layers=2)")
    lines, _ = rows(of(nn.Linear(4, 8).state_dict(), tmp_path))
    assert lines[0].startswith("(the root)                     Linear?")
    lines, _ = rows(of(nn.Sequential(nn.Linear(4, 8)).state_dict(), tmp_path))
    assert lines[0].startswith("0 ")


def test_that_the_mode_of_a_pickled_model_is_told(tmp_path):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout())
    assert "Mode        train" in rows(of(model, tmp_path))[1]
    model[1].eval()
    assert "Mode        train in 3 of 4 modules, eval in the rest" in rows(of(model, tmp_path))[1]
    assert "Mode        eval" in rows(of(model.eval(), tmp_path))[1]
    assert not any(line.startswith("Mode") for line in rows(of(model.state_dict(), tmp_path))[1])
