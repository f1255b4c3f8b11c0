"""Ways to damage a file: blind ones, and ones that aim at what readers believe (lengths, counts, signatures, opcodes)."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from random import Random

Mutation = Callable[[Random, bytearray, bytes], None]

_PLACES = re.compile(rb"PK[\x01\x03\x05\x06\x07][\x02\x04\x06\x07\x08]|ustar|\x80[\x02-\x05]|_rebuild|Storage|data\.pkl|\{\"")
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
_OPCODES = bytes(range(0x80, 0x99)) + b"(.012FGIJKLMNPQRSTUVXabcdeghijlmopqrstu}"


def mutated(random: Random, seed: bytes, other: bytes) -> bytes:
    """A seed with one to eight mutations, mostly few."""
    data = bytearray(seed)
    for _ in range(min(8, 1 + int(random.expovariate(0.7)))):
        random.choice(MUTATIONS)(random, data, other)
    return bytes(data[: 1 << 18])


def _place(random: Random, data: bytearray) -> int:
    """Somewhere: near a structure, near the ends, or anywhere."""
    if not data:
        return 0
    choice = random.random()
    if choice < 0.45:
        found = [match.start() for match in _PLACES.finditer(data)]
        if found:
            return min(len(data) - 1, random.choice(found) + random.randrange(48))
    if choice < 0.6:
        return random.randrange(min(len(data), 512))
    if choice < 0.75:
        return len(data) - 1 - random.randrange(min(len(data), 256))
    return random.randrange(len(data))


def _flip(random: Random, data: bytearray, other: bytes) -> None:
    if data:
        data[_place(random, data)] ^= 1 << random.randrange(8)


def _byte(random: Random, data: bytearray, other: bytes) -> None:
    if data:
        data[_place(random, data)] = random.randrange(256)


def _opcode(random: Random, data: bytearray, other: bytes) -> None:
    if data:
        data[_place(random, data)] = random.choice(_OPCODES)


def _number(random: Random, data: bytearray, other: bytes) -> None:
    """An extreme number over whatever stands there."""
    at, width = _place(random, data), random.choice("BHIQ")
    value = random.choice(_EXTREMES) & ((1 << 8 * struct.calcsize(width)) - 1)
    data[at : at + struct.calcsize(width)] = struct.pack("<" + width, value)


def _cut(random: Random, data: bytearray, other: bytes) -> None:
    del data[random.randrange(len(data) + 1) :]


def _remove(random: Random, data: bytearray, other: bytes) -> None:
    at = _place(random, data)
    del data[at : at + random.choice((1, 2, 4, 16, 64, 512))]


def _insert(random: Random, data: bytearray, other: bytes) -> None:
    at = _place(random, data)
    data[at:at] = random.randbytes(random.choice((1, 2, 4, 16, 64)))


def _repeat(random: Random, data: bytearray, other: bytes) -> None:
    at, length = _place(random, data), random.choice((1, 8, 64, 512))
    data[at:at] = data[at : at + length] * random.choice((1, 2, 8, 64))


def _zero(random: Random, data: bytearray, other: bytes) -> None:
    at = _place(random, data)
    length = min(random.choice((4, 16, 64, 1_024)), len(data) - at)
    data[at : at + length] = bytes(length)


def _splice(random: Random, data: bytearray, other: bytes) -> None:
    """A stretch of another file over or into this one."""
    if other:
        start = random.randrange(len(other))
        piece = other[start : start + random.choice((4, 16, 64, 512, 4_096))]
        at = _place(random, data)
        data[at : at + random.choice((0, len(piece)))] = piece


def _swap(random: Random, data: bytearray, other: bytes) -> None:
    length = random.choice((1, 4, 16, 64))
    first, second = sorted((_place(random, data), _place(random, data)))
    if first + length <= second and second + length <= len(data):
        data[first : first + length], data[second : second + length] = data[second : second + length], data[first : first + length]


MUTATIONS: tuple[Mutation, ...] = (
    *(_flip, _byte, _byte, _opcode, _opcode, _number, _number, _number),
    *(_cut, _remove, _insert, _repeat, _zero, _splice, _splice, _swap),
)
