import subprocess
import sys

import pytest

from hookline import plugins
from hookline.errors import ConfigError, PluginError
from hookline.params import PluginUse

GRID = """
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from hookline.hookspecs import hookimpl
from hookline.notifier import Notifier
from hookline.params import Doc, Ge, PluginUse
from hookline.plugins import build_use

@dataclass
class Grid(Notifier):
    '''Notify on every level.

    More words.
    '''

    name = "grid"

    levels: Annotated[int, Ge(2), Doc("lines")] = 10
    file: Path | None = None
    files: tuple[Path, ...] = ()
    inner: PluginUse | None = None

    def __post_init__(self):
        if self.levels == 13:
            raise ValueError("levels must be a lucky number, was 13")
        if self.levels == 17:
            raise ValueError("levels: must be a lucky number, was 17")
        if self.inner is not None and self.inner.use == "log":
            build_use("notifiers", self.inner, "inner")

    def notify(self, level, title, text):
        pass

@hookimpl
def register_notifiers():
    return [Grid]
"""


def message(call, *arguments, error=PluginError) -> str:
    with pytest.raises(error) as raised:
        call(*arguments)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_names_are_listed_without_importing(install):
    install("my-strategies", "notifiers", {"grid": "my_strategies_grid"}, "raise RuntimeError('imported')")
    info = plugins.PluginInfo("grid", "notifiers", "my_strategies_grid", "my-strategies", "1.0")
    assert info in plugins.names("notifiers")
    assert "my_strategies_grid" not in sys.modules


