"""The schema is checked with a small validator that knows the keywords that the schema uses, and refuses others."""

import json
from pathlib import Path
from typing import Any

import pytest

from hookline.plugins import names
from hookline.session.json_schema import session_schema
from hookline.session.yaml_loader import parse

GOOD = """\
symbols: [BTC-PERP]
timeframe: 1h
feed: {use: synthetic, params: {seed: 3}}
strategies:
  - ema_cross
  - use: ema_cross
    id: second
    params: {fast: 12, slow: 26}
    sizer: {use: fixed_notional, params: {quote: 100}}
reporters: [json, {use: csv}]
"""
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}
SILENT = {"description", "default", "title", "$schema", "$defs", "format", "pattern"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    made, _ = session_schema()
    return json.loads(json.dumps(made))


def holds(schema: Any, value: Any, root: Any) -> bool:
    return all(rule(keyword, schema, value, root) for keyword in schema if keyword not in SILENT | {"then"})


def rule(keyword: str, schema: Any, value: Any, root: Any) -> bool:
    wanted = schema[keyword]
    match keyword:
        case "$ref":
            return holds(root["$defs"][wanted.removeprefix("#/$defs/")], value, root)
        case "type":
            return isinstance(value, TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
        case "anyOf":
            return any(holds(part, value, root) for part in wanted)
        case "allOf":
            return all(holds(part, value, root) for part in wanted)
        case "if":
            return not holds(wanted, value, root) or holds(schema["then"], value, root)
        case "enum":
            return value in wanted
        case "const":
            return value == wanted
        case "items":
            return not isinstance(value, list) or all(holds(wanted, part, root) for part in value)
        case "properties":
            return not isinstance(value, dict) or all(
                holds(part, value[name], root) for name, part in wanted.items() if name in value
            )
        case "additionalProperties":
            others = (
                [part for name, part in value.items() if name not in schema.get("properties", {})]
                if isinstance(value, dict)
                else []
            )
            return (
                not others
                if wanted is False
                else wanted is True or all(holds(wanted, part, root) for part in others)
            )
        case "required":
            return not isinstance(value, dict) or all(name in value for name in wanted)
        case "minItems":
            return not isinstance(value, list) or len(value) >= wanted
        case "minLength":
            return not isinstance(value, str) or len(value) >= wanted
    bounds = {
        "minimum": lambda: value >= wanted,
        "maximum": lambda: value <= wanted,
        "exclusiveMinimum": lambda: value > wanted,
        "exclusiveMaximum": lambda: value < wanted,
    }
    return not isinstance(value, int | float) or bounds[keyword]()


def is_good(schema, text):
    return holds(schema, parse(text, "session.yaml", {}).data, schema)


def test_a_good_session_holds(schema):
    assert is_good(schema, GOOD)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 3", "sed: 3"),
        ("seed: 3", "seed: -1"),
        ("synthetic", "synthetik"),
        ("fast: 12", "fast: '12'"),
        ("fast: 12", "fast: 1"),
        ("fast: 12", "fsat: 12"),
        ("- ema_cross", "- ema_crss"),
        ("id: second", "di: second"),
        ("fixed_notional", "fixed_notion"),
        ("timeframe: 1h\n", ""),
        ("timeframe: 1h", "timeframe: 1h\nmode: lively"),
        ("symbols: [BTC-PERP]", "symbols: []"),
        ("[json,", "[jsn,"),
    ],
)
def test_what_the_loader_refuses_does_not_hold(schema, old, new):
    assert old in GOOD
    assert not is_good(schema, GOOD.replace(old, new))


def test_every_reference_leads_somewhere(schema):
    references = [part for part in json.dumps(schema).split('"') if part.startswith("#/$defs/")]
    assert references
    assert {reference.removeprefix("#/$defs/") for reference in references} <= set(schema["$defs"])


def test_every_installed_plugin_is_offered(schema):
    for kind in ("strategies", "feeds", "brokers", "risk_rules", "sizers", "reporters", "notifiers"):
        offered = schema["$defs"][kind]["anyOf"][0]["enum"]
        assert offered == sorted({info.name for info in names(kind)})


def test_a_broken_plugin_is_left_out_with_a_note(install):
    install("my-notes", "notifiers", {"pager": "my_notes"}, "import nothing_of_the_sort")
    made, notes = session_schema()
    assert "pager" not in made["$defs"]["notifiers"]["anyOf"][0]["enum"]
    assert "my-notes: cannot import 'my_notes': No module named 'nothing_of_the_sort'" in notes


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parents[2].glob("examples/**/*.yaml")), ids=lambda path: path.name
)
def test_the_example_sessions_hold(schema, path):
    text = path.read_text()
    if "use: my_strategy" in text:
        text = text.replace("use: my_strategy", "use: ema_cross").replace("{trend: 200, period: 14}", "{}")
    assert is_good(schema, text)
