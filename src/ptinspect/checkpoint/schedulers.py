"""Learning rate schedulers: which one, how far it was, and its settings. Told by the names in its state, or by a pickled class."""

from __future__ import annotations

from typing import Any

from ptinspect.checkpoint.hyperparameters import Tree, TreeBuilder
from ptinspect.checkpoint.model import Certainty
from ptinspect.checkpoint.modules import class_of
from ptinspect.checkpoint.scalars import Scalar, Scalars
from ptinspect.checkpoint.survey import named
from ptinspect.formats.reach import key_text
from ptinspect.frozen import field, frozen
from ptinspect.pickles.values import Call, Value, entries, pairs_of

OPTIONS = 64
# The first whose names are all there; the names are those of torch 2.13 (a test saves each class and asks).
_CLASSES = tuple(
    (name, frozenset(keys.split()))
    for name, keys in (
        ("OneCycleLR", "total_steps cycle_momentum"),
        ("CyclicLR", "total_size step_ratio"),
        ("CosineAnnealingWarmRestarts", "T_0 T_mult"),
        ("CosineAnnealingLR", "T_max eta_min"),
        ("ReduceLROnPlateau", "patience num_bad_epochs"),
        ("SequentialLR", "_milestones _schedulers"),
        ("ChainedScheduler", "_schedulers"),
        ("MultiStepLR", "milestones gamma"),
        ("StepLR", "step_size gamma"),
        ("LinearLR", "start_factor end_factor"),
        ("PolynomialLR", "total_iters power"),
        ("ConstantLR", "factor total_iters"),
        ("SWALR", "anneal_epochs"),
        ("LambdaLR", "lr_lambdas"),
        ("CosineLRScheduler (timm)", "t_initial lr_min cycle_mul"),
        ("StepLRScheduler (timm)", "decay_t decay_rate"),
        ("Scheduler (timm)", "t_in_epochs base_values"),
        ("LRMultiplier (fvcore)", "_max_iter last_epoch"),
        ("DeepSpeed scheduler", "last_batch_iteration"),
        ("ExponentialLR", "gamma base_lrs"),
    )
)
_ORDINARY = frozenset({"base_lrs", "last_epoch", "_last_lr"})


@frozen
class Scheduler:
    """One scheduler. `last_lr` are the learning rates it set last, one a group."""

    path: str
    class_name: str | None
    certainty: Certainty
    because: str
    last_epoch: Scalar | None
    last_lr: Tree
    options: dict[str, Tree] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        head = {"path": self.path, "class": self.class_name, "certainty": self.certainty}
        return {**head, "last_epoch": self.last_epoch, "last_lr": self.last_lr, **{k: v for k, v in self.options.items() if k not in head}}


def scheduler_of(path: str, value: Value, scalars: Scalars) -> Scheduler:
    """The scheduler that a state describes."""
    pairs = {key_text(key): item for key, item in entries(named(value)[:OPTIONS])}
    class_name, certainty, because = _class(value, set(pairs))
    builder = TreeBuilder(scalars, 1_000)
    options = {key: builder.of(item) for key, item in pairs.items() if not key.startswith("_") and key not in ("last_epoch", "optimizer")}
    rates = pairs.get("_last_lr")
    last = scalars.of(pairs.get("last_epoch", pairs.get("last_batch_iteration")))
    return Scheduler(path, class_name, certainty, because, last, builder.of(rates), options)


def _class(value: Value, names: set[str]) -> tuple[str | None, Certainty, str]:
    if type(value) is Call and pairs_of(value) is None:
        full = class_of(value)
        return short_class(full), "confirmed", f"it is a pickled object of class {full}"
    for name, keys in _CLASSES:
        if keys <= names:
            return name, "inferred", f"its state holds {', '.join(f'`{key}`' for key in sorted(keys))}"
    if names >= _ORDINARY:
        return None, "inferred", "its state holds only what every scheduler keeps"
    return None, "inferred", "its state holds no names that are known"


def short_class(full: str) -> str:
    """torch's own classes by their last name, as an inferred one is told; others in full."""
    return full.rpartition(".")[2] if full.startswith("torch.optim.") else full
