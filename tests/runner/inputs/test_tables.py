from __future__ import annotations

import gzip

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from torch import nn

from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.spec import parse
from ptinspect.runner.inputs.tables import table
from ptinspect.runner.inputs.taking import Taking

TITANIC = '''PassengerId,Survived,Pclass,Name,Sex,Age,Fare,Embarked
1,0,3,"Braund, Mr. Owen Harris",male,22,7.25,S
2,1,1,"Cumings, Mrs. John ""Florence""",female,38,71.2833,C
3,1,3,"Heikkinen, Miss. Laina",female,,7.925,S
4,1,1,"Futrelle, Mrs. Jacques",female,35,53.1,
5,0,3,"Allen, Mr. William",male,35,8.05,Q
'''
AGES = np.array([22, 38, 32.5, 35, 35])


@pytest.fixture
def titanic(tmp_path):
    path = tmp_path / "titanic.csv"
    path.write_text(TITANIC)
    return path


def part_of(path, columns="", features=1, count=5):
    module = nn.Linear(features, 2)
    part = table(parse(f"csv:{path}{columns}"), count, Taking(module))
    return part, part.inputs[0].value.numpy()


def test_that_numbers_are_standardised_and_missing_ones_are_the_mean(titanic):
    part, value = part_of(titanic, ":Age=Survived")
    known = AGES[[0, 1, 3, 4]]
    assert np.allclose(value[:, 0], (AGES - known.mean()) / known.std(), atol=1e-6)
    assert value.dtype == np.float32
    assert part.labels == (0, 1, 1, 1, 0)
    assert "1 missing value" in part.said


def test_that_categories_become_codes_or_columns_as_the_model_takes_them(titanic):
    assert part_of(titanic, ":Sex,Embarked", 4)[1].tolist() == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [1, 0, 1, 0]]
    assert part_of(titanic, ":Sex,Embarked", 2)[1].tolist() == [[1, 2], [0, 0], [0, 2], [0, 3], [1, 1]]
    assert part_of(titanic, ":Sex,Embarked", 5)[1].shape == (5, 5)


def test_that_an_ending_says_how_a_column_is_read(titanic):
    assert part_of(titanic, ":Age/raw,Pclass/onehot", 3)[1][:2].tolist() == [[22, 0, 1], [38, 1, 0]]
    assert part_of(titanic, ":Pclass/code")[1].ravel().tolist() == [1, 0, 1, 0, 1]


def test_that_codes_alone_are_whole_numbers_for_an_embedding(titanic):
    part = table(parse(f"csv:{titanic}:Sex/code,Pclass/code"), 5, Taking(nn.Embedding(4, 2)))
    assert part.inputs[0].value.dtype == torch.int64
    with pytest.raises(InputDoesNotFit, match="4 rows"):
        table(parse(f"csv:{titanic}:Fare/code"), 5, Taking(nn.Embedding(4, 2)))


def test_that_without_columns_the_texts_are_left_out_and_the_label_is_found(titanic):
    titanic.write_text(TITANIC + "".join(f'{at},1,2,"Somebody {at}",male,40,9,S\n' for at in range(6, 60)))
    part, value = part_of(titanic, "", 8)
    assert value.shape == (5, 8)
    assert part.labels == (0, 1, 1, 1, 0)
    assert "left out: Name" in part.said
    assert "label Survived" in part.said


@pytest.mark.parametrize(("columns", "told"), [(":Agee", "Age, Fare"), (":#9", "Embarked"), (":Name/number", "Name/onehot")])
def test_that_a_wrong_column_is_told_what_there_is(titanic, columns, told):
    with pytest.raises(InputDoesNotFit) as caught:
        part_of(titanic, columns)
    assert told in caught.value.hint


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"x;label\n1,5;a\n2,5;b\n".replace(b",", b".")),
        ("a.tsv", b"x\tlabel\n1.5\ta\n2.5\tb\n"),
        ("a.csv", b"\xef\xbb\xbfx,label\r\n1.5,a\r\n2.5,b\r\n"),
        ("a.csv", "x,label\n1.5,a\n2.5,b\n".encode("utf-16")),
        ("a.csv.gz", gzip.compress(b"x,label\n1.5,a\n2.5,b\n")),
        ("a.csv", b"x,label\n1.5,a\n\n2.5,b"),
    ],
    ids=["semicolons", "tabs", "windows", "utf-16", "gzip", "empty-line"],
)
def test_that_any_usual_csv_is_read(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    part, value = part_of(tmp_path / name)
    assert np.allclose(value, [[-1], [1]])
    assert (part.labels, part.label_names) == ((0, 1), ("a", "b"))


def test_that_a_table_without_names_is_counted(tmp_path):
    (tmp_path / "a.csv").write_text("1.5,7,a\n2.5,7,b\n")
    part, value = part_of(tmp_path / "a.csv", ":#1=#3")
    assert np.allclose(value, [[-1], [1]])
    assert part.labels == (0, 1)
    assert part.samples[0]["name"] == "line 1"


def test_that_labels_from_1_on_begin_with_0(tmp_path):
    (tmp_path / "a.csv").write_text("x,c\n1,1\n2,3\n3,2\n")
    part, _ = part_of(tmp_path / "a.csv", ":x=c")
    assert part.labels == (0, 2, 1)
    assert "counted from 1" in part.said


def test_that_a_column_of_real_numbers_is_no_label(tmp_path):
    (tmp_path / "a.csv").write_text("x,price\n1,1.5\n2,3.25\n")
    part, _ = part_of(tmp_path / "a.csv", ":x=price")
    assert part.labels is None
    assert "not compared" in part.said


def test_that_only_the_first_rows_of_a_long_file_are_read(tmp_path):
    with open(tmp_path / "a.csv", "w") as file:
        file.write("x\n" + "".join(f"{at}\n" for at in range(10_100)))
        file.write("\0" * 100)  # what would be refused
    part, value = part_of(tmp_path / "a.csv", ":x")
    assert len(value) == 5
    assert "first 10,000 rows" in part.said


@pytest.mark.parametrize(
    "data",
    [b"", b"x,y\n", b"\x89PNG\r\n\x1a\n\0\0\0", b"x\n" + b"1" * (1 << 21), b'x,y\n"' + b"a\n" * 200_000],
    ids=["empty", "names alone", "a picture", "one long line", "a quote without end"],
)
def test_that_what_is_no_table_is_told(tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(InputDoesNotFit) as caught:
        part_of(tmp_path / "a.csv")
    assert caught.value.hint


def test_that_a_constant_column_does_not_divide_by_nothing(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,\n1,\n")
    _, value = part_of(tmp_path / "a.csv", ":x,y/number", 2)
    assert value.tolist() == [[0, 0], [0, 0]]
