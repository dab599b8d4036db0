import json
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.errors import ConfigError
from hookline.session.yaml_loader import parse


def read(text, **environ):
    return parse(dedent(text), "s.yaml", environ).data


def errors(text, **environ):
    with pytest.raises(ConfigError) as raised:
        parse(dedent(text), "s.yaml", environ)
    return str(raised.value).splitlines()


MEANT = [
    ("true", True),
    ("False", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("12", 12),
    ("-3", -3),
    ("+3", 3),
    ("0", 0),
    ("1_000_000", 1_000_000),
    ("0.5", 0.5),
    (".5", 0.5),
    ("1.", 1.0),
    ("1e3", 1000.0),
    ("1.5E-3", 0.0015),
    (".inf", float("inf")),
    ("-.inf", float("-inf")),
    ("2024-01-31", "2024-01-31"),
    ("2024-01-31T12:30:00Z", "2024-01-31T12:30:00Z"),
    ("2024-01-31 12:30", "2024-01-31 12:30"),
    ("BTC-PERP", "BTC-PERP"),
    ("1.2.3", "1.2.3"),
    ("15m", "15m"),
    ("y", "y"),
    ("None", "None"),
    ("'on'", "on"),
    ('"012"', "012"),
    ("'12:30'", "12:30"),
    ("[1, a, null]", [1, "a", None]),
    ("{a: {b: 1}}", {"a": {"b": 1}}),
]


@pytest.mark.parametrize(("text", "value"), MEANT)
def test_a_value_means_what_yaml_1_2_says(text, value):
    found = read(f"key: {text}")["key"]
    assert found == value
    assert type(found) is type(value)


TRAPS = [
    ("on", "'on' is a boolean in YAML 1.1 and text in 1.2: write true or false, or quote it"),
    ("Yes", "'Yes' is a boolean in YAML 1.1 and text in 1.2: write true or false, or quote it"),
    ("NO", "'NO' is a boolean in YAML 1.1 and text in 1.2: write true or false, or quote it"),
    ("12:30", "'12:30' is a number to the base of 60 in YAML 1.1: quote it"),
    ("1:30:00", "'1:30:00' is a number to the base of 60 in YAML 1.1: quote it"),
    ("012", "'012' is octal in YAML 1.1 and decimal in 1.2: drop the leading zero, or quote it"),
    ("00.5", "'00.5' is octal in YAML 1.1 and decimal in 1.2: drop the leading zero, or quote it"),
    ("0o14", "'0o14' is not a decimal number: write it as one, or quote it"),
    ("0x1F", "'0x1F' is not a decimal number: write it as one, or quote it"),
    ("0b11", "'0b11' is not a decimal number: write it as one, or quote it"),
    ("1_2", "'1_2' must group digits by threes as 1_000_000, or be quoted"),
    (".nan", "'.nan' is not a number that a session can use; use null for nothing"),
]


@pytest.mark.parametrize(("text", "rule"), TRAPS)
def test_what_yaml_1_1_reads_differently_is_refused_with_the_reason(text, rule):
    assert errors(f"a:\n  - {text}") == [f"s.yaml:2:5: a[0]: {rule}"]


def test_a_trap_in_a_key_is_refused():
    assert errors("on: 1") == [
        "s.yaml:1:1: key 'on' is a boolean in YAML 1.1 and text in 1.2: write true or false, or quote it"
    ]


@pytest.mark.parametrize("key", ["1", "1.5", "null", "true", "? [a]\n"])
def test_keys_must_be_text(key):
    [line] = errors(f"{key}: 1")
    assert line.startswith("s.yaml:1:")
    assert "keys must be text" in line


def test_a_key_given_twice_is_refused_with_both_lines():
    text = """
        a: 1
        b: {x: 1}
        a: 2
        """
    assert errors(text) == ["s.yaml:4:1: a: must not be given twice, was first on line 2"]


def test_a_key_given_twice_further_in_has_its_address():
    text = """\
        strategies:
          - use: x
            params:
              fast: 1
              fast: 2
        """
    assert errors(text) == [
        "s.yaml:5:7: strategies[0].params.fast: must not be given twice, was first on line 4"
    ]


def test_every_problem_is_reported_in_the_order_of_the_file():
    found = errors("a: on\nb: 012\na: 1\nc: !tag 1\n")
    assert [line.split(": ")[0] for line in found] == ["s.yaml:1:4", "s.yaml:2:4", "s.yaml:3:1", "s.yaml:4:4"]


def test_tabs_are_refused():
    assert errors("a:\n\tb: 1") == ["s.yaml:2:1: a tab cannot indent YAML; use spaces"]


@pytest.mark.parametrize("tag", ["!!python/object:os.system", "!mine", "!!str", "!!binary"])
def test_tags_are_refused(tag):
    [line] = errors(f"a: {tag} x")
    assert line.startswith("s.yaml:1:4: a: must not have a tag, was ")


def test_several_documents_are_refused():
    assert errors("a: 1\n---\nb: 2") == ["s.yaml:2:1: a session file holds one document, here begins another"]


def test_one_document_may_be_marked_as_such():
    assert read("---\na: 1\n...\n") == {"a": 1}


def test_syntax_errors_say_where():
    assert errors("a: [1, 2\nb: 3")[0].startswith("s.yaml:2:2: ")
    assert errors("a: 'x")[0].startswith("s.yaml:1:6: ")
    assert errors("a: *nothing")[0] == "s.yaml:1:4: found undefined alias 'nothing'"


def test_control_characters_are_refused_with_their_line():
    assert errors("a: 1\nb: \x07") == ["s.yaml:2: a control character, 7, is not text"]


def test_deep_nesting_is_refused():
    assert errors("a: " + "[" * 5000) == ["s.yaml: nested too deeply"]


def test_aliases_and_merge_keys_are_read():
    text = """
        base: &base {fast: 9, slow: 21}
        other: &other {slow: 50, adx: 20}
        again: *base
        merged: {<<: *base, fast: 5}
        both: {<<: [*base, *other]}
        """
    data = read(text)
    assert data["again"] == {"fast": 9, "slow": 21}
    assert data["merged"] == {"fast": 5, "slow": 21}
    assert data["both"] == {"fast": 9, "slow": 21, "adx": 20}
    assert data["again"] is not data["base"]


def test_a_quoted_merge_key_is_a_key():
    assert read("a: {'<<': 3}") == {"a": {"<<": 3}}


def test_two_merge_keys_are_refused():
    assert errors("b: &b {x: 1}\na:\n  <<: *b\n  <<: *b") == [
        "s.yaml:4:3: a['<<']: must not be given twice, was first on line 3"
    ]


def test_merging_something_else_is_refused():
    assert errors("a: {<<: 3}") == [
        "s.yaml:1:9: a['<<']: must be an alias of another mapping, or a list of such"
    ]


def test_an_anchor_that_contains_itself_is_refused():
    assert errors("a: &a [1, *a]") == ["s.yaml:1:4: a[1]: an anchor must not contain an alias of itself"]


def test_aliases_that_explode_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    [line] = errors("\n".join(lines))
    assert line.endswith("must not expand to more than 100,000 values")


def test_values_come_from_the_environment():
    data = read('a: ${N}\nb: "${N}"\nc: x-${N}-${M:-m}\nd: ${M:-}\ne: "$${N}"\n', N="12")
    assert data == {"a": 12, "b": "12", "c": "x-12-m", "d": None, "e": "${N}"}


def test_a_missing_variable_is_named_with_its_address():
    assert errors("feed: {use: a}\nb:\n  key: ${API_KEY}") == [
        "s.yaml:3:8: b.key: variable 'API_KEY' must be set in the environment or in .env"
    ]


def test_a_reference_that_is_none_is_refused():
    rule = "write ${NAME} or ${NAME:-default}, or $${ for a literal ${"
    assert errors('a: "${1}"\nb: "${A-x}"\nc: "${A"') == [
        f"s.yaml:{n}:4: {'abc'[n - 1]}: {rule}" for n in (1, 2, 3)
    ]


def test_a_trap_from_the_environment_does_not_show_the_value():
    assert errors("a: ${KEY}", KEY="0123456") == [
        "s.yaml:1:4: a: '${KEY}' is octal in YAML 1.1 and decimal in 1.2: drop the leading zero, or quote it"
    ]


def test_an_unquoted_reference_in_braces_is_explained():
    [line] = errors("feed: {path: ${DATA}}", DATA="x")
    assert line.endswith("; within { } and [ ] a reference such as ${NAME} must be quoted")


def test_a_value_from_the_environment_cannot_add_structure():
    assert read("a: ${X}", X="1\nb: [2]") == {"a": "1\nb: [2]"}


def test_positions_lead_to_keys_and_entries():
    document = parse("a:\n  b: [1, 2]\n", "s.yaml", {})
    assert document.mark(("a", "b")) == "s.yaml:2:3"
    assert document.mark(("a", "b", 1)) == "s.yaml:2:10"
    assert document.mark(("a", "missing")) == "s.yaml:1:1"


@given(st.text())
def test_any_text_is_read_or_refused_with_a_clear_error(text):
    message = "s.yaml:"
    try:
        parse(text, "s.yaml", {})
    except ConfigError as error:
        message = str(error)
    assert message.startswith("s.yaml:")


# Without $, which begins a reference in values.
ASCII = st.text(st.characters(min_codepoint=37, max_codepoint=126), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | ASCII,
    lambda part: st.lists(part) | st.dictionaries(ASCII, part),
)


@given(JSON)
def test_what_json_writes_is_read_as_it_was(value):
    assert parse(json.dumps({"value": value}), "s.yaml", {}).data == {"value": value}
