"""The SHA-256 of a whole file, and whether it is the one that the file's name promises (`resnet50-0676ba61.pth`)."""

from __future__ import annotations

import hashlib
import os
import re

from ptinspect.errors import ChangedOnDisk
from ptinspect.formats.source import FileSource, Identity

CHUNK = 1 << 20
_IN_NAME = re.compile(r"-([0-9a-f]{8,64})(?=\.|$)")


def sha256_of(path: str, identity: Identity) -> dict[str, object]:
    """The digest, and `name_matches`: true, false, or null where the name holds no hex digits."""
    digest = hashlib.sha256()
    with FileSource(path) as source:
        if source.identity != identity:
            raise ChangedOnDisk("the file changed while it was read", "Open it again once whatever writes it has finished.")
        for at in range(0, source.size, CHUNK):
            digest.update(source.read(at, CHUNK))
    found = _IN_NAME.search(os.path.basename(path))
    matches = digest.hexdigest().startswith(found[1]) if found else None
    if matches is False and found is not None and found[1].isdigit():
        matches = None  # a date or a step: `model-20240131.pt` promises nothing
    return {"sha256": digest.hexdigest(), "name_matches": matches}
