"""What the raw bytes of a pickle hold beside its objects: pickles written as text, and strings that tell about people."""

from __future__ import annotations


class Traces:
    """Give it to a Window as `tap`: it sees each stretch of bytes once as it is loaded."""

    __slots__ = ("encoded", "private")

    def __init__(self) -> None:
        self.encoded: list[bytes] = []
        self.private: list[tuple[str, str]] = []

    def __call__(self, chunk: bytes) -> None:
        """Look at the next stretch of bytes."""
