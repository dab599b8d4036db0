"""Bars from pandas frames, for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, Any

from hookline.data.frames import read_frame
from hookline.data.raw import answer
from hookline.errors import DataError
from hookline.feed import BarRequest, Feed
from hookline.hookspecs import hookimpl
from hookline.model import BarSeries, Timeframe
from hookline.params import Doc

__all__ = ["FrameFeed", "register_feeds"]


@dataclass(eq=False)
class FrameFeed(Feed):
    """Bars from a pandas frame indexed by the bars' start, or from one frame for each symbol.

    An index without a time zone is UTC. Columns are open, high, low, close and perhaps volume, in any case. Bars shorter
    than asked for are put together.
    """

    name = "frame"

    frame: Annotated[Any, Doc("DataFrame with a DatetimeIndex, or a dict of symbol to DataFrame")]
    columns: Annotated[dict[str, str], Doc("names of columns, ours to the frame's")] = field(
        default_factory=dict
    )
    timeframe: Annotated[Timeframe | None, Doc("timeframe of the frame, if its steps do not tell")] = None

    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars of a request.

        Raises:
            DataError: if there are none or they cannot be trusted.
        """
        raw = read_frame(
            self._frame_of(request.symbol),
            request.symbol,
            columns=self.columns,
            timeframe=self.timeframe,
            default_timeframe=request.timeframe,
        )
        return answer(raw, request)

    def _frame_of(self, symbol: str) -> Any:
        if not isinstance(self.frame, Mapping):
            return self.frame
        if symbol not in self.frame:
            close = get_close_matches(symbol, [str(name) for name in self.frame], n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            have = ", ".join(repr(name) for name in self.frame)
            raise DataError(f"frame: no bars of {symbol!r} among {have}{hint}")
        return self.frame[symbol]


@hookimpl
def register_feeds() -> list[type[Feed]]:
    return [FrameFeed]
