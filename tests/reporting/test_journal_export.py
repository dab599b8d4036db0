from __future__ import annotations

import json

import pytest
from run_records import HOUR, START, Run

from hookline.model import OrderType, OrderUpdate
from hookline.reporting.journal_export import journal_lines, write_journal


def a_run() -> Run:
    run = Run("10 10 12 12").fill("1 buy 10 @ 10", fee=0.05, tag='say "hi"\n<b>')
    run.fill("2 sell 10 @ 12", type=OrderType.LIMIT, limit_price=12.0, made=START + HOUR, inside=True)
    run.funding = [(START + 2 * HOUR, "s", "BTC", -1e-7)]
    return run


def events(run: Run) -> list[dict]:
    return [json.loads(line) for line in journal_lines(run.record())]


def test_every_event_is_there_in_the_order_in_which_it_happened():
    told = [
        (event["event"], event.get("order", event.get("number")), event.get("status"))
        for event in events(a_run())
    ]
    assert told == [
        ("run", None, None),
        ("order", 1, None),
        ("update", 1, "submitted"),
        ("update", 1, "accepted"),
        ("fill", 1, None),
        ("update", 1, "filled"),
        ("order", 2, None),
        ("update", 2, "submitted"),
        ("update", 2, "accepted"),
        ("funding", None, None),
        ("fill", 2, None),
        ("update", 2, "filled"),
    ]


def test_prices_quantities_and_money_are_decimal_text_on_the_instruments_grid():
    found = events(a_run())
    assert found[0]["cash"] == "1000.0"
    assert found[6]["limit_price"] == "12.00"
    assert found[6]["quantity"] == "10.000"
    assert (found[4]["price"], found[4]["quantity"], found[4]["fee"]) == ("10.00", "10.000", "0.05")
    assert found[9]["amount"] == "-0.0000001"


def test_partial_fills_stand_before_the_updates_that_tell_of_them():
    run = Run("10 10 10").fill("1 buy 4 @ 10")
    fill = run.fills.pop()
    run.fills = [fill._replace(number=n, lots=2000, quantity=2.0, time=START + n * HOUR) for n in (1, 2)]
    run.updates[-1:] = [
        OrderUpdate(START + HOUR, 1, "partially_filled", ""),
        OrderUpdate(START + 2 * HOUR, 1, "filled", ""),
    ]
    told = [event["event"] + event.get("status", "") for event in events(run)][4:]
    assert told == ["fill", "updatepartially_filled", "fill", "updatefilled"]


def test_fills_and_orders_without_updates_are_not_lost():
    run = a_run()
    run.updates = []
    told = [event["event"] for event in events(run)]
    assert sorted(told) == ["fill", "fill", "funding", "order", "order", "run"]
    times = [event["time"] for event in events(run)[1:]]
    assert times == sorted(times)


def test_the_file_is_the_same_bytes_for_the_same_run(tmp_path):
    first = write_journal(a_run().record(seconds=1.0), tmp_path / "a.jsonl")
    second = write_journal(a_run().record(seconds=2.0), tmp_path / "b.jsonl")
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().count(b"\n") == 12
    assert b"\r" not in first.read_bytes()


def test_an_error_leaves_the_file_that_was_there(tmp_path):
    path = write_journal(a_run().record(), tmp_path / "journal.jsonl")
    before = path.read_bytes()
    broken = a_run()
    broken.fills[1] = broken.fills[1]._replace(fee="a lot")
    with pytest.raises(ValueError, match="a lot"):
        write_journal(broken.record(), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["journal.jsonl"]
