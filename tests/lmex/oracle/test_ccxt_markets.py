"""Public calls: what ccxt reads of the venue is what the venue knows."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("ccxt")

import ccxt as ccxt_module
from ccxt_venue import COIN, PERP, START, Venue, at_home, oracle, oracle_config, serving

from hookline.model import Side
from hookline.params import PluginUse


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def ccxt(venue: Venue) -> Iterator[Any]:
    with oracle(venue) as client:
        yield client


def test_markets_have_the_venues_terms(ccxt: Any) -> None:
    perpetual, coin = ccxt.market(PERP), ccxt.market(COIN)
    assert (perpetual["contractSize"], perpetual["linear"], perpetual["settle"]) == (0.001, True, "USDT")
    assert perpetual["precision"] == {"amount": 1.0, "price": 0.5}
    assert perpetual["limits"]["amount"]["min"] == 1.0
    assert coin["precision"]["amount"] == coin["limits"]["amount"]["min"] == 0.001
    assert coin["active"]
    assert not coin["contract"]


@pytest.mark.parametrize(("api", "symbol"), [("FuturesApiV23", "BTC-PERP"), ("SpotApiV33", "BTC-USDT")])
def test_prices_are_those_of_the_market(ccxt: Any, venue: Venue, api: str, symbol: str) -> None:
    (row,) = getattr(ccxt, f"publicGet{api}MarketSummary")({"symbol": symbol, "listFullAttributes": "true"})
    (price,) = getattr(ccxt, f"publicGet{api}Price")({"symbol": symbol})
    state = venue.emulator.exchange.states[symbol]
    assert ccxt.safe_number(row, "last") == ccxt.safe_number(price, "lastPrice") == state.last == 100.5
    assert ccxt.safe_number(row, "highestBid") == 99.5
    assert ccxt.safe_number(row, "lowestAsk") == 100.5
    # Spot has no mark price; the venue says 0 there.
    assert ccxt.safe_number(price, "markPrice") == (state.fair if symbol == "BTC-PERP" else 0)


@pytest.mark.parametrize(
    ("api", "market", "unit"), [("FuturesApiV23", PERP, 0.001), ("SpotApiV33", COIN, 1.0)]
)
def test_books_are_read_by_both_names_of_levels(
    ccxt: Any, venue: Venue, api: str, market: str, unit: float
) -> None:
    symbol = ccxt.safe_string(ccxt.market(market)["info"], "tradeCurrency")
    answer = getattr(ccxt, f"publicGet{api}OrderbookL2")({"symbol": symbol, "depth": 50})
    book = ccxt.parse_order_book(
        answer, market, answer["timestamp"], "buyQuote", "sellQuote", "price", "size"
    )
    assert [len(book[side]) for side in ("bids", "asks")] == [50, 50]
    assert book["bids"][:2] == [[99.5, 1.0 / unit], [99.0, 2.0 / unit]]
    assert book["asks"][:2] == [[100.5, 1.0 / unit], [101.0, 2.0 / unit]]
    assert book["timestamp"] == venue.emulator.clock.now // 10**6
    # The levels that are read, in base units, are those that the exchange matches against.
    state = venue.emulator.exchange.states[symbol]
    levels = venue.ask(lambda: [state.levels(side, 50) for side in (Side.BUY, Side.SELL)])
    found = [[(price, size * unit) for price, size in book[side]] for side in ("bids", "asks")]
    assert found == [[(price, pytest.approx(quantity)) for price, quantity in side] for side in levels]


@pytest.mark.parametrize(
    ("api", "market", "unit"), [("FuturesApiV23", PERP, 0.001), ("SpotApiV33", COIN, 1.0)]
)
def test_trades_are_counted_in_contracts_on_futures(
    ccxt: Any, venue: Venue, api: str, market: str, unit: float
) -> None:
    venue.step(4)
    symbol = ccxt.safe_string(ccxt.market(market)["info"], "tradeCurrency")
    rows = getattr(ccxt, f"publicGet{api}Trades")({"symbol": symbol, "count": 500})
    trades = ccxt.parse_trades(rows, ccxt.market(market))
    truth = venue.ask(lambda: list(venue.emulator.exchange.states[symbol].trades))
    assert len(trades) == len(truth) >= 2
    for found, true in zip(trades, truth, strict=True):
        assert (found["id"], found["side"]) == (str(true.trade_id), "buy")
        assert found["timestamp"] == true.trade.venue_time // 10**6
        assert found["price"] == true.trade.price
        assert found["amount"] * unit == pytest.approx(true.trade.quantity)
        # ccxt values contracts by their size: the cost is money in both products.
        assert found["cost"] == pytest.approx(true.trade.price * true.trade.quantity)


@pytest.mark.parametrize(("api", "market"), [("FuturesApiV23", PERP), ("SpotApiV33", COIN)])
def test_candles_are_in_seconds_and_their_volume_is_turnover(ccxt: Any, api: str, market: str) -> None:
    symbol = ccxt.safe_string(ccxt.market(market)["info"], "tradeCurrency")
    span = {"start": START // 10**6 - 3 * 60_000, "end": START // 10**6 - 1}
    rows = getattr(ccxt, f"publicGet{api}Ohlcv")({"symbol": symbol, "resolution": 1} | span)
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), reverse=True)  # newest first
    candles = ccxt.parse_ohlcvs(rows, ccxt.market(market))
    assert [candle[0] for candle in candles] == [span["start"] + step * 60_000 for step in range(3)]
    assert candles[0][1:5] == [95.7, 100.7, 85.0, 96.7]
    # Two coins at the typical price, in money; ccxt says nothing of the unit and hands it on as "volume".
    assert candles[0][5] == pytest.approx(2 * (100.7 + 85.0 + 96.7) / 3)


def test_the_time_is_told_in_seconds(ccxt: Any, venue: Venue) -> None:
    # ccxt reads the field of whole seconds; the reference takes the milliseconds from the text, and is right that they are there.
    assert ccxt.fetch_time() == venue.emulator.clock.now // 10**9 * 1000
    assert ccxt.parse8601(ccxt.publicGetSpotApiV33Time()["iso"]) // 1000 * 1000 == ccxt.fetch_time()


def test_margin_tiers_are_as_the_market_has_them(ccxt: Any) -> None:
    answer = ccxt.publicGetFuturesApiV23MarketRiskLimit({"symbol": "BTC-PERP"})
    rows = [{name: ccxt.safe_number(row, name) for name in row if name != "symbol"} for row in answer["data"]]
    assert [(one["riskLimitValue"], one["maintenanceMarginRate"], one["maxLeverage"]) for one in rows] == [
        (50_000.0, 0.005, 50.0),
        (900_000_000.0, 0.01, 20.0),
    ]
    assert [one["initialMarginRate"] for one in rows] == [0.02, 0.05]


def test_funding_is_in_seconds_by_symbol() -> None:
    base = oracle_config().markets[0]
    hourly = replace(base, tape=[], timeframe="1h", funding_rate=Decimal("-0.0002"))
    config = oracle_config(markets=[hourly], feed=PluginUse("hours"))
    with serving(config) as venue:
        venue.step(15)
        client = at_home(ccxt_module.btse(), venue.emulator.rest_url, venue.emulator.clock.now // 10**6)
        try:
            rows = client.publicGetFuturesApiV23FundingHistory({"symbol": "BTC-PERP"})["BTC-PERP"]
            (market,) = client.publicGetFuturesApiV23MarketSummary({"listFullAttributes": "true"})
        finally:
            client.session.close()
    # ccxt's parser is of the newer history, which has milliseconds and another name of the time; here it is seconds.
    assert [(row["time"], row["rate"]) for row in rows] == [
        (START // 10**9 + 16 * 3600, -0.0002), (START // 10**9 + 8 * 3600, -0.0002)
    ]  # fmt: skip
    running = client.parse_funding_rate(market | {"nextFundingTime": market["fundingTime"]})
    assert (running["fundingRate"], running["interval"]) == (-0.0002, "8h")
    assert running["nextFundingTimestamp"] == START // 10**6 + 24 * 3_600_000


def test_what_is_wrong_is_an_error_of_ccxt(ccxt: Any) -> None:
    with pytest.raises(
        ccxt_module.ExchangeError, match="NOPEPFC"
    ):  # the venue names the old form of the symbol
        ccxt.publicGetFuturesApiV23OrderbookL2({"symbol": "NOPE-PERP"})
    with pytest.raises(ccxt_module.ExchangeError, match="too small"):
        ccxt.publicGetSpotApiV33Ohlcv(
            {"symbol": "BTC-USDT", "resolution": 1, "start": START // 10**6 - 400 * 60_000}
        )
    with pytest.raises(ccxt_module.ExchangeError):
        ccxt.publicGetFuturesApiV23Price({"symbol": "NOPE-PERP"})
