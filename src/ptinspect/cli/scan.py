"""`ptinspect scan FILE ...`: what each file would run if it were loaded as code."""

from __future__ import annotations

import argparse
from typing import Any

from ptinspect.checkpoint.scanning import Scanned, scan_file
from ptinspect.cli.output import error_fields, print_error, print_json
from ptinspect.errors import FileProblem
from ptinspect.findings import finding_fields
from ptinspect.spelled import plain

CLEAN, HAS_CODE, FAILED = 0, 1, 2


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("files", metavar="FILE", nargs="+")


def run(arguments: argparse.Namespace) -> int:
    """Scan every file; one that cannot be read does not keep the others from being scanned."""
    results: list[dict[str, Any]] = []
    has_code = failed = False
    for path in arguments.files:
        try:
            scanned = scan_file(path)
        except FileProblem as problem:
            failed = True
            results.append({"path": path, "error": error_fields(problem)})
            print_error(problem, path, as_json=False)
            continue
        has_code |= scanned.safety.verdict != "data"
        results.append(_fields(path, scanned))
        if not arguments.json:
            _print(path, scanned)
    if arguments.json:
        print_json(None, {"files": results})
    return HAS_CODE if has_code else FAILED if failed else CLEAN


def _fields(path: str, scanned: Scanned) -> dict[str, Any]:
    safety = scanned.safety
    return {
        "path": path,
        "container": scanned.container,
        "kind": scanned.kind,
        "safety": {
            "verdict": safety.verdict,
            "loads_weights_only": safety.loads_weights_only,
            "globals": [{"name": g.name, "verdict": g.verdict, "uses": g.uses} for g in safety.globals],
            "effects": list(safety.effects),
        },
        "findings": [finding_fields(finding) for finding in scanned.findings],
    }


def _print(path: str, scanned: Scanned) -> None:
    print(f"{scanned.safety.verdict:<9} {plain(path)}")
    code = [found for found in scanned.safety.globals if found.verdict == "code"]
    for found in code:
        print(f"          code: {plain(found.name)} ×{found.uses:,}")
    told = tuple(f"{plain(found.name)} would be imported" for found in code)
    for effect in scanned.safety.effects:
        if not plain(effect).startswith(told):  # what a name that is plain code does has been said by its line
            print(f"          would run: {plain(effect)}")
    for finding in scanned.findings:
        if finding.severity in ("warning", "danger"):
            where = f" [{plain(finding.where)}]" if finding.where else ""
            print(f"          {finding.severity}: {plain(finding.title)}. {plain(finding.detail)}{where}")
