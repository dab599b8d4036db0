import pickle
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.errors import ConfigError, PluginError
from hookline.params import Doc, Ge, Gt, Le, Lt, Parameter, check_params, describe
from hookline.validation import read_fields, schema_of


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Level:
    price: Decimal
    weight: Annotated[float, Gt(0)] = 1.0


@dataclass
class Every:
    name: ClassVar[str] = "every"

    whole: Annotated[int, Ge(2), Le(99), Doc("bars")] = 9
    real: Annotated[float, Gt(0), Lt(1)] = 0.5
    exact: Annotated[Decimal, Ge(0)] = Decimal("0.01")
    flag: bool = True
    text: str = "a"
    choice: Literal["touch", "through"] = "touch"
    color: Color = Color.RED
    maybe: int | None = None
    either: int | str = 1
    numbers: list[float] = field(default_factory=list)
    pair: tuple[int, int] = (1, 2)
    table: dict[str, int] = field(default_factory=dict)
    level: Level | None = None
    levels: list[Level] = field(default_factory=list)
    path: Path | None = None
    moment: datetime | None = None
    anything: Any = None
    frame: pd.DataFrame | None = None
    hidden: int = field(default=0, init=False)


@dataclass
class Needs:
    path: Path
    size: int = 1


def values(**params: Any) -> dict[str, Any]:
    found, problems = read_fields(Every, params)
    assert [problem.at("") for problem in problems] == []
    return found


def problems(**params: Any) -> list[str]:
    return [problem.at("") for problem in read_fields(Every, params)[1]]


ACCEPTED = [
    ("whole", 12, 12),
    ("real", 0.25, 0.25),
    ("exact", 1, Decimal(1)),
    ("exact", 0.1, Decimal("0.1")),
    ("exact", "12345678901234567890.12", Decimal("12345678901234567890.12")),
    ("flag", False, False),
    ("choice", "through", "through"),
    ("color", "blue", Color.BLUE),
    ("maybe", None, None),
    ("maybe", 3, 3),
    ("either", "x", "x"),
    ("either", 3, 3),
    ("numbers", [1, 2.5], [1.0, 2.5]),
    ("pair", [3, 4], (3, 4)),
    ("table", {"a": 1}, {"a": 1}),
    ("level", {"price": 3}, Level(Decimal(3))),
    ("levels", [{"price": "1.5", "weight": 2}], [Level(Decimal("1.5"), 2.0)]),
    ("path", "a/b", Path("a/b")),
    ("moment", "2024-01-31T12:00:00Z", datetime(2024, 1, 31, 12, tzinfo=UTC)),
    ("anything", {"a": [1, None]}, {"a": [1, None]}),
]


@pytest.mark.parametrize(("name", "given", "read"), ACCEPTED)
def test_what_yaml_can_say_is_read_into_the_declared_type(name, given, read):
    found = values(**{name: given})[name]
    assert found == read
    assert type(found) is type(read)


REFUSED = [
    ("whole", "12", "must be a whole number, was '12'"),
    ("whole", True, "must be a whole number, was true"),
    ("whole", 12.0, "must be a whole number, was 12.0"),
    ("whole", None, "must be a whole number, was null"),
    ("whole", 1, "must be at least 2, was 1"),
    ("whole", 100, "must be at most 99, was 100"),
    ("real", "0.5", "must be a number, was '0.5'"),
    ("real", False, "must be a number, was false"),
    ("real", 0, "must be above 0, was 0"),
    ("real", 1, "must be below 1, was 1"),
    ("exact", True, "must be a decimal number, was true"),
    ("exact", "abc", "must be a decimal number, was 'abc'"),
    ("exact", "NaN", "must be a finite number, was 'NaN'"),
    ("exact", -1, "must be at least 0, was -1"),
    ("flag", 1, "must be true or false, was 1"),
    ("flag", "yes", "must be true or false, was 'yes'"),
    ("text", 5, "must be text, was 5"),
    ("choice", "toch", "must be 'touch' or 'through', was 'toch'; did you mean 'touch'?"),
    ("color", "blu", "must be 'red' or 'blue', was 'blu'; did you mean 'blue'?"),
    ("maybe", "None", "must be a whole number, was 'None'; YAML writes null"),
    ("either", 1.5, "must be a whole number or text, was 1.5"),
    ("numbers", 1, "must be a list, was 1"),
    ("table", [1], "must be a mapping, was [1]"),
    ("level", 1, "must be a mapping, was 1"),
    ("path", 1, "must be text, was 1"),
    ("frame", "x", "must be an object made in Python, was 'x'"),
]


