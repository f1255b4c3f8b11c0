"""Lint, types and import contracts in one command: `python -m tests.check`. CI runs it too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# import-linter has no `python -m`; its console script may not be on the path of whoever calls us.
CONTRACTS = "import sys; from importlinter.cli import lint_imports_command as lint; sys.argv[0] = 'lint-imports'; lint()"
CHECKS = {
    "lint": ["-m", "ruff", "check"],
    "types": ["-m", "mypy"],
    "contracts": ["-c", CONTRACTS],
}


def run(name: str, **options: object) -> subprocess.CompletedProcess:
    """Run one check from the root, on the sources of this checkout, installed or not."""
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    return subprocess.run([sys.executable, *CHECKS[name]], cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, check=False, **options)


def main() -> int:
    """Run all of them, also after one has failed; 1 if any did."""
    failed = [name for name in CHECKS if run(name).returncode]
    print("failed: " + ", ".join(failed) if failed else "lint, types and contracts hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
