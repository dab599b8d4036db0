"""Answers about markets in the venue's published shapes, with values made up here."""

from decimal import Decimal
from typing import Any

import pytest
from scripted_venue import Says, ScriptedVenue, run

from hookline.errors import ConfigError
from hookline.model import Side
from hookline_lmex.client import LmexClient
from hookline_lmex.errors import LmexMalformed, LmexRefused

SPOT = "/spot/api/v3.3"
FUTURES = "/futures/api/v2.3"

SPOT_SUMMARY = {
    "symbol": "SOL-USDT", "last": 142.37, "lowestAsk": 142.38, "highestBid": 142.36, "percentageChange": -2.5,
    "volume": 812345.6, "high24Hr": 147.02, "low24Hr": 140.11, "base": "SOL", "quote": "USDT", "active": True,
    "size": 5688.12, "minValidPrice": 0.01, "minPriceIncrement": 0.01, "minOrderSize": 1e-3, "maxOrderSize": 25000,
    "minSizeIncrement": 1e-05, "openInterest": 0, "openInterestUSD": 0, "contractStart": 0, "contractEnd": 0,
    "timeBasedContract": False, "openTime": 0, "closeTime": 0, "startMatching": 0, "inactiveTime": 0, "fundingRate": 0,
    "contractSize": 0, "maxPosition": 0, "minRiskLimit": 0, "maxRiskLimit": 0, "availableSettlement": None,
    "futures": False, "isMarketOpenToOtc": True, "isMarketOpenToSpot": True, "somethingNew": {"of": "tomorrow"},
}  # fmt: skip
FUTURES_SUMMARY = {
    "symbol": "SOL-PERP", "last": 142.41, "lowestAsk": 142.42, "highestBid": 142.4, "openInterest": 731204,
    "openInterestUSD": 1041307.6, "percentageChange": 0.75, "volume": 9812345.25, "high24Hr": 147.1, "low24Hr": 140.2,
    "base": "SOL", "quote": "USDT", "contractStart": 0, "contractEnd": 0, "active": True, "timeBasedContract": False,
    "openTime": 0, "closeTime": 0, "startMatching": 0, "inactiveTime": 0, "fundingRate": -0.000021, "contractSize": 0.01,
    "maxPosition": 20000000, "minValidPrice": 0.01, "minPriceIncrement": 0.01, "minOrderSize": 1, "maxOrderSize": 400000,
    "minRiskLimit": 250000, "maxRiskLimit": 20000000, "minSizeIncrement": 1, "availableSettlement": ["USDT", "USDC"],
    "fundingIntervalMinutes": 240, "fundingTime": 1772611200000,
}  # fmt: skip


def test_spot_markets() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {SPOT}/market_summary", [SPOT_SUMMARY])
        (found,) = await client.spot.market_summary("SOL-USDT", full=True)
        assert (found.symbol, found.base, found.quote) == ("SOL-USDT", "SOL", "USDT")
        assert (found.bid, found.ask, found.last) == (Decimal("142.36"), Decimal("142.38"), Decimal("142.37"))
        assert found.change_fraction == Decimal("-0.025")
        assert (found.quote_volume, found.base_volume) == (Decimal("812345.6"), Decimal("5688.12"))
        assert (found.size_step, found.min_size) == (Decimal("0.00001"), Decimal("0.001"))
        assert found.contract_size is None
        assert found.is_open
        assert venue.calls(f"GET {SPOT}/market_summary")[0].query == {"symbol": "SOL-USDT"}

    run(test)


def test_a_spot_market_whose_book_is_closed_is_listed_and_not_open() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {SPOT}/market_summary", [SPOT_SUMMARY | {"isMarketOpenToSpot": False}])
        (found,) = await client.spot.market_summary()
        assert (found.is_active, found.is_open) == (True, False)

    run(test)


def test_futures_markets_without_the_fields_that_only_the_documentation_has() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {FUTURES}/market_summary", [FUTURES_SUMMARY])
        (found,) = await client.futures.market_summary("SOL-PERP", full=True)
        assert found.contract_size == Decimal("0.01")
        assert (found.base_volume, found.open_interest) == (None, 731204)
        assert (found.funding_rate, found.funding_interval_minutes) == (Decimal("-0.000021"), 240)
        assert found.next_funding == 1772611200000 * 1_000_000
        assert found.settlement_currencies == ("USDT", "USDC")
        assert found.is_open
        asked = venue.calls(f"GET {FUTURES}/market_summary")[0]
        assert asked.query == {"symbol": "SOL-PERP", "listFullAttributes": "true"}

    run(test)


