"""Rules between parameters: what they mean, and that nothing but rules is understood."""

import pytest

from hookline.errors import ConfigError
from hookline.research.space import Space
from hookline.research.space.constraints import parse_constraint
from hookline.research.table import Parameter

FAST, SLOW = "strategies[0].params.fast", "strategies[0].params.slow"
PARAMETERS = (Parameter(FAST, (5, 10)), Parameter(SLOW, (5, 10, 20)))


def holds(text, fast, slow):
    return parse_constraint(text, PARAMETERS).holds({FAST: fast, SLOW: slow})


@pytest.mark.parametrize(
    ("text", "fast", "slow", "found"),
    [
        ("fast < slow", 5, 10, True),
        ("fast < slow", 10, 10, False),
        ("fast <= slow", 10, 10, True),
        ("slow > fast", 5, 10, True),
        ("slow >= 2 * fast", 5, 10, True),
        ("slow >= 2 * fast + 1", 5, 10, False),
        ("slow % fast == 0 and fast != 7", 7, 21, False),
        ("fast == 5 or slow == 5", 10, 5, True),
        ("not fast == slow", 5, 5, False),
        ("5 <= fast < slow <= 20", 5, 20, True),
        ("5 <= fast < slow <= 20", 5, 21, False),
        ("slow // fast > 1 and slow / fast < 2.5", 10, 24, True),
        ("-fast < 0", 5, 0, True),
        ("strategies[0].params.fast < strategies[0].params.slow", 5, 10, True),
        ("slow - fast > 0", 5, 4, False),
    ],
)
def test_a_rule_holds_or_does_not(text, fast, slow, found):
    assert holds(text, fast, slow) is found


def test_words_and_switches_can_be_compared():
    parameters = (Parameter("broker.params.fill", ("touch", "through")), Parameter("a.long", (True, False)))
    rule = parse_constraint("fill == 'touch' or long == true", parameters)
    assert rule.holds({"broker.params.fill": "touch", "a.long": False})
    assert rule.holds({"broker.params.fill": "through", "a.long": True})
    assert not rule.holds({"broker.params.fill": "through", "a.long": False})
    assert parse_constraint("long", parameters).holds({"a.long": True})


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "fast < max(slow, 3)",
        "fast.real < slow",
        "fast ** slow < 3",
        "[fast] < [slow]",
        "(lambda: 1)() < fast",
        "fast in slow",
        "fast is slow",
        "f'{fast}' == 'a'",
        "fast < slow if fast else slow",
        "fast + slow",
        "5",
        "fast <",
        "fast < slow\nslow > 1",
        "",
        "x := 3",
        "fast[0] < 3",
    ],
)
def test_nothing_but_comparisons_is_understood(text):
    with pytest.raises(ConfigError, match="constraint"):
        parse_constraint(text, PARAMETERS)


def test_a_name_that_does_not_vary_is_told_with_what_was_meant():
    with pytest.raises(ConfigError, match=r"nothing that varies is called 'fats'; did you mean 'fast'\?"):
        parse_constraint("fats < slow", PARAMETERS)
    with pytest.raises(ConfigError, match="nothing that varies is called 'adx_min'; there are fast, slow"):
        parse_constraint("adx_min < slow", PARAMETERS)


def test_a_label_that_two_parameters_have_needs_the_address():
    both = (Parameter(FAST, (5,)), Parameter("strategies[1].params.fast", (5,)))
    with pytest.raises(ConfigError, match=r"may be .* or .*; write the whole address"):
        parse_constraint("fast < 3", both)
    rule = parse_constraint("strategies[0].params.fast < strategies[1].params.fast", both)
    assert rule.holds({FAST: 1, "strategies[1].params.fast": 2})


def test_values_that_cannot_be_compared_are_told():
    with pytest.raises(
        ConfigError, match=r"constraint 'fast < slow': has no meaning for .*fast=5, .*slow='b'"
    ):
        holds("fast < slow", 5, "b")
    with pytest.raises(ConfigError, match="has no meaning"):
        holds("slow / fast > 1", 0, 5)


def test_a_space_keeps_its_constraints():
    space = Space(PARAMETERS, ("fast < slow",))
    assert list(space.combinations()) == [(5, 10), (5, 20), (10, 20)]
    assert space.size == 6
