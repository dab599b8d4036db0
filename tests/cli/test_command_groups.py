"""Commands of plugins that are groups of commands."""

DESK = """
from typing import Annotated

import typer

from hookline import hookimpl

app = typer.Typer(name="desk", no_args_is_help=True, help="Look after a desk.")

@app.command()
def tidy(hard: bool = False) -> None:
    '''Tidy up.'''
    typer.echo("very tidy" if hard else "tidy")

@app.command()
def show() -> None:
    '''Show it.'''
    typer.echo("a desk")

@hookimpl
def register_commands():
    return [app]
"""


def test_a_group_is_called_by_the_name_of_its_entry_point(hookline, install):
    install("my-desk", "commands", {"desk": "my_desk"}, DESK)
    assert hookline("desk", "tidy", "--hard").out == "very tidy\n"
    assert hookline("desk", "show").out == "a desk\n"
    ran = hookline("desk", "--help")
    assert ran.code == 0
    assert "Look after a desk." in ran.out


def test_a_group_is_shown_with_its_help(hookline, install):
    install("my-desk", "commands", {"desk": "my_desk"}, DESK)
    ran = hookline("show", "command", "desk")
    assert ran.code == 0, ran.err
    assert "my_desk.desk" in ran.out
    assert "Look after a desk." in ran.out


def test_a_group_of_another_name_is_said_with_its_owner(hookline, install):
    install("my-desk", "commands", {"table": "my_desk"}, DESK)
    ran = hookline("table", "show")
    assert ran.code == 2
    assert (
        "my-desk: register_commands() in 'my_desk' must return a function called 'table', returned 'desk'"
        in ran.err
    )
