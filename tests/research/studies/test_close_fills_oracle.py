"""Market orders that fill at the close in hookline and in backtesting.py (``trade_on_close``), on recorded bars."""

import random
import warnings
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pytest

import hookline as hl
from hookline_feeds.parquet import ParquetFeed

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from backtesting import Backtest, Strategy

CASH, FEE = 10_000_000.0, 0.0005
BARS = 2_000


@dataclass
class Desk(hl.Strategy):
    """Follows a schedule of bar -> size, zero to leave; every entry leaves what was open before."""

    name = "desk"

    schedule: dict
    index: int = field(default=-1, init=False)
    trades: list = field(default_factory=list, init=False)
    entry: tuple | None = field(default=None, init=False)

    def on_bar(self, ctx, bar):
        self.index += 1
        if self.index in self.schedule:
            ctx.close(bar.symbol)
            if self.schedule[self.index]:
                ctx.submit(
                    bar.symbol,
                    hl.Side.BUY if self.schedule[self.index] > 0 else hl.Side.SELL,
                    abs(self.schedule[self.index]),
                )

    def on_fill(self, ctx, fill):
        if self.entry is None:
            self.entry = (self.index, fill.side * fill.quantity, fill.price)
        else:
            self.trades.append((*self.entry, self.index, fill.price))
            self.entry = None


def peer(series, schedule):
    class Follow(Strategy):
        def init(self):
            pass

        def next(self):
            size = schedule.get(len(self.data) - 1)
            if size == 0:
                self.position.close()
            elif size is not None:
                (self.buy if size > 0 else self.sell)(size=abs(size))

    frame = series.to_frame().rename(columns=str.capitalize).tz_localize(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Backtest(
            frame, Follow, cash=CASH, commission=FEE, exclusive_orders=True, trade_on_close=True
        ).run()


@pytest.mark.parametrize(("market", "symbol"), [("usdm", "BTCUSDT"), ("spot", "ETHUSDT")])
def test_trades_and_equity_are_those_of_a_peer_that_trades_on_the_close(real_data, market, symbol):
    feed = ParquetFeed(real_data / f"bars_1h/binance_{market}_{symbol}_1h.parquet")
    series = feed.load(hl.BarRequest(symbol, "1h")).slice(1_000, 1_000 + BARS)
    rng = random.Random(4)
    schedule = {bar: rng.choice([0, 1, 3, -2]) for bar in range(1, BARS - 2) if rng.random() < 0.1}
    desk = Desk(schedule)
    perpetual = hl.Instrument(symbol, kind=hl.InstrumentKind.PERPETUAL, lot_size=Decimal(1))

    result = hl.backtest(
        desk, series, cash=CASH, instruments=[perpetual], taker_fee_bps=FEE * 1e4, fill="close"
    )
    told = peer(series, schedule)

    names = ["EntryBar", "Size", "EntryPrice", "ExitBar", "ExitPrice"]
    theirs = sorted(told._trades[names].itertuples(index=False, name=None))
    assert len(theirs) > 50
    assert sorted(desk.trades)[: len(theirs)] == [tuple(map(float, row)) for row in theirs]
    # There the fees of a close are in the equity of the next bar.
    quiet = [bar for bar in range(BARS) if bar not in schedule]
    np.testing.assert_allclose(
        result.equity.value[quiet], told._equity_curve.Equity.to_numpy()[quiet], rtol=1e-12
    )
