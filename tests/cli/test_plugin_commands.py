import json

NOTES = """
from dataclasses import dataclass
from typing import Annotated
from hookline import Doc, Ge, Notifier, hookimpl

@dataclass
class Pager(Notifier):
    '''Page [somebody].

    Words about it.
    '''

    name = "pager"

    number: str
    retries: Annotated[int, Ge(0), Doc("how often")] = 3

    def notify(self, level, title, text):
        pass

@hookimpl
def register_notifiers():
    return [Pager]
"""


def test_all_plugins_are_listed_with_who_brings_them(hookline, install):
    install("my-notes", "notifiers", {"pager": "my_notes"}, "raise RuntimeError('imported')")
    ran = hookline("list")
    assert ran.code == 0
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["notifier", "pager", "my-notes", "1.0"] in rows
    assert any(row[:2] == ["strategy", "ema_cross"] for row in rows)


def test_one_kind_is_listed_by_its_plural_or_singular(hookline):
    plural, singular = hookline("list", "executors"), hookline("list", "executor")
    assert plural == singular
    assert "processes" in plural.out
    assert "ema_cross" not in plural.out


def test_an_unknown_kind_is_an_error(hookline):
    ran = hookline("list", "notifer")
    assert ran == (2, "", "error: no kind of plugin is called 'notifer'; did you mean 'notifier'?\n")


def test_checking_says_what_is_sound_and_what_is_broken(hookline, install):
    install("my-notes", "notifiers", {"pager": "my_notes"}, "import nothing_of_the_sort")
    ran = hookline("list", "notifiers", "--check")
    rows = [line.split() for line in ran.out.splitlines()]
    assert ran.code == 2
    assert ["notifier", "pager", "my-notes", "1.0", "broken"] in rows
    assert any(row[:2] == ["notifier", "log"] and row[-1] == "ok" for row in rows)
    assert ran.err == "error: my-notes: cannot import 'my_notes': No module named 'nothing_of_the_sort'\n"


def test_checking_names_the_owners_of_a_doubled_name_once(hookline, install):
    install("my-notes", "notifiers", {"pager": "my_notes"}, NOTES)
    install("your-notes", "notifiers", {"pager": "your_notes"}, NOTES)
    [line] = hookline("list", "notifiers", "--check").err.splitlines()
    assert "my-notes (my_notes) and your-notes (your_notes)" in line


def test_a_plugin_is_shown_with_its_words_and_parameters(hookline, install):
    install("my-notes", "notifiers", {"pager": "my_notes"}, NOTES)
    ran = hookline("show", "notifier", "pager")
    assert ran.code == 0, ran.err
    for text in ("notifier of my-notes 1.0", "my_notes.Pager", "Page [somebody].", "Words about it."):
        assert text in ran.out
    rows = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "number str required" in rows
    assert "retries int 3 at least 0 how often" in rows


def test_a_signal_strategy_is_shown_with_its_columns(hookline):
    ran = hookline("show", "strategy", "ema_cross")
    rows = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "up crossed_above(ema(close, 9), ema(close, 21))" in rows
    assert any(row.startswith("fast int 9 at least 2 ") for row in rows)


def test_showing_what_is_not_installed_is_one_line(hookline):
    ran = hookline("show", "strategy", "ema_crss")
    assert ran == (2, "", "error: no strategy is called 'ema_crss'; did you mean 'ema_cross'?\n")


def test_the_schema_is_printed_or_written(hookline, tmp_path):
    printed = hookline("schema")
    assert "ema_cross" in json.loads(printed.out)["$defs"]["strategies"]["anyOf"][0]["enum"]
    ran = hookline("schema", "-o", tmp_path / "session.json")
    assert ran.out == f"{tmp_path / 'session.json'}\n"
    assert (tmp_path / "session.json").read_text() == printed.out


def test_the_schema_leaves_broken_plugins_out_and_says_so(hookline, install):
    install("my-notes", "notifiers", {"pager": "my_notes"}, "import nothing_of_the_sort")
    ran = hookline("schema")
    assert ran.code == 0
    assert "left out: my-notes: cannot import 'my_notes': No module named 'nothing_of_the_sort'\n" in ran.err


def test_a_schema_that_cannot_be_written_is_one_line(hookline, tmp_path):
    ran = hookline("schema", "-o", tmp_path / "no" / "schema.json")
    assert (ran.code, ran.err.count("\n")) == (2, ran.err.count("left out") + 1)
    assert "cannot be written: No such file or directory" in ran.err
