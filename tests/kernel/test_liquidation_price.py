"""What ctx.liquidation_price tells: where the venue liquidates, before and after a position is opened."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

import hookline as hl
from hookline.columns import ExternalSeries
from hookline.model import MarginMode
from hookline.testing import bars


@dataclass
class Short(hl.Strategy):
    """Sells one on the first bar, and writes down where it would be, and is, liquidated."""

    name = "short"

    quantity: float = -1.0
    before: float = math.nan
    after: list = field(default_factory=list)

    def on_bar(self, ctx, bar):
        if not self.after:
            self.before = ctx.liquidation_price("TEST", self.quantity)
            assert math.isnan(ctx.liquidation_price("TEST")), "nothing is held"
            ctx.target("TEST", self.quantity)
        self.after.append(ctx.liquidation_price("TEST"))


def run(text, strategy, leverage=None, mode=MarginMode.ISOLATED, funding=None, cash=1000.0, **options):
    instrument = hl.Instrument(
        "TEST", hl.InstrumentKind.PERPETUAL, lot_size=1, margin_mode=mode, leverage=leverage
    )
    return hl.backtest(strategy, bars(text), cash=cash, instruments=[instrument], funding=funding, **options)


@pytest.mark.parametrize(
    ("quantity", "leverage", "expected"),
    [
        (-1.0, 2, 100 * 1.5 / 1.005),
        (1.0, 2, 100 * 0.5 / 0.995),
        (-1.0, 5, 100 * 1.2 / 1.005),
        (1.0, 1, math.nan),
    ],
)
def test_before_and_after_it_is_opened_it_is_the_same(quantity, leverage, expected):
    strategy = Short(quantity)
    run("100 100 100", strategy, leverage)
    assert strategy.before == pytest.approx(expected, nan_ok=True)
    assert strategy.after[1] == pytest.approx(expected, nan_ok=True)


def test_the_brokers_leverage_counts_where_the_instrument_has_none():
    strategy = Short()
    run("100 100 100", strategy)
    assert strategy.before == pytest.approx(100 * 2 / 1.005)


def test_cross_margin_is_all_that_the_wallet_holds():
    strategy = Short(-5.0)
    run("100 100 100", strategy, 5, MarginMode.CROSS, cash=300.0)
    # Five short at 100 with 300 behind them: (500 + 300) / (5 * 1.005).
    assert strategy.before == pytest.approx(800 / 5.025)
    assert strategy.after[1] == pytest.approx(800 / 5.025)


def test_funding_that_was_received_moves_it():
    strategy = Short()
    start = int(bars("100").start[0])
    rates = ExternalSeries(np.array([start + 2 * 3600 * 10**9]), np.array([0.01]))
    run("100 100 100", strategy, 2, funding={"TEST": rates})
    assert strategy.after[1] == pytest.approx(150 / 1.005)
    assert strategy.after[2] == pytest.approx(151 / 1.005)  # 1 % of 100 more behind it


def test_it_is_where_the_venue_liquidates():
    strategy = Short()
    result = run("100 100 100/160/100/120", strategy, 2)
    (order,) = [order for order in result.record.orders if order.tag == "liquidation"]
    assert order.average_price == pytest.approx(strategy.after[1], abs=0.01)
    assert math.isnan(strategy.after[2])


def test_a_named_entry_price_takes_the_place_of_the_last():
    @dataclass
    class Asking(hl.Strategy):
        """Asks before there is a price."""

        name = "asking"

        def on_start(self, ctx):
            self.found = ctx.liquidation_price("TEST", -1.0, price=1.0)

    asking = Asking()
    run("100 100", asking, 4)
    assert asking.found == pytest.approx(1.25 / 1.005)
