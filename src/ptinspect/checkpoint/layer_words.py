"""What the names of modules say, in the words that people build them from.

A name is weak evidence, so it is only asked where shapes leave a question open, and a word of two meanings is not in these tables.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LONGEST = 100

LINEAR = frozenset(
    "fc linear lin dense proj projection projector head classifier qk qkv kv query key value gate router score mlp reduction".split()
)
"""A two-dimensional weight without bias is a Linear where the name holds one of these ..."""
LINEAR_NAMES = frozenset(
    "q k v o wq wk wv wo wi wi_0 wi_1 w1 w2 w3 W_q W_k W_v W_o w_q w_k w_v w_o to_q to_k to_v to_out to_qkv to_kv c_attn c_fc "
    "project_in project_out predictions.decoder lm_head.decoder".split()
)
"""... or is one of these, alone or with what stands before it."""
EMBEDDING = frozenset("embedding embeddings embed embeds embedder emb embs wte wpe".split())
EMBEDDING_NAMES = frozenset("relative_attention_bias tok_embeddings embed_tokens embed_in token_embed".split())
NOT_EMBEDDING = LINEAR | frozenset("patch image pixel visual audio conv out output mapping map in input norm time".split())
TRANSPOSED = ("up", "deconv", "decod", "transp", "convt", "tconv", "netg", "unpool")
TRANSPOSED_WORDS = frozenset("dec gen generator g t tp".split())
CONTAINERS = frozenset("layers layer blocks block model main net features module modules seq sequential stages stage convs body".split())
"""Names that say nothing of what stands in them: the next one above is asked."""
ACTIVATIONS = frozenset("prelu relu act activation nonlinearity".split())
PATCH = frozenset("patch embed embedding embeddings embedder stem".split())
ATTENTION = frozenset("qkv attn attention query to_q q_proj wq c_attn self_attn self_attention in_proj".split())


@lru_cache(maxsize=20_000)
def words(name: str) -> tuple[str, ...]:
    """The words and numbers of one step of a path: `LayerNorm`, `layer_norm1`, `fc2` are two or three words each."""
    return tuple(word.lower() for word in _WORD.findall(name[:_LONGEST]))


@lru_cache(maxsize=20_000)
def squeezed(name: str) -> str:
    """Those words as one, without numbers: LayerNorm, layer_norm and layernorm1 are the same."""
    return "".join(word for word in words(name) if not word.isdigit())


@lru_cache(maxsize=20_000)
def is_number(name: str) -> bool:
    """Whether a step of a path is a place in a list or a Sequential."""
    return name.isascii() and name.isdigit() and len(name) < 8


def norms_after(leaf: str) -> tuple[str, ...]:
    """The names that a norm right after this layer would have: the next number of a Sequential, or conv1 and bn1."""
    if is_number(leaf):
        return (str(int(leaf) + 1),)
    return tuple(leaf.replace("conv", norm, 1) for norm in ("bn", "norm")) if "conv" in leaf else ()


def layers_before(leaf: str) -> tuple[str, ...]:
    """The names that the layer right before a norm would have."""
    if is_number(leaf):
        return (str(int(leaf) - 1),)
    return tuple(leaf.replace(norm, "conv", 1) for norm in ("bn", "norm") if norm in leaf)


def speaking_names(path: str) -> tuple[str, ...]:
    """The last step of a path and the nearest one above that is no number and no mere container."""
    *above, leaf = path[-400:].rsplit(".", 6)
    speaking = next((step for step in reversed(above) if not is_number(step) and squeezed(step) not in CONTAINERS), "")
    return tuple(name for name in (leaf, speaking) if name and not is_number(name))


def says_transposed(path: str) -> bool:
    """Whether a name speaks of going up: a convolution there may well be a transposed one."""
    return any(word.startswith(TRANSPOSED) or word in TRANSPOSED_WORDS for name in speaking_names(path) for word in words(name))


def says_convolution(path: str) -> bool:
    """Whether a name speaks of a convolution, and of no transposed one."""
    named = any(word.startswith("conv") or word.endswith("conv") for name in speaking_names(path) for word in words(name))
    return named and not says_transposed(path)


@lru_cache(maxsize=20_000)
def kind_by_name(leaf: str, parent: str) -> str | None:
    """Whether a name is given to linear layers alone or to embeddings alone; a number goes by the Sequential it stands in.

    A list of embeddings looks like a Sequential, so a number is never an embedding.
    """
    if is_number(leaf):
        return "Linear" if _says_linear(parent, "") and not _says_embedding(parent) else None
    linear, embedding = _says_linear(leaf, parent), _says_embedding(leaf)
    if linear == embedding:
        return None
    return "Linear" if linear else "Embedding"


def _says_linear(leaf: str, parent: str) -> bool:
    return not LINEAR.isdisjoint(words(leaf)) or leaf in LINEAR_NAMES or f"{parent}.{leaf}" in LINEAR_NAMES


def _says_embedding(leaf: str) -> bool:
    found = words(leaf)
    named = not EMBEDDING.isdisjoint(found) or squeezed(leaf).endswith(("embedding", "embeddings"))
    return leaf in EMBEDDING_NAMES or (named and NOT_EMBEDDING.isdisjoint(found))
