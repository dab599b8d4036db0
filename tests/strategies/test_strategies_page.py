"""docs/strategies.md says of every strategy what is true of it."""

import re
from pathlib import Path

import pytest

from hookline import plugins
from hookline.params import describe
from hookline.testing import StrategyContract

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
BUNDLED = [
    info.name for info in plugins.names("strategies") if info.module.startswith("hookline_strategies.")
]


@pytest.mark.parametrize("name", BUNDLED)
def test_its_section_lists_every_parameter_with_its_default(name):
    listed = {}
    for line in SECTIONS[name].splitlines():
        if line.startswith("| `"):
            names, defaults, _ = [cell.strip() for cell in line.strip("|").split("|")]
            keys = re.findall(r"`(\w+)`", names)
            values = defaults.split(", ") if len(keys) > 1 and ", " in defaults else [defaults] * len(keys)
            listed |= dict(zip(keys, values, strict=True))
    shown = {None: "required", "null": ""}
    wanted = {p.name: shown.get(p.default, p.default) for p in describe(plugins.load("strategies", name))}
    assert {key: comparable(value) for key, value in listed.items()} == {
        key: comparable(value) for key, value in wanted.items()
    }


def comparable(text):
    return float(text) if re.fullmatch(r"[\d.]+", text) else text


@pytest.mark.parametrize("name", BUNDLED)
def test_its_docstring_says_what_a_reader_must_know(name):
    text = plugins.load("strategies", name).__doc__
    for word in ("Idea:", "Wants", "Entry:", "Exit", "Size:", "Killed by", "Source:"):
        assert word in text, f"{name}: its docstring must say {word}"
    assert not re.search(r"\b(profit|returns?|earned) (of )?\d", text), "never a performance claim"


EXAMPLE = re.search(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[1]
exec(compile(EXAMPLE, "docs/strategies.md", "exec"))


class TestTheExample(StrategyContract):
    def make(self):
        return globals()["Dip"](trend=30, weak=40)


def test_the_example_has_twenty_five_lines():
    lines = [line for line in EXAMPLE.splitlines() if line.strip()]
    assert len(lines) <= 25
