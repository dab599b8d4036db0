"""Rotation, migration and names of files."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest
from journal_events import bar_batch, fill, header, order, time_of, trade_batch, update

from hookline.errors import JournalError
from hookline.journal import (
    Journal,
    journal_path,
    read_journal,
    recent_bars,
    schema,
    segments,
    verify_journal,
)
from hookline.model import OrderType, Side

SMALL = 200_000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


def write(path, count, segment_bytes=SMALL):
    """A resting order with a part filled at the start, then trades."""
    resting = order(1, type=OrderType.LIMIT, limit_price=90.5, tag="rests")
    stop = order(2, side=Side.SELL, type=OrderType.STOP, trigger_price=80.0, parent=resting)
    resting.children = (stop,)
    steps = [update(1, "submitted"), update(2, "held"), update(1, "accepted"), update(1, "partially_filled")]
    with Journal.create(path, header(), segment_bytes=segment_bytes, time=1) as journal:
        journal.commit(bar_batch(0, orders=[resting, stop], updates=steps, fills=[fill(1, resting, lots=4)]))
        for number in range(1, count):
            batch = trade_batch(number, number + 2)
            batch.fills = [one._replace(number=number + 1) for one in batch.fills]
            journal.commit(batch)


def test_a_long_journal_goes_on_in_new_files_and_reads_as_one(path, tmp_path):
    whole = tmp_path / "whole" / "journal.sqlite"
    write(path, 1200)
    write(whole, 1200, segment_bytes=1 << 30)
    files = segments(path)
    assert [file.name for file in files][:3] == [
        "journal.sqlite",
        "journal-0001.sqlite",
        "journal-0002.sqlite",
    ]
    assert len(segments(whole)) == 1
    rotated, straight = read_journal(path), read_journal(whole)
    assert rotated.fills == straight.fills
    assert rotated.updates == straight.updates
    assert rotated.ledgers == straight.ledgers
    assert rotated.states == straight.states
    assert [str(one) for one in rotated.orders] == [str(one) for one in straight.orders]
    assert (rotated.series["BTC"].start == straight.series["BTC"].start).all()
    assert verify_journal(path).checks[0].startswith(f"{len(files)} files whole")


def test_the_last_file_is_enough_to_go_on(path):
    write(path, 1200)
    whole, last = read_journal(path), read_journal(path, last_segment=True)
    assert len(last.fills) < len(whole.fills)
    assert [str(one) for one in last.open_orders] == [str(one) for one in whole.open_orders]
    resting, stop = last.open_orders
    assert (resting.filled_lots, resting.average_price, str(resting.status)) == (4, 100.0, "partially_filled")
    assert resting.children == (stop,)
    assert stop.parent is resting
    for name in ("ledgers", "states", "halted", "last_order", "last_fill", "position", "commits", "digest"):
        assert getattr(last, name) == getattr(whole, name), name
    with Journal.open(path, header()) as journal:
        assert journal.content.last_order == 1201
        done = update(1, "canceled", time_of(1200), "no longer wanted")
        journal.commit(bar_batch(1200, updates=[done]))
    assert verify_journal(path).is_good
    assert [one.number for one in read_journal(path).open_orders] == [2]


def test_the_last_bars_are_found_in_as_many_files_as_it_takes(path):
    write(path, 1200)
    assert recent_bars(path, "BTC", 3).start.tolist() == [
        bar_batch(n).bars[0].start for n in (1197, 1198, 1199)
    ]
    within = len(read_journal(path, last_segment=True).series["BTC"])
    assert len(recent_bars(path, "BTC", within + 100)) == within + 100
    every = recent_bars(path, "BTC", 10**6)
    assert (every.start == read_journal(path).series["BTC"].start).all()
    assert recent_bars(path, "ETH", 3) is None


def test_a_file_that_is_in_the_way_is_never_overwritten(path):
    left = path.with_name("journal-0001.sqlite")
    left.write_text("of another session")
    with Journal.create(path, header(), segment_bytes=SMALL, durable=True) as journal:
        for number in range(1200):
            journal.commit(trade_batch(number))
    assert left.read_text() == "of another session"
    left.unlink()
    assert len(read_journal(path).fills) == 1200


def test_a_tie_to_an_order_of_an_earlier_file_needs_that_file(path):
    write(path, 1200)
    late = order(1202, type=OrderType.LIMIT, limit_price=90.0)
    with Journal.open(path, header()) as journal:
        closed = next(one for one in read_journal(path).orders if one.is_closed)
        late.parent = closed
        journal.commit(bar_batch(1200, orders=[late]))
    assert read_journal(path).orders[-1].parent.number == closed.number
    assert read_journal(path, last_segment=True).orders[-1].parent is None


def test_a_session_that_stops_often_rotates_all_the_same(path):
    Journal.create(path, header(), segment_bytes=SMALL).close()
    for start in range(0, 1200, 100):
        with Journal.open(path, header(), segment_bytes=SMALL) as journal:
            for number in range(start, start + 100):
                journal.commit(trade_batch(number))
    assert len(segments(path)) > 2
    assert verify_journal(path).is_good


def test_a_file_that_was_taken_away_is_noticed(path):
    write(path, 1200)
    second, third = segments(path)[1:3]
    second.write_bytes(third.read_bytes())
    with pytest.raises(JournalError, match="its rows do not fit its digest"):
        read_journal(path)


def test_a_file_and_its_folder_and_its_later_files_mean_the_same_journal(path):
    write(path, 700)
    for what in (path, path.parent, segments(path)[1]):
        assert journal_path(what) == path


def older(path, monkeypatch):
    """Make a file of version 0, which had no column for more fields of fills."""
    with Journal.create(path, header()) as journal:
        for number in range(3):
            journal.commit(trade_batch(number))
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE fills DROP COLUMN more")
    connection.execute("PRAGMA user_version = 0")
    connection.commit()
    connection.close()
    monkeypatch.setitem(schema.MIGRATIONS, 0, ("ALTER TABLE fills ADD COLUMN more TEXT",))


def test_an_older_file_is_read_as_it_is_and_brought_up_to_date_when_opened(path, monkeypatch):
    older(path, monkeypatch)
    before = path.read_bytes()
    assert len(read_journal(path).fills) == 3
    assert path.read_bytes() == before
    with Journal.open(path, header()) as journal:
        journal.commit(trade_batch(3))
    backup = path.with_name("journal.sqlite.v0.bak")
    assert backup.read_bytes() == before
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert verify_journal(path).is_good
    assert len(read_journal(path).fills) == 4


def test_a_migration_that_fails_leaves_the_file_as_it_was(path, monkeypatch):
    older(path, monkeypatch)
    monkeypatch.setitem(
        schema.MIGRATIONS,
        0,
        ("ALTER TABLE fills ADD COLUMN more TEXT", "ALTER TABLE absent ADD COLUMN x TEXT"),
    )
    with pytest.raises(JournalError, match="no such table: absent"):
        Journal.open(path, header())
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(fills)")]
    assert columns[-1] == "seen"


def test_a_file_of_a_newer_hookline_is_refused(path):
    Journal.create(path, header()).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    for use in (lambda: Journal.open(path, header()), lambda: read_journal(path)):
        with pytest.raises(
            JournalError, match="schema version must be 1 or less, was 2; it was written by a newer"
        ):
            use()


def test_a_header_keeps_every_field_of_its_instruments(path):
    from hookline.model.instrument import MarginTier

    instrument = dataclasses.replace(
        header().instruments["BTC"],
        margin_tiers=(
            MarginTier(Decimal(1000), Decimal("0.01"), Decimal(50)),
            MarginTier(None, Decimal("0.02"), Decimal(20)),
        ),
        venue="lmex",
    )
    given = header(
        instruments={"BTC": instrument},
        wallets={"BTC": "lmex:USDT"},
        cash={"s": {"lmex:USDT": Decimal("1000.10"), "USDT": Decimal(5)}},
    )
    Journal.create(path, given).close()
    content = read_journal(path)
    assert content.header == given
    assert content.ledgers["s"].cash == {"lmex:USDT": 1000.1, "USDT": 5.0}
