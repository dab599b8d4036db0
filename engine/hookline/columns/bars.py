"""Symbolic bars: where expressions begin."""

from __future__ import annotations

from dataclasses import dataclass

from hookline.columns.column import Column, External, Field, apply
from hookline.columns.operators import TYPICAL
from hookline.model import Timeframe, timeframe_ns, timeframe_of

__all__ = ["Bars", "external"]


@dataclass(frozen=True)
class Bars:
    """Bars of a symbol on the base timeframe or on a higher one; every field of them is a column.

    ``symbol`` may be empty: the columns are then computed on whatever bars a driver is given.

    >>> bars = Bars()
    >>> bars.close > bars.at("4h").open
    (close > open@4h)
    """

    symbol: str = ""
    timeframe: Timeframe | None = None

    def __post_init__(self) -> None:
        """Give equal timeframes one name, so that 60m is 1h."""
        if self.timeframe is not None:
            object.__setattr__(self, "timeframe", timeframe_of(timeframe_ns(self.timeframe)))

    def at(self, timeframe: Timeframe) -> Bars:
        """Return the bars of a higher timeframe, of which only closed bars can be seen.

        Buckets start at whole multiples of the timeframe since 1970-01-01 00:00 UTC; weeks start on Monday 00:00
        UTC. The first bucket counts only if the data begins exactly where it begins. A bucket closes when the
        first bar that ends at or after its end becomes visible.

        Raises:
            ValueError: if the text is not a timeframe.
        """
        return Bars(self.symbol, timeframe)

    @property
    def open(self) -> Column:
        """First price."""
        return self._field("open")

    @property
    def high(self) -> Column:
        """Highest price."""
        return self._field("high")

    @property
    def low(self) -> Column:
        """Lowest price."""
        return self._field("low")

    @property
    def close(self) -> Column:
        """Last price."""
        return self._field("close")

    @property
    def volume(self) -> Column:
        """Traded quantity in base units."""
        return self._field("volume")

    @property
    def time(self) -> Column:
        """End of the bar in seconds since 1970-01-01 UTC."""
        return self._field("time")

    @property
    def hl2(self) -> Column:
        """Middle of high and low."""
        return (self.high + self.low) / 2

    @property
    def hlc3(self) -> Column:
        """Typical price: mean of high, low and close."""
        return apply(TYPICAL, self.high, self.low, self.close)

    @property
    def ohlc4(self) -> Column:
        """Mean of open, high, low and close."""
        return ((self.open + self.high) + (self.low + self.close)) / 4

    def external(self, name: str) -> Column:
        """Return an external series at the ends of these bars: the last value known by then."""
        return Column(External(name, self.timeframe))

    def _field(self, name: str) -> Column:
        return Column(Field(name, self.symbol, self.timeframe))


def external(name: str) -> Column:
    """Return an external series (funding, open interest, a score) at the ends of the base bars.

    The value is the last one that was available at or before the bar's end, NaN before the first.
    """
    return Column(External(name, None))
