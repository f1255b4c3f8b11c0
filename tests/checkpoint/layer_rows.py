"""Hand-written rows of a state_dict: a name, its sizes, and a dtype where it is not float32."""

from ptinspect.checkpoint.layer_types import inferred_types
from ptinspect.dtypes import BY_NAME
from ptinspect.tensors import TensorInfo


def info(name, shape, dtype="float32"):
    return name, TensorInfo(name, tuple(shape), (), BY_NAME[dtype], None)


def tensors_of(module):
    return [info(name, t.shape, str(t.dtype).removeprefix("torch.")) for name, t in module.state_dict().items()]


def types(*rows):
    """The guesses for hand-written rows: a name, sizes, and a dtype where it is not float32."""
    made = []
    for name, *rest in rows:
        dtype = rest.pop() if rest and type(rest[-1]) is str else "float32"
        made.append(info(name, rest, dtype))
    return inferred_types(made)


def named(found):
    return {path: guess.type for path, guess in found.items()}


def conv(path, *sizes, bias=False):
    return [(f"{path}.weight", *sizes), *([(f"{path}.bias", sizes[0])] if bias else [])]


def batch_norm(path, size):
    return [(f"{path}.{name}", size) for name in ("weight", "bias", "running_mean", "running_var")] + [
        (f"{path}.num_batches_tracked", "int64")
    ]


def linear(path, ins, outs, bias=True):
    return [(f"{path}.weight", outs, ins), *([(f"{path}.bias", outs)] if bias else [])]


def norm(path, size, bias=True):
    return [(f"{path}.weight", size), *([(f"{path}.bias", size)] if bias else [])]
