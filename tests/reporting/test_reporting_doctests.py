from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ("buy_and_hold", "daily", "formats", "pages", "plain", "reporter")


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_hold(name):
    found = doctest.testmod(importlib.import_module(f"hookline.reporting.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