def test_a_dated_contract_has_its_times_in_seconds() -> None:
    row = FUTURES_SUMMARY | {
        "symbol": "SOL-261225", "contractStart": 1766649600, "contractEnd": 1798185600, "timeBasedContract": True,
    }  # fmt: skip

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {FUTURES}/market_summary", [row])
        (found,) = await client.product("SOL-261225").market_summary()
        assert found.is_dated
        assert (found.contract_start, found.contract_end) == (1766649600 * 10**9, 1798185600 * 10**9)

    run(test)


def test_bars_come_oldest_first() -> None:
    rows = [[1772604000, 142.4, 143, 142.1, 142.9, 50321.5], [1772600400, 141, 142.5, 1.4e2, 142.4, "0"]]

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {FUTURES}/ohlcv", rows)
        first, last = await client.futures.ohlcv("SOL-PERP", 60, 1772600400000, 1772604000000)
        assert (first.start, last.start) == (1772600400 * 10**9, 1772604000 * 10**9)
        assert (first.low, first.volume, last.close) == (140, 0, Decimal("142.9"))
        assert venue.asked[-1].query == {
            "symbol": "SOL-PERP", "resolution": "60", "start": "1772600400000", "end": "1772604000000",
        }  # fmt: skip

    run(test)


def test_prices() -> None:
    row = {"symbol": "SOL-PERP", "indexPrice": 142.3987, "lastPrice": 142.41, "markPrice": 142.4001}

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {FUTURES}/price", [row], [row | {"symbol": "ETH-PERP"}, row], [])
        assert (await client.futures.price("SOL-PERP")).mark == Decimal("142.4001")
        assert (await client.futures.price("SOL-PERP")).symbol == "SOL-PERP"
        with pytest.raises(LmexMalformed, match="0 prices of 'SOL-PERP'"):
            await client.futures.price("SOL-PERP")

    run(test)


BOOK = {
    "symbol": "SOL-PERP", "buyQuote": [{"price": "142.40", "size": "310"}, {"price": "142.39", "size": "77"}],
    "sellQuote": [{"price": "142.42", "size": "1200"}, {"price": "142.50", "size": "9"}], "timestamp": 1772604000456,
}  # fmt: skip


@pytest.mark.parametrize(
    "book",
    [
        BOOK | {"depth": 2},
        BOOK | {"sellQuote": BOOK["sellQuote"][::-1]},  # type: ignore[index]
        {
            "symbol": "SOL-PERP", "timestamp": 1772604000456, "bids": [["142.40", "310"], ["142.39", "77"]],
            "asks": [["142.50", "9"], ["142.42", "1200"]],
        },
    ],
)  # fmt: skip
def test_a_book_has_its_best_levels_first_whatever_its_shape(book: Any) -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {FUTURES}/orderbook/L2", book)
        venue.will(f"GET {FUTURES}/orderbook", book)
        found = await client.futures.order_book("SOL-PERP", depth=2)
        assert [(level.price, level.size) for level in found.bids] == [
            (Decimal("142.40"), 310), (Decimal("142.39"), 77),
        ]  # fmt: skip
        assert [level.price for level in found.asks] == [Decimal("142.42"), Decimal("142.50")]
        assert found.time == 1772604000456 * 1_000_000
        assert await client.futures.grouped_book("SOL-PERP", group=3) == found
        assert venue.calls(f"GET {FUTURES}/orderbook")[0].query == {"symbol": "SOL-PERP", "group": "3"}

    run(test)


