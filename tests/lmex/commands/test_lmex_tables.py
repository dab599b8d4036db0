"""What the tables of ``hookline lmex`` show of typed answers."""

import json
from decimal import Decimal as D

import pytest
from rich.console import Console

from hookline.model import MarginMode, Side
from hookline_lmex.codes import OrderCode, OrderKind, TriggerKind
from hookline_lmex.results import (
    Asset,
    Balance,
    BookLevel,
    BookSnapshot,
    FuturesWallet,
    MarketSummary,
    OrderState,
    PositionState,
    Price,
)
from hookline_lmex.tables import balance_view, book_view, orders_view, positions_view, ticker_view

NOW = 1_767_225_600 * 10**9
HOUR = 3600 * 10**9


def shown(view, width=100):
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(view.render())
    return [" ".join(line.split()) for line in capture.get().splitlines() if line.strip(" ─")]


def lines(view, width=100):
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(view.render())
    return capture.get().splitlines()


def market(symbol, **more):
    said = {
        "symbol": symbol, "base": "BTC", "quote": "USDT", "last": D("64000.1"), "bid": D(64000), "ask": D("64000.2"),
        "high": D(65000), "low": D(63000), "change_fraction": D("0.0125"), "quote_volume": D(1_000_000),
        "base_volume": None, "is_active": True, "is_open": True, "tick_size": D("0.1"), "min_price": D("0.1"),
        "size_step": D(1), "min_size": D(1), "max_size": D(1000), "contract_size": D("0.001"), "open_interest": D(10),
        "open_interest_notional": D(640), "funding_rate": D("0.0001"), "funding_interval_minutes": 480,
        "next_funding": NOW + 8 * HOUR, "is_dated": False, "contract_start": 0, "contract_end": 0,
        "max_position": D(1), "min_risk_limit": D(1), "max_risk_limit": D(1), "settlement_currencies": ("USDT",),
    }  # fmt: skip
    return MarketSummary(**{**said, **more})


def spot(symbol, **more):
    return market(symbol, **{"contract_size": None, "next_funding": 0, "funding_interval_minutes": 0, **more})


def position(**more):
    said = {
        "symbol": "BTC-PERP", "position_id": "BTC-PERP-USDT", "wallet": "CROSS@", "side": Side.BUY, "contracts": 500,
        "contract_size": D("0.0001"), "entry_price": D("64000.123456789"), "mark_price": D(64100),
        "liquidation_price": None, "notional": D(3205), "unrealized": D("4.99"), "margin_mode": MarginMode.CROSS,
        "isolated_leverage": D(0), "current_leverage": D("1.5"), "maintenance_margin": D(16), "settle_currency": "USDT",
        "is_liquidating": False, "time": NOW, "position_mode": "ONE_WAY", "position_direction": "",
    }  # fmt: skip
    return PositionState(**{**said, **more})


def order(**more):
    said = {
        "status": OrderCode.RESTING, "state": "STATUS_ACTIVE", "order_id": "aaaa", "client_order_id": "hk-1",
        "symbol": "BTC-PERP", "side": Side.SELL, "kind": OrderKind.LIMIT, "price": D("65000.5"), "time": NOW - 90 * 10**9,
        "lifetime": "GTC", "original_size": 500, "size": 500, "remaining": 400, "total_filled": 100,
        "average_price": D(65000), "notional": D(1), "is_trigger": False, "is_triggered": False,
        "trigger_kind": TriggerKind.NONE, "trigger_price": None, "original_trigger_price": None, "trail_value": None, "uses_last_price": False,
        "reduce_only": False, "is_close": False, "contract_size": D("0.0001"),
    }  # fmt: skip
    return OrderState(**{**said, **more})


