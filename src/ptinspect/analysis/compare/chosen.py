"""Which pairs are compared where a glob asks for some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ptinspect.analysis.compare.model import Match, Side
from ptinspect.checkpoint.layer_tree import globs
from ptinspect.checkpoint.weight_sets import joined
from ptinspect.errors import InspectError
from ptinspect.frozen import replace
from ptinspect.spelled import plain


def fitting(left: Side, right: Side, match: str | None) -> Callable[[Match], bool] | None:
    """Whether a pair fits a glob: by either of its names, in its weight set or in the file. A glob that nothing fits is a slip."""
    if not match:
        return None
    pattern = globs(match)

    def fits(found: Match) -> bool:
        named = ((side, entry) for side, entry in ((left, found.left), (right, found.right)) if entry is not None)
        return any(pattern.match(name) for side, entry in named for name in (entry.name, joined(side.path or "", entry.name)))

    alone = (Match(entry, None) if side is left else Match(None, entry) for side in (left, right) for entry in side.entries)
    if not any(map(fits, alone)):
        hint = "Give a glob on full paths, such as `layer4.*`; `ptinspect tree` shows them."
        raise InspectError(f"no tensor of either side fits `{plain(match[:200])}`", hint)
    return fits


def part_of(side: Side, matches: Sequence[Match], is_left: bool) -> Side:
    """A side with those tensors alone that are compared."""
    kept = {id(match.left if is_left else match.right) for match in matches}
    entries = tuple(entry for entry in side.entries if id(entry) in kept)
    return side if len(entries) == len(side.entries) else replace(side, entries=entries)
