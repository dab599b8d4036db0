"""The command line.

Rules of this package:

- ``hookline --help`` imports no command: each lives in a module that is imported when it is called.
- Whatever goes wrong ends here, in one place: what a person can fix is one line and exit code 2, a bug in a strategy shows
  the strategy's traceback and is exit code 1, Ctrl-C is 130. ``--debug`` shows every traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]

EXIT_BUG = 1
# A check that was made, and not passed.
EXIT_NOT_PASSED = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: What follows the program's name; ``sys.argv[1:]`` by default.
    """
    from hookline.errors import HooklineError, StrategyError

    words, debug = _without_debug(sys.argv[1:] if arguments is None else arguments)
    try:
        from hookline.cli.commands import command

        command()(words, prog_name="hookline")
    except StrategyError as error:
        if error.__cause__ is not None or debug:
            _traceback(error if debug else error.__cause__)
        _say(error)
        sys.exit(EXIT_BUG)
    except HooklineError as error:
        if debug:
            _traceback(error)
        _say(error)
        sys.exit(EXIT_ERROR)
    except MemoryError as error:
        _say(f"not enough memory: {error}")
        sys.exit(EXIT_ERROR)
    except OSError as error:  # a full disk, a folder that must not be read
        if debug:
            _traceback(error)
        _say(error)
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # the top of the command line
        _traceback(error)
        _say(
            f"{type(error).__name__}: {error}\nthis is a bug in hookline; please report it with the lines above"
        )
        sys.exit(EXIT_BUG)


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Return the arguments without ``--debug``, which may stand anywhere, and whether it was there."""
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    kept = [word for word in words[:end] if word != "--debug"]
    return [*kept, *words[end:]], len(kept) < end


def _say(error: object) -> None:
    import typer

    for line in str(error).splitlines():
        typer.secho("error: ", fg=typer.colors.RED, bold=True, err=True, nl=False)
        typer.echo(line, err=True)


def _traceback(error: BaseException | None) -> None:
    import traceback

    traceback.print_exception(error)
