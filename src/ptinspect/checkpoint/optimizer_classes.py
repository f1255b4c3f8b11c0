"""Which optimizer wrote a state, told by the names in its groups and in its state. Inferred, always.

The names are those of torch.optim 2.13 (a test saves each class and asks) and of libraries seen in the wild. Where two classes
write the same names both are named: until torch 2.6 a state does not tell AdamW from Adam.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from ptinspect.frozen import frozen

EITHER = "Adam or AdamW"
BOOKKEEPING = frozenset({"params", "param_names"})


@frozen
class Signature:
    """A class is recognised by options that only it has in its groups; `without` are those that would make it another one."""

    name: str
    options: frozenset[str]
    without: frozenset[str] = frozenset()


def _row(name: str, options: str, without: str = "") -> Signature:
    return Signature(name, frozenset(options.split()), frozenset(without.split()))


# The first that fits: rarer classes that carry another one's options too stand before it.
BY_OPTIONS: tuple[Signature, ...] = (
    _row("LBFGS", "history_size max_iter"),
    _row("Muon", "momentum nesterov ns_steps"),
    _row("LARS", "momentum trust_coefficient"),
    _row("LAMB", "betas grad_averaging"),
    _row("LAMB", "betas max_grad_norm bias_correction"),
    _row("AdaBelief", "betas weight_decouple rectify"),
    _row("Adan", "betas no_prox"),
    _row("Prodigy", "betas d_coef d0"),
    _row("ScheduleFree", "betas schedulefree"),
    _row("ScheduleFree", "weight_sum lr_max"),
    _row("Sophia", "betas rho"),
    _row("AdamP", "betas delta wd_ratio"),
    _row("SGDP", "momentum delta wd_ratio"),
    _row("Ranger", "betas N_sma_threshhold"),
    _row("NAdam", "betas momentum_decay"),
    _row("AdamW", "betas correct_bias"),
    _row("FusedAdam", "betas eps bias_correction"),
    _row("bitsandbytes Adam or AdamW", "betas t_alpha"),
    _row("Adafactor", "beta2_decay d"),
    _row("Adafactor", "clip_threshold decay_rate"),
    _row("ASGD", "lambd alpha t0"),
    _row("Adadelta", "rho eps"),
    _row("Adagrad", "lr_decay"),
    _row("RMSprop", "alpha centered"),
    _row("Rprop", "etas step_sizes"),
    _row("SGD", "momentum dampening nesterov"),
    _row(EITHER, "betas eps weight_decay amsgrad"),
    _row("RAdam", "betas eps weight_decay decoupled_weight_decay", "amsgrad"),
    _row("SparseAdam", "betas eps", "weight_decay"),
    _row("Lion", "betas weight_decay", "eps amsgrad"),
)

# State names, where the groups are missing or say nothing. Every name of the first set must be there, none outside both.
BY_STATE: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = tuple(
    (name, frozenset(needed.split()), frozenset(allowed.split()))
    for name, needed, allowed in (
        ("NAdam", "exp_avg exp_avg_sq mu_product", ""),
        (EITHER, "exp_avg exp_avg_sq", "max_exp_avg_sq"),
        ("Adamax", "exp_avg exp_inf", ""),
        ("Adadelta", "square_avg acc_delta", ""),
        ("RMSprop", "square_avg", "momentum_buffer grad_avg"),
        ("Adagrad", "sum", ""),
        ("Rprop", "prev step_size", ""),
        ("ASGD", "eta mu ax", ""),
        ("Adafactor", "row_var col_var", "variance"),
        ("Adafactor", "variance", ""),
        ("Adafactor", "exp_avg_sq_row exp_avg_sq_col", "exp_avg_sq exp_avg RMS"),
        ("LBFGS", "old_dirs old_stps", "func_evals n_iter al d t ro H_diag prev_flat_grad prev_loss"),
        ("AdaBelief", "exp_avg exp_avg_var", "max_exp_avg_var"),
        ("Adan", "exp_avg exp_avg_sq exp_avg_diff", "neg_pre_grad"),
        ("bitsandbytes Adam or AdamW", "state1 state2", "qmap1 qmap2 absmax1 absmax2 max1 max2 new_max1 new_max2 unorm_vec gnorm_vec"),
        ("SGD", "momentum_buffer", ""),
        ("Lion", "exp_avg", ""),
    )
)


def class_by_names(options: AbstractSet[str], state: AbstractSet[str], decoupled: object = None) -> tuple[str | None, str]:
    """The class that a group's options and the names of its state tell, and why; None where they tell nothing.

    `decoupled` is the value of `decoupled_weight_decay`, which torch has written since 2.6.
    """
    options = options - BOOKKEEPING
    for row in BY_OPTIONS:
        if row.options <= options and not row.without & options:
            return _between(row.name, decoupled, f"its groups hold {_listed(row.options)}")
    found = _adam_relative(options, state)
    if found is not None:
        return found
    slots = state - {"step"}
    for name, needed, allowed in BY_STATE:
        if needed <= slots <= needed | allowed:
            return _between(name, decoupled, f"its state holds {_listed(needed)}")
    return None, "neither its groups nor its state hold names that are known"


def _adam_relative(options: AbstractSet[str], state: AbstractSet[str]) -> tuple[str, str] | None:
    """betas, eps and weight_decay alone: Adamax, and RAdam as torch 1.10 to 2.0 wrote it, differ by their state only."""
    if not {"betas", "eps", "weight_decay"} <= options or "amsgrad" in options:
        return None
    if "exp_inf" in state:
        return "Adamax", "its state holds `exp_inf`"
    if state >= {"exp_avg", "exp_avg_sq"}:
        radam = "foreach" in options
        because = "its groups hold `foreach` and no `amsgrad`" if radam else "its state holds `exp_avg` and `exp_avg_sq`"
        return "RAdam" if radam else EITHER, because
    return ("Adamax or RAdam", "its groups hold `foreach` and no `amsgrad`, and there is no state yet") if "foreach" in options else None


def _between(name: str, decoupled: object, because: str) -> tuple[str, str]:
    if name != EITHER or type(decoupled) is not bool:
        return name, because
    return "AdamW" if decoupled else "Adam", f"`decoupled_weight_decay` is {decoupled}"


def _listed(names: AbstractSet[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))
