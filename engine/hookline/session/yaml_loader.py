"""Strict YAML: what is written is what is read, and everything has an address.

Rules of this file:

- Plain scalars mean what YAML 1.2 says: ``true``, ``false``, ``null``, decimal numbers (``1e3`` too), else text. Dates are text.
- What YAML 1.1 reads differently is refused with the reason: ``on`` and ``yes``, ``12:30``, ``012``, hexadecimal.
- Refused as well: a key twice in one mapping, keys that are not text, tags, several documents, anchors that contain
  themselves. Anchors, aliases and merge keys (``<<``) are fine.
- ``${NAME}`` is replaced from the environment in values. The text as written is kept beside the values, for messages and
  for result files; values from the environment appear in neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from hookline.errors import ConfigError
from hookline.problems import Location, join
from hookline.session.document import Document
from hookline.session.environment import interpolate

__all__ = ["parse"]

# Aliases of aliases grow exponentially; no session comes near this many values.
_MOST_VALUES = 100_000

_INTEGER = re.compile(r"[-+]?(0|[1-9]\d*|[1-9]\d{0,2}(_\d{3})+)")
_FLOAT = re.compile(r"[-+]?((0|[1-9]\d*)?\.\d+|(0|[1-9]\d*)\.?)([eE][-+]?\d+)?")
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
# A pattern that YAML 1.1 reads in its own way, and what to say about it.
_TRAPS = [
    (
        re.compile(r"yes|no|on|off", re.IGNORECASE),
        "{0} is a boolean in YAML 1.1 and text in 1.2: write true or false, or quote it",
    ),
    (
        re.compile(r"[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?"),
        "{0} is a number to the base of 60 in YAML 1.1: quote it",
    ),
    (
        re.compile(r"[-+]?0[0-9_]+(\.\d*)?([eE][-+]?\d+)?"),
        "{0} is octal in YAML 1.1 and decimal in 1.2: drop the leading zero, or quote it",
    ),
    (re.compile(r"[-+]?0[oxb][0-9a-fA-F_]+"), "{0} is not a decimal number: write it as one, or quote it"),
    (
        re.compile(r"[-+]?\d[\d_]*_[\d_]*(\.\d*)?"),
        "{0} must group digits by threes as 1_000_000, or be quoted",
    ),
    (re.compile(r"\.nan", re.IGNORECASE), "{0} is not a number that a session can use; use null for nothing"),
]


def parse(text: str, source: str, environ: Mapping[str, str], *, is_file: bool = True) -> Document:
    """Return the one document of a YAML text.

    Args:
        text: The YAML.
        source: What to call it in messages.
        environ: Variables for references.
        is_file: Whether messages give line and column.

    Raises:
        ConfigError: with one line for each problem: source, line, column, address, and what should hold.
    """
    document = Document(source)
    try:
        root = _compose(text)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_syntax_message(error, text, source, is_file=is_file)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{source}:{line}: a control character, {error.character!r}, is not text"
        ) from error
    except RecursionError as error:
        raise ConfigError(f"{source}: nested too deeply") from error
    builder = _Builder(document, environ, is_file=is_file)
    if root is not None:
        document.data = builder.build(root, ())
    if builder.problems:
        raise ConfigError("\n".join(line for _, line in sorted(builder.problems)))
    return document


class _Loader(Reader, Scanner, Parser, Composer):
    """Composes nodes whose tag says only how a scalar was written: ``plain`` or ``quoted``; other tags are the user's."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)

    def resolve(self, kind: type, value: Any, implicit: Any) -> str:
        del value
        return "plain" if kind is ScalarNode and implicit[0] else "quoted"

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


def _compose(text: str) -> Node | None:
    loader = _Loader(text)
    return loader.get_single_node()


def _syntax_message(error: yaml.MarkedYAMLError, text: str, source: str, *, is_file: bool) -> str:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or error.context or "not YAML"
    if mark is None or not is_file:
        return f"{source}: {problem}"
    if "'\\t'" in problem:
        problem = "a tab cannot indent YAML; use spaces"
    elif "found another document" in problem:
        problem = "a session file holds one document, here begins another"
    elif "${" in (text.splitlines() or [""])[min(mark.line, text.count("\n"))]:
        problem += "; within { } and [ ] a reference such as ${NAME} must be quoted"
    return f"{source}:{mark.line + 1}:{mark.column + 1}: {problem}"


