"""Values from the environment in session files: ``${NAME}``, ``${NAME:-default}`` and ``.env``.

Rules of this file:

- The environment wins over ``.env``; an empty value counts as unset where a default is given.
- ``$${`` writes a literal ``${``. There is no nesting.
- A value is never part of a message, only its name is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from hookline.errors import ConfigError

__all__ = ["interpolate", "lend_variables", "read_dotenv"]

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE = re.compile(rf"\$\$\{{|\$\{{(?:(?P<name>{_NAME})(?::-(?P<default>[^}}]*))?\}})?")
_LINE = re.compile(rf"(?:export\s+)?(?P<name>{_NAME})\s*=\s*(?P<value>.*)")
_DOUBLE = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_SINGLE = re.compile(r"'(?P<text>[^']*)'\s*(?:#.*)?")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def interpolate(text: str, environ: Mapping[str, str]) -> str:
    """Return a text with its references replaced.

    >>> interpolate("${HOST:-localhost}:${PORT}", {"PORT": "80"})
    'localhost:80'

    Raises:
        KeyError: with the name of a variable that is not set and has no default.
        ValueError: if a reference is not closed or names nothing that can be a variable.
    """

    def value(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name, default = match["name"], match["default"]
        if name is None:
            raise ValueError("write ${NAME} or ${NAME:-default}, or $${ for a literal ${")
        found = environ.get(name)
        if default is not None:
            return found or default
        if found is None:
            raise KeyError(name)
        return found

    return _REFERENCE.sub(value, text)


def read_dotenv(path: Path) -> dict[str, str]:
    r"""Return the variables of a file of ``NAME=value`` lines; an absent file has none.

    Values may be quoted: single quotes keep everything, double quotes know ``\n``, ``\"`` and the like. ``export`` before a
    name and comments after ``#`` are allowed.

    Raises:
        ConfigError: naming the first line that is something else.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    variables = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()  # noqa: PLW2901
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ConfigError(f"{path}:{number}: must be NAME=value, a comment or empty")
        variables[match["name"]] = _unquoted(match["value"], path, number)
    return variables


def _unquoted(value: str, path: Path, number: int) -> str:
    if value[:1] not in {'"', "'"}:
        return re.split(r"\s+#|^#", value, maxsplit=1)[0].rstrip()
    match = (_DOUBLE if value[0] == '"' else _SINGLE).fullmatch(value)
    if match is None:
        raise ConfigError(f"{path}:{number}: a quoted value must end with its quote")
    if value[0] == "'":
        return match["text"]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), match["text"])


def lend_variables(file: Path | None) -> None:
    """Let brokers find their keys from any folder: variables of the ``.env`` beside the session file that nothing else sets."""
    if file is None:
        return
    try:
        known, lent = read_dotenv(Path(".env")), read_dotenv(file.with_name(".env"))
    except ConfigError:
        return  # told where the session file is read
    for name in lent.keys() - known.keys():
        os.environ.setdefault(name, lent[name])
