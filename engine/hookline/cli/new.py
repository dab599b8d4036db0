"""``hookline new``: a plugin package to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hookline.errors import ConfigError

__all__ = ["new"]


def new(
    template: Annotated[
        str, typer.Argument(help="What to write: strategy.", metavar="KIND", show_default=False)
    ],
    name: Annotated[str, typer.Argument(help="Its name, such as my_idea.", show_default=False)],
    directory: Annotated[Path, typer.Option(help="Folder to put the package's folder into.")] = Path(),
) -> None:
    """Write a plugin package of your own, ready to install and run.

    It has source, a test, a session and a README.
    """
    from hookline.scaffold import render

    files = render(template, name)
    module = name.replace("-", "_")
    _refuse_taken(template, module)
    folder = directory / module
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: must not exist yet, or be empty; nothing was written")
    try:
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be written: {error.strerror}") from error
    for path in files:
        typer.echo(f"  {folder / path}")
    typer.echo(f"\nnext:\n  cd {folder}\n  pip install --editable .\n  hookline run session.yaml")


def _refuse_taken(template: str, module: str) -> None:
    """Refuse names that another plugin or package goes by."""
    from importlib.util import find_spec

    from hookline.plugins import kind_of, names

    kind = kind_of(template)
    owners = [info.distribution for info in names(kind.name) if info.name == module]
    if owners:
        raise ConfigError(
            f"{kind.article} {kind.singular} called {module!r} is already brought by {owners[0]}"
        )
    if find_spec(module) is not None:
        raise ConfigError(f"a package called {module!r} is already installed; choose another name")
