"""What the strings of a pickle hold beside their meaning: pickles written as text, and what tells about people.

Give a Traces to a Window as `tap`. It looks at some hundred strings joined, not at each: 100,000 tensors have 200,000 strings, and a
Python call for each would cost more than all the searches. Every expression begins with one literal character, so that the search
runs at the speed of memchr; one expression with all alternatives takes ten times as long. (Raw bytes in place of strings were tried:
four times as slow, because their numbers look like the beginnings of everything.)
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from itertools import islice

from ptinspect.patterns import pattern

MOST_ENCODED = 2_000
ENCODED_BYTES = 16 << 20
LONGEST = 4 << 20
MOST_PRIVATE = 200
PLACES = 8
HITS = 1_000
BETWEEN = "\x00"

_BASE64 = pattern(r"A(?<=gA)[I-X][A-Za-z0-9+/_-]{9,}[A-Za-z0-9+/_=\r\n-]*")
_HEX = pattern(r"8(?:00[2-5])(?:[0-9a-fA-F]{2}){8,}")
_LATIN = pattern("\x80[\x02-\x05]")
_LINES = pattern(r"\n(?<=[\w.]\n)[A-Za-z_][\w.]*\n", re.ASCII)

_MAIL = pattern(r"@(?<=[\w%+-]@)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.([a-z]{2,6})(?![A-Za-z0-9.-])", re.ASCII)
_MAIL_USER = pattern(r"[A-Za-z0-9._%+-]{1,64}\Z")
_NO_DOMAINS = frozenset("py pt js so md sh cc rs pl png jpg pth ckpt pkl json yaml onnx".split())
_UNIX_HOME = pattern(r"/(?:home|Users)/([A-Za-z0-9._-]{1,64})|/root/[A-Za-z0-9._-]")
_WINDOWS_HOME = pattern(r"\\(?<=[A-Za-z]:\\)\\?Users\\{1,2}([A-Za-z0-9._ -]{1,64})\\")
_UNDERSCORE = pattern(
    r"_(?<=[hapP][fpousrtmIi]_)(?:(?<=hf_)[A-Za-z0-9]{30,}|(?<=gh[pousr]_)[A-Za-z0-9]{36,}|(?<=_pat_)[A-Za-z0-9_]{22,}|(?<=npm_)[A-Za-z0-9]{36}"
    r"|(?:KEY|key)[^A-Za-z]{1,12}(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f]))"
)
_DASH = pattern(
    r"-(?:(?<=\bsk-)[A-Za-z0-9_-]{20,}|(?<=glpat-)[A-Za-z0-9_-]{20,}|(?<=xox[abprs]-)[A-Za-z0-9-]{10,}|----BEGIN [A-Z ]{0,20}PRIVATE KEY"
    r"|(?<=DESKTOP-)[A-Z0-9]{7}\b|(?<=LAPTOP-)[A-Z0-9]{8}\b|(?<=\bip-)\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}\b)",
    re.ASCII,
)
_CAPITALS = pattern(r"A(?:KIA|SIA|Iza)(?:(?<=[KS]IA)[0-9A-Z]{16}(?![0-9A-Z])|(?<=Iza)[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-]))")
_HOSTS = ("DESKTOP-", "LAPTOP-", "ip-")
_PREFIX = pattern(r"[A-Za-z0-9_]{1,12}\Z")


class Traces:
    """What was seen so far: `private` are (kind, value); `encoded` are candidates, decoded and not yet known to be pickles.

    A candidate is some bytes and where in them it begins: text that may hold thousands of beginnings is kept once. `full` says that
    there were more candidates than are kept.
    """

    __slots__ = ("encoded", "full", "private", "spent")

    def __init__(self) -> None:
        self.encoded: dict[tuple[bytes, int], str] = {}
        self.private: dict[tuple[str, str], None] = {}
        self.spent = 0
        self.full = False

    def __call__(self, texts: list[str]) -> None:
        """Look at some more strings of the stream."""
        joined = BETWEEN.join(texts)
        if not self.full:
            self._keep(_decoded(joined))
            self._keep(_begun(joined))
        if len(self.private) < MOST_PRIVATE:
            self._people(joined)
            self._secrets(joined)

    def _keep(self, candidates: Iterator[tuple[str, bytes, int]]) -> None:
        last = None
        for form, data, at in candidates:
            self.spent += len(data) if data is not last else 0
            last = data
            if self.spent > ENCODED_BYTES or len(self.encoded) >= MOST_ENCODED:
                self.full = True
                return
            self.encoded[data, at] = form

    def _note(self, kind: str, value: str) -> None:
        if len(self.private) < MOST_PRIVATE:
            self.private[kind, value] = None

    def _people(self, joined: str) -> None:
        for found in _hits(_MAIL, "@", joined):
            user = _MAIL_USER.search(joined, max(0, found.start() - 64), found.start())
            if user is not None and found[1] not in _NO_DOMAINS:
                self._note("e-mail address", user[0] + found[0])
        for expression, sign in ((_UNIX_HOME, "/"), (_WINDOWS_HOME, "\\")):
            for found in _hits(expression, sign, joined):
                self._note("home path", found[0])
                if found[1]:
                    self._note("user name", found[1])

    def _secrets(self, joined: str) -> None:
        for expression, sign in ((_UNDERSCORE, "_"), (_DASH, "-"), (_CAPITALS, "A")):
            for found in _hits(expression, sign, joined):
                prefix = _PREFIX.search(joined, max(0, found.start() - 12), found.start())
                whole = (prefix[0] if prefix else "") + found[0]
                if any(host in whole for host in _HOSTS):
                    self._note("host name", whole)
                elif _is_random(found[0]):
                    self._note("access token", whole)


def _hits(expression: re.Pattern[str], sign: str, joined: str, most: int | None = HITS) -> Iterator[re.Match[str]]:
    """Where it matches; a text without the sign that every match begins with need not compile it."""
    return islice(expression.finditer(joined), most) if sign in joined else iter(())


def _is_random(text: str) -> bool:
    """A token mixes digits and letters; `mask-specific-layer-norm-weight` does not."""
    digits = sum("0" <= letter <= "9" for letter in text)
    return text.startswith("-----BEGIN") or (digits >= 3 and digits < len(text) - 3)


def _decoded(joined: str) -> Iterator[tuple[str, bytes, int]]:
    """Stretches that begin as a pickle would in base64 or hexadecimal."""
    for found in _hits(_BASE64, "gA", joined, None):
        data = _base64(joined[found.start() - 1 : min(found.end(), found.start() + LONGEST)])
        if data is not None:
            yield "base64 text", data, 0
    for found in _hits(_HEX, "800", joined, None):
        yield "hexadecimal text", bytes.fromhex(found[0][:LONGEST]), 0


def _begun(joined: str) -> Iterator[tuple[str, bytes, int]]:
    """Where a pickle may begin in text as it is: bytes that protocol 2 writes one character each, and lines of protocol 0."""
    raw = b""
    for at in _beginnings(joined):
        raw = raw or joined.encode("latin-1", "replace")
        yield "a text", raw, at


def _beginnings(joined: str) -> Iterator[int]:
    for found in _LATIN.finditer(joined):
        yield found.start()
    end = 0
    for found in _LINES.finditer(joined):
        if found.start() >= end:
            end = _end_of_string(joined, found.end())
            yield from _lines(joined, found.start())


def _base64(text: str) -> bytes | None:
    """What the text stands for; the last characters of a stretch may belong to something else."""
    text = text.replace("\r", "").replace("\n", "").replace("-", "+").replace("_", "/").split("=", 1)[0]
    rest = len(text) % 4
    text = text[:-1] if rest == 1 else text + "=" * (-rest % 4)
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        return None


def _end_of_string(joined: str, at: int) -> int:
    found = joined.find(BETWEEN, at)
    return found if found >= 0 else len(joined)


def _lines(joined: str, newline: int) -> list[int]:
    """A string with two lines that name something as protocol 0 does: a pickle may begin where it begins, or with that name."""
    begin = joined.rfind(BETWEEN, 0, newline) + 1
    line = max(begin, joined.rfind("\n", begin, newline) + 1)
    return sorted({begin} | {at for at in range(line, min(newline, line + PLACES)) if joined[at] in "(ci"})
