import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ptinspect

pytestmark = pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="torchvision is not installed")


def run(code):
    source = str(Path(ptinspect.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


@pytest.mark.slow
def test_that_torchvision_imports_in_a_fresh_process_whatever_torch_it_was_built_for():
    code = """
from ptinspect.runner.operators import import_torchvision
tv = import_torchvision()
print(import_torchvision() is tv, tv.ops.nms.__name__, len(tv.models.list_models()) > 100)
"""
    assert run(code) == ["True", "nms", "True"]


@pytest.mark.slow
def test_that_torchvision_imports_after_a_plain_import_has_failed():
    code = """
try:
    import torchvision
    print("plain import works")
except RuntimeError as error:
    assert "torchvision::nms" in str(error)
    print("plain import fails")
from ptinspect.runner.operators import import_torchvision
import torch
with torch.device("meta"):
    print(len(import_torchvision().models.resnet18().state_dict()))
"""
    assert run(code)[-1] == "122"


@pytest.mark.slow
def test_that_nothing_is_declared_twice():
    code = """
from ptinspect.runner.operators import declare_missing, SCHEMAS
import torch
first = declare_missing()
assert set(first) <= set(SCHEMAS)
print(len(declare_missing()), all(hasattr(torch.ops.torchvision, name) for name in SCHEMAS))
"""
    assert run(code) == ["0", "True"]
