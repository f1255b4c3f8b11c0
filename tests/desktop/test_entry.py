"""The desktop entry against the tools that read it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ptinspect.desktop.entry import entry, value
from ptinspect.desktop.linux import TYPES
from ptinspect.desktop.program import NotExpressible
from tests.desktop.homes import environment, needs

FOLDERS = [
    "plain",
    "with space",
    " leading space",
    'a "quoted" one',
    "it's",
    "100%",
    "%F %% %u",
    "größe 重み 🧠",
    "back\\slash\\",
    "$HOME `id` $(id)",
    "semi;colon & pipe | > < * ? # ( ) ~",
    "a=b",
    "=%\"$ '\\",
    "no\u00a0break",
]


def lines_of(words: tuple[str, ...]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in entry(words, TYPES).splitlines() if "=" in line)


def test_that_a_plain_path_is_written_without_quotes() -> None:
    """The launcher of xdg-open splits at blanks and knows no quotes."""
    assert lines_of(("/opt/env/bin/ptinspect",))["Exec"] == "/opt/env/bin/ptinspect %F"


def test_that_quoting_follows_the_specification_to_the_letter() -> None:
    found = lines_of(('/a b/"$`\\/python', "100%", "-m"))
    assert found["Exec"] == r'"/a b/\\"\\$\\`\\\\/python" "100%%" -m %F'
    assert found["TryExec"] == r'/a b/"$`\\/python'
    assert value(" x") == r"\sx"


@pytest.mark.parametrize("path", ["/a\nb/python", "/a\x1b[31m/python", "/\udcff/python"])
def test_that_a_place_that_no_text_file_can_hold_is_refused(path: str) -> None:
    with pytest.raises(NotExpressible) as caught:
        entry((path,), TYPES)
    assert caught.value.hint


@needs("desktop-file-validate")
@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("arguments", [(), ("-m", "ptinspect")], ids=["script", "module"])
def test_that_the_validator_has_nothing_to_say(tmp_path: Path, folder: str, arguments: tuple[str, ...]) -> None:
    path = tmp_path / "ptinspect.desktop"
    path.write_text(entry((f"/{folder}/ptinspect", *arguments), TYPES), "utf-8")
    done = subprocess.run(["desktop-file-validate", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs("gio")
@pytest.mark.parametrize("folder", FOLDERS)
def test_that_a_double_click_starts_the_program_with_its_files(tmp_path: Path, folder: str) -> None:
    """GLib reads the entry, and a program at that place writes down how it was called."""
    program = tmp_path / folder / "ptinspect"
    program.parent.mkdir(parents=True)
    told = tmp_path / "told.json"
    part = tmp_path / "told.part"
    script = f"import json, os, sys; open({str(part)!r}, 'w').write(json.dumps(sys.argv)); os.rename({str(part)!r}, {str(told)!r})"
    program.write_text(f"#!{sys.executable}\n{script}\n", "utf-8")
    program.chmod(0o755)
    place = tmp_path / "ptinspect.desktop"
    place.write_text(entry((str(program),), TYPES), "utf-8")
    files = [str(tmp_path / name) for name in ("model_final(2).pt", "größe %F.pt")]
    for file in files:
        Path(file).touch()
    done = subprocess.run(["gio", "launch", str(place), *files], env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    patience = time.monotonic() + 20
    while not told.exists() and time.monotonic() < patience:
        time.sleep(0.02)
    assert json.loads(told.read_text())[1:] == files
