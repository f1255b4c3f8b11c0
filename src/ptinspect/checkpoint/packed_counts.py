"""How many parameters a weight set really has where its layers are packed into fewer bits: always inferred, from shapes.

Asked for every file on the way to its first answer, so a look at the names comes first; nearly every file ends there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ptinspect.checkpoint.model import Evidence, WeightSet, memory_of
from ptinspect.frozen import frozen

_TELLING = ("qweight", ".SCB", ".absmax", ".W_q", ".weight_packed", ".weight_scale", ".weight_scale_inv", ".weight_scales", ".scales")
_MOST = 150_000
_LISTED = 3


@frozen
class PackedCount:
    """What a set's parameters are when packed layers count as what they stand for; `unknown` layers do not tell it."""

    parameters: int
    layers: int
    unknown: int
    kinds: tuple[str, ...]

    @property
    def evidence(self) -> Evidence:
        """The claim and what it rests on."""
        atleast = "at least " if self.unknown else ""
        claim = f"{atleast}{self.parameters:,} parameters once packed weights are unpacked"
        unknown = f"; {self.unknown:,} more do not tell how many values they hold" if self.unknown else ""
        return Evidence(
            claim, "inferred", f"{self.layers:,} layers are packed by their names and shapes ({', '.join(self.kinds)}){unknown}"
        )


def packed_count(weights: WeightSet) -> PackedCount | None:
    """The real count, None where nothing is packed or nothing is known of it."""
    if len(weights.entries) > _MOST or not any(entry.name.endswith(_TELLING) for entry in weights.entries):
        return None
    from ptinspect.checkpoint.named_layers import Network  # noqa: PLC0415, most files come without
    from ptinspect.checkpoint.packed_types import packed  # noqa: PLC0415

    network = Network(((entry.name, entry.tensor) for entry in weights.entries), {})
    guesses = {layer.path: guess for layer in network.ordered if (guess := packed(network, layer)) is not None}
    known = {path: guess.parameters for path, guess in guesses.items() if guess.parameters is not None}
    if not known:
        return None
    kinds = Counter(guess.extra or guess.because for guess in guesses.values())
    stored = sum(_stored_in(weights, known))
    listed = tuple(f"{count:,} x {kind}" for kind, count in kinds.most_common(_LISTED))
    return PackedCount(weights.parameters - stored + sum(known.values()), len(known), len(guesses) - len(known), listed)


def _stored_in(weights: WeightSet, layers: dict[str, int]) -> Iterator[int]:
    """What the packed layers, and the modules in them, have in parameters as they are stored; tied ones once."""
    seen: set[object] = set()
    for entry in weights.entries:
        if entry.role == "parameter" and _is_within(entry.name, layers):
            key = memory_of(entry.tensor)
            if key not in seen:
                seen.add(key)
                yield entry.tensor.elements


def _is_within(name: str, layers: dict[str, int]) -> bool:
    above = name
    for _ in range(4):
        above = above.rpartition(".")[0]
        if above in layers:
            return True
    return False


__all__ = ["PackedCount", "packed_count"]
