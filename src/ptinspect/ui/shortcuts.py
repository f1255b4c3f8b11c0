"""The sheet of keys, as F1 shows it: what a user would look for together stands together."""

from __future__ import annotations

SHEET: dict[str, tuple[tuple[str, str], ...]] = {
    "Files": (("Ctrl+O", "Open files"), ("Ctrl+T", "Start page"), ("Ctrl+W", "Close the tab"), ("F5", "Reload"), ("Ctrl+Tab", "Next tab")),
    "Layers": (
        ("Ctrl+F", "Filter"), ("Esc", "Empty the filter"), ("↑ ↓ ← →", "Move, open and close"), ("A letter", "Next row that begins so"),
        ("Ctrl+1 … 5", "Open so many levels"), ("Ctrl+0", "Close all levels"), ("*", "Open all below a layer"),
        ("F4", "Columns and order"),
    ),
    "Copy": (("Ctrl+C", "Rows"), ("Ctrl+Shift+C", "Path"), ("Ctrl+Alt+C", "Whole table"), ("Ctrl+Alt+S", "Layer summary")),
    "Comparison": (
        ("Ctrl+D", "Compare with another file"), ("Ctrl+Down", "Next difference"), ("Ctrl+Up", "Difference before"),
        ("Ctrl+I", "Hide identical"), ("Ctrl+Shift+X", "Swap sides"),
    ),
    "Test batch": (
        ("Ctrl+B", "Test batch of what is in front"), ("Ctrl+Return", "Run"), ("Ctrl+.", "Stop"),
        ("Ctrl+L", "Layer in the file, or back"),
    ),
    "Pages": (("Alt+1 … 6", "Overview, Tensor, Training, Health, Safety, Code"), ("F9", "Show or hide the pages")),
    "Window": (("F1", "This sheet"), ("F11", "Full screen"), ("Ctrl+Q", "Quit")),
}  # fmt: skip
