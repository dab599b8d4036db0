import importlib
import os
import subprocess
import sys

import pytest

from hookline import cli
from hookline.cli import commands
from hookline.errors import ConfigError, StrategyError
from hookline.plugins import summary

HEAVY = {
    "numpy",
    "pandas",
    "numba",
    "pyarrow",
    "plotly",
    "pydantic",
    "yaml",
    "hookline.model",
    "hookline.cli.run",
}


def in_process(code, **environ):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )


def test_help_lists_every_command_and_imports_none_of_them():
    code = (
        "import sys, atexit; from hookline.cli import main\n"
        f"atexit.register(lambda: print('LOADED', sorted({HEAVY!r} & set(sys.modules))))\n"
        "main(['--help'])"
    )
    ran = in_process(code)
    assert ran.returncode == 0, ran.stderr
    for name in ("run", "check", "new", "list", "show", "schema", "data"):
        assert f" {name} " in ran.stdout
    assert "LOADED []" in ran.stdout


@pytest.mark.parametrize("command", ["run", "check", "new", "list", "show", "schema", "journal", "data"])
def test_every_command_has_help(hookline, command):
    ran = hookline(command, "--help")
    assert ran.code == 0
    assert f"hookline {command}" in ran.out


@pytest.mark.parametrize("name", [name for name in commands._BUILT_IN if name not in {"data", "journal"}])
def test_the_list_of_commands_says_what_each_says_of_itself(name):
    module, attribute, text = commands._BUILT_IN[name]
    assert summary(getattr(importlib.import_module(module), attribute)) == text


def test_no_arguments_show_help(hookline):
    ran = hookline()
    assert "Usage: hookline" in ran.out + ran.err


def test_the_version_is_shown(hookline):
    from hookline import __version__

    assert hookline("--version") == (0, f"hookline {__version__}\n", "")


def test_an_unknown_command_is_named_with_what_was_meant(hookline):
    ran = hookline("rnu")
    assert ran.code == 2
    assert "No such command 'rnu'" in ran.err
    assert "'run'" in ran.err


def test_commands_of_plugins_are_listed_but_not_imported(hookline, install):
    install("my-tools", "commands", {"tidy": "my_tools"}, "raise RuntimeError('imported')")
    ran = hookline("--help")
    assert "tidy" in ran.out
    assert "my-tools" in ran.out
    assert "my_tools" not in sys.modules


def test_a_broken_command_of_a_plugin_is_one_line(hookline, install):
    install("my-tools", "commands", {"tidy": "my_tools"}, "raise RuntimeError('imported')")
    assert hookline("tidy") == (2, "", "error: my-tools: cannot import 'my_tools': RuntimeError: imported\n")


def test_a_plugin_cannot_replace_a_built_in_command(hookline, install):
    install("my-tools", "commands", {"list": "my_tools"}, "raise RuntimeError('imported')")
    assert hookline("list", "executors").code == 0


@pytest.fixture
def fail(monkeypatch, hookline):
    """Run a command line whose only command raises an exception."""

    def run(error, *arguments):
        def raising(*_, **__):
            raise error

        monkeypatch.setattr(commands, "command", lambda: raising)
        return hookline(*arguments)

    return run


def test_every_line_of_an_error_is_marked_and_there_is_no_traceback(fail):
    assert fail(ConfigError("a: wrong\nb: wrong")) == (2, "", "error: a: wrong\nerror: b: wrong\n")


@pytest.mark.parametrize("arguments", [["--debug", "run", "x"], ["run", "x", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(fail, arguments):
    ran = fail(ConfigError("a: wrong"), *arguments)
    assert ran.code == 2
    assert ran.err.startswith("Traceback (most recent call last)")
    assert ran.err.endswith("error: a: wrong\n")


def test_debug_after_two_dashes_is_an_argument():
    assert cli._without_debug(["run", "--", "--debug"]) == (["run", "--", "--debug"], False)
    assert cli._without_debug(["--debug", "run"]) == (["run"], True)


def test_a_bug_in_a_strategy_shows_its_own_traceback(fail):
    error = StrategyError("grid: on_bar at 2024-01-01T00:00:00Z: ZeroDivisionError: division by zero")
    error.__cause__ = ZeroDivisionError("division by zero")
    ran = fail(error)
    assert ran.code == 1
    assert ran.err.splitlines()[0] == "ZeroDivisionError: division by zero"
    assert ran.err.splitlines()[-1].startswith("error: grid: on_bar at 2024")


def test_a_bug_of_ours_says_so_with_the_traceback(fail):
    ran = fail(RuntimeError("oops"))
    assert ran.code == 1
    assert "Traceback (most recent call last)" in ran.err
    assert "this is a bug in hookline" in ran.err


def test_an_interrupt_is_130(fail):
    assert fail(KeyboardInterrupt()) == (130, "", "interrupted\n")
