"""The harsher world is an ordinary run with other costs, or with orders that come a bar later."""

from dataclasses import dataclass, replace

import pytest
from validation_markets import series_of, study_of

import hookline as hl
from hookline.model import OrderStatus
from hookline.research.ledger import uncounted
from hookline.research.stress import costs_of, run_late, with_costs
from hookline.research.stress.late import LateBroker
from hookline.research.study import Job
from hookline.session import Session
from hookline.session.loader import session_from

PRICES = [100.5, 101, 103, 102, 104, 107, 105, 103, 106, 99, 110, 107]


@pytest.fixture(autouse=True)
def _no_trials():
    with uncounted():
        yield


def test_costs_are_the_fees_and_slippage_of_the_broker():
    assert costs_of(study_of()) == {
        "maker_fee_bps": 0.0,
        "taker_fee_bps": 5.0,
        "slippage_bps": 2.0,
        "slippage_ticks": 0,
        "slippage_range_fraction": 0.0,
    }


def test_a_stressed_run_is_a_run_with_those_fees():
    study = study_of()
    twice = study_of(broker={"use": "paper", "params": {"taker_fee_bps": 10, "slippage_bps": 4}}).run(Job())
    found = study.run(Job(with_costs(study, 2.0)))
    assert found.record.fills == twice.record.fills
    assert found.metrics == twice.metrics
    assert found.metrics.total_return < study.run(Job()).metrics.total_return


def test_rebates_stay_and_shares_of_the_range_end_at_all_of_it():
    params = {"maker_fee_bps": -1, "taker_fee_bps": 3, "slippage_ticks": 2, "slippage_range_fraction": 0.4}
    study = study_of(broker={"use": "paper", "params": params})
    assert dict(with_costs(study, 3.0)) == {
        "broker.params.taker_fee_bps": 9.0,
        "broker.params.slippage_ticks": 6,
        "broker.params.slippage_range_fraction": 1.0,
    }


@dataclass
class Scripted(hl.Strategy):
    """Does what a script says at the end of a bar."""

    name = "scripted"

    def __init__(self, script):
        self.script, self.count, self.orders = script, 0, {}

    def on_bar(self, ctx, bar):
        act = self.script.get(self.count)
        self.count += 1
        if act is not None:
            act(self, ctx, bar.symbol)


def late(script, prices=PRICES, **params):
    """Return the record of a script whose requests arrive a bar late."""
    from hookline import plugins

    broker = LateBroker(plugins.build("brokers", "paper", {"taker_fee_bps": 5, **params}, ""))
    return hl.backtest(Scripted(script), series_of(prices), broker=broker).record


def on_time(script, prices=PRICES):
    return hl.backtest(Scripted(script), series_of(prices), taker_fee_bps=5).record


def shifted(script):
    return {bar + 1: act for bar, act in script.items()}


def told(record):
    return [(fill.time, fill.side, fill.lots, fill.price, fill.fee) for fill in record.fills]


def buy(strategy, ctx, symbol):
    ctx.buy(symbol, 1.0)


def sell(strategy, ctx, symbol):
    ctx.close(symbol)


def test_a_bar_late_is_the_same_script_moved_by_a_bar():
    script = {1: buy, 4: sell, 7: buy}
    assert told(late(script)) == told(on_time(shifted(script)))
    assert len(told(late(script))) == 3


def test_where_orders_fill_at_the_close_a_late_one_fills_at_the_price_of_the_next_close():
    # Bars here open at the close before, so the open after the next bar is the close of it.
    found = late({1: buy, 4: sell}, fill="close")
    assert [fill.price for fill in found.fills] == [PRICES[2], PRICES[5]]


def test_resting_orders_their_changes_and_cancellations_come_late_too():
    def rest(strategy, ctx, symbol):
        strategy.orders["entry"] = ctx.buy(symbol, 1.0, limit=103.5)

    def move(strategy, ctx, symbol):
        ctx.amend(strategy.orders["entry"], limit=100)

    def drop(strategy, ctx, symbol):
        ctx.cancel(strategy.orders["entry"])

    for script, price in (({4: rest}, 103.5), ({4: rest, 5: move}, 100.0), ({4: rest, 5: drop}, None)):
        assert told(late(script)) == told(on_time(shifted(script)))
        assert [fill[3] for fill in told(late(script))] == ([] if price is None else [price])


def test_a_cancellation_that_comes_late_comes_too_late():
    def rest(strategy, ctx, symbol):
        strategy.orders["entry"] = ctx.buy(symbol, 1.0, limit=103.5)

    def drop(strategy, ctx, symbol):
        ctx.cancel(strategy.orders["entry"])

    # Asked for at the end of bar 6, it arrives at the end of bar 7, and bar 7 trades at 103.
    assert [fill[3] for fill in told(late({4: rest, 6: drop}))] == [103.5]
    assert told(on_time({4: rest, 6: drop})) == []


def test_what_is_asked_for_on_the_last_bar_never_arrives():
    record = late({len(PRICES) - 1: buy})
    assert record.fills == []
    assert record.orders[0].status is OrderStatus.SUBMITTED


def test_protection_of_an_entry_works_from_its_fill_on():
    def protected(strategy, ctx, symbol):
        ctx.buy(symbol, 1.0, stop_loss=103.5)

    script = {4: protected}
    assert told(late(script)) == told(on_time(shifted(script)))
    assert [fill[3] for fill in told(late(script))] == [107.0, 103.5]


def test_a_session_with_several_instruments_is_late_in_each():
    def plan(**strategy):
        return session_from(
            {
                "symbols": ["ONE-PERP", "TWO-PERP"],
                "timeframe": "1h",
                "since": "2024-01-01",
                "until": "2024-01-20",
                "feed": {"use": "synthetic", "params": {"seed": 4}},
                "strategies": [{"use": "ema_cross", "params": {"fast": 3, "slow": 9, "adx_min": 0}}],
            }
        )

    hour = 3600 * 10**9
    prompt = Session.from_config(plan()).run().record
    tardy = run_late(Session.from_config(plan()).plan).record
    first = {}
    for record in (prompt, tardy):
        for fill in record.fills:
            first.setdefault((record is tardy, fill.symbol), fill.time)
    for symbol in ("ONE-PERP", "TWO-PERP"):
        assert first[True, symbol] == first[False, symbol] + hour


def test_a_late_session_leaves_the_plan_as_it_was():
    study = study_of()
    plan = study.plan(Job())
    broker = plan.broker
    late_result = run_late(plan)
    assert plan.broker is broker
    fresh = study.plan(Job())
    assert Session(replace(fresh)).run().metrics.total_return != late_result.metrics.total_return
