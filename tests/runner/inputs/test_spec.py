from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ptinspect
from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.columns import Choice, Column, parse_columns
from ptinspect.runner.inputs.spec import Spec, parse, paths_of, place_of, rooted, shape_of, split_vocabulary, tokens_of, with_specs


@pytest.mark.parametrize(
    "text", ["random:3x224x224", "zeros:128:int64", "mask=ones:128:bool", "tokens:128", "hidden=none:", "x=image:a b/c=d.png"]
)
def test_that_a_spec_is_written_as_it_was_read(text):
    assert parse(text).text == text


@pytest.mark.parametrize(
    ("text", "sizes", "dtype"),
    [
        ("random:3x224x224", (3, 224, 224), None),
        ("normal:3X2", (3, 2), None),
        ("zeros:4,5:bool", (4, 5), "bool"),
        ("ones:scalar", (), None),
    ],
)
def test_that_a_shape_is_read(text, sizes, dtype):
    assert shape_of(parse(text)) == (sizes, dtype)


@pytest.mark.parametrize(("text", "size"), [("tokens:12", None), ("tokens:12:30522", 30522), ("tokens:12<30522", 30522)])
def test_that_the_number_of_tokens_may_be_given(text, size):
    assert tokens_of(parse(text)) == ((12,), size)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cat.png", "image:cat.png"),
        (r"C:\x.png", r"image:C:\x.png"),
        ("3x224x224", "random:3x224x224"),
        ("randm:3", "Did you mean random:?"),
        ("random:", "without the batch"),
        ("random:3xx4", "without the batch"),
        ("random:0x4", "without the batch"),
        ("random:-1x4", "without the batch"),
        ("random:99999999x99999999", "without the batch"),
        ("random:3:float31", "float32"),
        ("tokens:12:many", "tokens:128:30522"),
        ("image:", "image:PATH"),
        ("", "random:"),
        ("x=", "random:"),
    ],
)
def test_that_a_wrong_spec_is_told_what_would_be_right(text, told):
    with pytest.raises(InputDoesNotFit) as caught:
        parse(text)
    assert told in caught.value.hint
    assert caught.value.message


@given(st.text(max_size=40))
def test_that_no_text_does_anything_but_parse_or_be_refused(text):
    for given_text in (text, f"random:{text}", f"tokens:{text}"):
        try:
            spec = parse(given_text)
        except InputDoesNotFit:
            continue
        assert parse(spec.text) == spec


@pytest.mark.parametrize(
    ("rest", "there", "path", "behind"),
    [
        (r"C:\a.csv:cols", r"C:\a.csv", r"C:\a.csv", "cols"),
        (r"C:\a.csv:Age,Sex=Survived", None, r"C:\a.csv", "Age,Sex=Survived"),
        ("C:/a.csv", None, "C:/a.csv", ""),
        ("C:a.csv:x", None, "C:a.csv", "x"),
        ("a.csv:time:utc,km/h", None, "a.csv", "time:utc,km/h"),
        ("/data/12:30.csv:time:utc", "/data/12:30.csv", "/data/12:30.csv", "time:utc"),
        ("/data/12:30.csv", "/data/12:30.csv", "/data/12:30.csv", ""),
    ],
)
def test_that_a_path_ends_where_the_disk_or_the_text_says(rest, there, path, behind):
    assert place_of(Spec("csv", rest), lambda one: one == there) == (path, behind)


@pytest.mark.parametrize("rest", [r"C:\pictures\x.png", "C:/x.png", "a:b.png"])
def test_that_a_picture_with_a_colon_in_its_path_is_found(rest):
    assert place_of(Spec("image", rest), lambda one: one == rest) == (rest, "")


def test_that_a_vocabulary_stands_behind_the_columns():
    there = ["C:\\w@1.txt"].__contains__
    assert split_vocabulary("a@b,c=d@C:\\w@1.txt", there) == ("a@b,c=d", "C:\\w@1.txt")
    assert split_vocabulary("a@b", there) == ("a@b", "")
    with pytest.raises(InputDoesNotFit, match="no vocabulary"):
        split_vocabulary("a@words.txt", there)


def test_that_all_files_of_a_spec_are_known(tmp_path):
    (tmp_path / "words.txt").write_text("a")
    words = f"{tmp_path}/words.txt"
    assert paths_of(parse("random:3")) == ()
    assert paths_of(parse("image:a/b.png:32")) == ("a/b.png",)
    assert paths_of(parse("image:C:/b.png")) == ("C:/b.png",)
    assert paths_of(parse(f"text:{words}:x@{words}")) == (words, words)
    assert paths_of(parse(f"mnist:{words}:unit")) == (str(tmp_path),)


def test_that_a_spec_may_be_given_whole_paths(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("a")
    (tmp_path / "words.txt").write_text("a")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    here = os.getcwd()
    assert rooted(parse("x=text:a.csv:b=c@words.txt")).text == f"x=text:{here}{os.sep}a.csv:b=c@{here}{os.sep}words.txt"
    assert rooted(parse("csv:a.csv")).text == f"csv:{here}{os.sep}a.csv"
    assert rooted(parse("image:nothing.png:32,half")).text == f"image:{here}{os.sep}nothing.png:32,half"
    assert rooted(parse("image:~/b.png")).rest == os.path.abspath(f"{tmp_path}/b.png")
    assert rooted(parse("tokens:5")) == parse("tokens:5")


def test_that_a_keyword_is_given_once():
    assert [spec.name for spec in with_specs(["random:3", "a=random:3", "b=random:3"])] == [None, "a", "b"]
    with pytest.raises(InputDoesNotFit, match="twice"):
        with_specs(["a=random:3", "a=zeros:3"])


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("", Choice()),
        ("a,b", Choice((Column("a"), Column("b")))),
        ("a, b = c", Choice((Column("a"), Column("b")), Column("c"))),
        ("a,b->c", Choice((Column("a"), Column("b")), Column("c"))),
        ("=c", Choice((), Column("c"))),
        ("km/h,Age/raw", Choice((Column("km/h"), Column("Age", "raw")))),
        ('"a, ""b"" = 1"/code,#3=#1', Choice((Column('a, "b" = 1', "code"), Column("#3", None, 2)), Column("#1", None, 0))),
        ("Petal-Width,x", Choice((Column("Petal-Width"), Column("x")))),
    ],
)
def test_that_columns_are_read(text, choice):
    assert parse_columns(text) == choice


@pytest.mark.parametrize("text", ["a=b=c", "a=", "a=b,c", '"a"b', '"a', "a->"])
def test_that_columns_that_make_no_sense_are_refused(text):
    with pytest.raises(InputDoesNotFit) as caught:
        parse_columns(text)
    assert "Survived" in caught.value.hint


def test_that_specs_are_read_without_torch_and_numpy():
    code = "import sys; from ptinspect.runner.inputs import columns, spec; print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    environment = {"PYTHONPATH": str(Path(ptinspect.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"
