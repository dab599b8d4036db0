"""Market orders that fill at the close they were sent on, compiled and through the event kernel."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar

import numpy as np
import pytest
from random_runs import SeriesFeed, Told, plan_of
from same_runs import assert_same_figures, assert_same_record

from hookline import ExternalSeries, Instrument, InstrumentKind, SignalStrategy, flat, hold, long, short
from hookline.feed import BarRequest
from hookline.research.compiled import CompiledRun
from hookline.session import Session
from hookline.session.plan import Plan, Seat
from hookline.testing import bars
from hookline_paper.broker import PaperBroker

SERIES = bars("100 102 101 104 108 103 100 99 95 97 101 104", timeframe="1h")


@dataclass
class Turning(SignalStrategy):
    """Long up to a price, short beyond it, flat at another."""

    name: ClassVar[str] = "turning"

    border: float = 103.5
    away: float = 95.5
    stop: float = 0.0

    def columns(self, bars):
        return {"close": bars.close}

    @staticmethod
    def decide(x, held, p):
        if x.close < p.away:
            return flat()
        if x.close > p.border:
            return short(stop=x.close + p.stop) if p.stop else short()
        if held.exposure == 0.0 and p.stop:
            return long(stop=x.close - p.stop)
        return long() if not p.stop else hold()


def plan(strategy, **changes):
    instrument = Instrument("TEST", InstrumentKind.PERPETUAL, lot_size=Decimal("0.001"))
    request = BarRequest("TEST", "1h")
    made = Plan(
        name="test", mode="backtest", currency="USDT", seed=0, timeframe="1h", feed=SeriesFeed(), requests=[request],
        instruments={"TEST": instrument}, broker=PaperBroker(taker_fee_bps=5.0, fill="close"),
        seats=[Seat("one", "turning", strategy, ("TEST",), 1000.0)], loaded={request: SERIES},
    )  # fmt: skip
    return replace(made, **changes)


def both(strategy, **changes):
    event = Session(plan(strategy, **changes)).run()
    run = CompiledRun(plan(strategy, **changes))
    record = run.record(strategy)
    assert_same_record(record, event.record)
    assert_same_figures(run.metrics([strategy])[0], event)
    return record, event


def test_a_decision_trades_at_the_price_that_it_was_made_on():
    record, _ = both(Turning())
    assert [fill.price for fill in record.fills] == [
        100.0,
        104.0,
        104.0,
        103.0,
        103.0,
        95.0,
        97.0,
        104.0,
        104.0,
    ]
    assert [fill.time for fill in record.fills[:3]] == [SERIES.end[0], SERIES.end[3], SERIES.end[3]]


def test_the_stop_of_an_entry_at_a_close_comes_to_the_market_with_the_next_bar():
    record, _ = both(Turning(stop=3.5))
    entry, stop, *_ = record.orders
    assert (entry.time, stop.time) == (SERIES.end[0], SERIES.end[0])
    assert stop.is_closed
    assert stop.update_time > SERIES.end[0]


def test_what_is_paid_as_a_position_turns_counts_to_the_round_trip_that_ended():
    rates = np.where(np.arange(len(SERIES)) % 2, 0.004, -0.003)
    _, event = both(Turning(), funding={"TEST": ExternalSeries(SERIES.end, rates)})
    (ended,) = (trip for trip in event.round_trips if trip.exit_time == SERIES.end[3])
    paid = {time: amount for time, _, _, amount in event.record.funding}
    assert paid[SERIES.end[3]] > 0.0  # received by the short that was opened then
    assert ended.side == "long"
    assert ended.funding == pytest.approx(sum(paid[time] for time in SERIES.end[:4]))


@pytest.mark.parametrize("first", range(500, 540, 10))
def test_random_decisions_at_closes_trade_as_in_the_event_kernel(first):
    for seed in range(first, first + 10):
        one = plan_of(seed)
        at_close = replace(one, broker=replace(one.broker, fill="close"))
        again = replace(plan_of(seed), broker=replace(one.broker, fill="close"))
        event = Session(at_close).run()
        run = CompiledRun(again)
        assert_same_record(run.record(Told()), event.record)
        assert_same_figures(run.metrics([Told()])[0], event)
