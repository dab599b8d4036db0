"""Time series momentum with volatility targeting, monthly: as a vectorised study, as a strategy, and how far to believe it.

The rule is that of Moskowitz, Ooi and Pedersen, "Time series momentum", Journal of Financial Economics 104 (2012): long what has risen over
the months before, short what has fallen, each sized to a volatility of 40 % a year, in equal parts. See docs/studies.md.

    python time_series_momentum.py FOLDER     # hourly bars, one Parquet file for each coin
"""

import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

import hookline as hl


def daily_bars(folder):
    frames = {}
    for file in sorted(Path(folder).glob("*spot*_1h.parquet")):
        hours = pd.read_parquet(file)
        days = hours.set_index(pd.to_datetime(hours["ts"], utc=True)).resample("1D")
        frames[file.stem.split("_")[2]] = days.agg(
            {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
        )
    start = max(frame.index[0] for frame in frames.values()) + pd.Timedelta(days=1)
    return {symbol: frame.loc[start:] for symbol, frame in frames.items()}


def positions(closes, lookback, period=60, target=0.4):
    direction = np.sign(closes / closes.shift(lookback) - 1.0)
    size = hl.volatility_target(closes.pct_change(), target_fraction=target, max_leverage=4.0, period=period)
    month_ends = (closes.index + pd.Timedelta(days=1)).day == 1
    known = direction.where(closes.shift(period).notna(), 0.0)
    return (known * size / len(closes.columns)).fillna(0.0)[month_ends]


@dataclass
class TimeSeriesMomentum(hl.Strategy):
    """Hold each instrument in the direction of its own past, sized by its volatility."""

    name = "time_series_momentum"

    lookback: int = 252
    period: int = 60
    target: float = 0.4

    def on_start(self, ctx):
        self.past, self.volatility = {}, {}
        for symbol in ctx.symbols:
            close = ctx.bars(symbol).close
            self.past[symbol] = ctx.use(close / close.shift(self.lookback) - 1.0)
            self.volatility[symbol] = ctx.use(hl.std(close / close.shift(1) - 1.0, self.period) * 365**0.5)

    def on_bar(self, ctx, bar):
        past, volatility = self.past[bar.symbol].value, self.volatility[bar.symbol].value
        if ctx.now.day == 1 and not np.isnan(past) and volatility > 0.0:
            weight = np.sign(past) * min(4.0, self.target / volatility) / len(ctx.symbols)
            ctx.target(bar.symbol, weight * ctx.equity / bar.close)


COSTS = {"taker_fee_bps": 5.0, "slippage_bps": 5.0, "leverage": 4.0, "fill": "close"}


def study(bars, lookbacks=(21, 63, 126, 252), **rules):
    closes = pd.DataFrame({symbol: frame["close"] for symbol, frame in bars.items()})
    fine = {"tick_size": Decimal("1e-9"), "lot_size": Decimal("1e-9")}
    perpetuals = [hl.Instrument(symbol, kind=hl.InstrumentKind.PERPETUAL, **fine) for symbol in bars]
    vectorised = hl.run_positions(closes, positions(closes, lookbacks[-1]), fee_bps=5, slippage_bps=5)
    strategy = TimeSeriesMomentum(lookbacks[-1])
    table = hl.sweep(strategy, bars, {"lookback": lookbacks}, instruments=perpetuals, **COSTS)
    chance = vectorised.permutation_test(scheme="blocks")
    passport = hl.validate(
        strategy, bars, {"lookback": lookbacks}, instruments=perpetuals, rules=rules, **COSTS
    )
    return vectorised, table, chance, passport


if __name__ == "__main__":
    for found in study(daily_bars(sys.argv[1])):
        print(found.frame if hasattr(found, "parameters") else found, end="\n\n")
