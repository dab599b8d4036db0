"""What was held over each bar, and what it earned and cost, adds up to what the strategy made."""

from dataclasses import dataclass

import numpy as np
import pytest
from validation_markets import HOUR, START, series_of, study_of

import hookline as hl
from hookline.reporting.curve import Curve
from hookline.research.ledger import uncounted
from hookline.research.study import Job
from hookline.research.validating.returns import daily_returns, holdings_of, returns_by_day, thinned


@pytest.fixture(autouse=True)
def _no_trials():
    with uncounted():
        yield


@dataclass
class Script(hl.Strategy):
    """Buys and sells quantities at the ends of bars."""

    name = "script"

    def __init__(self, acts):
        self.acts, self.count = acts, 0

    def on_bar(self, ctx, bar):
        quantity = self.acts.get(self.count)
        self.count += 1
        if quantity:
            (ctx.buy if quantity > 0 else ctx.sell)(bar.symbol, abs(quantity))


def run(acts, prices, **broker):
    return hl.backtest(Script(acts), series_of(prices), cash=1000.0, **broker)


def test_a_position_counts_from_the_bar_at_whose_open_it_is_filled():
    # Bought at the end of bar 0, so filled at the open of bar 1, which is the close of bar 0; sold at the open of bar 3.
    held = holdings_of(run({0: 5.0, 2: -5.0}, [100, 110, 121, 100, 100]))
    assert held.moves[:, 0] == pytest.approx([0.0, 0.1, 0.1, 100 / 121 - 1, 0.0])
    assert held.positions[:, 0] == pytest.approx([0.0, 0.5, 550 / 1050, 0.0, 0.0])
    assert held.costs == pytest.approx(np.zeros(5), abs=1e-12)
    assert held.returns == pytest.approx([0.0, 0.05, 55 / 1050, 0.0, 0.0])


def test_fees_are_costs_of_the_bar_in_which_they_are_paid():
    held = holdings_of(run({0: 5.0, 2: -5.0}, [100, 110, 121, 100, 100], taker_fee_bps=100))
    assert held.costs[1] == pytest.approx(5.0 / 1000)
    assert held.costs[3] == pytest.approx(6.05 / (1000 - 5 + 105))
    assert held.costs[[0, 2, 4]] == pytest.approx(np.zeros(3), abs=1e-12)


def test_a_stop_inside_a_bar_ends_the_position_with_the_next_bar():
    @dataclass
    class Stopped(Script):
        name = "stopped"

        __init__ = Script.__init__

        def on_bar(self, ctx, bar):
            if self.count == 0:
                ctx.buy(bar.symbol, 5.0, stop_loss=95.0)
            self.count += 1

    held = holdings_of(hl.backtest(Stopped({}), series_of([100, 110, 90, 80]), cash=1000.0))
    assert (held.positions[:, 0] > 0).tolist() == [False, True, True, False]
    assert (held.positions * held.moves).sum(axis=1) - held.costs == pytest.approx(held.returns)


def test_whatever_happens_positions_and_costs_explain_every_return():
    session = {
        "symbols": ["ONE-PERP", "TWO-PERP"],
        "strategies": [{"use": "ema_cross", "params": {"fast": 4, "slow": 12, "adx_min": 0}}],
    }
    result = study_of(**session).run(Job())
    held = holdings_of(result)
    assert held.moves.shape == (len(result.equity.time), 2)
    assert (held.positions * held.moves).sum(axis=1) - held.costs == pytest.approx(held.returns, abs=1e-12)
    assert np.prod(1.0 + held.returns) == pytest.approx(1.0 + result.metrics.total_return)
    # What is not a price move is small: fees, slippage, and fills away from the close.
    assert np.abs(held.costs).mean() < 0.2 * np.abs(held.returns).mean()


def test_equity_that_is_lost_cannot_be_looked_at_by_fractions():
    result = run({0: -300.0}, [100, 100, 200, 300], leverage=50)
    with pytest.raises(ValueError, match="equity must stay above zero"):
        holdings_of(result)


def test_days_end_with_their_last_bar():
    time = START + HOUR * np.array([20, 24, 25, 48, 50])
    found = returns_by_day(Curve(time, np.array([110.0, 120.0, 130.0, 150.0, 165.0])), 100.0)
    assert found.time.tolist() == [time[1], time[3], time[4]]
    assert found.value == pytest.approx([0.2, 0.25, 0.1])


def test_compiled_variants_bring_the_same_each_day_as_runs_of_their_own():
    study = study_of()
    jobs = [Job((("strategies[0].params.fast", fast),)) for fast in (4, 7)]
    found = daily_returns(study, jobs)
    for job, own in zip(jobs, found, strict=True):
        result = study.run(job)
        assert own == pytest.approx(returns_by_day(result.equity, result.record.cash).value)


def test_what_cannot_be_compiled_is_run():
    study = study_of(strategies=[{"use": "grid_arithmetic", "params": {"low": 1.0, "high": 1e6}}])
    (found,) = daily_returns(study, [Job()])
    assert len(found) == 60


def test_a_curve_is_thinned_to_its_ends():
    curve = Curve(np.arange(5000) * 10**6, np.arange(5000.0))
    few = thinned(curve, 11)
    assert (few["t"][0], few["t"][-1], len(few["t"])) == (0, 4999, 11)
    assert few["t"] == few["y"]
