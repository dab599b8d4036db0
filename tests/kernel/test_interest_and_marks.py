"""Interest on borrowed spot and mark prices, in event time."""

from decimal import Decimal

import pytest

import hookline as hl
from hookline.feed import BarRequest
from hookline.kernel.funding import MarkSchedule
from hookline.model import Market
from hookline.session.plan import Plan, Seat
from hookline.session.session import Session
from hookline.testing import Scripted, bars, sell
from hookline.testing.recording import SeriesFeed
from hookline_paper.broker import PaperBroker


def run(instrument, script, text, *, marks=None, funding=None, leverage=3.0):
    series = bars(text, instrument.symbol)
    plan = Plan(
        name="run",
        mode="backtest",
        currency="USDT",
        seed=0,
        timeframe="1h",
        feed=SeriesFeed({instrument.symbol: series}),
        requests=[BarRequest(instrument.symbol, "1h")],
        instruments={instrument.symbol: instrument},
        broker=PaperBroker(leverage=leverage),
        seats=[Seat("s", "scripted", Scripted(script), (instrument.symbol,), 1000.0)],
        marks={} if marks is None else {instrument.symbol: bars(marks, instrument.symbol)},
        funding={} if funding is None else {instrument.symbol: funding},
    )
    session = Session(plan)
    return session, session.run()


def test_borrowed_spot_pays_interest_at_midnight_on_what_it_owes():
    coin = hl.Instrument(
        "COIN", lot_size=Decimal(1), tick_size=Decimal(1), borrow_limit=Decimal(10), borrow_rate=Decimal("0.365")
    )  # fmt: skip

    session, result = run(coin, {0: sell(5)}, " ".join(["10"] * 50))

    # 36.5 % a year are 0.1 % a day, of 5 * 10; at two midnights.
    assert [(row[1], row[2], pytest.approx(row[3])) for row in result.record.funding] == [
        ("s", "COIN", -0.05),
        ("s", "COIN", -0.05),
    ]
    assert session.kernel.ledgers["s"].funding == pytest.approx(-0.1)
    assert result.equity.value[-1] == pytest.approx(999.9)
    assert session.kernel.ledgers["s"].balances() == {"USDT": pytest.approx(1049.9), "COIN": -5.0}


def test_funding_is_paid_at_the_mark_where_there_is_one():
    from hookline.columns import ExternalSeries

    perp = hl.Instrument("PERP", hl.InstrumentKind.PERPETUAL, lot_size=Decimal(1), tick_size=Decimal(1))
    start = int(bars("1").start[0])
    rates = ExternalSeries([start + 2 * 3600 * 10**9], [0.01])

    _, plain = run(perp, {0: sell(5)}, "10 10 10 10", funding=rates)
    _, marked = run(perp, {0: sell(5)}, "10 10 10 10", marks="12 12 12 12", funding=rates)

    assert [row[3] for row in plain.record.funding] == [pytest.approx(0.5)]
    assert [row[3] for row in marked.record.funding] == [pytest.approx(0.6)]


def test_funding_is_paid_at_the_mark_of_its_time_and_not_of_the_bar_that_follows():
    from hookline.columns import ExternalSeries

    perp = hl.Instrument("PERP", hl.InstrumentKind.PERPETUAL, lot_size=Decimal(1), tick_size=Decimal(1))
    start = int(bars("1").start[0])
    rates = ExternalSeries([start + 2 * 3600 * 10**9], [0.01])

    _, result = run(perp, {0: sell(5)}, "10 10 10 10", marks="12 13 14 15", funding=rates)

    assert [row[3] for row in result.record.funding] == [pytest.approx(5 * 13 * 0.01)]


def test_a_mark_is_known_from_the_end_of_its_bar_on():
    market = Market(hl.Instrument("PERP"))
    series = bars("10 11", "PERP")
    schedule = MarkSchedule({"PERP": series}, {"PERP": market})

    schedule.note(int(series.end[0]) - 1)
    assert market.mark != market.mark
    schedule.note(int(series.end[0]))
    assert market.mark == 10.0
    schedule.note(int(series.end[1]) + 5)
    assert market.mark == 11.0
