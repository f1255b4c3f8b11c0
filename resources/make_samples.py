"""Makes the sample checkpoints in `samples/`: `python resources/make_samples.py` from the root of a checkout.

Everything is seeded and runs on one thread, so that a second run with the same torch writes the same tensors (the same bytes too
with PYTHONHASHSEED=0: the order of the constants in scripted.pt's program text follows string hashes). The network is made of
torch.nn classes alone: the samples must open and run anywhere.

    weights.pt      the state_dict of a small image classifier, as it is saved most often
    model.pt        the same network as a whole pickled module
    checkpoint.pt   a training checkpoint: weights, Adam, a step schedule, epoch 3
    finetuned.pt    its successor: backbone frozen, a new head of four classes trained for forty steps
    scripted.pt     the network as a TorchScript archive
"""

from __future__ import annotations

import io
from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

SAMPLES = Path(__file__).resolve().parent / "samples"


def network(classes: int) -> nn.Sequential:
    """Two convolutions with batch norm, and a linear head."""
    backbone = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1, bias=False),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    return nn.Sequential(OrderedDict(backbone=backbone, head=nn.Linear(12, classes)))


def batch(classes: int) -> tuple[Tensor, Tensor]:
    """Noise with a colour cast that tells the class, so that there is something to learn."""
    labels = torch.randint(classes, (32,))
    turns = labels[:, None] * 2 * torch.pi / classes + torch.tensor([0.0, 2.1, 4.2])
    return torch.randn(32, 3, 16, 16) + turns.cos()[:, :, None, None], labels


def train(model: nn.Module, optimizer: torch.optim.Optimizer, classes: int, steps: int) -> float:
    """Some real steps; the last loss."""
    loss = torch.zeros(())
    for _ in range(steps):
        images, labels = batch(classes)
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def train_from_scratch() -> tuple[nn.Sequential, dict[str, object]]:
    """Three epochs of 31 steps, with the checkpoint that a training script would write after them."""
    model = network(classes=10)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    loss = 0.0
    for _ in range(3):
        loss = train(model, optimizer, classes=10, steps=31)
        scheduler.step()
    return model, {
        "epoch": 3,
        "model_state_dict": model.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "scheduler_state_dict": scheduler.state_dict(),
        "loss": round(loss, 2),
    }


def finetune(weights: dict[str, Tensor]) -> dict[str, object]:
    """Only the new head learns. The frozen backbone is in eval mode, or its running statistics would move."""
    model = network(classes=4)
    model.backbone.load_state_dict({name.removeprefix("backbone."): t for name, t in weights.items() if name.startswith("backbone.")})
    model.backbone.requires_grad_(requires_grad=False).eval()
    optimizer = torch.optim.Adam(((f"head.{name}", p) for name, p in model.head.named_parameters()), lr=0.003)
    loss = train(model, optimizer, classes=4, steps=40)
    return {"epoch": 1, "model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "loss": round(loss, 2)}


def scripted(model: nn.Module) -> bytes:
    """A TorchScript archive without its debug records: they hold the paths of this machine's source files."""
    whole, slim = io.BytesIO(), io.BytesIO()
    torch.jit.save(torch.jit.script(model.eval()), whole)
    whole.seek(0)
    reader = torch._C.PyTorchFileReader(whole)
    writer = torch._C.PyTorchFileWriter(slim)
    for name in reader.get_all_records():
        if not name.endswith(".debug_pkl") and name not in ("version", "byteorder", ".data/serialization_id"):
            record = reader.get_record(name)
            writer.write_record(name, record, len(record))
    writer.write_end_of_file()
    return slim.getvalue()


def main() -> None:
    """Writes all five files."""
    torch.manual_seed(7)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    SAMPLES.mkdir(exist_ok=True)
    model, checkpoint = train_from_scratch()
    torch.save(model.state_dict(), SAMPLES / "weights.pt")
    torch.save(model.eval(), SAMPLES / "model.pt")
    torch.save(checkpoint, SAMPLES / "checkpoint.pt")
    torch.save(finetune(model.state_dict()), SAMPLES / "finetuned.pt")
    (SAMPLES / "scripted.pt").write_bytes(scripted(model))


if __name__ == "__main__":
    main()
