"""Numbers and names in sentences."""

from __future__ import annotations

import pytest

from ptinspect.session.words import article, parameters_text


@pytest.mark.parametrize(("name", "said"), [("Adam", "an Adam"), ("SGD", "an SGD"), ("Lion", "a Lion"), ("NAdam", "an NAdam"), ("UAdam", "a UAdam")])
def test_that_an_optimizers_article_fits_how_its_name_is_spoken(name: str, said: str) -> None:
    assert article(name) == said


def test_that_one_parameter_is_not_many() -> None:
    assert [parameters_text(count) for count in (0, 1, 2, 1_200)] == ["0 parameters", "1 parameter", "2 parameters", "1.2 K parameters"]
