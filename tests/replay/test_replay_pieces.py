"""Pairing orders, bars taken for punctual, and configurations from journals."""

from __future__ import annotations

import pytest
from replay_accounts import SECOND, WINDOW, order

from hookline.data.recording import Entry, punctual
from hookline.errors import ConfigError
from hookline.model import Bar, MarkPrice
from hookline.session.replaying_config import as_in_a_file
from hookline.session.replaying_matching import match_orders


def test_orders_of_the_same_terms_are_paired_before_nearer_ones():
    first = [order(1, 0, limit=99.0), order(2, 1, limit=98.0)]
    second = [order(5, 0, limit=98.0), order(6, 2, limit=99.0)]
    assert match_orders(first, second, WINDOW) == {1: 6, 2: 5}


def test_what_is_left_is_paired_by_time():
    first = [order(1, 0, limit=99.0), order(2, 20, limit=99.0)]
    second = [order(1, 18, limit=97.0)]
    assert match_orders(first, second, WINDOW) == {2: 1}


@pytest.mark.parametrize("other", [{"side": -1}, {"strategy": "two"}, {"tag": "else"}, {"limit": 99.0}])
def test_orders_of_other_kinds_are_not_the_same(other):
    assert match_orders([order(1, 0)], [order(1, 0, **other)], WINDOW) == {}


def test_orders_further_apart_than_the_window_are_not_the_same():
    assert match_orders([order(1, 0)], [order(1, 61)], WINDOW) == {}
    assert match_orders([order(1, 0)], [order(1, 60)], WINDOW) == {1: 1}


def test_closing_because_the_session_stops_is_the_same_at_any_time():
    leaving = {"tag": "the session stops"}
    assert match_orders([order(1, 0, **leaving)], [order(9, 9000, **leaving)], WINDOW) == {1: 9}


def test_orders_of_one_time_are_paired_in_their_order():
    assert match_orders([order(n, 0) for n in (1, 2, 3)], [order(n, 0) for n in (7, 8)], WINDOW) == {
        1: 7,
        2: 8,
    }


def entry(symbol, end, kind="bar"):
    bar = Bar(symbol, (end - 60) * SECOND, end * SECOND, 1.0, 1.0, 1.0, 1.0, 0.0)
    return Entry(kind, end * SECOND, 0, (bar,))


def mark(second):
    return Entry("mark", second * SECOND, 0, (MarkPrice("A", second * SECOND, second * SECOND, 1.0),))


def shown(entries):
    return [(one.kind, one.time // SECOND, *(event.symbol for event in one.events)) for one in entries]


def test_bars_that_came_a_moment_late_are_before_what_is_known_at_their_ends():
    came = [mark(59), mark(60), mark(61), entry("A", 60), mark(62)]
    assert shown(punctual(came, ["A"])) == [
        ("mark", 59, "A"), ("bar", 60, "A"), ("mark", 60, "A"), ("mark", 61, "A"), ("mark", 62, "A"),
    ]  # fmt: skip
    assert punctual(came, ["B"]) == came


def test_only_the_bars_of_these_symbols_are_moved():
    both = Entry("bar", 60 * SECOND, 0, (*entry("A", 60).events, *entry("B", 60).events))
    assert shown(punctual([mark(61), both], ["A"])) == [("bar", 60, "A"), ("mark", 61, "A"), ("bar", 60, "B")]


def test_bars_are_not_moved_over_a_start_or_over_each_other():
    begin = Entry("start", 65 * SECOND, 0)
    came = [mark(61), begin, mark(70), entry("A", 60), entry("A", 120)]
    assert shown(punctual(came, ["A"])) == [
        ("mark", 61, "A"), ("start", 65), ("bar", 60, "A"), ("mark", 70, "A"), ("bar", 120, "A"),
    ]  # fmt: skip


def test_variables_of_a_configuration_are_filled_in_as_the_loader_does():
    config = {"cash": "${CASH:-100}", "params": [{"name": "${WHO}", "flag": "${FLAG}", "left": None}]}
    found = as_in_a_file(config, {"WHO": "a b: c", "FLAG": "true"})
    assert found == {"cash": 100, "params": [{"name": "a b: c", "flag": True}]}


def test_a_variable_that_is_not_set_is_named():
    with pytest.raises(ConfigError, match="'PERIOD' must be set"):
        as_in_a_file({"params": {"period": "${PERIOD}"}}, {})
