"""`python -m tests.goldens`: write every golden file anew."""

from __future__ import annotations

from tests.goldens.trees import GOLDENS, texts

if __name__ == "__main__":
    for name, text in texts().items():
        (GOLDENS / name).write_text(text, "utf-8")
        print(f"tests/goldens/{name}")