def test_prints_come_oldest_first_and_by_number_inside_a_millisecond() -> None:
    def one(serial: int, timestamp: int) -> dict[str, Any]:
        return {
            "price": 142.405, "size": 12, "side": "SELL", "symbol": "SOL-PERP", "serialId": serial, "timestamp": timestamp,
        }  # fmt: skip

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {FUTURES}/trades", [one(9, 200), one(6, 100), one(7, 100)])
        found = await client.futures.trades("SOL-PERP", count=3, before_serial=10, include_old=True)
        assert [trade.number for trade in found] == [6, 7, 9]
        assert found[0].side is Side.SELL
        assert venue.asked[-1].query == {
            "symbol": "SOL-PERP", "count": "3", "beforeSerialId": "10", "includeOld": "true",
        }  # fmt: skip
        venue.will(f"GET {SPOT}/trades", [one(1, 5)])
        assert (await client.spot.trades("SOL-USDT"))[0].price == Decimal("142.405")

    run(test)


def test_funding_is_sorted_whatever_its_order() -> None:
    points = [
        {"time": 1772582400, "rate": 1.2e-05, "symbol": "SOL-PERP"},
        {"time": 1772596800, "rate": -0.00004, "symbol": "SOL-PERP"},
        {"time": 1772553600, "rate": 0.0001, "symbol": "SOL-PERP"},
    ]

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {FUTURES}/funding_history", {"SOL-PERP": points}, points, {})
        for _ in range(2):
            found = await client.futures.funding_history("SOL-PERP", count=3)
            assert [point.rate for point in found] == [
                Decimal("0.0001"), Decimal("0.000012"), Decimal("-0.00004"),
            ]  # fmt: skip
            assert found[0].time == 1772553600 * 10**9
        assert await client.futures.funding_history("SOL-PERP", start_ms=1, end_ms=2) == []
        assert venue.asked[-1].query == {"symbol": "SOL-PERP", "from": "1", "to": "2"}

    run(test)


def test_margin_tiers_and_how_they_fail() -> None:
    rows = [
        {
            "symbol": "SOL-PERP", "riskLevel": 2, "riskLimitValue": 500000, "initialMarginRate": 0.04,
            "maintenanceMarginRate": 0.02, "maxLeverage": 25,
        },
        {
            "symbol": "SOL-PERP", "riskLevel": 1, "riskLimitValue": 250000, "initialMarginRate": 0.02,
            "maintenanceMarginRate": 0.01, "maxLeverage": 50,
        },
    ]  # fmt: skip
    failure = {"code": -2, "msg": "Not a market", "time": 1772604000456, "data": None, "success": False}

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        envelope = {"code": 1, "msg": "Success", "time": 1772604000456, "data": rows, "success": True}
        venue.will(f"GET {FUTURES}/market/risk_limit", envelope, failure, Says(failure, 400))
        first, second = await client.futures.risk_limits("SOL-PERP")
        assert (first.level, first.notional_limit, first.max_leverage) == (1, 250000, 50)
        assert (second.initial_margin, second.maintenance_margin) == (Decimal("0.04"), Decimal("0.02"))
        for _ in range(2):
            with pytest.raises(LmexRefused, match="Not a market"):
                await client.futures.risk_limits("NO-PERP")

    run(test)


def test_public_lists_of_the_wallet_service() -> None:
    networks = {
        "code": 1, "msg": "Success", "success": True,
        "data": [{"network": "ARBITRUM", "withdrawFee": "0.8", "minWithdraw": "5", "isOpen": True}],
    }  # fmt: skip
    rate = {"code": 1, "msg": "Success", "success": True, "data": {"rate": "142.4"}}

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will("GET /public-api/wallet/v1/crypto/networks", networks)
        venue.will("GET /public-api/wallet/v1/assets/exchangeRate", rate)
        venue.will("GET /spot/api/v3.2/availableCurrencies", ["SOL", "USDT"])
        (network,) = await client.spot.networks("SOL")
        assert (network.name, network.fields["withdrawFee"]) == ("ARBITRUM", "0.8")
        assert await client.spot.exchange_rate("SOL", "USDT", Decimal("1.5")) == Decimal("142.4")
        assert venue.asked[-1].query == {"baseCurrency": "SOL", "amount": "1.5", "quoteCurrency": "USDT"}
        assert await client.spot.available_currencies() == ["SOL", "USDT"]

    run(test, is_private=False)


def test_a_timeframe_that_the_venue_has_not_is_named() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        with pytest.raises(ConfigError, match=r"timeframe must be one of 1m, 5m.*was '3m'"):
            await client.spot.bars("SOL-USDT", "3m", 0, 10**18)

    run(test)
