"""What is told of files that the real libraries wrote, where they are installed."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from tests.checkpoint.told import saved, stepped, told


def with_operators(name: str) -> ModuleType:
    """Import a library that imports torchvision, also where torchvision was built for another torch."""
    for operator in ("nms", "qnms"):
        try:
            torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:  # torchvision's own are there
            break
    return pytest.importorskip(name, exc_type=ImportError)  # type: ignore[no-any-return]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", ["lightning.pytorch", "pytorch_lightning"])
def test_that_lightning_is_told(library: str, tmp_path: Path) -> None:
    lightning = with_operators(library)

    class Model(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self, lr: float = 0.01, root: Path = Path("/data")) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.net = nn.Linear(4, 1)

        def training_step(self, batch: Any, index: int) -> Any:
            loss = self.net(batch[0]).mean() ** 2
            self.log("val_loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
            return [optimizer], [lr_scheduler.StepLR(optimizer, 1, 0.5)]

    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(8, 4)), batch_size=4)
    keep = lightning.callbacks.ModelCheckpoint(dirpath=tmp_path, monitor="val_loss", filename="kept")
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    lightning.Trainer(max_epochs=2, callbacks=[keep], **quiet).fit(Model(), data)
    lit = told(Path(keep.best_model_path))
    training, trained = lit.known, lit.trained()
    stored = torch.load(keep.best_model_path, weights_only=False)
    assert (training.epoch, training.step) == (stored["epoch"], stored["global_step"])
    assert training.hyper_parameters == {"lr": 0.01, "root": "/data"}
    assert training.fields()["optimizer"]["class"] == "AdamW"
    assert training.fields()["scheduler"]["class"] == "StepLR"
    assert "pytorch-lightning_version" in training.versions
    (callback,) = [one for one in training.callbacks if one.name == "ModelCheckpoint"]
    assert (callback.monitor, callback.best_path) == ("val_loss", keep.best_model_path)
    assert callback.best_score == pytest.approx(float(keep.best_model_score))
    assert trained is not None
    assert (trained.trainable, trained.frozen) == (5, 0)


@pytest.mark.filterwarnings("ignore")
def test_that_the_pieces_of_a_transformers_trainer_are_told(tmp_path: Path) -> None:
    transformers = with_operators("transformers")
    pytest.importorskip("accelerate")
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), max_steps=2, save_steps=2, report_to=[], use_cpu=True, disable_tqdm=True
    )
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 30}
    model = transformers.BertForSequenceClassification(transformers.BertConfig(**sizes, max_position_embeddings=16))
    data = [{"input_ids": torch.zeros(8, dtype=torch.long), "labels": torch.tensor(0)} for _ in range(16)]
    transformers.Trainer(model, arguments, train_dataset=data).train()
    folder = tmp_path / "checkpoint-2"
    optimizer = told(folder / "optimizer.pt").known.fields()["optimizer"]
    assert (optimizer["class"], sum(group["params"] for group in optimizer["groups"])) == ("AdamW", len(list(model.parameters())))
    assert told(folder / "scheduler.pt").known.fields()["scheduler"]["class"] == "LambdaLR"
    settings = told(folder / "training_args.bin").known.hyper_parameters
    assert (settings["max_steps"], settings["learning_rate"]) == (2, arguments.learning_rate)
    assert settings["lr_scheduler_type"] == "SchedulerType('linear')"
    assert {"python", "numpy", "cpu"} <= set(told(folder / "rng_state.pth").known.random_states)


@pytest.mark.filterwarnings("ignore")
def test_that_timm_is_told(tmp_path: Path) -> None:
    timm = with_operators("timm")
    utils, optim = pytest.importorskip("timm.utils"), pytest.importorskip("timm.optim")
    model = timm.create_model("resnet10t", num_classes=3)
    optimizer = optim.create_optimizer_v2(model, opt="lamb", lr=0.1)
    args = argparse.Namespace(lr=0.1, model="resnet10t")
    saver = utils.CheckpointSaver(model, optimizer, args=args, model_ema=utils.ModelEmaV2(model), checkpoint_dir=str(tmp_path))
    saver.save_checkpoint(4, metric=71.5)
    file = told(tmp_path / "last.pth.tar")
    fields, trained = file.known.fields(), file.trained()
    assert (fields["epoch"], fields["metrics"], fields["stored"]) == (4, {"metric": 71.5}, {"arch": "resnet10t"})
    assert fields["hyper_parameters"] == {"lr": 0.1, "model": "resnet10t"}
    assert fields["optimizer"]["class"] == "LAMB"
    assert trained is not None
    assert (trained.trainable, trained.frozen) == (sum(p.numel() for p in model.parameters()), 0)


def test_that_omegaconf_in_a_fairseq_layout_is_told(tmp_path: Path) -> None:
    omegaconf = pytest.importorskip("omegaconf")
    plain = {"model": {"_name": "wav2vec", "dims": [1, 2]}, "optimization": {"lr": [0.0005], "max": None}}
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    optimizer = stepped(torch.optim.AdamW(model.parameters(), lr=0.001))
    file = {
        "args": None,
        "cfg": omegaconf.OmegaConf.create(plain),
        "model": model.state_dict(),
        "optimizer_history": [{"optimizer_name": "FairseqAdam", "lr_scheduler_state": {"best": None}, "num_updates": 1234}],
        "extra_state": {"train_iterator": {"epoch": 7, "iterations_in_epoch": 12}, "val_loss": 2.5},
        "last_optimizer_state": optimizer.state_dict(),
    }
    training = saved(tmp_path / "checkpoint_last.pt", file).known
    assert (training.epoch, training.step, training.metrics) == (7, 1234, {"val_loss": 2.5})
    assert training.hyper_parameters == plain
