"""Text where a checkpoint was expected: pointers, pages and messages that a failed download left, and files that list others."""

from __future__ import annotations

import json
import re
from typing import Any

from ptinspect.errors import FileProblem, NotACheckpoint, Unsupported
from ptinspect.formats.candidate import Candidate

AGAIN = "Download the file again, from its page's download button or with the site's own tool."
ELSEWHERE = "Look for the checkpoint where this file came from."
_ERROR = "this is an error message, not a checkpoint: "
MOST_JSON = 8 << 20
QUOTED = 120

_MISSING = ("entry not found", "404: not found", "404 not found", "not found", "repository not found", "file not found", "no such file")
_DENIED = ("invalid username or password", "access denied", "forbidden", "unauthorized", "403 forbidden", "401 unauthorized")
_BUSY = ("too many requests", "rate limit", "quota exceeded", "bad gateway", "service unavailable", "internal server error", "gateway time")
_TAGS = r"!doctype\s+html|html|head|body|title|meta|script|div|center|h1|p"
_HTML = re.compile(rf"(?:<!--.*?-->|\s)*<(?:{_TAGS})\b|<!--(?!.*-->)", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>([^<]{1,400})", re.IGNORECASE)


def by_text(candidate: Candidate) -> FileProblem | None:
    """What a text says; None where the file is no text."""
    text = as_text(candidate.head, candidate.source.size > len(candidate.head))
    if text is None or not text.strip():
        return None if text is None else NotACheckpoint("this file holds only blanks and newlines", AGAIN)
    small = text.strip()
    for reader in (_pointer, _page, _json, _message, _listed):
        problem = reader(candidate, small)
        if problem is not None:
            return problem
    return NotACheckpoint(f"this is a text, not a checkpoint; it begins {quoted(small)}", ELSEWHERE)


def as_text(head: bytes, more: bool) -> str | None:
    """The first kilobytes as text, None where they are none. A character that the end of the view cuts does not count."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace").lstrip("\ufeff")
    for cut in range(4 if more else 1):
        try:
            text = head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        strange = sum(1 for letter in text if letter < " " and letter not in "\t\r\n\f\x1b")
        return text.lstrip("\ufeff") if strange == 0 and "\x7f" not in text else None
    latin = head.decode("latin-1")
    return latin if sum(1 for byte in head if byte < 32 and byte not in b"\t\r\n\f") == 0 and _HTML.match(latin) else None


def quoted(text: str) -> str:
    """The beginning of a text on one line; quoting spells control characters out."""
    line = " ".join(text[: QUOTED * 4].split())
    return repr(line if len(line) <= QUOTED else line[:QUOTED] + "…")


def _pointer(candidate: Candidate, text: str) -> FileProblem | None:
    if text.startswith(("version https://git-lfs.github.com/spec/", "version http://git-media.io/")):
        size = re.search(r"^size (\d{1,20})\s*$", text, re.MULTILINE)
        promised = f" The file that it stands for has {int(size[1]):,} bytes." if size else ""
        return NotACheckpoint("this is a Git LFS pointer, not the checkpoint itself", f"Run `git lfs pull` in the repository.{promised}")
    if text.startswith("# xet version"):
        return NotACheckpoint("this is a Xet pointer, not the checkpoint itself", "Download the file with the Hugging Face tools.")
    if "/annex/objects/" in text[:200]:
        return NotACheckpoint("this is a git-annex pointer, not the checkpoint itself", "Run `git annex get` in the repository.")
    if re.match(r"outs:\s*\n\s*- (md5|etag|hash|size)", text) or (text.startswith("md5: ") and "\nouts:" in text):
        return NotACheckpoint("this is a DVC pointer, not the checkpoint itself", "Run `dvc pull` in the repository.")
    return None


def _page(candidate: Candidate, text: str) -> FileProblem | None:
    if text.startswith(("<?xml", "<Error")):
        code = re.search(r"<Code>([^<]{1,80})", text)
        if code:
            return NotACheckpoint(f"this is an error message of a file store ({code[1]}), not a checkpoint", AGAIN)
        if "<html" not in text.lower():
            what = "an OpenVINO model description" if "<net " in text[:400] else "an XML text"
            return NotACheckpoint(f"this is {what}, not a checkpoint", ELSEWHERE)
    elif not _HTML.match(text):
        return None
    title = _TITLE.search(text)
    titled = f" titled {quoted(title[1].strip())}" if title and title[1].strip() else ""
    hint = AGAIN
    if "google drive" in text.lower():
        hint = "Google Drive asked something in between: download it in a browser, or with gdown."
    elif "sign in" in text.lower() or "log in" in text.lower():
        hint = "The page may want you to log in or to accept a licence first; then download again."
    return NotACheckpoint(f"this is a web page{titled}, not a checkpoint: the download failed", hint)


def _json(candidate: Candidate, text: str) -> FileProblem | None:
    if text[:1] not in ("{", "["):
        return None
    try:
        found: Any = json.loads(candidate.source.read(0, MOST_JSON).decode("utf-8-sig"))
    except (ValueError, RecursionError):
        found = None
        if not re.match(r'[{\[]\s*("|\{|\[|[}\]]|-?\d)', text):
            return None
    if isinstance(found, dict):
        return _json_object(found)
    if found is None and '"weight_map"' in text:
        return _index({})
    what = "a JSON text" if found is not None else "a JSON text that breaks off"
    return NotACheckpoint(f"this is {what}, not a checkpoint", ELSEWHERE)


def _json_object(found: dict[str, Any]) -> FileProblem:
    if isinstance(found.get("weight_map"), dict):
        return _index(found["weight_map"])
    said = next((found[key] for key in ("error", "errors", "message", "detail", "error_description") if key in found), None)
    if isinstance(said, dict):
        said = said.get("message", "")
    if isinstance(said, str) and len(found) <= 6:
        return NotACheckpoint(_ERROR + quoted(said), AGAIN)
    beside = "It describes a model; the weights are in another file of the same folder."
    for keys, what in _CONFIGS:
        if any(key in found for key in keys):
            return NotACheckpoint(f"this is {what}, not a checkpoint", beside)
    return NotACheckpoint("this is a JSON text, not a checkpoint", ELSEWHERE)


_CONFIGS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("model_type", "architectures", "hidden_size", "_class_name"), "a model's configuration (JSON)"),
    (("tokenizer_class", "added_tokens", "model_max_length", "cls_token", "unk_token"), "a tokenizer's configuration (JSON)"),
    (("peft_type",), "an adapter's configuration (JSON)"),
    (("@class", "@module"), "a model's description by its class (JSON)"),
    (("nbformat",), "a Jupyter notebook"),
    (("modelTopology", "weightsManifest"), "a TensorFlow.js model description"),
)


def _index(weights: dict[str, Any]) -> FileProblem:
    """The index of a sharded checkpoint."""
    shards = sorted({shard for shard in weights.values() if isinstance(shard, str)})
    counted = f"; it lists {len(weights):,} tensors in {len(shards):,} files" if shards else ""
    example = f", {quoted(shards[0])} for example" if shards else ""
    message = f"this is the index of a sharded checkpoint (a file *.index.json lists shards){counted}"
    return Unsupported(message, f"Open one of its shards{example}.")


def _message(candidate: Candidate, text: str) -> FileProblem | None:
    lower = text[:400].lower()
    if candidate.source.size > 2_000:
        return None
    if lower.startswith(_MISSING) or lower.startswith("404"):
        return NotACheckpoint(_ERROR + quoted(text), "The address of the download is wrong: check it.")
    if lower.startswith(_DENIED):
        return NotACheckpoint(_ERROR + quoted(text), "Log in or ask for access, then download again.")
    if any(words in lower for words in _BUSY):
        return NotACheckpoint(_ERROR + quoted(text), "Wait a while and download again.")
    return None


def _listed(candidate: Candidate, text: str) -> FileProblem | None:
    if text.startswith("import ") and "\n" not in text:
        hint = "Files of that ending in site-packages are Python's own; look for the checkpoint elsewhere."
        return NotACheckpoint("this is a path configuration file of Python (.pth), not a checkpoint", hint)
    if text.startswith("#!"):
        return NotACheckpoint("this is a script, not a checkpoint", "Get the right file from its source.")
    if "model_checkpoint_path:" in text[:200]:
        message = "this is TensorFlow's list of its checkpoints, not a PyTorch checkpoint"
        return NotACheckpoint(message, "TensorFlow reads the files that it names.")
    if re.match(r"(from \w[\w.]* import |import \w|def \w+\(|class \w+[(:])", text):
        return NotACheckpoint("this is Python source, not a checkpoint", ELSEWHERE)
    return None
