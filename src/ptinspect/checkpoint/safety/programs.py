"""Dangerous operators in program texts: TorchScript and torch.package carry code, and a few operators reach outside of the model.

TorchScript cannot call Python, but it can call any registered operator: some read or write files. as_strided and set_ are no alarm,
traced models are full of them. The text is searched, never compiled.
"""

from __future__ import annotations

from ptinspect.errors import FileProblem
from ptinspect.findings import Finding, Severity
from ptinspect.formats.document import Document
from ptinspect.limits import Limits
from ptinspect.patterns import pattern

TEXT_BYTES = 64 << 20

_OPERATORS = pattern(
    r"\b(?:torch\.(?:from_file|save|load)|ops\.(?:aten\.(?:from_file|save|load)|image\.(?:read_file|write_file)|video_reader\.\w+"
    r"|torchaudio\.\w*(?:sox|ffmpeg|load|save|file)\w*|(?:inductor|rpc|process_group|_caffe2|caffe2|dist_rpc)\.\w+))(?=\s*\()"
)
_REACHES = {
    "from_file": "maps a file into a tensor",
    "read_file": "reads a file",
    "write_file": "writes a file",
    "save": "writes a file",
    "load": "reads a file",
}
_ANYTHING = "reaches outside of the model"
_PYTHON = pattern(
    r"(?<![\w.])(?<!def )(?:__import__|eval|exec)(?=\s*\()|(?<![\w.])(?:os\.(?:system|popen)|subprocess\.\w+|socket\.socket)(?=\s*\()"
)
"""Calls of Python, none of which TorchScript has: text that holds one was not written by torch (CVE-2022-45907)."""


def look_at_programs(document: Document, limits: Limits) -> list[Finding]:
    """One finding for each text that holds such an operator."""
    found: list[Finding] = []
    budget = TEXT_BYTES
    for name, read in document.code.items():
        if len(found) >= limits.findings or budget <= 0:
            break
        try:
            text = read()
        except FileProblem:
            continue
        budget -= len(text)
        found += _in_text(name, text, document.container == "torch-package")
    return found


def _in_text(name: str, text: str, is_python: bool) -> list[Finding]:
    operators = sorted({match[0] for match in _OPERATORS.finditer(text)})
    if operators and not is_python:
        what = "; ".join(f"{operator} {_REACHES.get(operator.rpartition('.')[2], _ANYTHING)}" for operator in operators[:8])
        return [Finding("danger", "the program reaches outside of the model", f"{what}.", name)]
    calls = sorted({match[0] for match in _PYTHON.finditer(text)})
    if calls:
        severity: Severity = "notice" if is_python else "danger"
        return [Finding(severity, "the program calls what runs other code", f"It holds {', '.join(calls[:8])}.", name)]
    return []
