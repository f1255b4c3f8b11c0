"""What is mutated: small files that this torch writes, and the small files of the corpus, read in place.

`python -m tests.fuzz.seeds FOLDER` writes the former; it runs in a process of its own, so that torch does not weigh on the figures.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "files"
LARGEST = 32 << 10


def load(folder: Path, corpus: bool = True) -> list[tuple[str, bytes]]:
    """Name and bytes of every seed; torch's own come first."""
    subprocess.run([sys.executable, "-m", "tests.fuzz.seeds", str(folder)], check=True)
    paths = sorted(folder.iterdir())
    if corpus and CORPUS.is_dir():
        paths += sorted(path for path in CORPUS.rglob("*") if path.is_file() and path.stat().st_size <= LARGEST)
    return [(path.name, path.read_bytes()) for path in paths]


def write(folder: Path) -> None:
    """One small file for each container and form that this torch can write."""
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    for make in (_saved, _rewritten, _programs, _exported, _packaged, _safetensors, _others):
        try:
            make(folder)
        except (ImportError, RuntimeError, AttributeError) as error:  # an older torch writes fewer forms
            print(f"no seeds from {make.__name__}: {error}", file=sys.stderr)


def _weights() -> dict[str, object]:
    import torch

    generator = torch.Generator().manual_seed(0)
    return {f"layer.{i}.weight": torch.randn(2, 3, generator=generator) for i in range(4)}


def _contents() -> dict[str, object]:
    """What is saved, by name."""
    import numpy as np
    import torch
    from torch import nn

    weights = _weights()
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    optimizer = torch.optim.Adam(model.parameters())
    sparse = torch.eye(3).to_sparse()
    quantized = torch.quantize_per_channel(torch.ones(2, 3), torch.ones(2), torch.zeros(2, dtype=torch.long), 0, torch.qint8)
    nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
    odd = {"sparse": sparse, "csr": sparse.to_sparse_csr(), "quantized": quantized, "nested": nested, "meta": torch.empty(2, device="meta")}
    views = {"view": torch.arange(12.0)[2:8:2], "expanded": torch.ones(1).expand(4), "float8": torch.ones(3).to(torch.float8_e5m2)}
    return {
        "weights": weights,
        "model": model,
        "checkpoint": {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "args": np.float64(1)},
        "odd": odd | views | {"array": np.arange(3)},
    }


def _saved(folder: Path) -> None:
    import torch

    for name, content in _contents().items():
        torch.save(content, folder / f"{name}.pt")
    for protocol in (2, 3, 4, 5):
        torch.save(_weights(), folder / f"protocol{protocol}.pt", pickle_protocol=protocol)
        for name, content in _contents().items():
            if name == "weights" or protocol == 2:
                torch.save(content, folder / f"legacy{protocol}-{name}.pt", pickle_protocol=protocol, _use_new_zipfile_serialization=False)


def _rewritten(folder: Path) -> None:
    """The same records as other zip writers lay them out."""
    for name in ("weights", "checkpoint"):
        with zipfile.ZipFile(folder / f"{name}.pt") as given:
            records = {info.filename: given.read(info) for info in given.infolist()}
        for method, label in ((zipfile.ZIP_STORED, "stored"), (zipfile.ZIP_DEFLATED, "deflated")):
            with zipfile.ZipFile(folder / f"{label}-{name}.pt", "w", method) as written:
                for record, data in records.items():
                    written.writestr(record, data)
    (folder / "prefixed.pt").write_bytes(b"#!/bin/sh\n" + (folder / "weights.pt").read_bytes())
    (folder / "polyglot.pt").write_bytes((folder / "legacy2-weights.pt").read_bytes() + (folder / "weights.pt").read_bytes())


def _programs(folder: Path) -> None:
    import torch
    from torch import nn

    script = torch.jit.trace(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), torch.ones(1, 3))
    torch.jit.save(script, str(folder / "script.pt"))
    script._save_for_lite_interpreter(str(folder / "mobile.ptl"))


def _exported(folder: Path) -> None:
    import torch
    from torch import nn

    torch.export.save(torch.export.export(nn.Linear(3, 2), (torch.ones(1, 3),)), str(folder / "exported.pt2"))


def _packaged(folder: Path) -> None:
    from torch.package import PackageExporter

    with PackageExporter(str(folder / "package.pt")) as package:
        package.save_pickle("model", "weights.pkl", _weights())
        package.save_source_string("code", "VALUE = 1\n")


def _safetensors(folder: Path) -> None:
    from safetensors.torch import save_file

    save_file(_weights(), str(folder / "weights.safetensors"), metadata={"format": "pt"})


def _others(folder: Path) -> None:
    """Plain pickles with tensors in them, a tar, and an archive that merely holds checkpoints."""
    import pickle

    import torch

    for protocol in range(6):
        (folder / f"plain{protocol}.pkl").write_bytes(pickle.dumps({"a": [1, 2.5, b"x" * 9, "text", None], "w": torch.ones(2)}, protocol))
    with tarfile.open(folder / "members.tar", "w") as archive:
        for name in ("weights.pt", "plain2.pkl"):
            archive.add(folder / name, name)
    with zipfile.ZipFile(folder / "archive.mar", "w") as archive:
        archive.writestr("MAR-INF/MANIFEST.json", "{}")
        archive.write(folder / "weights.pt", "model.pt")
        archive.writestr("data.txt", pickle.dumps([print], 4))
    buffer = io.BytesIO()
    torch.save(torch.ones(2), buffer)
    (folder / "tensor.pt").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
