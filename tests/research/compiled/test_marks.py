"""Mark prices beside the bars of a compiled run are those by which the event kernel decides."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from random_runs import HOUR, START, SeriesFeed, Told, marks_of, plan_of
from same_runs import assert_same_record

from hookline import EquityFraction, Instrument, InstrumentKind, SignalStrategy, long
from hookline.feed import BarRequest
from hookline.kernel.funding import MarkSchedule
from hookline.model import BarSeries, Market
from hookline.research.compiled import CompiledRun
from hookline.research.compiled import marks as compiled_marks
from hookline.research.compiled.terms import payments_of
from hookline.session import Session
from hookline.session.plan import Plan, Seat
from hookline.simulation.bar_venue import BarVenue
from hookline_paper.broker import PaperBroker


def random_plan(seed):
    plan = plan_of(seed)
    (series,) = plan.loaded.values()
    return replace(plan, marks={"ONE": marks_of(np.random.default_rng(seed), series)}), series


@pytest.mark.parametrize("seed", range(12))
def test_rows_are_what_the_venue_decides_by_and_what_the_market_shows(seed):
    plan, series = random_plan(seed)
    payments = payments_of(plan, series, 0)
    found = compiled_marks.marks_of(plan, series, payments)
    market = Market(Instrument("ONE"))
    schedule = MarkSchedule(plan.marks, {"ONE": market})
    for bar, row in zip((series.bar(index) for index in range(len(series))), found.rows, strict=True):
        schedule.note(bar.end)
        expected = (*BarVenue._deciding(SimpleNamespace(_marks=plan.marks), bar), market.mark)
        assert np.array_equal(row, expected, equal_nan=True)


def test_a_payment_is_made_at_the_mark_known_then():
    plan, series = random_plan(next(seed for seed in range(50) if plan_of(seed).funding))
    payments = payments_of(plan, series, 0)
    found = compiled_marks.marks_of(plan, series, payments)
    for time, paid in zip(payments.time, found.paid, strict=True):
        market = Market(Instrument("ONE"))
        MarkSchedule(plan.marks, {"ONE": market}).note(int(time))
        assert np.array_equal(paid, market.mark, equal_nan=True)


@dataclass
class Always(SignalStrategy):
    """Long."""

    name: ClassVar[str] = "always"

    def columns(self, bars):
        return {"close": bars.close}

    @staticmethod
    def decide(x, held, p):
        return long()


def flat_but_for(low):
    """Return six bars at 100, of which the fourth goes down to a price."""
    lows = np.where(np.arange(6) == 3, low, 99.0)
    plain = np.full(6, 100.0)
    return BarSeries("ONE", "1h", START + HOUR * np.arange(6), plain, plain + 1.0, lows, plain, np.ones(6))


@pytest.mark.parametrize(("traded", "marked", "calls"), [(80.0, 99.0, 0), (99.0, 80.0, 1)])
def test_the_mark_and_not_the_traded_price_liquidates(traded, marked, calls):
    def plan():
        request = BarRequest("ONE", "1h")
        return Plan(
            name="test", mode="backtest", currency="USDT", seed=0, timeframe="1h", feed=SeriesFeed(), requests=[request],
            instruments={"ONE": Instrument("ONE", InstrumentKind.PERPETUAL)}, broker=PaperBroker(leverage=10.0),
            seats=[Seat("one", "always", Always(), ("ONE",), 1000.0, EquityFraction(8.0))],
            loaded={request: flat_but_for(traded)}, marks={"ONE": flat_but_for(marked)},
        )  # fmt: skip

    event = Session(plan()).run()
    record = CompiledRun(plan()).record(Always())
    assert_same_record(record, event.record)
    assert sum(order.tag == "liquidation" for order in record.orders) == calls


@pytest.mark.parametrize("seed", [3, 7, 11, 5])
def test_a_mark_that_is_never_known_leaves_the_decision_to_the_traded_price(seed):
    plan, _ = random_plan(seed)
    nothing = BarSeries("ONE", "1h", *(np.empty(0, np.int64), *(np.empty(0) for _ in range(5))))
    later = BarSeries("ONE", "1h", np.array([START + 10**6 * HOUR]), *(np.full(1, 5.0) for _ in range(5)))
    for marks in (nothing, later):
        event = Session(replace(plan, marks={"ONE": marks})).run()
        compiled = CompiledRun(replace(plan_of(seed), marks={"ONE": marks}))
        assert_same_record(compiled.record(Told()), event.record)
