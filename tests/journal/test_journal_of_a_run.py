"""A backtest written event by event: the record that is rebuilt gives the same bytes."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest

from hookline.journal import Balance, Batch, Journal, SessionHeader, read_journal, to_record, verify_journal
from hookline.model import Order
from hookline.reporting import Result
from hookline.reporting.journal_export import journal_lines
from hookline.session import Session
from hookline.session.loader import load_session

SESSION = """\
name: three at once
symbols: [BTC-PERP, ETH-PERP]
timeframe: 1h
seed: 5
feed: {use: synthetic, params: {bars: 700, seed: 3}}
broker: {use: paper, params: {taker_fee_bps: 5, maker_fee_bps: -1}}
strategies:
  - {use: ema_cross, params: {fast: 5, slow: 12, adx_min: 0}}
  - {use: supertrend}
  - {use: donchian_breakout}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "session.yaml"
    path.write_text(SESSION)
    config = load_session(path)
    session = Session.from_config(config)
    record = session.run().record
    assert len(record.fills) > 100
    return session, record


def batches(record):
    """What each bar caused, in the order of the run."""
    orders, updates, fills = (
        deque(record.orders),
        deque(record.updates),
        deque(zip(record.fills, record.seen, strict=True)),
    )
    bars = sorted(
        (one.bar(index) for one in record.series.values() for index in range(len(one))),
        key=lambda bar: bar.end,
    )
    for number, bar in enumerate(bars):
        batch = Batch(bar.end, {bar.symbol: bar.end}, bars=[bar])
        until = bars[number + 1].end if number + 1 < len(bars) else bar.end + 1
        while orders and orders[0].time < until:
            batch.orders.append(orders.popleft())
        known = record.orders.index(batch.orders[-1]) + 1 if batch.orders else 0
        while updates and (updates[0].time < until or updates[0].order_number <= known):
            batch.updates.append(updates.popleft())
        while fills and fills[0][0].time < until:
            fill, seen = fills.popleft()
            batch.fills.append(fill)
            batch.seen.append(seen)
        yield batch
    assert not orders
    assert not updates
    assert not fills


def header_of(record):
    return SessionHeader(
        record.name, record.mode, record.currency, record.config, record.instruments, record.strategies
    )


@pytest.fixture
def written(run, tmp_path):
    session, record = run
    with Journal.create(tmp_path / "journal.sqlite", header_of(record), segment_bytes=500_000) as journal:
        for batch in batches(record):
            journal.commit(batch)
        time = batch.time
        cash = [
            Balance(time, one.strategy, "USDT", Decimal(repr(one.cash)))
            for one in session.kernel.ledgers.values()
        ]
        journal.commit(Batch(time, balances=cash))
    return tmp_path / "journal.sqlite"


def test_the_rebuilt_record_gives_the_same_bytes(run, written):
    _, record = run
    rebuilt = to_record(read_journal(written))
    assert list(journal_lines(rebuilt)) == list(journal_lines(record))


def test_the_rebuilt_record_gives_the_same_figures(run, written):
    _, record = run
    rebuilt = to_record(read_journal(written))
    assert Result(rebuilt).metrics == Result(record).metrics
    assert rebuilt.seen == record.seen


def test_every_order_stands_as_it_stood(run, written):
    _, record = run
    names = [name for name in Order.__struct_fields__ if name not in {"parent", "children", "oco_leader"}]
    for found, meant in zip(read_journal(written).orders, record.orders, strict=True):
        assert {name: getattr(found, name) for name in names} == {
            name: getattr(meant, name) for name in names
        }
        for tie in ("parent", "oco_leader"):
            one, other = getattr(found, tie), getattr(meant, tie)
            assert (one and one.number) == (other and other.number)
        assert [one.number for one in found.children] == [one.number for one in meant.children if one.number]


def test_ledgers_are_rebuilt_to_the_last_bit(run, written):
    session, _ = run
    found = read_journal(written).ledgers
    for id_, ledger in session.kernel.ledgers.items():
        assert found[id_].cash == {"USDT": ledger.cash}
        assert found[id_].fees == ledger.fees
        for key, position in ledger.positions.items():
            if key in found[id_].positions:
                rebuilt = found[id_].positions[key]
                names = ("lots", "quantity", "entry_price", "realized", "fees", "opened")
                assert {n: getattr(rebuilt, n) for n in names} == {n: getattr(position, n) for n in names}
            else:
                assert position.opened == 0


def test_the_journal_of_a_run_can_be_proved(written):
    assert verify_journal(written).fault == ""
