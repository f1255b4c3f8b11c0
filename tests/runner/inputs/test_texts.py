from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.batch import prepared
from ptinspect.runner.inputs.spec import parse
from ptinspect.runner.inputs.taking import Taking
from ptinspect.runner.inputs.texts import padded, texts
from ptinspect.runner.inputs.words import vocabulary_of, words_of
from tests.runner.inputs.test_guess import Bags, Packed

NEWS = '''"3","Wall St. Bears","Short-sellers, Wall Street's band"
"4","Oil","Oil and oil"
"1","Wall",""
'''


class FixedLength(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.fc = nn.Embedding(50, 4), nn.Linear(4 * 32, 4)

    def forward(self, tokens):
        return self.fc(self.embedding(tokens).flatten(1))


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 4)

    def forward(self, input_ids, attention_mask=None):
        return self.embedding(input_ids) * attention_mask[..., None]


@pytest.fixture
def news(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text(NEWS)
    return path


def test_that_news_without_names_are_class_title_and_text(news):
    part = texts(parse(f"text:{news}"), 8, Taking(nn.Sequential(nn.Embedding(50, 4))))
    assert part.labels == (2, 3, 0)
    assert part.lengths == (11, 4, 1)
    assert part.inputs[0].value.shape == (3, 11)
    assert part.samples[1]["name"] == "Oil Oil and oil"
    assert "words are not known" in part.said


def test_that_the_most_frequent_word_is_the_first_and_rare_ones_are_unknown():
    words = [["b", "a", "a", "c"], ["a", "b"]]
    assert vocabulary_of(words, 4).numbers == {"a": 2, "b": 3}
    assert vocabulary_of(words, 4).encoded(["c", "b"]) == [0, 3]
    assert vocabulary_of(words, 4, padding=0).numbers == {"a": 2, "b": 3}
    assert vocabulary_of(words, 4, padding=0).unknown == 1
    assert vocabulary_of(words, 1).encoded(["a"]) == [0]


def test_that_a_bag_needs_no_number_to_pad_with():
    assert vocabulary_of([["b", "a", "a"]], 9, bags=True).numbers == {"a": 1, "b": 2}


def test_that_words_are_cut_as_torchtext_cuts_them():
    assert words_of('Wall St. (Bears), "Reuters" it\'s; a<br />b: c-d!') == [
        "wall", "st", ".", "(", "bears", ")", ",", "reuters", "it", "'", "s", "a", "b", "c-d", "!"
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), [("words.txt", "<unk>\noil\nwall\n"), ("words.json", '{"<unk>": 0, "oil": 1, "wall": 2}')])
def test_that_a_vocabulary_may_be_given(news, name, content):
    (news.parent / name).write_text(content)
    part = texts(parse(f"text:{news}:#2=#1@{news.parent}/{name}"), 8, Taking(nn.Embedding(3, 4)))
    assert part.inputs[0].value.tolist() == [[2, 0, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0]]
    assert "words.txt" in part.said or "words.json" in part.said
    with pytest.raises(InputDoesNotFit, match="2 rows"):
        texts(parse(f"text:{news}:@{news.parent}/{name}"), 8, Taking(nn.Embedding(2, 4)))


def test_that_a_vocabulary_is_built_of_the_file_that_the_model_was_trained_on(news):
    (news.parent / "trained.csv").write_text('"1","x y","oil oil oil"\n"2","y","wall"\n')
    part = texts(parse(f"text:{news}:@{news.parent}/trained.csv"), 8, Taking(nn.EmbeddingBag(9, 4)))
    assert part.inputs[0].value[:, 0].tolist() == [3, 1, 3]


@pytest.mark.parametrize("content", ["[1, 2]", '{"a": "b"}', '{"a": -1}', "{", "\0"])
def test_that_a_vocabulary_that_is_none_is_told(news, content):
    (news.parent / "words.json").write_text(content)
    with pytest.raises(InputDoesNotFit) as caught:
        texts(parse(f"text:{news}:@{news.parent}/words.json"), 8, Taking(nn.Embedding(9, 4)))
    assert caught.value.hint


def test_that_samples_are_padded_to_the_longest():
    value, lengths = padded([[5, 6, 7], [8]], 1, 512)
    assert value.tolist() == [[5, 6, 7], [8, 1, 1]]
    assert lengths == (3, 1)
    assert padded([[5, 6, 7]], 1, 2)[0].tolist() == [[5, 6]]


def test_that_columns_are_chosen_by_name(tmp_path):
    (tmp_path / "a.csv").write_text("Class Index,Title,Description\n3,one,two\n1,three,four five\n")
    part = texts(parse(f"text:{tmp_path}/a.csv:Title=Class Index"), 8, Taking(nn.Embedding(50, 4)))
    assert part.lengths == (1, 1)
    assert part.labels == (2, 0)
    whole = texts(parse(f"text:{tmp_path}/a.csv"), 8, Taking(nn.Embedding(50, 4)))
    assert whole.lengths == (2, 3)


def test_that_a_bag_of_words_gets_its_offsets(news):
    done = prepared([parse(f"text:{news}")], Bags(), None, 8)
    assert done.args[0].dim() == 1
    assert done.kwargs["offsets"].tolist() == [0, 11, 15]
    assert done.count == 3
    assert Bags()(*done.args, **done.kwargs).shape == (3, 4)


def test_that_a_plain_bag_gets_its_offsets_as_well(news):
    done = prepared([parse(f"text:{news}")], nn.EmbeddingBag(50, 4), None, 8)
    assert done.kwargs["offsets"].tolist() == [0, 11, 15]


def test_that_a_packed_sequence_gets_its_lengths(news):
    done = prepared([parse(f"text:{news}")], Packed(), None, 2)
    assert done.kwargs["lengths"].tolist() == [11, 4]
    assert Packed()(*done.args, **done.kwargs).shape == (2, 4)


def test_that_padding_is_masked_where_the_model_takes_a_mask(news):
    done = prepared([parse(f"input_ids=text:{news}")], Masked(), None, 2)
    assert done.kwargs["attention_mask"].sum(1).tolist() == [11, 4]


def test_that_a_model_of_one_length_gets_that_length(news):
    done = prepared([parse(f"text:{news}")], FixedLength(), None, 2)
    assert done.args[0].shape == (2, 32)
    assert "the only length" in done.note


def test_that_places_beyond_the_embedding_of_places_are_cut_off(tmp_path):
    class Placed(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.positions = nn.Embedding(50, 4), nn.Embedding(8, 4)

        def forward(self, tokens):
            return self.words(tokens) + self.positions(torch.arange(tokens.shape[1]))

    (tmp_path / "a.csv").write_text("text\n" + "word " * 30 + "\n1st\n")
    assert prepared([parse(f"text:{tmp_path}/a.csv:text")], Placed(), None, 2).args[0].shape == (2, 8)


def test_that_a_model_without_words_takes_no_text(news):
    with pytest.raises(InputDoesNotFit, match="no embedding"):
        texts(parse(f"text:{news}"), 8, Taking(nn.Linear(4, 4)))


def test_that_a_table_of_numbers_is_no_text(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    with pytest.raises(InputDoesNotFit) as caught:
        texts(parse(f"text:{tmp_path}/a.csv"), 8, Taking(nn.Embedding(50, 4)))
    assert "csv:" in caught.value.hint
