"""`diff`: exit status, every field of the contract, the forms it prints, and that a file's text stays text."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch

from ptinspect.analysis.compare.rules import Rule
from ptinspect.cli import diff, diff_text
from ptinspect.cli.main import main
from ptinspect.ui import app
from tests.analysis.compare.networks import network, trained
from tests.cli.test_info import Optional, check, strictly

VERDICTS = [
    "identical", "cast only", "renamed only", "statistics only", "head only", "low rank", "different architecture", "fully fine-tuned",
    "partly fine-tuned",
]  # fmt: skip
NUMBER = Optional((float, int, str))
SHAPE = Optional([int])
PAIR = {
    "left": Optional(str),
    "right": Optional(str),
    "paired_by": Optional(["name", "prefix", "bytes", "shape", "rule"]),
    "status": ["same", "changed", "left_only", "right_only", "shape_changed", "dtype_changed"],
    "left_shape": SHAPE,
    "right_shape": SHAPE,
    "left_dtype": Optional(str),
    "right_dtype": Optional(str),
    **dict.fromkeys(("max_abs", "mean_abs", "relative_l2", "cosine", "changed_fraction"), NUMBER),
    "within_rounding": Optional(bool),
    "within_tolerance": Optional(bool),
}
SUMMARY = dict.fromkeys(("same", "changed", "renamed", "left_only", "right_only", "shape_changed", "dtype_changed"), int)
DIFF = {
    "schema": int,
    "path": str,
    "identical": bool,
    "verdict": VERDICTS,
    "also": [str],
    "sentence": str,
    "buffers_moved": int,
    "summary": SUMMARY,
    "alignment": {
        "left_prefix": Optional(str),
        "right_prefix": Optional(str),
        "left_weights": Optional(str),
        "right_weights": Optional(str),
    },
    "pairs": [PAIR],
    "proposed": [{"left": str, "right": str, "shape": [int]}],
    "would_load": {
        "strict": bool,
        "missing": [str],
        "unexpected": [str],
        "mismatched": [{"name": str, "file": [int], "expected": [int]}],
    },
    "training": [{"path": str, "left": Optional((str, int, float, bool)), "right": Optional((str, int, float, bool))}],
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One for each answer."""
    folder = tmp_path_factory.mktemp("diff")
    model = network(width=8)
    state = model.state_dict()
    values = {
        "base": state,
        "copy": {"epoch": 2, "net": state},
        "head": trained(model, model.fc.parameters()).state_dict(),  # type: ignore[union-attr, arg-type]
        "tuned": {"epoch": 5, "model": {f"module.{name}": value for name, value in trained(model, lr=1e-3).state_dict().items()}},
        "half": {name: value.half() if value.is_floating_point() else value for name, value in state.items()},
        "wide": network(classes=4, width=8).state_dict(),
        "nan": {name: value.float() * float("nan") for name, value in state.items()},
        "both": {"model": state, "ema": {name: value.float() + 0.5 for name, value in state.items()}},
        "empty": {},
        "optimizer": torch.optim.Adam(model.parameters()).state_dict(),
    }
    for name, value in values.items():
        torch.save(value, folder / f"{name}.pt")
    return {name: str(folder / f"{name}.pt") for name in (*values, "missing")}


def told(capsys: Any, *argv: str) -> tuple[int, dict[str, Any]]:
    status = main(["diff", *argv, "--json"])
    return status, strictly(capsys.readouterr().out)


@pytest.mark.parametrize("right", ["base", "copy", "head", "tuned", "half", "wide", "nan", "empty", "optimizer"])
def test_that_every_answer_fits_the_contract_either_way(files, capsys, right: str) -> None:
    for left, other in (("base", right), (right, "base")):
        status, found = told(capsys, files[left], files[other])
        check(found, DIFF)
        assert status == (0 if found["identical"] else 1)
        assert found["identical"] == (found["verdict"] == "identical") == (right in ("base", "copy"))
        counts = dict(found["summary"])
        assert counts.pop("renamed") == sum(pair["paired_by"] == "bytes" for pair in found["pairs"])
        assert sum(counts.values()) == len(found["pairs"])


