import glob

import pytest

from tests.runner.children import told

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not glob.glob("/dev/nvidia[0-9]*"), reason="there is no NVIDIA GPU")]


@pytest.mark.parametrize("memory", [None, 16 << 30])
def test_that_a_gpu_works_for_a_confined_child(tmp_path, memory):
    """CUDA reserves addresses by the hundred gigabytes, opens devices for writing and names its threads."""
    code = """
import torch
x = torch.randn(512, 512, device="cuda")
torch.empty(1 << 20).pin_memory().to("cuda", non_blocking=True)
torch.cuda.synchronize()
conv = torch.nn.Conv2d(3, 4, 3).cuda()(torch.zeros(1, 3, 8, 8, device="cuda"))
same = torch.allclose((x @ x).cpu(), x.cpu() @ x.cpu(), rtol=1e-3, atol=1e-2)
print(json.dumps([same, conv.shape[1], confined.writes, confined.network]))
"""
    assert told(code, tmp_path, memory=memory) == [True, 4, True, True]
