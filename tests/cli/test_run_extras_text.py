"""What was measured besides, as it is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.cli.run_extras_text import extra_lines
from ptinspect.runner import sweep
from tests.runner.runs import asked, run


def test_that_gradients_sizes_and_two_runs_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "LARGEST", 2)
    monkeypatch.setattr(sweep, "LEAST", 0.0)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
    module[0].requires_grad_(False)
    torch.save(module, tmp_path / "a.pt")
    with torch.no_grad():
        module[2].bias.add_(1)
    torch.save(module, tmp_path / "b.pt")
    other = asked(tmp_path / "b.pt").file
    fields = run(tmp_path / "a.pt", inputs=("random:4",), backward=True, sweep=True, agreement="bf16", other=other, graph=True)
    text = "\n".join(extra_lines(fields))
    assert "0                                               frozen" in text
    assert f"2 {fields['backward']['layers'][3]['norm']:>52.4g}" in text
    assert "Beside   cpu bfloat16 (rebuilt)\n         no layer is further off" in text
    assert f"Beside   {tmp_path / 'b.pt'} (rebuilt)\n         the two part at 2:" in text
    assert "outputs are at most 1 apart" in text
    assert "        1        " in text
    assert "Graph    5 nodes, 4 edges" in text


def test_that_what_was_not_asked_for_says_nothing() -> None:
    assert list(extra_lines({"sweep": None})) == []


def test_that_names_from_the_file_stay_text() -> None:
    layers = [{"path": "a\x1b[31m", "type": "Linear", "status": "cut off", "norm": None, "max_abs": None}]
    lines = list(extra_lines({"backward": {"loss": 0.5, "note": "\x07", "layers": layers}}))
    assert not any(sign in line for line in lines for sign in "\x1b\x07")
    assert any("cut off" in line for line in lines)
