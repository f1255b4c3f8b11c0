"""Lists of default programs, edited and put back to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptinspect.desktop.defaults import chosen, set_default, unset_default, with_default, without_default

KIND, OURS = "application/x-pytorch-checkpoint", "ptinspect.desktop"
TEXTS = [
    "",
    "[Default Applications]\ntext/plain=org.gnome.gedit.desktop\n",
    "[Added Associations]\napplication/zip=a.desktop;\n\n[Default Applications]\ntext/html=b.desktop\n\n[Removed Associations]\na/b=c\n",
    "[Added Associations]\na/b=c.desktop;\n",
    "# a comment\n\n[Default Applications]\ntext/plain=a.desktop",
    f"[Default Applications]\n{KIND}=netron.desktop;other.desktop\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_that_taking_the_program_out_again_leaves_the_list_as_it_was(text: str) -> None:
    changed = with_default(text, KIND, OURS)
    assert f"{KIND}={OURS}" in changed
    assert with_default(changed, KIND, OURS) == changed
    assert without_default(changed, KIND, OURS) == text
    assert without_default(text, KIND, OURS) == text


LINES = ["[Default Applications]", "[Added Associations]", "a/b=c.desktop", "", "# x", "\u00fc=\udcff", f"{KIND}=a.desktop;b.desktop"]


@given(st.lists(st.sampled_from(LINES), max_size=8))
def test_that_lines_about_other_types_stay_as_they_are(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    back = without_default(with_default(text, KIND, OURS), KIND, OURS)
    about_ours = [line for line in lines if not line.startswith(KIND) and line.strip() and not line.startswith("[")]
    assert [line for line in back.split("\n") if line in about_ours] == about_ours
    assert OURS not in back


def test_that_a_link_to_the_list_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    real, link = tmp_path / "kept" / "list", tmp_path / "mimeapps.list"
    real.write_text(TEXTS[1])
    link.symlink_to(real)
    set_default(link, (KIND,), OURS)
    assert link.is_symlink()
    assert OURS in real.read_text()
    unset_default(link, (KIND,), OURS)
    assert real.read_text() == TEXTS[1]


def test_that_a_program_that_is_gone_opens_nothing_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "system"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "etc"))
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
    config, data = tmp_path / "config", tmp_path / "data"
    for folder in (config, data / "applications", tmp_path / "system" / "applications"):
        folder.mkdir(parents=True)
    (config / "mimeapps.list").write_text(f"[Default Applications]\n{KIND}=gone.desktop;here.desktop\n")
    assert chosen(config, data, KIND) is None
    (tmp_path / "system" / "applications" / "here.desktop").touch()
    assert chosen(config, data, KIND) == "here.desktop"
    (config / "gnome-mimeapps.list").write_text(f"[Default Applications]\n{KIND}=first.desktop\n")
    (data / "applications" / "first.desktop").touch()
    assert chosen(config, data, KIND) == "first.desktop"
