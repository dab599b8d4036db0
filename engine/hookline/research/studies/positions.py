"""A study on arrays: prices, the positions decided on each close, and what comes of them.

Rules of this file:

- A position is a signed share of equity, decided on a close. Units are that share of the equity before the trade's costs at that
  close, and stay as they are until the next bar. NaN means that nothing is traded: units stay.
- ``fill: close`` trades at the very close that was decided on, ``fill: open`` the same units at the next open.
- Slippage moves the price against the trade, and the fee is a share of what is traded at that price.
- There is no limit of funds, no lot and no margin. Once equity is zero or less everything is closed, and nothing is traded any more.

With fine lots and ticks the event kernel gives the same equity for a strategy that sends these orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.errors import ConfigError, DataError
from hookline.research.studies.prices import Prices, read_positions, read_prices, year_of

if TYPE_CHECKING:
    import pandas as pd

    from hookline.reporting.metrics import CurveMetrics
    from hookline.research.studies.permutation import PermutationResult

__all__ = ["Earned", "PositionStudy", "run_positions"]

Floats = NDArray[np.float64]


class Earned(NamedTuple):
    """What positions earned of returns, bar by bar: ``sum(returns * positions, axis=1) - costs``.

    ``returns`` and ``positions`` have a row for each bar and a column for each instrument, ``positions`` and ``costs`` are shares of
    equity at the bar's beginning.
    """

    returns: Floats
    positions: Floats
    costs: Floats


@dataclass(frozen=True, eq=False)
class PositionStudy:
    """What came of positions.

    Attributes:
        prices: On which they were held.
        fill: ``close`` or ``open``.
        cash: Equity before the first bar.
        equity: At each close.
        units: Held after the trades of each bar, a column for each instrument.
        costs: Fees and slippage paid on each bar, in money.
        traded: Value of what was traded on each bar.
        bars_per_year: As it was given.
    """

    prices: Prices
    fill: str
    cash: float
    equity: Floats
    units: Floats
    costs: Floats
    traded: Floats
    bars_per_year: float | None = None

    @property
    def returns(self) -> Floats:
        """Return of each bar; the first is measured from the starting cash. NaN after equity of zero or less."""
        from hookline.reporting.curve import returns_of

        return returns_of(self.equity, self.cash)

    @property
    def positions(self) -> Floats:
        """Signed share of equity held at each close, after its trades where they were at the close; NaN without equity."""
        value = self.units * np.nan_to_num(self.prices.close)
        equity = np.where(self.equity > 0.0, self.equity, np.nan)
        positions: Floats = value / equity[:, None]
        return positions

    @cached_property
    def metrics(self) -> CurveMetrics:
        """Figures of the equity, defined as those of a backtest; without times and ``bars_per_year`` a bar counts as a day."""
        from hookline.reporting.curve import Curve
        from hookline.reporting.metrics import curve_metrics

        time, start = self.prices.time(self.bars_per_year)
        return curve_metrics(Curve(time, self.equity), self.cash, start)

    @property
    def frame(self) -> pd.DataFrame:
        """Equity, returns, costs and traded value as a pandas frame, with the rows of the prices."""
        import pandas as pd

        columns = {"equity": self.equity, "returns": self.returns, "costs": self.costs, "traded": self.traded}
        return pd.DataFrame(columns, index=self.prices.index)

    def earned(self) -> Earned:
        """Return what was earned from one fill time to the next, on the bars on which all instruments have prices.

        With ``fill: close`` a row is from close to close, with ``fill: open`` from open to open.

        Raises:
            DataError: if equity was lost, or there are fewer than two such bars.
        """
        marks = self.prices.close if self.fill == "close" else self.prices.open
        assert marks is not None, "fills at the open need opens"
        known = np.asarray(np.isfinite(marks).all(axis=1))
        first = int(np.argmax(known)) if known.any() else len(known)
        marks, units, costs = marks[first:], self.units[first:], self.costs[first:]
        if len(marks) < 3 or not (self.equity > 0.0).all():
            raise DataError("positions: must keep some equity over at least two bars to be judged")
        # Equity at the marks after their trades: what it is at the close, less what the rest of the bar has moved.
        drift = (units * (self.prices.close[first:] - marks)).sum(axis=1)
        equity = self.equity[first:] - drift
        base = equity[:-1]
        return Earned(marks[1:] / marks[:-1] - 1.0, units[:-1] * marks[:-1] / base[:, None], costs[1:] / base)

    def permutation_test(self, **options: Any) -> PermutationResult:
        """Return how often chance does as well; options are those of :func:`hookline.permutation_test`."""
        from hookline.research.studies.permutation import permutation_test

        earned = self.earned()
        time, _ = self.prices.time(self.bars_per_year)
        return permutation_test(*earned, **{"bars_per_year": year_of(time), **options})

    def _rows(self) -> list[tuple[str, str]]:
        from hookline.reporting.formats import FIGURES, number

        known = vars(self.metrics)
        rows = [
            (one.label, one.text(known[one.name])) for block in FIGURES for one in block if one.name in known
        ]
        turnover = float(self.traded.sum() / self.equity.mean()) if self.equity.mean() > 0.0 else float("nan")
        return [*rows, ("Turnover", number(turnover))]

    def __str__(self) -> str:
        head = f"{', '.join(self.prices.symbols)}: {len(self.equity):,} bars, fills at the {self.fill}"
        return "\n".join([head, *(f"{label.ljust(20)}  {text.rjust(14)}" for label, text in self._rows())])

    def __repr__(self) -> str:
        return f"PositionStudy({', '.join(self.prices.symbols)}, {len(self.equity)} bars)"

    def _repr_html_(self) -> str:
        from html import escape

        body = "".join(
            f"<tr><td>{escape(label)}</td><td>{escape(text)}</td></tr>" for label, text in self._rows()
        )
        return f"<div><p><b>{escape(str(self).splitlines()[0])}</b></p><table><tbody>{body}</tbody></table></div>"


def run_positions(
    prices: Any,
    positions: Any,
    *,
    fee_bps: float = 0.0,
    slippage_bps: float = 0.0,
    fill: Literal["open", "close"] = "close",
    cash: float = 10_000.0,
    bars_per_year: float | None = None,
) -> PositionStudy:
    """Hold positions on prices and return what comes of it, as vectorised studies do.

    >>> run_positions([100.0, 110.0, 99.0], [1.0, -0.5, 0.0]).equity.tolist()
    [10000.0, 11000.0, 11550.0]

    Args:
        prices: A ``BarSeries``, a frame of bars or a mapping of symbols to those; or closes alone, as a Series, a frame with a
            column for each instrument, or an array.
        positions: Signed shares of equity decided on each close, in the shape of the prices. A Series or frame may have fewer
            rows; on rows that are missing, and where it is NaN, nothing is traded.
        fee_bps: Fee of what is traded.
        slippage_bps: How far prices move against each trade.
        fill: ``close`` trades at the close that was decided on, ``open`` at the next open, which needs bars.
        cash: Equity before the first bar.
        bars_per_year: For figures of a year; by default as the times of the prices tell, and 365 without times.

    Raises:
        ConfigError: if an argument breaks its rule.
        DataError: if prices or positions cannot be used.
    """
    known = read_prices(prices)
    _check(known, fee_bps, slippage_bps, fill, cash)
    wanted = read_positions(positions, known)
    early = np.isnan(known.close) & (np.nan_to_num(wanted) != 0.0)
    if early.any():
        row, column = np.argwhere(early)[0].tolist()
        raise DataError(
            f"positions: {known.symbols[column]}: must be zero before the first price, row {row} was not"
        )
    made = _held(known, wanted, fill, fee_bps / 1e4, slippage_bps / 1e4, float(cash))
    return PositionStudy(known, fill, cash, *made, bars_per_year)


def _held(
    prices: Prices, wanted: Floats, fill: str, fee: float, slippage: float, cash: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return equity, units, costs and traded value of positions."""
    from hookline.research.studies.loop import holding

    close = np.ascontiguousarray(np.nan_to_num(prices.close, nan=1.0))
    opens = close if prices.open is None else np.ascontiguousarray(np.nan_to_num(prices.open, nan=1.0))
    equity, costs, traded = np.zeros((3, len(close)))
    units = np.zeros(close.shape)
    holding()(
        close, opens, np.ascontiguousarray(wanted), fill == "close", fee, slippage, cash, equity, units, costs, traded
    )  # fmt: skip
    return equity, units, costs, traded


def _check(prices: Prices, fee_bps: float, slippage_bps: float, fill: str, cash: float) -> None:
    if fill not in ("open", "close"):
        raise ConfigError(f"fill: must be open or close, was {fill!r}")
    if fill == "open" and prices.open is None:
        raise ConfigError("fill: open needs prices with opens, there are closes alone; give bars")
    for name, value in (("fee_bps", fee_bps), ("slippage_bps", slippage_bps)):
        if not 0.0 <= value < 1e4:
            raise ConfigError(f"{name}: must be 0 or more and below 10000, was {value!r}")
    if not cash > 0.0:
        raise ConfigError(f"cash: must be above 0, was {cash!r}")