def test_that_an_error_is_two_lines_under_the_name_of_its_file(files, capsys) -> None:
    for argv in ([files["base"], files["missing"]], [files["missing"], files["base"]], [files["base"], files["head"], files["missing"]]):
        status = main(["diff", *argv])
        error = capsys.readouterr().err
        assert status == 2
        assert error.count("\n") == 2
        assert error.startswith(files["missing"])
    for argv in ([files["base"]], [files["base"], "--weights", "nowhere"], [files["base"], files["head"], "--rename", "x"]):
        assert main(["diff", *argv]) == 2
        assert capsys.readouterr().err.count("\n") == 2


def test_that_a_tolerance_decides_the_status_and_nothing_else(files, capsys) -> None:
    status, found = told(capsys, files["base"], files["half"], "--tolerance", "0.01")
    assert (status, found["verdict"], found["identical"]) == (0, "cast only", False)
    assert all(pair["within_tolerance"] for pair in found["pairs"])
    status, found = told(capsys, files["base"], files["half"], "--tolerance", "0")
    assert status == 1
    assert {pair["within_tolerance"] for pair in found["pairs"]} == {True, False}
    assert told(capsys, files["base"], files["nan"], "--tolerance", "1e9")[0] == 1
    assert told(capsys, files["base"], files["wide"], "--tolerance", "1e9")[0] == 1
    assert told(capsys, files["base"], files["base"])[1]["pairs"][0]["within_tolerance"] is None
    for text in ("-1", "nan", "much"):
        assert main(["diff", files["base"], files["half"], "--tolerance", text]) == 2
    capsys.readouterr()


def test_that_two_weight_sets_of_one_file_are_compared(files, capsys) -> None:
    status, found = told(capsys, files["both"], "--weights", "model", "--weights", "ema")
    assert (status, found["alignment"]["left_weights"], found["alignment"]["right_weights"]) == (1, "model", "ema")
    assert found["pairs"][0]["max_abs"] == pytest.approx(0.5)
    assert told(capsys, files["both"], "--weights", "model", "--weights", "model")[0] == 0
    status, found = told(capsys, files["both"], files["copy"], "--weights", "ema", "--weights", "net")
    assert (found["alignment"]["left_weights"], found["alignment"]["right_weights"]) == ("ema", "net")


@pytest.mark.parametrize("glob", ["fc.*", "model.module.fc.*", "*.bias,fc.weight"])
def test_that_a_glob_narrows_both_sides(files, capsys, glob: str) -> None:
    _, found = told(capsys, files["base"], files["tuned"], "--match", glob)
    names = [pair["left"] for pair in found["pairs"]]
    assert "fc.bias" in names
    assert "conv1.weight" not in names
    assert all(pair["right"] == f"module.{pair['left']}" for pair in found["pairs"])


def test_that_rules_are_taken_and_one_that_fits_nothing_is_told(files, capsys) -> None:
    status = main(["diff", files["base"], files["base"], "--rename", "nothing.*=else.*", "--json"])
    out, err = capsys.readouterr()
    assert status == 0
    assert "nothing.*=else.*" in err
    assert strictly(out)["alignment"]["rules"] == [{"rule": "nothing.*=else.*", "pairs": 0}]


def test_that_a_quick_look_rests_on_checksums(files, capsys, tmp_path: Path) -> None:
    status, found = told(capsys, files["base"], files["copy"], "--quick")
    assert (status, found["identical"], found["verdict"]) == (0, False, None)
    assert {pair["equal_by"] for pair in found["pairs"]} == {"checksum"}
    assert told(capsys, files["base"], files["head"], "--quick")[0] == 1


