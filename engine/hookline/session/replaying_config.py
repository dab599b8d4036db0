"""The configuration in a journal, as a session file would say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hookline.errors import ConfigError
from hookline.session.environment import interpolate
from hookline.session.yaml_loader import parse

__all__ = ["as_in_a_file"]

_PLAIN = re.compile(r"[-+.\w]+")


def as_in_a_file(config: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return a configuration without what is null, and with the values of the variables that it names.

    >>> as_in_a_file({"seed": None, "params": {"period": "${PERIOD}", "name": "x"}}, {"PERIOD": "9"})
    {'params': {'period': 9, 'name': 'x'}}

    Args:
        config: As ``SessionConfig.dump`` gives it.
        environ: Variables for ``${NAME}``.

    Raises:
        ConfigError: if a variable is not set.
    """
    filled: dict[str, Any] = _filled(config, environ)
    return filled


def _filled(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(part, environ) for key, part in value.items() if part is not None}
    if isinstance(value, list | tuple):
        return [_filled(part, environ) for part in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    try:
        text = interpolate(value, environ)
    except KeyError as error:
        raise ConfigError(
            f"{value}: variable {error.args[0]!r} must be set in the environment or in .env"
        ) from None
    # As the loader does: what reads as a number or a boolean is one.
    return parse(f"value: {text}", "", {}).data["value"] if _PLAIN.fullmatch(text) else text
