"""A file that wants a reader: its bytes, its first kilobytes, and its zip directory if it is a zip."""

from __future__ import annotations

from ptinspect.errors import FileProblem
from ptinspect.formats.source import Source
from ptinspect.formats.zip_directory import LOCAL, ZipDirectory
from ptinspect.frozen import field, slotted
from ptinspect.limits import Limits

HEAD = 4_096


@slotted
class Candidate:
    """What each reader looks at to say whether the file is its own. `depth` counts streams inside streams."""

    source: Source
    limits: Limits
    name: str = ""
    depth: int = 0
    head: bytes = b""
    directory: ZipDirectory | None = None
    zip_problem: FileProblem | None = None
    names: tuple[str, ...] = ()
    listing: str = ""
    folders: dict[tuple[str, ...], str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.head = self.source.read(0, HEAD)
        if self.head[:4] not in (LOCAL, b"PK\x05\x06"):
            return
        try:
            self.take(ZipDirectory(self.source, self.limits))
        except FileProblem as problem:
            self.zip_problem = problem

    def take(self, directory: ZipDirectory) -> None:
        """Go by this directory; its names joined answer quickly that there is none of a kind."""
        self.directory = directory
        self.names = tuple(directory.records)
        self.listing = "\n".join(self.names)

    def folder_of(self, *endings: str) -> str | None:
        """The folder (with its slash, or empty) that holds an entry of one of these names; the shallowest wins."""
        if endings not in self.folders:
            near = ((end, name) for end in endings if end in self.listing for name in self.names if name.endswith(end))
            found = [name[: -len(end)] for end, name in near if name == end or name.endswith("/" + end)]
            self.folders[endings] = min(found, key=lambda folder: folder.count("/"), default=None)
        return self.folders[endings]
