"""What a person can get wrong, from the command line: one clear message, no traceback, exit code 2.

A bug inside a strategy is exit code 1, with the strategy's name, the event, the time and the traceback.
"""

import pytest

STRATEGY = """
from dataclasses import dataclass
from hookline import SignalStrategy, Strategy, hold, hookimpl, long

@dataclass
class Mine(SignalStrategy):
    '''Decide by the close.'''

    name = "mine"

    def columns(self, bars):
        return {"close": bars.close}

    @staticmethod
    def decide(x, held, p):
        return hold()

@hookimpl
def register_strategies():
    return [Mine]
"""
COLUMNS = '{"close": bars.close}'
RETURNED = "return hold()"


def refused(ran) -> str:
    """The one line of a command that a person's mistake has ended."""
    assert ran.code == 2, ran
    [line] = ran.err.splitlines()
    assert line.startswith("error: ")
    return line


# -- strategies ------------------------------------------------------------------------------------------------------

BUGS = {
    (COLUMNS, "None"): "columns must return a dict of names and columns, returned None",
    (COLUMNS, "[bars.close]"): "columns must return a dict of names and columns, returned [BTC-PERP.close]",
    (COLUMNS, '{"close": 3.0}'): "columns: close must be a column such as bars.close, was 3.0",
    (COLUMNS, '{"my close": bars.close}'): "columns must have names that can follow 'x.', had 'my close'",
    (COLUMNS, '{"class": bars.close}'): "columns must have names that can follow 'x.', had 'class'",
    (COLUMNS, "1 / 0"): "ZeroDivisionError: division by zero",
    (RETURNED, "pass"): "decide must return long(), short(), flat() or hold(), returned None",
    (RETURNED, "return 1"): "decide must return long(), short(), flat() or hold(), returned 1",
    (RETURNED, 'return long(float("nan"))'): "decide must return a finite size",
    (RETURNED, "return x.low"): "AttributeError: 'Row' object has no attribute 'low'",
}


@pytest.mark.parametrize("change", BUGS, ids=[f"{old} becomes {new}" for old, new in BUGS])
def test_a_bug_in_a_strategy_is_told_with_its_place_and_traceback(hookline, session, install, change):
    install("my-strategies", "strategies", {"mine": "my_mine"}, STRATEGY.replace(*change))
    ran = hookline("run", session(("buy_and_hold", "mine")))
    assert ran.code == 1
    assert "Traceback" in ran.err
    last = ran.err.splitlines()[-1]
    assert last.startswith("error: strategy 'mine': on_")
    assert "at 2024-01-01T0" in last
    assert BUGS[change] in last


BROKEN = {
    "import nowhere_to_be_found": "cannot import 'my_mine': No module named 'nowhere_to_be_found'",
    "raise RuntimeError('no luck')": "cannot import 'my_mine': RuntimeError: no luck",
    "def f(:": "cannot import 'my_mine': SyntaxError: invalid syntax",
    "import sys; sys.exit(3)": "cannot import 'my_mine': SystemExit: 3",
    "mine = 1": "must define register_strategies() marked with @hookimpl",
    STRATEGY.replace("[Mine]", "[]"): "must return a class whose name is 'mine', returned an empty list",
    STRATEGY.replace("@dataclass", "").replace(
        '"mine"', '"mine"\n    n: int = 1'
    ): "must be a dataclass: write @dataclass above the class",
    STRATEGY.replace("def decide", "def decied"): "my_mine.Mine must define decide",
    STRATEGY.replace(
        "def columns", "def __post_init__(self):\n        {}['a']\n\n    def columns"
    ): "my-strategies: Mine raised KeyError: 'a'",
}


@pytest.mark.parametrize("source", BROKEN, ids=BROKEN.values())
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_broken_plugin_is_one_line(hookline, session, install, source, command):
    install("my-strategies", "strategies", {"mine": "my_mine"}, source)
    ran = hookline(command, session(("buy_and_hold", "mine")))
    line = refused(ran)
    assert "strategies[0].use: my-strategies: " in line
    assert BROKEN[source] in line


def test_two_plugins_with_one_name_are_one_line_that_names_both(hookline, session, install):
    install("my-strategies", "strategies", {"mine": "my_mine"}, STRATEGY)
    install("her-strategies", "strategies", {"mine": "her_mine"}, STRATEGY)
    line = refused(hookline("run", session(("buy_and_hold", "mine"))))
    assert "'mine' is brought by both her-strategies (her_mine) and my-strategies (my_mine)" in line
