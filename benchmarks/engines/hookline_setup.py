"""What both hookline variants share: the paper broker with fees, and a risk rule that judges every order."""

from __future__ import annotations

from decimal import Decimal

from workload import CASH, FEE_FRACTION, NEXT_OPEN, SYMBOL, Arrays, Finals

import hookline as hl
from hookline.research.ledger import uncounted
from hookline_risk.max_order_notional import MaxOrderNotional

__all__ = ["FILL", "prepare", "report", "run", "version"]

FILL = NEXT_OPEN
version = hl.__version__


def prepare(bars: Arrays) -> hl.BarSeries:
    columns = (bars.start, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return hl.BarSeries(SYMBOL, "1m", *columns)


def run(strategy: hl.Strategy, series: hl.BarSeries) -> hl.Result:
    instrument = hl.Instrument(SYMBOL, tick_size=Decimal("0.01"), lot_size=Decimal("0.001"))
    with uncounted():  # no trial of the user's, and figures are timed by themselves
        return hl.backtest(
            strategy,
            series,
            cash=CASH,
            instruments=[instrument],
            risk=[MaxOrderNotional(limit=50_000.0)],
            taker_fee_bps=FEE_FRACTION * 1e4,
        )


def report(result: hl.Result) -> Finals:
    return Finals(len(result.record.orders), result.metrics.final_equity)
