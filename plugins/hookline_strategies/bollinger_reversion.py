"""Return to the mean of the Bollinger bands in quiet ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from hookline import (
    Bars,
    Column,
    Decision,
    Doc,
    Ge,
    Gt,
    Held,
    Le,
    RiskByStop,
    SignalStrategy,
    Sizer,
    Strategy,
    adx,
    bollinger,
    flat,
    hold,
    hookimpl,
    long,
    short,
    std,
)

_EXTENSION = 0.5  # deviations beyond the first entry at which the second half is added


@dataclass
class BollingerReversion(SignalStrategy):
    """Buy at the lower Bollinger band and sell at the upper one, back to the middle, while the market is quiet.

    Idea: in a range price returns to its average after an extreme. Wants ranges: ADX(14) below 20, narrow bands, 15m to 1h
    bars. Entry: long on a close at or below the lower band, short on one at or above the upper, if bandwidth and ADX are
    below their limits. With ``scale_in`` half the size first, and the other half once a close lies another half
    deviation beyond the price paid; never more. Exit: a close at or beyond the middle band. Stop: ``stop_z`` deviations from
    the average of the entry's bar, not moved; a close that many deviations from today's average ends the position as
    well. Size: ``risk`` of equity lost at the stop. Killed by trends that begin, when price walks along a band. Deviations
    are population ones, as in the bands. Source: LMEX academy, Mean Reversion.
    """

    name: ClassVar[str] = "bollinger_reversion"

    period: Annotated[int, Ge(2), Doc("bars of average and deviation")] = 20
    k: Annotated[float, Gt(0), Doc("deviations from the average to a band")] = 2.0
    max_bandwidth: Annotated[
        float, Gt(0), Doc("enter below this distance of the bands, as a fraction of the average")
    ] = 0.05
    adx_max: Annotated[
        float, Gt(0), Le(101), Doc("enter below this ADX(14), 101 to switch the filter off")
    ] = 20.0
    scale_in: Annotated[bool, Doc("enter in two halves")] = True
    stop_z: Annotated[float, Gt(0), Doc("deviations from the average to the stop")] = 3.5
    allow_short: Annotated[bool | None, Doc("sell short; left out: where the instrument allows it")] = None
    risk: Annotated[float, Gt(0), Le(1), Doc("share of equity lost at the stop")] = 0.005

    def __post_init__(self) -> None:
        if self.k >= self.stop_z:
            raise ValueError(f"k must be below stop_z ({self.stop_z!r}), was {self.k!r}")

    def columns(self, bars: Bars) -> dict[str, Column]:
        bands = bollinger(bars.close, self.period, self.k)
        return {
            "close": bars.close,
            "mid": bands.mid,
            "upper": bands.upper,
            "lower": bands.lower,
            "sigma": std(bars.close, self.period, ddof=0),
            "bandwidth": bands.bandwidth,
            "adx": adx(bars, 14),
        }

    @staticmethod
    def decide(x: Any, held: Held, p: Any) -> Decision:
        floor, ceiling = x.mid - p.stop_z * x.sigma, x.mid + p.stop_z * x.sigma
        first = 0.5 if p.scale_in else 1.0
        if held.exposure > 0.0:
            if x.close >= x.mid or x.close <= floor:
                return flat()
            extended = x.close <= held.entry_price - _EXTENSION * x.sigma
            return long() if extended and held.exposure < 1.0 else hold()
        if held.exposure < 0.0:
            if x.close <= x.mid or x.close >= ceiling:
                return flat()
            extended = x.close >= held.entry_price + _EXTENSION * x.sigma
            return short() if extended and held.exposure > -1.0 else hold()
        if x.bandwidth < p.max_bandwidth and x.adx < p.adx_max:
            if floor < x.close <= x.lower:
                return long(first, stop=floor)
            if ceiling > x.close >= x.upper and p.allow_short:
                return short(first, stop=ceiling)
        return hold()

    def sizer(self) -> Sizer:
        return RiskByStop(self.risk)


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [BollingerReversion]
