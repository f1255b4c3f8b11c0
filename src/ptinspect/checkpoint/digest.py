"""The SHA-256 of a whole file, and whether it is the one that the file's name promises (`resnet50-0676ba61.pth`)."""

from __future__ import annotations

import hashlib
import os
import re

from ptinspect.formats.source import FileSource, Identity

CHUNK = 1 << 20
_IN_NAME = re.compile(r"-([0-9a-f]{8,64})(?=\.|$)")


def sha256_of(path: str, identity: Identity) -> dict[str, object]:
    """The digest, and `name_matches`: true, false, or null where the name holds no hex digits."""
    digest = hashlib.sha256()
    with FileSource(path) as source:
        for at in range(0, source.size, CHUNK):
            digest.update(source.read(at, CHUNK))
    found = _IN_NAME.search(os.path.basename(path))
    matches = digest.hexdigest().startswith(found[1]) if found else None
    return {"sha256": digest.hexdigest(), "name_matches": matches}
