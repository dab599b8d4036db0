"""Ranges of many calls: bars and own trades, from a venue that keeps its limits."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_venue import ScriptedVenue, run

from hookline.errors import DataError
from hookline.model import BarSeries, Side
from hookline_lmex.client import LmexClient
from hookline_lmex.codes import OrderKind, TriggerKind
from hookline_lmex.history import bar_series, page_trades
from hookline_lmex.results import Candle, OwnTrade
from hookline_lmex.settings import VolumeUnit
from hookline_lmex.venue_time import VenueTime

MINUTE = 60 * 10**9
START = 1_750_000_020 * 10**9  # a whole minute
DAY_MS = 86_400_000


class BarVenue:
    """Bars of one minute that follow each other; refuses more than 300 as the venue does."""

    def __init__(
        self,
        count: int,
        *,
        has_end: bool = True,
        has_start: bool = True,
        missing: frozenset[int] = frozenset(),
    ) -> None:
        self.starts = [START + number * MINUTE for number in range(count) if number not in missing]
        self.has_end, self.has_start = has_end, has_start
        self.calls = 0
        self.now = START + count * MINUTE

    async def ask(self) -> int:
        return self.now

    async def ohlcv(
        self, symbol: str, minutes: int, start_ms: int | None, end_ms: int | None
    ) -> list[Candle]:
        assert start_ms is not None
        assert end_ms is not None
        self.calls += 1
        if (end_ms - start_ms) // 60_000 + 1 > 300:
            raise AssertionError("resolution too small")
        first, last = start_ms * 1_000_000, end_ms * 1_000_000
        return [
            Candle(start, Decimal(10), Decimal(14), Decimal(9), Decimal(10), Decimal(110))
            for start in self.starts
            if (first - (not self.has_start) < start - (not self.has_start) and start < last + self.has_end)
            or (start == first and self.has_start)
        ]

    def bars(
        self, since: int, until: int, unit: VolumeUnit = "quote", size: Decimal | None = None
    ) -> BarSeries:
        async def main() -> BarSeries:
            clock = VenueTime(self.ask)
            await clock.measure(samples=1)
            return await bar_series(self.ohlcv, "X-PERP", "1m", since, until, clock, unit, size)

        return asyncio.run(main())


@settings(max_examples=30)
@given(
    st.integers(1, 1300),
    st.integers(-50, 1300),
    st.integers(1, 1300),
    st.booleans(),
    st.booleans(),
    st.integers(0, 59_999_999_999),
)
def test_every_closed_bar_of_a_range_comes_once_whatever_the_venue_includes(
    count: int, first: int, length: int, has_start: bool, has_end: bool, shift: int
) -> None:
    venue = BarVenue(count, has_start=has_start, has_end=has_end)
    since = START + first * MINUTE + shift
    until = since + length * MINUTE
    found = venue.bars(since, until).start.tolist()
    assert found == [start for start in venue.starts if since <= start < until]


def test_the_bar_that_is_still_open_is_left_out() -> None:
    venue = BarVenue(10)
    venue.now -= MINUTE // 2
    assert len(venue.bars(START, START + 100 * MINUTE)) == 9


def test_missing_bars_stay_missing_and_pages_go_on() -> None:
    venue = BarVenue(900, missing=frozenset(range(100, 700)))
    found = venue.bars(START, START + 900 * MINUTE)
    assert len(found) == 300
    assert venue.calls == 4


@pytest.mark.parametrize(
    ("unit", "size", "volume"),
    [("quote", None, 10.0), ("base", None, 110.0), ("contracts", Decimal("0.01"), 1.1)],
)
def test_volumes_become_base_units(unit: VolumeUnit, size: Decimal | None, volume: float) -> None:
    # The typical price is (14 + 9 + 10) / 3 = 11.
    found = BarVenue(3).bars(START, START + 3 * MINUTE, unit, size)
    assert found.volume.tolist() == pytest.approx([volume] * 3)


def test_nothing_is_asked_of_the_future_or_of_what_was_before_the_venue() -> None:
    venue = BarVenue(3)
    assert len(venue.bars(venue.now + MINUTE * 10, venue.now + MINUTE * 20)) == 0
    assert venue.calls == 0
    assert len(venue.bars(START + MINUTE, START + MINUTE)) == 0


def test_bars_over_the_wire_ask_for_contract_size_only_where_volumes_are_contracts() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        from test_client_market_shapes import FUTURES_SUMMARY

        venue.will("GET /futures/api/v2.3/market_summary", [FUTURES_SUMMARY])
        venue.will("GET /futures/api/v2.3/ohlcv", [[1772600400, 100, 110, 90, 100, 250]])
        found = await client.futures.bars("SOL-PERP", "1m", 1772600400 * 10**9, 1772600460 * 10**9)
        assert found.volume.tolist() == [2.5]
        assert len(venue.calls("GET /futures/api/v2.3/market_summary")) == 1

    run(test, volume_unit="contracts")


class TradeVenue:
    """Own trades: the newest of a range, cut to a page, and 7 days at most."""

    def __init__(self, times_ms: list[int], page: int = 500) -> None:
        self.trades = [_trade(number, time) for number, time in enumerate(sorted(times_ms))]
        self.page = page
        self.calls = 0

    async def __call__(
        self,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        count: int = 500,
        before_serial: int | None = None,
    ) -> list[OwnTrade]:
        assert start_ms is not None
        assert end_ms is not None
        assert end_ms - start_ms <= 7 * DAY_MS
        self.calls += 1
        found = [
            trade
            for trade in self.trades
            if start_ms <= trade.time // 1_000_000 <= end_ms
            and (before_serial is None or trade.serial < before_serial)
        ]
        return found[-min(count, self.page) :]

    def all(self, start_ms: int, end_ms: int, *, by_serial: bool = True) -> list[str]:
        found = asyncio.run(page_trades(self, start_ms, end_ms, end_ms, by_serial=by_serial))
        return [trade.trade_id for trade in found]


def _trade(number: int, time_ms: int) -> OwnTrade:
    return OwnTrade(
        trade_id=f"t{number}", order_id="o", client_order_id="c", symbol="X-PERP", side=Side.BUY, kind=OrderKind.LIMIT,
        trigger_kind=TriggerKind.NONE, price=Decimal(1), size=1, fee=Decimal(0), fee_currency="USDT",
        time=time_ms * 1_000_000, serial=1000 + number, realized=Decimal(0), order_price=Decimal(1), order_size=Decimal(1),
    )  # fmt: skip


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 30 * DAY_MS) | st.integers(0, 40), max_size=300),
    st.sampled_from([10, 50, 500]),
    st.integers(0, 20 * DAY_MS),
    st.integers(0, 30 * DAY_MS),
)
def test_every_own_trade_of_a_range_comes_once(times: list[int], page: int, first: int, length: int) -> None:
    per_moment = max((times.count(time) for time in set(times)), default=0)
    if per_moment >= page:
        return  # a page of one millisecond: see the tests below
    venue = TradeVenue(times, page)
    expected = [
        trade.trade_id for trade in venue.trades if first <= trade.time // 1_000_000 <= first + length
    ]
    assert venue.all(first, first + length) == expected


def test_a_quiet_week_is_one_call() -> None:
    venue = TradeVenue([5, 6, 7])
    assert len(venue.all(0, 7 * DAY_MS - 1)) == 3
    assert venue.calls == 1


def test_a_millisecond_that_fills_pages_is_listed_by_the_venues_count() -> None:
    venue = TradeVenue([100, *[200] * 1203, 300])
    assert len(venue.all(0, 1000)) == 1205


def test_a_millisecond_that_the_venue_cannot_list_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(DataError, match="500 or more in the millisecond 200"):
        TradeVenue([100, *[200] * 600, 300]).all(0, 1000, by_serial=False)


def test_a_venue_that_answers_outside_of_the_range_is_not_asked_forever() -> None:
    class Deaf(TradeVenue):
        async def __call__(self, **_: Any) -> list[OwnTrade]:
            return self.trades

    with pytest.raises(DataError, match="got none before"):
        Deaf([2000] * 20).all(0, 1000)


def test_without_times_the_last_week_is_asked_for() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will("GET /futures/api/v2.3/user/trade_history", [])
        assert await client.futures.trade_history("SOL-PERP") == []
        asked = [one.query for one in venue.calls("GET /futures/api/v2.3/user/trade_history")]
        spans = [int(one["endTime"]) - int(one["startTime"]) for one in asked]
        assert sum(spans) + len(spans) == 7 * DAY_MS + 1
        assert all(span <= 7 * DAY_MS for span in spans)
        assert int(asked[-1]["endTime"]) >= client.clock.now_ms

    run(test)
