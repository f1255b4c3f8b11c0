"""`@frozen`: a slotted value that the type checker holds frozen. `@slotted`: the same for what is filled bit by bit.

For a type checker both are dataclasses, `field` and `replace` those of `dataclasses`. Running, they are none: a dataclass compiles
its methods where it is defined, which took a quarter of the start of every command for classes that most files never need, and
`dataclasses` itself imports `inspect`. Here a class gets its `__init__` when its first value is made; the other methods are shared.
`dataclasses.replace` understands these classes as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

__all__ = ["Field", "field", "frozen", "replace", "slotted"]
T = TypeVar("T")


class _Nothing:
    """A default that is not given."""


class Field:
    """What a class says of one of its fields."""

    __slots__ = ("_field_type", "compare", "default", "factory", "init", "name")

    def __init__(self, default: object = _Nothing, default_factory: object = _Nothing, compare: bool = True) -> None:
        self.name, self.default, self.factory, self.compare = "", default, default_factory, compare
        self.init, self._field_type = True, None  # `dataclasses.replace` asks for both


if TYPE_CHECKING:
    from dataclasses import field, replace
else:
    field = Field

    def replace(value, /, **changes):
        """The same value but for some fields."""
        for name in value.__dataclass_fields__:
            if name not in changes:
                changes[name] = getattr(value, name)
        return type(value)(**changes)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: type[T]) -> type[T]:
    """Make a class a value: fields by name, compared by what they hold."""
    return _made(kind, hash)


@dataclass_transform(field_specifiers=(field,))
def slotted(kind: type[T]) -> type[T]:
    """Make a class a record whose fields may change."""
    return _made(kind, None)


def _made(kind: type[T], hashing: Callable[[object], int] | None) -> type[T]:
    fields = dict(_fields(kind))
    compared = [name for name, one in fields.items() if one.compare]
    values: Callable[[object], object] = attrgetter(*compared) if compared else type

    def start(self: Any, *given: object, **named: object) -> None:
        """The first value: from here on the class has a method of its own."""
        made.__init__ = _initializer(made, fields)
        made.__init__(self, *given, **named)

    def equal(self: T, other: object) -> bool:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    def shown(self: T) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in compared)})"

    inside = {name: value for name, value in vars(kind).items() if name not in fields and name not in ("__dict__", "__weakref__")}
    inside |= {"__slots__": tuple(fields), "__dataclass_fields__": fields, "__qualname__": kind.__qualname__}
    inside |= {"__init__": start, "__eq__": equal, "__hash__": (lambda self: hashing(values(self))) if hashing else None, "__repr__": shown}
    made: Any = type(kind.__name__, kind.__bases__, inside)
    found: type[T] = made
    return found


def _fields(kind: type) -> Iterator[tuple[str, Field]]:
    for name in kind.__annotations__:
        given = vars(kind).get(name, _Nothing)
        found = given if isinstance(given, Field) else Field(given)
        found.name = name
        yield name, found


def _initializer(kind: type, fields: dict[str, Field]) -> Callable[..., None]:
    """Compile `__init__`: it takes the fields in their order and sets them."""
    known: dict[str, Any] = {"_nothing": _Nothing}
    takes, sets = ["self"], list[str]()
    for name, one in fields.items():
        if one.factory is not _Nothing:
            known[f"_make_{name}"] = one.factory
            takes.append(f"{name}=_nothing")
            sets.append(f"self.{name} = _make_{name}() if {name} is _nothing else {name}")
            continue
        if one.default is not _Nothing:
            known[f"_default_{name}"] = one.default
        takes.append(f"{name}=_default_{name}" if one.default is not _Nothing else name)
        sets.append(f"self.{name} = {name}")
    if hasattr(kind, "__post_init__"):
        sets.append("self.__post_init__()")
    names: dict[str, Any] = {}
    exec(f"def __init__({', '.join(takes)}):\n " + ("\n ".join(sets) or "pass"), known, names)  # noqa: S102 - the names are those of our own classes
    made: Callable[..., None] = names["__init__"]
    made.__qualname__ = f"{kind.__qualname__}.__init__"
    return made
