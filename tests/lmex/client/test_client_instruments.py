"""Instruments, settings and credentials."""

from decimal import Decimal
from typing import Any

import pytest
from test_client_market_shapes import FUTURES_SUMMARY, SPOT_SUMMARY

from hookline.errors import ConfigError, DataError
from hookline.model import InstrumentKind, MarginMode, PositionMode, TierStyle
from hookline_lmex.client import is_futures_symbol
from hookline_lmex.credentials import Credentials, read_credentials
from hookline_lmex.endpoints import Parsed
from hookline_lmex.instruments import fee_of, instrument_of, margin_tiers
from hookline_lmex.parse_market import futures_summaries, spot_summaries
from hookline_lmex.results import Fee, RiskTier
from hookline_lmex.settings import Settings


def tier(
    level: int, limit: int, initial: str, maintenance: str, leverage: int, symbol: str = "SOL-PERP"
) -> RiskTier:
    return RiskTier(symbol, level, Decimal(limit), Decimal(initial), Decimal(maintenance), Decimal(leverage))


TIERS = [
    tier(2, 500000, "0.04", "0.02", 25),
    tier(1, 250000, "0.02", "0.01", 50),
    tier(1, 9, "0.1", "0.05", 10, "X-PERP"),
]


def test_a_perpetual_counts_base_units_in_lots_of_contracts() -> None:
    (summary,) = futures_summaries(
        Parsed("", [FUTURES_SUMMARY | {"minSizeIncrement": 5, "minOrderSize": 10}])
    )
    found = instrument_of(
        summary, TIERS, leverage=Decimal(5), margin_mode=MarginMode.ISOLATED, position_mode=PositionMode.HEDGE
    )
    assert found.kind is InstrumentKind.PERPETUAL
    assert (found.contract_size, found.lot_size, found.min_quantity) == (
        Decimal("0.01"), Decimal("0.05"), Decimal("0.10"),
    )  # fmt: skip
    assert found.contracts(3) == 15
    assert (found.min_notional, found.tick_size) == (5, Decimal("0.01"))
    assert [(tier.up_to, tier.maintenance, tier.max_leverage) for tier in found.margin_tiers] == [
        (250000, Decimal("0.01"), 50), (500000, Decimal("0.02"), 25),
    ]  # fmt: skip
    assert found.tier_style is TierStyle.FLAT
    assert (found.leverage, found.position_mode) == (5, PositionMode.HEDGE)


def test_spot_counts_base_units() -> None:
    (summary,) = spot_summaries(Parsed("", SPOT_SUMMARY))
    found = instrument_of(summary, min_notional=Decimal(7), venue="lmex")
    assert found.kind is InstrumentKind.SPOT
    assert (found.lot_size, found.min_quantity, found.min_notional) == (
        Decimal("0.00001"), Decimal("0.001"), 7,
    )  # fmt: skip
    assert (found.base, found.quote, found.venue) == ("SOL", "USDT", "lmex")
    assert found.contract_size is None
    assert str(found.lot_size) == "0.00001"


@pytest.mark.parametrize("symbol", ["K_PEPE-PERP", "M_SHIB-PERP", "B_X-PERP"])
def test_a_symbol_with_a_multiplier_stays_as_it_is(symbol: str) -> None:
    (summary,) = futures_summaries(Parsed("", [FUTURES_SUMMARY | {"symbol": symbol, "base": "PEPE"}]))
    assert instrument_of(summary).symbol == symbol


def test_terms_that_make_no_sense_are_the_venues() -> None:
    (summary,) = futures_summaries(Parsed("", [FUTURES_SUMMARY | {"minPriceIncrement": 0}]))
    with pytest.raises(
        DataError, match=r"terms of .SOL-PERP. at the venue: SOL-PERP\.tick_size: must be above 0"
    ):
        instrument_of(summary)


def test_no_more_leverage_than_the_initial_margin_allows() -> None:
    (only,) = margin_tiers("SOL-PERP", [tier(1, 100, "0.05", "0.02", 50)])
    assert only.max_leverage == 20


def test_fees_that_are_missing_are_not_taken_for_none() -> None:
    fee = Fee("SOL-PERP", Decimal("0.0001"), Decimal("0.0006"))
    assert fee_of("SOL-PERP", [fee]) is fee
    with pytest.raises(DataError, match="fees of 'X-PERP': must be there"):
        fee_of("X-PERP", [fee])


@pytest.mark.parametrize(
    ("symbol", "is_futures"),
    [
        ("SOL-PERP", True),
        ("K_PEPE-PERP", True),
        ("SOL-261225", True),
        ("SOL-USDT", False),
        ("PERP-USDT", False),
    ],
)
def test_the_symbol_names_the_product(symbol: str, is_futures: bool) -> None:
    assert is_futures_symbol(symbol) is is_futures


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rest_url": "ftp://x"}, "rest_url: must begin with https:// or http://, was 'ftp://x'"),
        ({"socket_url": "https://x"}, "socket_url: must begin with wss:// or ws://"),
        ({"order_rate": 0}, "order_rate: must be above 0, was 0"),
        ({"retries": -1}, "retries: must be 0 or more, was -1"),
        ({"volume_unit": "coins"}, "volume_unit: must be 'quote', 'base' or 'contracts', was 'coins'"),
        ({"clock_speed": float("nan")}, "clock_speed: must be above 0, was nan"),
    ],
)
def test_settings_that_cannot_be_used_are_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Settings(**fields)


def test_settings_take_what_a_plugin_has() -> None:
    class Plugin:
        rest_url = "http://127.0.0.1:9/"
        order_rate = 3.0
        other = "thing"

    assert Settings.of(Plugin()) == Settings(rest_url="http://127.0.0.1:9", order_rate=3.0)


def test_credentials_come_from_the_environment_both_or_none() -> None:
    assert read_credentials(environ={}) is None
    found = read_credentials("A", "B", environ={"A": " the-key ", "B": "the-secret\n"})
    assert isinstance(found, Credentials)
    assert (found.key, found.secret) == ("the-key", "the-secret")
    with pytest.raises(
        ConfigError, match="environment: LMEX_API_SECRET must be set as LMEX_API_KEY is, was empty"
    ):
        read_credentials(environ={"LMEX_API_KEY": "hidden-value"})
    with pytest.raises(ConfigError, match="environment: A must be plain") as caught:
        read_credentials("A", "B", environ={"A": "two words", "B": "hidden-value"})
    assert "two words" not in str(caught.value)