def test_loading_one_plugin_imports_no_other():
    code = (
        "import sys; from hookline.plugins import load; load('notifiers', 'log');"
        "print(sorted(name for name in sys.modules if name.startswith('hookline_')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['hookline_notify', 'hookline_notify.log']"


def test_a_plugin_is_built_from_its_parameters(install):
    install("my-strategies", "notifiers", {"grid": "my_grid"}, GRID)
    built = plugins.build("notifiers", "grid", {"levels": 4}, "notifiers[0]")
    assert (type(built).__name__, built.levels) == ("Grid", 4)


def test_relative_paths_are_resolved_against_the_base(install, tmp_path):
    install("my-strategies", "notifiers", {"grid": "my_grid"}, GRID)
    params = {
        "file": "a.csv",
        "files": ["b.csv", "/c.csv"],
        "inner": {"use": "other", "params": {"path": "d"}},
    }
    built = plugins.build("notifiers", "grid", params, "n", tmp_path)
    assert built.file == tmp_path / "a.csv"
    assert [str(path) for path in built.files] == [str(tmp_path / "b.csv"), "/c.csv"]
    assert built.inner == PluginUse("other", {"path": "d"})
    assert built.inner.base == tmp_path


def test_an_unknown_parameter_is_named_with_what_was_meant(install):
    install("my-strategies", "notifiers", {"grid": "my_grid"}, GRID)
    found = message(plugins.build, "notifiers", "grid", {"levles": 4}, "notifiers[0]", error=ConfigError)
    assert found == "notifiers[0].params.levles: Grid has no such parameter; did you mean 'levels'?"


def test_every_wrong_parameter_is_reported(install):
    install("my-strategies", "notifiers", {"grid": "my_grid"}, GRID)
    with pytest.raises(ConfigError) as raised:
        plugins.build("notifiers", "grid", {"levels": 1, "file": 3}, "notifiers[0]")
    assert str(raised.value).splitlines() == [
        "notifiers[0].params.levels: must be at least 2, was 1",
        "notifiers[0].params.file: must be text, was 3",
    ]


def test_a_value_error_of_the_plugin_gets_its_address(install):
    install("my-strategies", "notifiers", {"grid": "my_grid"}, GRID)
    found = message(plugins.build, "notifiers", "grid", {"levels": 13}, "notifiers[0]", error=ConfigError)
    assert found == "notifiers[0].params: levels must be a lucky number, was 13"


def test_a_value_error_that_begins_with_a_parameter_gets_its_address(install):
    install("my-strategies", "notifiers", {"grid": "my_grid"}, GRID)
    found = message(plugins.build, "notifiers", "grid", {"levels": 17}, "notifiers[0]", error=ConfigError)
    assert found == "notifiers[0].params.levels: must be a lucky number, was 17"


def test_a_plugin_inside_another_has_its_whole_address(install):
    install("my-strategies", "notifiers", {"grid": "my_grid"}, GRID)
    params = {"inner": {"use": "log", "params": {"loger": "x"}}}
    found = message(plugins.build, "notifiers", "grid", params, "n", error=ConfigError)
    assert found == "n.params.inner.params.loger: LogNotifier has no such parameter; did you mean 'logger'?"


def test_an_unknown_plugin_is_named_with_what_was_meant():
    assert message(plugins.load, "notifiers", "lgo") == "no notifier is called 'lgo'; did you mean 'log'?"
    assert (
        message(plugins.load, "executors", "moon")
        == "no executor is called 'moon'; there are dask, processes, serial, threads"
    )
    found = message(plugins.build, "notifiers", "lgo", {}, "notifiers[0]")
    assert found == "notifiers[0].use: no notifier is called 'lgo'; did you mean 'log'?"


def test_plugins_are_looked_for_once_while_that_is_remembered(monkeypatch):
    from importlib import metadata

    looks = []
    real = metadata.entry_points
    monkeypatch.setattr(metadata, "entry_points", lambda **only: looks.append(only) or real(**only))
    with plugins.remembering():
        first = plugins.names("notifiers")
        with plugins.remembering():
            assert plugins.names("notifiers") == first
        assert plugins.load("notifiers", "log") is plugins.load("notifiers", "log")
        assert len(looks) == 1
    assert plugins.names("notifiers") == first
    assert len(looks) == 2


def test_an_unknown_kind_is_named_with_what_was_meant():
    found = message(plugins.names, "stratgies", error=ConfigError)
    assert found == "no kind of plugin is called 'stratgies'; did you mean 'strategies'?"


@pytest.mark.parametrize("text", ["risk_rules", "risk_rule", "risk-rule", "risk rule"])
def test_a_kind_may_be_named_in_the_singular(text):
    assert plugins.kind_of(text).name == "risk_rules"


def test_two_distributions_with_one_name_are_both_named(install):
    install("my-strategies", "notifiers", {"grid": "my_grid"}, GRID)
    install("your-strategies", "notifiers", {"grid": "your_grid"}, GRID)
    assert message(plugins.load, "notifiers", "grid") == (
        "notifier 'grid' is brought by both my-strategies (my_grid) and your-strategies (your_grid); "
        "uninstall one of them"
    )
    assert [info.distribution for info in plugins.names("notifiers") if info.name == "grid"] == [
        "my-strategies",
        "your-strategies",
    ]


def test_a_doubled_name_does_not_disturb_other_plugins(install):
    install("my-strategies", "notifiers", {"grid": "my_grid"}, GRID)
    install("your-strategies", "notifiers", {"grid": "your_grid"}, GRID)
    assert plugins.load("notifiers", "log").name == "log"


def test_a_missing_dependency_is_one_line_with_the_owner(install):
    install("my-strategies", "strategies", {"grid": "my_strategies.grid"}, "import talib_that_is_not_there")
    assert message(plugins.load, "strategies", "grid") == (
        "my-strategies: cannot import 'my_strategies.grid': No module named 'talib_that_is_not_there'"
    )


def test_a_syntax_error_is_one_line_with_the_owner(install):
    install("my-strategies", "strategies", {"grid": "my_grid"}, "def broken(:\n    pass")
    found = message(plugins.load, "strategies", "grid")
    assert found.startswith("my-strategies: cannot import 'my_grid': SyntaxError: ")
    assert "my_grid.py, line 1" in found


def test_an_entry_point_without_its_module_is_one_line(install):
    install("my-strategies", "strategies", {"grid": "my_grid"})
    found = message(plugins.load, "strategies", "grid")
    assert found == "my-strategies: cannot import 'my_grid': No module named 'my_grid'"


BROKEN = {
    "x = 1": "my-notes: 'my_notes' must define register_notifiers() marked with @hookimpl, has no such hook",
    GRID.replace("@hookimpl", ""): (
        "my-notes: 'my_notes' must define register_notifiers() marked with @hookimpl, has no such hook"
    ),
    GRID.replace("return [Grid]", "return Grid"): (
        "my-notes: register_notifiers() in 'my_notes' must return a list, returned <class 'my_notes.Grid'>"
    ),
    GRID.replace("return [Grid]", "return []"): (
        "my-notes: register_notifiers() in 'my_notes' must return a class whose name is 'grid', returned an empty list"
    ),
    GRID.replace('name = "grid"', 'name = "gird"'): (
        "my-notes: register_notifiers() in 'my_notes' must return a class whose name is 'grid', returned 'gird'"
    ),
    GRID.replace("return [Grid]", "raise KeyError('x')"): (
        "my-notes: register_notifiers() in 'my_notes' raised KeyError: 'x'"
    ),
    GRID.replace("@dataclass\n", ""): (
        "my-notes: my_notes.Grid must be a dataclass: write @dataclass above the class"
    ),
    GRID.replace("Grid(Notifier)", "Grid"): (
        "my-notes: my_notes.Grid must extend hookline.notifier.Notifier to be a notifier"
    ),
    GRID.replace("def notify(", "def notifi("): "my-notes: my_notes.Grid must define notify",
}


@pytest.mark.parametrize("source", BROKEN, ids=range(len(BROKEN)))
def test_what_is_wrong_with_a_module_is_said_in_one_line(install, source):
    install("my-notes", "notifiers", {"grid": "my_notes"}, source)
    assert message(plugins.load, "notifiers", "grid") == BROKEN[source]


def test_a_hook_with_arguments_that_it_does_not_have_is_one_line(install):
    install(
        "my-notes",
        "notifiers",
        {"grid": "my_notes"},
        GRID.replace("register_notifiers()", "register_notifiers(x)"),
    )
    found = message(plugins.load, "notifiers", "grid")
    assert found.startswith("my-notes: 'my_notes': ")
    assert "'x'" in found


def test_an_annotation_that_cannot_be_read_is_one_line(install):
    unknown = GRID.replace("levels: Annotated[int", "levels: Annotated['Missing'").replace("Ge(2), ", "")
    install("my-notes", "notifiers", {"grid": "my_notes"}, unknown)
    found = message(plugins.build, "notifiers", "grid", {}, "n")
    assert found == "n.use: my_notes.Grid: cannot read its annotations: name 'Missing' is not defined"


def test_one_module_may_bring_several_plugins():
    assert plugins.load("executors", "serial").__name__ == "SerialExecutor"
    assert plugins.load("executors", "processes").__name__ == "ProcessExecutor"


def test_the_schema_of_a_plugin_has_bounds_defaults_and_descriptions(install):
    install("my-strategies", "notifiers", {"grid": "my_grid"}, GRID)
    schema = plugins.schema("notifiers", "grid")
    assert schema["description"] == "Notify on every level."
    assert schema["additionalProperties"] is False
    assert schema["properties"]["levels"] == {
        "type": "integer",
        "minimum": 2,
        "default": 10,
        "description": "lines",
    }


@pytest.mark.parametrize("kind", plugins.KINDS)
def test_every_bundled_plugin_is_sound(kind):
    for info in plugins.names(kind):
        if info.distribution == "hookline":
            assert plugins._name(plugins.load(kind, info.name)) == info.name
            if plugins.KINDS[kind].base:
                plugins.schema(kind, info.name)
