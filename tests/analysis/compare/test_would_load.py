"""Missing, unexpected and mismatched as torch's own strict load_state_dict tells them, and lines that run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.analysis.compare.networks import Mixer, Pairs, network


def torchs(model: nn.Module, state: dict[str, torch.Tensor]) -> tuple[set[str], set[str], set[str]]:
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        text = str(error)
        found = []
        for label in ("Missing", "Unexpected"):
            line = re.search(rf"{label} key\(s\) in state_dict: (.*?)\. *$", text, re.MULTILINE)
            found.append(set(re.findall(r'"([^"]+)"', line[1])) if line else set())
        return found[0], found[1], set(re.findall(r"size mismatch for ([^:]+):", text))
    return set(), set(), set()


def without(state: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    for name in [name for name in state if part in name]:
        del state[name]
    return state


STATES = {
    "same": lambda: network().state_dict(),
    "prefix": lambda: nn.DataParallel(network()).state_dict(),
    "other head": lambda: network(classes=3).state_dict(),
    "fewer": lambda: without(network().state_dict(), "layer2.1"),
    "no counters": lambda: without(network().state_dict(), "num_batches"),
    "no counters and no versions": lambda: dict(without(network().state_dict(), "num_batches")),
    "more": lambda: {**network().state_dict(), "extra.weight": torch.ones(2)},
    "others": lambda: network(Mixer).state_dict(),
    "cast": lambda: {name: value.double() for name, value in network().state_dict().items()},
    "a list of one": lambda: {n: v.reshape(1) if v.shape == () else v for n, v in network().state_dict().items()},
}


@pytest.mark.parametrize("kind", STATES)
def test_that_the_answer_is_torchs(pairs: Pairs, kind: str) -> None:
    state = STATES[kind]()
    expected = torchs(network(seed=3), torch.load(pairs.path("state", state), weights_only=True))
    found = pairs(pairs.folder / "state.pt", network(seed=3).state_dict()).would_load
    assert (set(found.missing), set(found.unexpected), {one.name for one in found.mismatched}) == expected
    assert found.strict == (expected == (set(), set(), set()))


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("nested", [False, True])
def test_that_the_lines_make_it_load(pairs: Pairs, kind: str, nested: bool, tmp_path: Path) -> None:
    state = STATES[kind]()
    left = pairs.path("left", {"epoch": 1, "net": state} if nested else state)
    model = network(seed=3)
    found = pairs(left, model.state_dict())
    names = {"model": model}
    exec("\n".join(found.would_load.lines), names)
    after = model.state_dict()
    for pair in found.pairs:
        if pair.match.both is not None and pair.match.both[0].tensor.shape == pair.match.both[1].tensor.shape:
            one, other = pair.match.both
            assert torch.equal(after[other.name], state[one.name].to(after[other.name].dtype))


def test_that_renamed_layers_load_by_the_lines(pairs: Pairs) -> None:
    state = network().state_dict()
    renamed = {name.replace("layer1.0", "first").replace("fc", "head"): value for name, value in state.items()}
    found = pairs(renamed, network(seed=3).state_dict(), "first.*=layer1.0.*", "head.*=fc.*")
    names = {"model": network(seed=3)}
    exec("\n".join(found.would_load.lines), names)
    assert all(torch.equal(value, state[name]) for name, value in names["model"].state_dict().items())


def test_that_hostile_names_stay_texts_in_the_lines(pairs: Pairs) -> None:
    evil = "x'); import os; os.system('true') #\n.weight"
    found = pairs({evil: torch.ones(3)}, {"y.weight": torch.ones(3)})
    for line in found.would_load.lines:
        compile(line, "line", "exec")
    assert all("\n" not in line for line in found.would_load.lines)
    names = {"model": nn.ModuleDict({"y": nn.LayerNorm(3, bias=False)})}
    exec("\n".join(found.would_load.lines), names)


def test_that_a_dangerous_file_gets_no_lines(pairs: Pairs) -> None:
    class Evil:
        def __reduce__(self) -> object:
            import os

            return os.system, ("true",)

    left = pairs.path("left", {"a.weight": torch.ones(2), "b.weight": torch.ones(2), "c": None})
    evil = pairs.path("evil", {"state": {"a.weight": torch.ones(2), "b.weight": torch.ones(2)}, "x": Evil()})
    found = pairs(evil, left)
    assert all(line.startswith("#") for line in found.would_load.lines)
    assert any(one.path == "safety.verdict" and one.left == "dangerous" for one in found.outside)
