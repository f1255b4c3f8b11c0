"""Numbers and names in sentences."""

from __future__ import annotations

import pytest

from ptinspect.session.words import article, parameters_text


@pytest.mark.parametrize("said", ["an Adam", "an SGD", "a Lion", "an NAdam", "a UAdam", "an Adadelta", "a Shampoo"])
def test_that_an_optimizers_article_fits_how_its_name_is_spoken(said: str) -> None:
    assert article(said.partition(" ")[2]) == said


def test_that_one_parameter_is_not_many() -> None:
    assert [parameters_text(count) for count in (0, 1, 2, 1_200)] == ["0 parameters", "1 parameter", "2 parameters", "1.2 K parameters"]
