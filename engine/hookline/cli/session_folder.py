"""Which session a command means: a session file, the folder of its output, or the last one that ran here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hookline.errors import ConfigError

__all__ = ["SessionArgument", "session_folder"]

SessionArgument = Annotated[
    Path | None,
    typer.Argument(
        help="A session file or the folder of its output; the last one under runs/ by default.",
        metavar="SESSION",
        show_default=False,
    ),
]


def session_folder(session: Path | None) -> Path:
    """Return the folder that holds a session's journal.

    Raises:
        ConfigError: if there is none.
    """
    if session is None:
        found = sorted(Path("runs").glob("*/journal.sqlite"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise ConfigError("runs: there is no session with a journal; name a session file or a folder")
        return found[-1].parent
    if session.is_dir():
        return session
    if session.name.endswith(".sqlite"):
        return session.parent
    from hookline.session.loader import load_session

    return load_session(session).output
