"""What docstrings of the validation show is so."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["splits", "passport.words"])
def test_examples_in_docstrings_of_validation_hold(name):
    found = doctest.testmod(
        importlib.import_module(f"hookline.research.{name}"),
        extraglobs={"np": importlib.import_module("numpy")},
    )
    assert found.attempted > 0
    assert found.failed == 0
