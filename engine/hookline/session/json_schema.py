"""The JSON Schema of session files, with the parameters of every installed plugin."""

from __future__ import annotations

from typing import Any

from hookline import plugins
from hookline.errors import PluginError
from hookline.session.schema import SessionFile
from hookline.validation import schema_of

__all__ = ["session_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Where a session names plugins: (key, kind, whether it is a list).
_PLACES = [
    ("feed", "feeds", False),
    ("broker", "brokers", False),
    ("risk", "risk_rules", True),
    ("reporters", "reporters", True),
    ("notifiers", "notifiers", True),
    ("executor", "executors", False),
]


def session_schema() -> tuple[dict[str, Any], list[str]]:
    """Return the schema, and one line for each plugin that is left out because it is broken."""
    schema = schema_of(SessionFile)
    definitions: dict[str, Any] = schema["$defs"]
    notes: list[str] = []
    entry = definitions.pop("StrategyEntry")
    definitions.pop("PluginUse")
    for kind in ("feeds", "brokers", "risk_rules", "reporters", "notifiers", "sizers", "executors"):
        definitions[kind] = _use({}, *_plugins(kind, definitions, notes))
    entry["properties"]["sizer"] = {"$ref": "#/$defs/sizers"}
    definitions["strategies"] = _use(entry["properties"], *_plugins("strategies", definitions, notes))
    properties = schema["properties"]
    for key, kind in (("feed", "feeds"), ("broker", "brokers")):
        definitions["VenueEntry"]["properties"][key] = {"$ref": f"#/$defs/{kind}"}
    properties["strategies"]["items"] = {"$ref": "#/$defs/strategies"}
    for key, kind, is_list in _PLACES:
        reference = {"$ref": f"#/$defs/{kind}"}
        kept = {name: properties[key][name] for name in ("description",) if name in properties[key]}
        properties[key] = {**kept, **({"type": "array", "items": reference} if is_list else reference)}
    return {"$schema": _DIALECT, "title": "hookline session", **schema}, notes


def _plugins(
    kind: str, definitions: dict[str, Any], notes: list[str]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the names of a kind's plugins and a rule for each that ties its ``params`` to its name."""
    found, rules = [], []
    for name in sorted({info.name for info in plugins.names(kind)}):
        try:
            params = plugins.schema(kind, name)
        except PluginError as error:
            notes.append(str(error))
            continue
        prefix = f"{kind}.{name}."
        for inner, definition in params.pop("$defs", {}).items():
            definitions[prefix + inner] = _renamed(definition, prefix)
        found.append(name)
        rules.append(
            {
                "if": {"properties": {"use": {"const": name}}, "required": ["use"]},
                "then": {
                    "properties": {"params": _renamed(params, prefix)},
                    **({"required": ["params"]} if params.get("required") else {}),
                },
            }
        )
    return found, rules


def _use(properties: dict[str, Any], names: list[str], rules: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of a plugin's use: its name alone, or a mapping."""
    properties = {**properties, "use": {"enum": names, "description": "name of the plugin"}}
    properties.setdefault("params", {"type": "object", "description": "parameters of the plugin"})
    mapping = {
        "type": "object",
        "properties": properties,
        "required": ["use"],
        "additionalProperties": False,
        "allOf": rules,
    }
    return {"anyOf": [{"enum": names}, mapping]}


def _renamed(schema: Any, prefix: str) -> Any:
    """Return a schema whose references point to definitions that carry the plugin's name."""
    if isinstance(schema, list):
        return [_renamed(part, prefix) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: part.replace("#/$defs/", f"#/$defs/{prefix}")
        if key == "$ref" and isinstance(part, str)
        else _renamed(part, prefix)
        for key, part in schema.items()
    }