class TestTicker:
    def test_markets_of_the_most_turnover_come_first(self):
        futures = [market("A-PERP"), market("B-PERP", quote_volume=D(5_000_000))]
        view = ticker_view([spot("C-USDT", quote_volume=D(2_000_000))], futures, {}, 2)
        assert [row["symbol"] for row in view.plain()] == ["B-PERP", "C-USDT"]
        assert shown(view)[-1] == "2 of 3 markets, by turnover of 24 h"

    def test_markets_that_are_not_listed_are_left_out_of_the_top(self):
        view = ticker_view([], [market("A-PERP", is_active=False), market("B-PERP")], {}, 20)
        assert [row["symbol"] for row in view.plain()] == ["B-PERP"]

    def test_a_row_has_prices_on_the_grid_spread_turnover_and_funding(self):
        prices = {"A-PERP": Price("A-PERP", D(64001), D("64000.1"), D("64000.5"))}
        head, row = shown(ticker_view([], [market("A-PERP")], prices, None))
        assert head == "symbol last 24 h % bid ask spread bps mark turnover funding next"
        assert row == "A-PERP 64,000.1 +1.25 64,000.0 64,000.2 0.03 64,000.5 1 M +0.0100% 08:00"

    def test_spot_has_no_funding_and_an_empty_side_no_spread(self):
        view = ticker_view([spot("A-USDT", ask=D(0))], [], {}, 5)
        assert shown(view)[1] == "A-USDT 64,000.1 +1.25 64,000.0 1 M"
        [row] = view.plain()
        assert (row["funding_rate"], row["ask"], row["spread_bps"]) == (None, None, None)

    def test_a_price_off_the_grid_keeps_its_digits(self):
        view = ticker_view([], [market("A-PERP", last=D("64000.1234"))], {}, 5)
        assert "64,000.1234" in shown(view)[1]

    def test_nothing_is_said_in_words(self):
        assert shown(ticker_view([], [], {}, 5)) == ["no such market"]


class TestBook:
    BOOK = BookSnapshot(
        "A-PERP",
        NOW + 123_000_000,
        (BookLevel(D("99.5"), D(20)), BookLevel(D(99), D(100))),
        (BookLevel(D("100.5"), D(10)),),
    )

    def test_sizes_are_base_units_and_notionals_add_up(self):
        rows = book_view(self.BOOK, D("0.1"), 10).plain()
        assert rows == [
            {
                "bid_price": "99.5", "bid_quantity": "2.0", "bid_notional": "199.00",
                "ask_price": "100.5", "ask_quantity": "1.0", "ask_notional": "100.50",
            },
            {
                "bid_price": "99", "bid_quantity": "10.0", "bid_notional": "1189.00",
                "ask_price": None, "ask_quantity": None, "ask_notional": None,
            },
        ]  # fmt: skip

    def test_spot_sizes_are_left_alone(self):
        assert book_view(self.BOOK, None, 1).plain()[0]["bid_quantity"] == "20"

    def test_the_best_prices_are_at_the_top_with_their_spread_below(self):
        title, _, first, *_, spread, time = shown(book_view(self.BOOK, D("0.1"), 10))
        assert (title, first) == ("A-PERP", "199 2.0 99.5 100.5 1.0 100.5")
        assert (spread, time) == ("spread 1.0 or 100.00 bps", "at 2026-01-01T00:00:00Z")

    def test_an_empty_book_is_said(self):
        assert "the book is empty" in shown(book_view(BookSnapshot("A-PERP", NOW, (), ()), None, 5))[0]


class TestPositions:
    def test_a_row_is_in_base_units_and_rounded_to_what_can_be_read(self):
        short = position(
            symbol="ETH-PERP", side=Side.SELL, liquidation_price=D("70000.123456789"), unrealized=D("-0.001"),
            margin_mode=MarginMode.ISOLATED,
        )  # fmt: skip
        rows = shown(positions_view([position(), short]))
        assert rows[1] == "BTC-PERP long 0.0500 64,000.1235 64,100 none 3,205.00 +4.99 cross 1.50x"
        assert rows[2] == "ETH-PERP short 0.0500 64,000.1235 64,100 70,000.1235 3,205.00 0.00 isolated 1.50x"

    def test_a_position_that_is_being_closed_by_the_venue_stands_out(self):
        rows = shown(positions_view([position(is_liquidating=True)]))
        assert "! now" in rows[1]
        assert rows[-1] == "! the venue is closing this position"

    def test_json_keeps_every_digit(self):
        [row] = json.loads(json.dumps(positions_view([position()]).plain()))
        assert (row["entry_price"], row["contracts"], row["direction"]) == ("64000.123456789", 500, "long")
        assert row["liquidation_price"] is None

    def test_none_is_said(self):
        assert shown(positions_view([])) == ["no open position"]


