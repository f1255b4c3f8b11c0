"""What instructions do to the container on top of the stack: pairs, items and state are put into it, or noted as odd.

It may be a container of our own, or an inert call that keeps what would have been set on its result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptinspect.errors import Corrupt
from ptinspect.pickles.values import Call, Dict, Global, Set, Value

if TYPE_CHECKING:
    from ptinspect.pickles.machine import Machine


def set_items(machine: Machine, items: list[Value]) -> None:
    """SETITEM and SETITEMS on whatever lies on top."""
    target = machine.stack[-1]
    if len(items) % 2:
        raise Corrupt("a pickle sets a key without a value", "Get the file again from its source.")
    pairs = zip(items[::2], items[1::2], strict=True)
    if type(target) is Dict:
        target.pairs.extend(pairs)
    elif type(target) is Call:
        target.pairs = target.pairs or []
        target.pairs.extend(pairs)
        machine.stream.filled.add(target.name)
    else:
        machine.odd(f"keys are set on a {type(target).__name__}")


def add_items(machine: Machine, items: list[Value]) -> None:
    """APPEND, APPENDS and ADDITEMS on whatever lies on top."""
    target = machine.stack[-1]
    if type(target) is list:
        target.extend(items)
    elif type(target) is Set:
        target.items.extend(items)
    elif type(target) is Call:
        target.items = target.items or []
        target.items.extend(items)
        machine.stream.filled.add(target.name)
    else:
        machine.odd(f"items are appended to a {type(target).__name__}")


def build(machine: Machine, state: Value) -> None:
    """BUILD: set the state of whatever lies on top."""
    target = machine.stack[-1]
    if type(target) in (Call, Dict):
        target.states += (state,)
        if type(target) is Call and type(target.fn) is Global:
            target.fn.built += 1
    elif type(target) is Global:
        target.built += 1
        target.calls.append(Call(target, (), "build"))
        target.calls[-1].states = (state,)
        machine.odd(f"attributes are set on {target.name} itself")
    else:
        machine.odd(f"attributes are set on a {type(target).__name__}")


def salvage(machine: Machine) -> Value:
    """What a broken stream had built: unfinished containers take in what was meant for them."""
    stack, marks = machine.stack, machine.marks
    while marks:
        mark = min(marks.pop(), len(stack))
        items = stack[mark:]
        del stack[mark:]
        target = stack[-1] if stack else None
        mapping = type(target) is Dict or (type(target) is Call and target.pairs is not None)
        if mapping or (type(target) is Call and target.name.endswith("OrderedDict")):
            set_items(machine, items[: len(items) // 2 * 2])
        elif type(target) is list:
            target.extend(items)
        else:
            stack.extend(items)
    return stack[0] if len(stack) == 1 else stack
