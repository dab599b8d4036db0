"""Made-up bars with the habits of real ones, for demos and tests that need no data and no network."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import numpy as np

from hookline.clock import isoformat, to_ns
from hookline.data.resample import bucket_start
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest, Feed
from hookline.hookspecs import hookimpl
from hookline.model import BarSeries, Instrument, InstrumentKind, Timeframe, timeframe_ns
from hookline.params import Doc, Ge, Gt, Le
from hookline_feeds.generator import Generator, Habits

__all__ = ["SyntheticFeed", "register_feeds"]

_DEFAULT_START = "2024-01-01"
_LAST = to_ns(datetime(2200, 1, 1, tzinfo=UTC))


@dataclass
class SyntheticFeed(Feed):
    """Seeded bars: trends and ranges, clustered volatility, jumps and an intraday volume profile.

    How a bar is made, one after the other (a year has 365 days; every draw comes from the seed, the symbol and the
    timeframe, so a bar depends on its place and never on how many bars follow):

    1. Regime: with probability 1 / ``regime_bars`` a new regime begins: range, trend up or trend down, drawn with
       probabilities 0.5, 0.25, 0.25. A trend drifts so that over ``regime_bars`` bars it adds up to ``trend_strength``
       standard deviations; a range pulls the log price back to where the regime began, by 10 / ``regime_bars`` of the
       distance each bar.
    2. Volatility: GARCH(1, 1) with weights 0.08 (last shock) and 0.90 (last variance) around ``annual_volatility``; bars
       shorter than a day are also livelier around 14:00 UTC and quieter around 02:00.
    3. Jumps: ``jumps_per_year`` on average, normal with standard deviation ``jump_size``, between bars: the bar opens at the
       new price.
    4. A slow pull towards ``start_price`` with a half-life of two years keeps long series in a sane range.
    5. Open, high, low and close are those of a path of eight normal steps inside the bar that ends at the bar's return. They
       are rounded to the tick grid.
    6. Volume: ``mean_volume`` per minute, times the intraday profile, times the bar's volatility and the size of its move,
       times log-normal noise; rounded to thousandths.

    Only a model: it knows no order book, no news and no other instrument, and results on it say nothing about markets.
    """

    name = "synthetic"

    seed: Annotated[int, Ge(0)] = 1
    start: Annotated[
        str | None, Doc("first bar, ISO date or time; default: the session's since, else 2024-01-01")
    ] = None
    bars: Annotated[int, Ge(1), Doc("how many, where the session has no until")] = 100_000
    start_price: Annotated[float, Gt(0)] = 100.0
    tick_size: Annotated[Decimal, Gt(0)] = Decimal("0.01")
    annual_volatility: Annotated[float, Gt(0), Le(5), Doc("fraction")] = 0.6
    regime_bars: Annotated[int, Ge(2), Doc("mean length of a trend or range")] = 400
    trend_strength: Annotated[float, Ge(0), Doc("move of an average trend, in standard deviations")] = 1.5
    jumps_per_year: Annotated[float, Ge(0)] = 25.0
    jump_size: Annotated[float, Ge(0), Le(0.5), Doc("standard deviation of a jump, fraction")] = 0.02
    mean_volume: Annotated[float, Ge(0), Doc("base units per minute")] = 20.0

    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars of a request.

        Raises:
            ConfigError: if ``start`` is no time.
            DataError: if the request lies before the first bar, ends before it begins or after the year 2199.
        """
        duration = timeframe_ns(request.timeframe)
        origin = self._origin(request)
        skipped = 0 if request.since is None else -((origin - request.since) // duration)
        count = self.bars if request.until is None else -((origin - request.until) // duration)
        if skipped < 0:
            found = f"was asked from {isoformat(request.since or 0)}"
            raise DataError(
                f"synthetic: bars begin at {isoformat(origin)}, {found}; set 'start' to an earlier time"
            )
        if count <= skipped:
            raise DataError(
                f"synthetic: no bars of {request.symbol} {request.timeframe} in the range asked for"
            )
        if origin + duration * count > _LAST:
            raise DataError(
                f"synthetic: {count:,} bars of {request.timeframe} from {isoformat(origin)} must end before {isoformat(_LAST)}"
            )
        start = origin + duration * np.arange(count, dtype=np.int64)
        columns = self._generator(request.symbol, request.timeframe).columns(start)
        series = BarSeries(request.symbol, request.timeframe, start, *columns)
        return series.slice(skipped) if skipped else series

    def instrument(self, symbol: str) -> Instrument:
        """Return a perpetual for symbols that end with -PERP, else spot, with the feed's tick size."""
        kind = InstrumentKind.PERPETUAL if symbol.upper().endswith("-PERP") else InstrumentKind.SPOT
        return Instrument(symbol, kind=kind, tick_size=self.tick_size, lot_size=Decimal("0.001"))

    def _origin(self, request: BarRequest) -> int:
        if self.start is None and request.since is not None:
            first = request.since
        else:
            first = _parse(_DEFAULT_START if self.start is None else self.start)
        aligned = bucket_start(first, request.timeframe)
        return aligned if aligned == first else aligned + timeframe_ns(request.timeframe)

    def _generator(self, symbol: str, timeframe: Timeframe) -> Generator:
        habits = Habits(
            start_price=self.start_price,
            tick_size=self.tick_size,
            annual_volatility=self.annual_volatility,
            regime_bars=self.regime_bars,
            trend_strength=self.trend_strength,
            jumps_per_year=self.jumps_per_year,
            jump_size=self.jump_size,
            mean_volume=self.mean_volume,
        )
        return Generator(habits, timeframe_ns(timeframe), (self.seed, zlib.crc32(symbol.encode())))


def _parse(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ConfigError(f"start: must be an ISO date or time such as '2024-01-01', was {text!r}") from None
    return to_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@hookimpl
def register_feeds() -> list[type[Feed]]:
    return [SyntheticFeed]