def test_that_the_table_has_the_most_changed_first_and_the_verdict_last(files, capsys) -> None:
    assert main(["diff", files["base"], files["head"]]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("Head only. Only the head `fc` was trained")
    first, last = (place for place, line in enumerate(lines) if line.startswith("─"))
    rows = [line.split()[0] for line in lines[first + 1 : last]]
    assert set(rows[:2]) == {"fc.weight", "fc.bias"}
    assert all("running" in row or "num_batches" in row for row in rows[2:])


def test_that_colours_are_for_terminals_alone(files, capsys, monkeypatch) -> None:
    main(["diff", files["base"], files["head"]])
    assert "\033" not in capsys.readouterr().out
    monkeypatch.setattr(diff_text, "shows_colours", lambda: True)
    main(["diff", files["base"], files["head"]])
    assert "\033[33mchanged" in capsys.readouterr().out


def test_that_three_files_give_a_matrix_for_each_block(files, capsys) -> None:
    argv = [files[name] for name in ("base", "head", "tuned", "base")]
    status, found = told(capsys, *argv)
    assert status == 1
    assert found["files"] == argv
    assert found["blocks"] == ["conv1", "bn1", "layer1", "layer2", "fc"]
    assert len(found["distance"]) == 5
    for block in found["distance"]:
        assert [block[at][at] for at in range(4)] == [0.0] * 4
        assert [list(row) for row in zip(*block, strict=True)] == block
    conv = found["distance"][0]
    assert conv[0][1] == 0.0 < conv[0][2]
    assert main(["diff", *argv]) == 1
    assert "1 is nearest to 4" in capsys.readouterr().out
    assert main(["diff", files["base"], files["copy"], files["base"]]) == 0
    assert main(["diff", *argv, "--html"]) == 2


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


EVIL = '<script>alert(1)</script><img src=x onerror=y>`|*[a](javascript:b)\x1b[31m\u202e".weight'


def hostile(tmp_path: Path) -> list[str]:
    for place, name in enumerate(("a", "b")):
        state = {EVIL: torch.full((3,), float(place)), f"{name}{EVIL}": torch.ones(2 + place), "fc.weight": torch.randn(40, 40)}
        torch.save({"epoch": place, EVIL: EVIL + name, "args": {EVIL: place}, "net": state}, tmp_path / f"{name}.pt")
    return [str(tmp_path / "a.pt"), str(tmp_path / "b.pt")]


def test_that_the_page_is_complete_in_itself_and_text_stays_text(tmp_path: Path, capsys) -> None:
    assert main(["diff", *hostile(tmp_path), "--html"]) == 1
    text = capsys.readouterr().out
    page = Page()
    page.feed(text)
    tags = {tag for tag, _ in page.tags}
    assert {"html", "table", "svg", "path"} <= tags
    assert not tags & {"script", "img", "link", "iframe", "object", "a", "form"}
    assert not any(name.startswith("on") or name in ("src", "href") for _, attributes in page.tags for name in attributes)
    assert "<script>alert(1)</script>" in page.text  # as text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not re.search(r"https?://", text)
    assert sum(attributes.get("class") == "left" for _, attributes in page.tags) == 2
    heads = {attributes.get("data-is") for _, attributes in page.tags}
    assert heads == {None, "relative l2", "largest", "cosine", "values"}


def test_that_a_difference_that_is_one_number_is_drawn(tmp_path: Path, capsys) -> None:
    for place in (1, 2):
        torch.save({"fc.weight": torch.randn(4, 4), "bn.num_batches_tracked": torch.tensor(5 * place)}, tmp_path / f"{place}.pt")
    assert main(["diff", str(tmp_path / "1.pt"), str(tmp_path / "2.pt"), "--html", "--match", "bn*"]) == 1
    shape = re.search(r'<path class="apart" d="([^"]*)"', capsys.readouterr().out)
    assert shape is not None
    assert {0.0, 180.0} <= {float(place) for place in re.findall(r"[MH]([\d.]+)", shape[1])}


def test_that_markdown_keeps_text_in_code(tmp_path: Path, capsys) -> None:
    assert main(["diff", *hostile(tmp_path), "--markdown"]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    outside = re.sub(r"(`+)(?:(?!\1).)+\1", "", out)
    assert "<script" not in outside
    assert "javascript" not in outside
    tables = [line for line in out.splitlines() if line.startswith("|")]
    bars = [re.sub(r"\\\|", "", line).count("|") for line in tables]
    assert set(bars) == {7, 4}


def test_that_what_a_file_names_never_steers_the_terminal(tmp_path: Path, capsys) -> None:
    assert main(["diff", *hostile(tmp_path)]) == 1
    assert all(line.isprintable() for line in capsys.readouterr().out.split("\n"))


def test_that_a_file_that_changes_underneath_is_named(files, capsys, monkeypatch, tmp_path: Path) -> None:
    head = shutil.copy(files["head"], tmp_path / "head.pt")

    def grown(*arguments: Any) -> Any:
        with open(head, "ab") as file:
            file.write(b"more")
        return original(*arguments)

    original = diff.completed
    monkeypatch.setattr(diff, "completed", grown)
    assert main(["diff", files["base"], str(head)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(str(head))
    assert "changed while it was read" in error


def test_that_the_window_gets_both_sides_with_their_weights_and_rules(files, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(app, "run", lambda paths, comparison: asked.append((paths, comparison)) or 0)
    narrowed = ["--match", "fc*", "--tolerance", "0.5", "--thorough"]
    assert main(["diff", "--window", files["base"], files["head"], "--weights", "model", "--rename", "a.*=b.*", *narrowed]) == 0
    (paths, found), rule = asked[0], Rule("a.*", "b.*")
    assert (paths, found.rules) == ([], (rule,))
    assert (found.match, found.tolerance, found.thorough) == ("fc*", 0.5, True)
    assert [(side.path, side.weights) for side in found.sides] == [(files["base"], "model"), (files["head"], "model")]


@pytest.mark.parametrize("more", [["--quick"], ["--json"], ["third.pt"]])
def test_that_what_the_window_cannot_show_is_said_in_two_lines(files, capsys, more: list[str]) -> None:
    assert main(["diff", "--window", files["base"], files["head"], *more]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_that_a_glob_that_nothing_fits_is_no_equality(files, capsys) -> None:
    assert main(["diff", files["base"], files["head"], "--match", "layers9.*"]) == 2
    assert "no tensor of either side fits `layers9.*`" in capsys.readouterr().err


def test_that_what_would_load_is_asked_of_the_part_that_is_compared(files, capsys) -> None:
    assert main(["diff", files["base"], files["base"], "--match", "fc*", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["would_load"]["strict"] is True


def test_that_json_has_the_histograms_of_what_changed(files, capsys) -> None:
    _, found = told(capsys, files["base"], files["head"])
    pair = next(pair for pair in found["pairs"] if pair["left"] == "fc.weight")
    shown = pair["histograms"]
    for side in ("left", "right"):
        assert sum(shown[side]["counts"]) + shown[side]["below"] + shown[side]["above"] == 80
    assert len(shown["edges"]) == len(shown["left"]["counts"]) + 1 == len(shown["right"]["counts"]) + 1
    assert len(shown["difference"]["edges"]) == len(shown["difference"]["counts"]) + 1
    assert "histograms" not in next(pair for pair in found["pairs"] if pair["status"] == "same")
    assert json.dumps(found)


def test_that_json_of_very_many_pairs_has_their_numbers_alone(files, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    _, full = told(capsys, files["base"], files["head"])
    monkeypatch.setattr(diff, "MOST_HISTOGRAMS", 3)
    _, found = told(capsys, files["base"], files["head"])
    for one, other in zip(full["pairs"], found["pairs"], strict=True):
        assert other.pop("histograms", None) is None
        shown = one.pop("histograms", None)
        assert (shown is None) == (one["status"] == "same")
        assert list(one) == list(other)
        assert [one[name] for name in ("left", "status", "max_abs")] == [other[name] for name in ("left", "status", "max_abs")]
