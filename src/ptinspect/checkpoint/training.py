"""The training that a file carries on from: how far it was, with which optimizer, schedule and settings.

`epoch`, `step` and `loss` are what the file stores, as stored. `metrics` holds what the file stores and, where it does not store
the same name, what the file's name says; those are told again in `from_name`, and every one of them has evidence that is inferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ptinspect.checkpoint.callbacks import Callback, callbacks_of
from ptinspect.checkpoint.file_names import FromName, from_name
from ptinspect.checkpoint.hyperparameters import Tree, TreeBuilder
from ptinspect.checkpoint.model import Evidence, Kind, WeightSet
from ptinspect.checkpoint.optimizers import Optimizer, optimizer_of
from ptinspect.checkpoint.progress import Progress, normal, progress_of, tells
from ptinspect.checkpoint.scalars import Scalar, ScalarReader, Scalars
from ptinspect.checkpoint.schedulers import Scheduler, scheduler_of
from ptinspect.checkpoint.slots import Fit, Trained, fit_all, trainable_of
from ptinspect.checkpoint.survey import Path, Survey, Surveyor
from ptinspect.findings import Finding
from ptinspect.formats.document import Document
from ptinspect.frozen import field, frozen
from ptinspect.pickles.values import Value

MOST = 64
_FIRST = ("hyper_parameters", "hparams", "train_args", "training_args", "args", "cfg", "config", "opt", "options")


@frozen
class Training:
    """What a file tells about the training it comes from."""

    epoch: Scalar | None = None
    step: Scalar | None = None
    loss: Scalar | None = None
    metrics: dict[str, Scalar] = field(default_factory=dict)
    optimizers: tuple[Optimizer, ...] = ()
    schedulers: tuple[Scheduler, ...] = ()
    hyper_parameters: dict[str, Tree] = field(default_factory=dict)
    more_parameters: dict[str, Tree] = field(default_factory=dict)
    versions: dict[str, Scalar] = field(default_factory=dict)
    callbacks: tuple[Callback, ...] = ()
    scalers: dict[str, Tree] = field(default_factory=dict)
    random_states: tuple[str, ...] = ()
    stored: dict[str, Scalar] = field(default_factory=dict)
    from_name: FromName | None = None
    fits: tuple[Fit, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def optimizer(self) -> Optimizer | None:
        """The one that belongs to the main weights where several are stored: the shallowest, then the first."""
        return self.optimizers[0] if self.optimizers else None

    def trained(self, weights: WeightSet) -> Trained | None:
        """Which parameters of a weight set are trained, None where nothing tells."""
        return trainable_of(weights, self.fits)

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        fits = {fit.optimizer: fit for fit in self.fits}
        optimizers = [{**one.fields(), **_fit_fields(fits.get(one.path))} for one in self.optimizers]
        schedulers = [one.fields() for one in self.schedulers]
        return {
            "epoch": self.epoch,
            "step": self.step,
            "loss": self.loss,
            "metrics": self.metrics,
            "optimizer": optimizers[0] if optimizers else None,
            "scheduler": schedulers[0] if schedulers else None,
            "hyper_parameters": self.hyper_parameters,
            "versions": self.versions,
            "optimizers": optimizers,
            "schedulers": schedulers,
            "more_parameters": self.more_parameters,
            "callbacks": [one.fields() for one in self.callbacks],
            "scalers": self.scalers,
            "random_states": list(self.random_states),
            "stored": self.stored,
            "from_name": self.from_name.fields() if self.from_name else None,
        }


def _fit_fields(fit: Fit | None) -> dict[str, Any]:
    return {"weights": fit.weights if fit else None, "matched_by": fit.how if fit else None}


def training_of(
    document: Document,
    weights: Sequence[WeightSet],
    kind: Kind,
    file_name: str,
    read: ScalarReader | None = None,
) -> Training | None:
    """What a file tells about its training, None where it tells nothing. `read` reads tensors without dimensions."""
    scalars = Scalars(document.by_value, read)
    survey = _survey(document, tuple(weights), kind, scalars)
    survey.scalars += [((key,), text) for key, text in document.metadata.items() if tells(key.removeprefix("ss_"))]
    noted = {key: text for key, text in document.metadata.items() if key.startswith("ss_")}
    named = from_name(file_name)
    if named is None and not noted and survey == Survey():
        return None
    progress = progress_of(survey.scalars, scalars)
    optimizers = tuple(optimizer_of(".".join(path), value, scalars) for path, value in survey.optimizers[:MOST])
    schedulers = tuple(scheduler_of(".".join(path), value, scalars) for path, value in survey.schedulers[:MOST])
    fitting = fit_all(optimizers, weights)
    chosen, more = _settings(survey.settings, scalars)
    evidence = (*_progress_evidence(progress), *_class_evidence(optimizers, schedulers, survey), *fitting.evidence, *_named_evidence(named))
    found = Training(
        epoch=progress.epoch,
        step=progress.step,
        loss=progress.loss,
        metrics={**(named.all_metrics() if named else {}), **progress.metrics},
        optimizers=optimizers,
        schedulers=schedulers,
        hyper_parameters=chosen or {**noted},
        more_parameters=more,
        versions=progress.versions,
        callbacks=callbacks_of(survey.callbacks, scalars),
        scalers={".".join(path): TreeBuilder(scalars, 100).of(value) for path, value in survey.scalers[:MOST]},
        random_states=tuple(dict.fromkeys(survey.random_states))[:MOST],
        stored=progress.stored,
        from_name=named,
        fits=tuple(fitting.fits),
        evidence=evidence,
        findings=tuple(fitting.findings),
    )
    return found if _tells(found) else None


def _tells(found: Training) -> bool:
    """A version or a name beside the weights is worth showing with a training, and makes none by itself."""
    parts = (found.epoch, found.step, found.loss, found.from_name, found.callbacks or None, found.random_states or None)
    more = (found.metrics, found.optimizers, found.schedulers, found.hyper_parameters, found.scalers)
    return any(part is not None for part in parts) or any(more)


def _survey(document: Document, weights: tuple[WeightSet, ...], kind: Kind, scalars: Scalars) -> Survey:
    """Programs and whole modules carry no training beside them; a walk over their attributes would only find noise."""
    if kind in ("torchscript", "exported_program", "model"):
        return Survey()
    return Surveyor(weights, scalars).over(document.root)


def _settings(found: Sequence[tuple[Path, Value]], scalars: Scalars) -> tuple[dict[str, Tree], dict[str, Tree]]:
    """The tree that a reader means by hyper-parameters, and the others by their paths."""
    trees = [(path, TreeBuilder(scalars).of(value)) for path, value in found[:MOST]]
    full = [(path, tree) for path, tree in trees if isinstance(tree, dict) and tree]
    full.sort(key=lambda pair: (len(pair[0]), _rank(pair[0])))
    chosen = full[0][1] if full else {}
    return chosen, {".".join(path): tree for path, tree in full[1:]}


def _rank(path: Path) -> int:
    name = normal(path[-1]) if path else ""
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _progress_evidence(progress: Progress) -> list[Evidence]:
    told = (("epoch", progress.epoch), ("step", progress.step), ("loss", progress.loss))
    known = [(name, value) for name, value in told if value is not None]
    return [Evidence(f"{name} {_short(value)}", "confirmed", f"the file stores it as `{progress.where[name]}`") for name, value in known]


def _short(value: Scalar) -> str:
    """A float32 would print ten digits that nobody wrote."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _class_evidence(optimizers: Sequence[Optimizer], schedulers: Sequence[Scheduler], survey: Survey) -> list[Evidence]:
    found = []
    every: list[Optimizer | Scheduler] = [*optimizers, *schedulers]
    for one in every:
        where = f"`{one.path}`" if one.path else "the root"
        claim = f"{where} is the state of {one.class_name}" if one.class_name else f"the class behind {where} is unknown"
        found.append(Evidence(claim, one.certainty, one.because))
    if survey.optimizer_name:
        found.append(Evidence(f"the optimizer was {survey.optimizer_name}", "confirmed", "`optimizer_history` names it"))
    return found


def _named_evidence(named: FromName | None) -> list[Evidence]:
    if named is None:
        return []
    said = [(name, value) for name, value in (("epoch", named.epoch), ("step", named.step)) if value is not None]
    texts = [f"{name} {value}" for name, value in (*said, *named.metrics.items())]
    texts += [f"a metric of {_short(value)}" for value in named.values]
    return [Evidence(", ".join(texts), "inferred", f"the file's name says so: {named.name}")]
