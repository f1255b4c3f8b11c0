"""Replace references inside an inert object graph by what they stand for, in place, without recursion into depth.

Tuples cannot change, so that one which holds a reference is made anew, once; each is looked at once (S-27).
"""

from __future__ import annotations

from collections.abc import Callable

from ptinspect.pickles.values import Call, Dict, Persistent, Set, Value, children

_DEEPEST = 8


class _Swap:
    """One substitution over one graph."""

    def __init__(self, stands_for: Callable[[Persistent], Value]) -> None:
        self.stands_for = stands_for
        self.tuples: dict[int, tuple[tuple[Value, ...], tuple[Value, ...]]] = {}

    def new(self, value: Value, depth: int = 0) -> Value:
        """What stands in a value's place: itself unless it is a reference, or a tuple that holds one."""
        if type(value) is Persistent:
            return self.stands_for(value)
        if type(value) is not tuple or depth > _DEEPEST:
            return value
        known = self.tuples.get(id(value))
        if known is None:
            items = tuple(self.new(item, depth + 1) for item in value)
            same = all(old is new for old, new in zip(value, items, strict=True))
            known = self.tuples[id(value)] = (value, value if same else items)
        return known[1]

    def inside(self, value: Value) -> None:
        """Replace what a holder holds."""
        if type(value) is list:
            value[:] = [self.new(item) for item in value]
        elif type(value) is Set:
            value.items[:] = [self.new(item) for item in value.items]
        elif type(value) is Dict:
            value.pairs[:] = [(key, self.new(item)) for key, item in value.pairs]
            value.states = tuple(self.new(state) for state in value.states)
        elif type(value) is Call:
            value.args = self.new(value.args)
            value.states = tuple(self.new(state) for state in value.states)
            if value.pairs is not None:
                value.pairs[:] = [(key, self.new(item)) for key, item in value.pairs]
            if value.items is not None:
                value.items[:] = [self.new(item) for item in value.items]


def substituted(root: Value, stands_for: Callable[[Persistent], Value]) -> Value:
    """The graph below `root` with every reference replaced by what `stands_for` says; what that holds is searched too."""
    swap = _Swap(stands_for)
    root = swap.new(root)
    todo, seen = [root], set()
    while todo:
        value = todo.pop()
        if type(value) not in (list, tuple, Set, Dict, Call) or id(value) in seen:
            continue
        seen.add(id(value))
        swap.inside(value)
        todo.extend(children(value))
    return root
