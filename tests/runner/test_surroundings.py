import os
import subprocess
import sys

import pytest

from ptinspect.runner.surroundings import environment

GIVEN = {
    "PATH": "/bin",
    "LD_LIBRARY_PATH": "/cuda/lib64",
    "CUDA_VISIBLE_DEVICES": "1",
    "OMP_NUM_THREADS": "4",
    "HOME": "/home/someone",
    "LD_PRELOAD": "/lib/other.so",
    "HF_TOKEN": "secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus",
    "SSH_AUTH_SOCK": "/run/user/1000/ssh",
    "HTTPS_PROXY": "http://user:secret@proxy",
    "PYTHONSTARTUP": "/home/someone/start.py",
    "CUDA_CACHE_PATH": "/home/someone/.nv",
}


def test_that_what_finds_torch_and_the_gpu_is_kept_and_secrets_are_not():
    made = environment("/run", GIVEN)
    assert {name: made[name] for name in ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")}.items() <= GIVEN.items()
    assert not {"LD_PRELOAD", "HF_TOKEN", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "PYTHONSTARTUP"} & made.keys()
    assert not [name for name, value in made.items() if "secret" in value]


def test_that_home_and_every_cache_lie_in_the_folder():
    made = environment("/run", GIVEN)
    inside = [name for name, value in made.items() if value == "/run" or value.startswith(os.path.join("/run", ""))]
    assert {"HOME", "TMPDIR", "XDG_CACHE_HOME", "CUDA_CACHE_PATH", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"} <= set(inside)
    assert not [name for name, value in made.items() if "/home/someone" in value]


@pytest.mark.skipif(os.name != "posix", reason="the folder is found through HOME")
def test_that_packages_installed_for_the_user_alone_are_still_found(tmp_path):
    code = "import site; print(site.getusersitepackages())"
    known = dict(os.environ) | {"PYTHONUSERBASE": str(tmp_path / "mine")}
    seen = subprocess.check_output([sys.executable, "-c", code], env=environment(str(tmp_path), known), text=True)
    assert seen.startswith(str(tmp_path / "mine"))