class TestOrders:
    def test_the_oldest_comes_first_with_its_age(self):
        rows = orders_view([order(), order(client_order_id="hk-0", time=NOW - 2 * HOUR)], NOW)
        assert shown(rows)[1:] == [
            "BTC-PERP sell limit 0.0500 0.0100 65,000.5 hk-0 2 h",
            "BTC-PERP sell limit 0.0500 0.0100 65,000.5 hk-1 1 m",
        ]

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ({"kind": OrderKind.MARKET, "is_trigger": True, "trigger_kind": TriggerKind.STOP_LOSS}, "stop"),
            ({"is_trigger": True, "trigger_kind": TriggerKind.TAKE_PROFIT}, "target limit"),
            ({"is_trigger": True, "is_triggered": True, "trigger_kind": TriggerKind.STOP_LOSS}, "limit"),
            ({"kind": OrderKind.MARKET, "is_trigger": True, "trail_value": D(50)}, "trailing stop"),
            ({"reduce_only": True}, "limit reduce"),
            ({"kind": OrderKind.MARKET, "is_trigger": True, "trigger_kind": TriggerKind.STOP_LOSS, "is_close": True}, "stop reduce"),
        ],
    )  # fmt: skip
    def test_what_an_order_is(self, more, words):
        assert orders_view([order(**more)], NOW).plain()[0]["type"] == words

    def test_an_order_of_somebody_elses_making_has_the_venues_id(self):
        assert "(aaaa)" in shown(orders_view([order(client_order_id="")], NOW))[1]

    def test_long_ids_are_folded_and_nothing_is_cut(self):
        long = "0192f5a1-7c3e-7d10-9b52-5f8a6c1d2e3f"
        table = orders_view([order(client_order_id=long, trigger_price=D("61000.5"), reduce_only=True)], NOW)
        drawn = lines(table)
        assert max(map(len, drawn)) <= 100
        assert "…" not in "".join(drawn)
        [first] = [line for line in drawn if "0192f5a1" in line]
        second = drawn[drawn.index(first) + 1]
        assert first.split()[-3] + second.strip() == long


class TestBalance:
    SPOT = (Balance("USDT", D("1000.5"), D(900)), Balance("ETH", D(0), D(0)))
    WALLET = FuturesWallet(
        name="CROSS@", total=D(500), margin_balance=D("501.25"), available=D(400), unrealized=D("1.25"),
        maintenance_margin=D(20), open_margin=D(80), leverage=D(1), in_use=(),
        assets=(Asset("USDT", D(500), D(1)), Asset("BTC", D(0), D(64000))),
    )  # fmt: skip

    def test_wallets_are_apart_and_empty_currencies_left_out(self):
        rows = shown(balance_view(self.SPOT, [self.WALLET]))
        assert rows[2] == "USDT 1,000.5 900 100.5"
        assert rows[-1] == "CROSS@ 501.25 400.00 20.00 80.00 +1.25 500 USDT"
        assert not any("ETH" in row for row in rows)

    def test_json_names_both(self):
        plain = balance_view(self.SPOT, [self.WALLET]).plain()
        assert plain["spot"] == [{"currency": "USDT", "total": "1000.5", "available": "900", "held": "100.5"}]
        assert plain["futures"][0]["assets"] == {"USDT": "500", "BTC": "0"}

    def test_an_empty_account_is_said(self):
        assert shown(balance_view([], [])) == ["spot: nothing", "futures: no wallet"]


@pytest.mark.parametrize(
    "view",
    [
        ticker_view(
            [], [market("K_SHIB-PERP")], {"K_SHIB-PERP": Price("K_SHIB-PERP", D(1), D(1), D("64000.1"))}, None
        ),
        positions_view([position(symbol="K_SHIB-PERP", side=Side.SELL, liquidation_price=D("123456.789"))]),
        orders_view([order(symbol="K_SHIB-PERP", trigger_price=D("61000.5"), reduce_only=True)], NOW),
        balance_view(TestBalance.SPOT, [TestBalance.WALLET]),
        book_view(TestBook.BOOK, D("0.1"), 10),
    ],
    ids=["ticker", "positions", "orders", "balance", "book"],
)
def test_a_table_fits_a_hundred_columns_without_cutting(view):
    drawn = lines(view)
    assert max(map(len, drawn)) <= 100
    assert "…" not in "".join(drawn)