class _Builder:
    """Turns nodes into values, and collects what is wrong with them."""

    def __init__(self, document: Document, environ: Mapping[str, str], *, is_file: bool) -> None:
        self.problems: list[tuple[int, str]] = []
        self._document = document
        self._environ = environ
        self._is_file = is_file
        self._open: list[Node] = []
        self._count = 0

    def build(self, node: Node, location: Location) -> Any:
        """Return a node's value; None where it has none that can be used."""
        self._document.marks.setdefault(location, self._mark(node))
        self._count += 1
        if self._count == _MOST_VALUES:
            self._refuse(node, location, f"must not expand to more than {_MOST_VALUES:,} values")
        if self._count >= _MOST_VALUES:
            return None
        if any(node is parent for parent in self._open):
            return self._refuse(node, location, "an anchor must not contain an alias of itself")
        if node.tag not in {"plain", "quoted"}:
            return self._refuse(node, location, f"must not have a tag, was {node.tag!r}")
        if isinstance(node, ScalarNode):
            return self._scalar(node, location)
        self._open.append(node)
        build = self._mapping if isinstance(node, MappingNode) else self._sequence
        value = build(node, location)
        self._open.pop()
        return value

    def _sequence(self, node: Node, location: Location) -> list[Any]:
        return [self.build(part, (*location, number)) for number, part in enumerate(node.value)]

    def _mapping(self, node: Node, location: Location) -> dict[str, Any]:
        data = {}
        for key, (key_node, value_node) in self._entries(node, location).items():
            self._document.marks.setdefault((*location, key), self._mark(key_node))
            data[key] = self.build(value_node, (*location, key))
        return data

    def _entries(self, node: Node, location: Location) -> dict[str, tuple[Node, Node]]:
        """Return the entries of a mapping by key; those of merged mappings give way to its own."""
        own: dict[str, tuple[Node, Node]] = {}
        merges: dict[str, tuple[Node, Node]] = {}
        for key_node, value_node in node.value:
            is_merge = key_node.value == "<<" and key_node.tag == "plain"
            key = "<<" if is_merge else self._key(key_node, location)
            if key is None:
                continue
            entries = merges if is_merge else own
            if key in entries:
                first = entries[key][0].start_mark.line + 1
                self._refuse(
                    key_node, (*location, key), f"must not be given twice, was first on line {first}"
                )
                continue
            entries[key] = key_node, value_node
        merged = self._merged(merges["<<"][1], location) if merges else {}
        return merged | own

    def _merged(self, node: Node, location: Location) -> dict[str, tuple[Node, Node]]:
        parts = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, tuple[Node, Node]] = {}
        for part in parts:
            if not isinstance(part, MappingNode) or any(part is parent for parent in self._open):
                self._refuse(
                    node, (*location, "<<"), "must be an alias of another mapping, or a list of such"
                )
                continue
            self._open.append(part)
            merged = self._entries(part, location) | merged
            self._open.pop()
        return merged

    def _key(self, node: Node, location: Location) -> str | None:
        if not isinstance(node, ScalarNode) or node.tag not in {"plain", "quoted"}:
            self._refuse(node, location, "keys must be text without a tag")
            return None
        if node.tag == "quoted":
            return str(node.value)
        try:
            value = _resolve(node.value, repr(node.value))
        except ValueError as error:
            self._refuse(node, location, f"key {error}")
            return None
        if not isinstance(value, str):
            self._refuse(node, location, f"keys must be text, was {node.value or 'empty'}; quote it")
            return None
        return value

    def _scalar(self, node: ScalarNode, location: Location) -> Any:
        text = written = str(node.value)
        try:
            if "${" in written:
                text = interpolate(written, self._environ)
                self._document.refer(location, written, text)
            return text if node.tag == "quoted" else _resolve(text, repr(written))
        except KeyError as error:
            rule = f"variable {error.args[0]!r} must be set in the environment or in .env"
            return self._refuse(node, location, rule)
        except ValueError as error:
            return self._refuse(node, location, str(error))

    def _mark(self, node: Node) -> str:
        if not self._is_file:
            return self._document.source
        return f"{self._document.source}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"

    def _refuse(self, node: Node, location: Location, text: str) -> None:
        address = join("", location)
        line = f"{self._mark(node)}: {f'{address}: ' if address else ''}{text}"
        self.problems.append((node.start_mark.index, line))


def _resolve(text: str, name: str) -> Any:
    """Return the value of a plain scalar.

    Raises:
        ValueError: if YAML 1.1 reads it differently; ``name`` is what to call it.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    for pattern, rule in _TRAPS:
        if pattern.fullmatch(text):
            raise ValueError(rule.format(name))
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