@pytest.mark.parametrize(("name", "value", "text"), REFUSED)
def test_what_breaks_a_rule_is_said_with_the_rule_and_what_was_found(name, value, text):
    assert problems(**{name: value}) == [f"{name}: {text}"]


def test_problems_inside_lists_and_mappings_have_their_address():
    assert problems(
        numbers=[1, "a"], pair=[1], levels=[{"price": 1}, {"price": 1, "weight": 0}], table={"a b": 1.5}
    ) == [
        "numbers[1]: must be a number, was 'a'",
        "pair[1]: is required",
        "table['a b']: must be a whole number, was 1.5",
        "levels[1].weight: must be above 0, was 0",
    ]


def test_unknown_names_are_refused_at_every_depth():
    assert problems(wole=3, level={"price": 1, "wieght": 2}, hidden=1) == [
        "level.wieght: Level has no such parameter; did you mean 'weight'?",
        "wole: Every has no such parameter; did you mean 'whole'?",
        "hidden: Every has no such parameter",
    ]


def test_required_parameters_are_asked_for():
    _, found = read_fields(Needs, {"size": 2})
    assert [problem.at("feed.params") for problem in found] == ["feed.params.path: is required"]
    assert problems(level={}) == ["level.price: is required"]


def test_long_values_are_cut_in_messages():
    [text] = problems(whole="x" * 500)
    assert len(text) < 130
    assert text.endswith("…")


def test_objects_from_python_must_have_the_declared_type():
    frame = pd.DataFrame({"close": [1.0]})
    assert values(frame=frame)["frame"] is frame
    assert problems(frame=pd.Series([1.0]))[0].startswith("frame: must be a DataFrame")


def test_an_annotation_that_is_no_type_is_the_plugin_authors_error():
    @dataclass
    class Wrong:
        size: Annotated[int, Ge("a")] = 1

    with pytest.raises(PluginError, match=r"Wrong: cannot read its annotations"):
        read_fields(Wrong, {"size": 1})


@pytest.mark.parametrize("whole", [9, np.int64(9)])
def test_an_instance_made_in_python_within_its_bounds_passes(whole):
    check_params(Every(whole=whole))


def test_an_instance_made_in_python_is_held_to_the_bounds():
    with pytest.raises(ConfigError) as raised:
        check_params(Every(whole=1, choice="no"), "strategy")
    assert str(raised.value).splitlines() == [
        "strategy.whole: must be at least 2, was 1",
        "strategy.choice: must be 'touch' or 'through', was 'no'",
    ]


def test_an_instance_inside_another_is_held_to_its_bounds():
    with pytest.raises(ConfigError, match=r"Every\.level\.weight: must be above 0, was -1"):
        check_params(Every(level=Level(Decimal(1), -1)))


def test_what_yaml_would_convert_is_converted_in_an_instance():
    made = Every(exact=3, path="a/b", real=0.5)
    check_params(made)
    assert (made.exact, made.path) == (Decimal(3), Path("a/b"))


def test_parameters_are_described_with_type_default_bounds_and_meaning():
    found = {item.name: item for item in describe(Every)}
    assert found["whole"] == Parameter("whole", "int", "9", "at least 2, at most 99", "bars")
    assert found["choice"].type == "'touch' | 'through'"
    assert found["maybe"] == Parameter("maybe", "int | None", "null", "", "")
    assert found["table"].type == "dict[str, int]"
    assert (found["flag"].default, found["color"].default) == ("true", "red")
    assert "hidden" not in found
    assert describe(Needs)[0].required


def test_the_schema_has_bounds_defaults_and_no_titles():
    properties = schema_of(Every)["properties"]
    bounds = {"minimum": 2, "maximum": 99}
    assert properties["whole"] == {"type": "integer", **bounds, "default": 9, "description": "bars"}
    assert (properties["exact"]["default"], properties["pair"]["default"]) == ("0.01", (1, 2))
    assert "title" not in str(properties)
    assert schema_of(Needs)["required"] == ["path"]


def test_marks_can_be_sent_to_other_processes():
    assert pickle.loads(pickle.dumps(Doc("bars"))) == Doc("bars")


@given(st.one_of(st.integers(-5, 105), st.floats(allow_nan=True), st.text(), st.booleans(), st.none()))
def test_a_bounded_whole_number_takes_nothing_else(value):
    is_good = type(value) is int and 2 <= value <= 99
    assert (problems(whole=value) == []) == is_good
