"""``hookline schema``: the JSON Schema of session files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["schema"]


def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write to.", show_default=False)
    ] = None,
) -> None:
    """Write the JSON Schema of session files, for editors.

    It holds the parameters of every installed plugin; an editor that knows it completes and checks session files.
    """
    from hookline.errors import ConfigError
    from hookline.session.json_schema import session_schema

    made, notes = session_schema()
    for note in notes:
        typer.echo(f"left out: {note}", err=True)
    text = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written: {error.strerror}") from error
    typer.echo(str(output))
