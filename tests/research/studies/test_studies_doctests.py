"""The examples in docstrings give what they show."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name", ["studies.market", "studies.permutation", "studies.positions", "studies.volatility"]
)
def test_docstring_examples_give_what_they_show(name):
    module = importlib.import_module(f"hookline.research.{name}")
    told = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert told.attempted
    assert told.failed == 0
