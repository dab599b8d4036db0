"""``hookline resume``: end a halt."""

from __future__ import annotations

from typing import Annotated

import typer

from hookline.cli.session_folder import SessionArgument, session_folder

__all__ = ["resume"]


def resume(
    session: SessionArgument = None,
    reason: Annotated[
        str, typer.Option("--reason", "-r", help="Why it may trade again; kept in the journal.")
    ] = "by hand",
) -> None:
    """End the halt of a session, running or stopped.

    One that runs is asked to, and answers within a second; of one that is stopped, the journal says so.

    For example: hookline resume runs/demo --reason "checked the fills, all as it should be"
    """
    from hookline.session.resuming import resume_session

    typer.echo(resume_session(session_folder(session), reason))
