"""Made-up bars, books and trades with the habits of real ones, for demos and tests that need no data and no network."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, NoReturn

import numpy as np

from hookline.clock import isoformat, to_ns
from hookline.data.resample import bucket_start
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.hookspecs import hookimpl
from hookline.model import (
    BarSeries,
    Instrument,
    InstrumentKind,
    MarketData,
    TapeSeries,
    timeframe_ns,
)
from hookline.params import Doc, Ge, Gt, Le
from hookline_feeds.followers import Pair, Perpetual
from hookline_feeds.generator import Floats, Habits, on_grid
from hookline_feeds.synthetic_prices import Prices
from hookline_feeds.synthetic_tape import Book, TapeMaker, bars_of_prints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hookline.columns import ExternalSeries

__all__ = ["Book", "Pair", "Perpetual", "SyntheticFeed", "register_feeds"]

_DEFAULT_START = "2024-01-01"
_SECOND = 10**9
_WEEK = 7 * 86_400 * _SECOND
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

    With ``book`` there is an order book too, made around prices of the same model second by second; the bars are then those
    of its trades, by the time at which they were known here. ``pairs`` and ``perpetuals`` name symbols that follow others;
    perpetuals have funding rates and a mark price. In these the model's steps are bars, and of a book seconds.

    Only a model: it knows no news, and results on it say nothing about markets.
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

    book: Annotated[Book | None, Doc("parameters of the order book; {} for their defaults")] = None
    pairs: Annotated[dict[str, Pair], Doc("symbols cointegrated with another")] = field(default_factory=dict)
    perpetuals: Annotated[dict[str, Perpetual], Doc("symbols that follow a spot price")] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        """Check that every symbol follows at most one other, and none itself.

        Raises:
            ValueError: naming the symbol that does not.
        """
        for symbol in self.pairs:
            if symbol in self.perpetuals:
                raise ValueError(f"pairs: {symbol} must not be among the perpetuals too")
        leaders = {symbol: pair.of for symbol, pair in self.pairs.items()}
        leaders |= {symbol: perpetual.of for symbol, perpetual in self.perpetuals.items()}
        for symbol in leaders:
            chain = [symbol]
            while chain[-1] in leaders:
                chain.append(leaders[chain[-1]])
                if chain[-1] in chain[:-1]:
                    group = "pairs" if symbol in self.pairs else "perpetuals"
                    raise ValueError(f"{group}: no symbol may follow itself, was {' of '.join(chain)}")

    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars of a request; with a book those of its trades.

        Raises:
            ConfigError: if ``start`` is no time, or the start price is too few ticks for the book.
            DataError: if the request lies before the first bar, ends before it begins or after the year 2199.
        """
        start, skipped = self._bars(request)
        duration = timeframe_ns(request.timeframe)
        if self.book is None:
            columns = self._prices(request.since).columns(request.symbol, start, duration)
        else:
            columns = self._columns_of_trades(request, start, duration)
        return BarSeries(request.symbol, request.timeframe, start, *columns).slice(skipped)

    def tape(self, request: TapeRequest) -> TapeSeries:
        """Return the quotes, trades and book updates of a request, in the order of arrival.

        A tape begins with a snapshot. One that is asked for from a later moment on, where ``start`` is set, is the rest of that
        tape: its first snapshot comes within ``snapshot_seconds``.

        Raises:
            ConfigError: if the feed has no ``book``, ``start`` is no time, or the start price is too few ticks for the book.
            DataError: if the request lies before the start, holds no messages or ends after the year 2199.
        """
        if self.book is None:
            return super().tape(request)
        first = self._first(request.since)
        if request.since is not None and request.since < first:
            self._refuse_before(first, request.since)
        until = request.until
        if until is None:
            until = first + round(self.book.minutes * 60 * _SECOND)
        self._require_before_last(until, "a tape")
        since = first if request.since is None else request.since
        tape = self._maker(request.symbol, request.since, until).make(request.kinds, since, until)
        if len(tape) == 0:
            raise DataError(f"synthetic: no messages of {request.symbol} in the range asked for")
        return tape

    def funding(self, symbol: str, since: int | None, until: int | None) -> ExternalSeries | None:
        """Return the funding rates of one of the ``perpetuals``, None of other symbols.

        Without an ``until`` there are as many weeks of them as there may be bars.

        Raises:
            ConfigError: if ``start`` is no time.
        """
        if symbol not in self.perpetuals:
            return None
        from hookline.columns import ExternalSeries

        prices = self._prices(since)
        until = min(prices.first + self.bars * _WEEK, _LAST) if until is None else until
        time, rate = prices.basis(symbol).funding(until)
        kept = slice(None) if since is None else slice(int(np.searchsorted(time, since)), None)
        return ExternalSeries(time[kept], rate[kept])

    def mark(self, request: BarRequest) -> BarSeries | None:
        """Return bars of the mark price of one of the ``perpetuals``, None of other symbols.

        It is the spot's price, with a book the fair one, and the slow part of the basis.

        Raises:
            ConfigError: if ``start`` is no time.
            DataError: as ``load``.
        """
        if request.symbol not in self.perpetuals:
            return None
        start, skipped = self._bars(request)
        duration, prices = timeframe_ns(request.timeframe), self._prices(request.since)
        if self.book is None:
            columns = prices.mark_columns(request.symbol, start, duration)
        else:
            seconds = _seconds(prices.first, int(start[-1]) + duration)
            path = prices.path(self.perpetuals[request.symbol].of, seconds, _SECOND)
            mark = np.exp(path.before + prices.basis(request.symbol).at(seconds)) / float(self.tick_size)
            price = on_grid(mark, self.tick_size)
            columns = bars_of_prints(start, duration, seconds, price, np.zeros(len(price)), float(price[0]))
        return BarSeries(request.symbol, request.timeframe, start, *columns).slice(skipped)

    def instrument(self, symbol: str) -> Instrument:
        """Return a perpetual for ``perpetuals`` and symbols that end with -PERP, else spot, with the feed's tick size."""
        is_perpetual = symbol in self.perpetuals or symbol.upper().endswith("-PERP")
        kind = InstrumentKind.PERPETUAL if is_perpetual else InstrumentKind.SPOT
        return Instrument(symbol, kind=kind, tick_size=self.tick_size, lot_size=Decimal("0.001"))

    def _bars(self, request: BarRequest) -> tuple[NDArray[np.int64], int]:
        """Return the starts of the bars from the first one that there is, and how many of them were not asked for."""
        duration = timeframe_ns(request.timeframe)
        origin = self._origin(request)
        skipped = 0 if request.since is None else -((origin - request.since) // duration)
        if skipped < 0:
            self._refuse_before(origin, request.since)
        if request.until is not None:
            count = -((origin - request.until) // duration)
        elif self.book is None:
            count = self.bars
        else:
            count = max(1, round(self.book.minutes * 60 * _SECOND) // duration)
        if count <= skipped:
            raise DataError(
                f"synthetic: no bars of {request.symbol} {request.timeframe} in the range asked for"
            )
        what = f"{count:,} bars of {request.timeframe} from {isoformat(origin)}"
        self._require_before_last(origin + duration * count, what)
        return origin + duration * np.arange(count, dtype=np.int64), skipped

    def _columns_of_trades(
        self, request: BarRequest, start: NDArray[np.int64], duration: int
    ) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        until = int(start[-1]) + duration
        maker = self._maker(request.symbol, request.since, until)
        trades = maker.make(frozenset({MarketData.TRADES}), maker.first, until)
        before = float(on_grid(maker.fair[:1] / float(self.tick_size), self.tick_size)[0])
        return bars_of_prints(start, duration, trades.time, trades.price, trades.quantity, before)

    def _maker(self, symbol: str, since: int | None, until: int) -> TapeMaker:
        """Return the maker of a symbol's tape, which can make it as far as a time."""
        if self.book is None:
            raise ConfigError("synthetic: a tape needs parameters under 'book'")
        prices = self._prices(since)
        ticks, needed = prices.start_price(symbol) / float(self.tick_size), 4 * self.book.levels
        if ticks < needed:
            raise ConfigError(
                f"synthetic: book: the start price of {symbol} must be {needed} ticks or more "
                f"(4 times 'levels'), was {ticks:g}"
            )
        seconds = _seconds(prices.first, until)
        fair = np.exp(prices.path(symbol, seconds, _SECOND).before)
        generator = prices.generator(symbol, _SECOND)
        return TapeMaker(symbol, self.book, generator, self.tick_size, fair, prices.first)

    def _first(self, since: int | None) -> int:
        """Return when the history begins, whatever the timeframe."""
        if self.start is None and since is not None:
            return since
        return _parse(_DEFAULT_START if self.start is None else self.start)

    def _origin(self, request: BarRequest) -> int:
        first = self._first(request.since)
        aligned = bucket_start(first, request.timeframe)
        return aligned if aligned == first else aligned + timeframe_ns(request.timeframe)

    def _refuse_before(self, first: int, since: int | None) -> NoReturn:
        raise DataError(
            f"synthetic: {'bars begin' if self.book is None else 'the tape begins'} at {isoformat(first)}, "
            f"was asked from {isoformat(since or 0)}; set 'start' to an earlier time"
        )

    def _require_before_last(self, end: int, what: str) -> None:
        if end > _LAST:
            raise DataError(f"synthetic: {what} must end before {isoformat(_LAST)}")

    def _prices(self, since: int | None) -> Prices:
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
        return Prices(habits, self.seed, self.pairs, self.perpetuals, self._first(since))


def _seconds(first: int, until: int) -> NDArray[np.int64]:
    """Return the beginnings of the seconds from a time to another, at least one."""
    return first + _SECOND * np.arange(max(1, -((first - until) // _SECOND)), dtype=np.int64)


def _parse(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ConfigError(f"start: must be an ISO date or time such as '2024-01-01', was {text!r}") from None
    return to_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@hookimpl
def register_feeds() -> list[type[Feed]]:
    return [SyntheticFeed]
