"""Values that are tried: steps, lists and ranges, and what is wrong with them."""

import pytest

from hookline.errors import ConfigError
from hookline.research.space import parameter_of, parse_parameter

FAST = "strategies[0].params.fast"


def values(text):
    return parse_parameter(f"{FAST}={text}").values


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5:50:15", (5, 20, 35, 50)),
        ("5:49:15", (5, 20, 35)),
        ("50:5:-15", (50, 35, 20, 5)),
        ("7:7:1", (7,)),
        ("0.1:0.5:0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("1e-4:3e-4:1e-4", (0.0001, 0.0002, 0.0003)),
        ("-1:1:0.5", (-1.0, -0.5, 0.0, 0.5, 1.0)),
        ("1_000:3_000:1_000", (1000, 2000, 3000)),
        ("5,8,13", (5, 8, 13)),
        ("8", (8,)),
        ("[5, 8]", (5, 8)),
        ("0.5,1", (0.5, 1)),
        ("true,false", (True, False)),
        ("touch,through", ("touch", "through")),
        ("'5','a b'", ("5", "a b")),
        ("null,3", (None, 3)),
    ],
)
def test_values_are_read_as_they_are_written(text, found):
    assert values(text) == found
    assert [type(value) for value in values(text)] == [type(value) for value in found]


def test_steps_of_a_tenth_end_where_they_are_said_to_end():
    assert values("0:1:0.1")[-1] == 1.0
    assert len(values("0:100:0.1")) == 1001
    assert values("0:100:0.1")[3] == 0.3


@pytest.mark.parametrize(
    ("text", "ends", "is_log"),
    [
        ("0.5..3", (0.5, 3.0), False),
        ("5..50", (5, 50), False),
        ("5.0..50", (5.0, 50.0), False),
        ("0.001..1@log", (0.001, 1.0), True),
        ("1..1000@log", (1, 1000), True),
        ("-2..2", (-2, 2), False),
    ],
)
def test_two_dots_are_anything_between(text, ends, is_log):
    found = parse_parameter(f"{FAST}={text}")
    assert found.is_continuous
    assert found.values == ends
    assert [type(value) for value in found.values] == [type(value) for value in ends]
    assert found.is_log is is_log


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5:50", "steps must be first:last:step, such as 5:50:5, was '5:50'"),
        ("5:50:0", "the step must lead from 5 to 50, was 0"),
        ("5:50:-5", "the step must lead from 5 to 50, was -5"),
        ("0:1e9:0.001", "must be at most 1,000,000 values, was 1,000,000,000,001"),
        ("", "must have values: 5:50:5 for steps"),
        ("5,8,5", "values must be listed once, was 5 again"),
        ("5,5.0", "values must be listed once, was 5.0 again"),
        ("1,true", "values must be listed once, was true again"),
        ("5,on", "'on' is a boolean in YAML 1.1"),
        ("5,{a: 1}", "values must be numbers, words, true, false or null, was {'a': 1}"),
        ("5,.inf", "values must be finite, was inf"),
        ("3..0.5", "the first end must be below the second, was 3..0.5"),
        ("0..1@log", "with @log both ends must be above 0, was 0"),
        ("1..2@lin", "must be @log or nothing after the ends, was @lin"),
        ("[5", "values are 5:50:5 for steps, 5,8,13 for a list, or 0.5..3"),
    ],
)
def test_what_is_wrong_with_values_is_told_with_their_address(text, message):
    with pytest.raises(ConfigError) as told:
        values(text)
    assert message in str(told.value)
    assert str(told.value).startswith(f"--param {FAST}={text}")


@pytest.mark.parametrize("text", ["fast", "=5", ".fast=5", "strategies[0].params.fast:5:50:5", ""])
def test_a_parameter_without_address_or_values_is_refused(text):
    with pytest.raises(ConfigError, match="must be an address, = and values"):
        parse_parameter(text)


def test_addresses_are_written_in_one_way():
    assert (
        parse_parameter("instruments['BTC-PERP'].tick_size=1,2").address == "instruments.BTC-PERP.tick_size"
    )
    assert parse_parameter("instruments['A.B'].tick_size=1,2").address == "instruments['A.B'].tick_size"


def test_values_may_be_given_one_by_one():
    assert parameter_of(FAST, [5, 8]).values == (5, 8)
    with pytest.raises(ConfigError, match=r"sweep.here: values must be listed once, was 5 again"):
        parameter_of(FAST, [5, 5], "sweep.here")
    with pytest.raises(ConfigError, match="must be an address such as"):
        parameter_of("a b", [5])
