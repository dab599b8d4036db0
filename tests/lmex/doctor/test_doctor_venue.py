"""What the LMEX broker finds of host, sockets, key, markets and account: each finding well, and not."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from doctor_venue import KEY, SECRET, TERMS, NowFeed, act, examined, open_venue, venue_config

from hookline.diagnosis import Finding
from hookline.model import Instrument, InstrumentKind, MarginMode, PositionMode, Side
from hookline_lmex import doctor, doctor_sockets, limits
from hookline_lmex.codes import OrderKind, PositionModeName
from hookline_lmex.doctor_remedies import remedy_of
from hookline_lmex.emulator import AccountConfig, Emulator, RateRules
from hookline_lmex.emulator.terms import Permission
from hookline_lmex.endpoints import Endpoint
from hookline_lmex.errors import LmexLimited, LmexRefused, LmexUnauthorized
from hookline_lmex.futures import FuturesApi
from hookline_lmex.http import Transport
from hookline_lmex.requests import NewOrder

PERP = Instrument(
    "BTC-PERP",
    InstrumentKind.PERPETUAL,
    **TERMS,
    contract_size=Decimal("0.001"),
    margin_mode=MarginMode.ISOLATED,
)
COIN = Instrument("BTC-USDT", **TERMS)
METER_OF = limits._meter_of
BUY = NewOrder(symbol="BTC-PERP", side=Side.BUY, kind=OrderKind.MARKET, size=100)
REST = NewOrder(symbol="BTC-PERP", side=Side.BUY, price=Decimal(900), size=100)


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    """A venue that tests look at, and leave as it was."""
    with open_venue() as emulator:
        yield emulator


@pytest.fixture
def venue() -> Iterator[Emulator]:
    """A venue of one test."""
    with open_venue() as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMEX_API_KEY", KEY)
    monkeypatch.setenv("LMEX_API_SECRET", SECRET)
    monkeypatch.setattr(doctor, "_TRIPS", 2)
    monkeypatch.setattr(doctor, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(limits, "_meter_of", lambda *_: limits.Meter(1000.0))  # these venues have no limits


def states(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: one.state for name, one in findings.items()}


def test_a_venue_where_all_is_well(shared: Emulator) -> None:
    found = examined(shared, "BTC-PERP", "BTC-USDT")
    assert set(states(found).values()) == {"ok"}
    assert found["connection"].text == f"{shared.rest_url} answers"
    assert "median" in found["latency"].text
    assert "accepts the key" in found["futures socket"].text
    assert "accepts the key" in found["spot socket"].text
    assert found["rate limits"].text.startswith(
        "configured: 15 queries of one kind, 30 queries in all, 75 order calls"
    )
    rules = found["BTC-PERP rules"].text
    assert "tick 0.5, lot 0.001 BTC, contract 0.001, orders of 0.001 to 6000 BTC, worth 5 USDT" in rules
    assert "leverage to 50x" in rules
    assert found["futures balance"].text.startswith("100,000.00 USDT")
    assert found["BTC-PERP fees"].text == "maker 2 bps, taker 6 bps"
    assert "no order and no position" in found["open orders"].text
    assert "leave them off" in found["permission Read"].text
    assert found["permission Trading"].text == "given for futures and spot"


def test_nothing_is_left_behind_by_an_examination(venue: Emulator) -> None:
    before = venue.exchange.truth("patient")
    examined(venue, terms={"BTC-PERP": PERP}, leverage=3)
    after = venue.exchange.truth("patient")
    assert after == before
    assert after.orders == ()
    act(venue, has_default_leverage)


async def has_default_leverage(client: Any) -> None:
    (setting,) = await client.futures.leverage("BTC-PERP")
    assert (setting.leverage, setting.margin_mode) == (0, MarginMode.CROSS)


def test_only_questions_are_asked(venue: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    exchange = Transport._exchange

    async def noting(self: Transport, endpoint: Endpoint, *rest: Any) -> Any:
        asked.append(endpoint.where)
        return await exchange(self, endpoint, *rest)

    monkeypatch.setattr(Transport, "_exchange", noting)
    examined(venue, terms={"BTC-PERP": PERP, "BTC-USDT": COIN}, leverage=3)
    assert {"GET /futures/api/v2.3/order", "GET /spot/api/v3.3/order"} <= set(asked)
    assert {where.partition(" ")[0] for where in asked} == {"GET"}


def test_the_markets_with_the_most_turnover_are_chosen_where_none_is_named(shared: Emulator) -> None:
    from hookline import plugins

    hosts = {"rest_url": shared.rest_url, "socket_url": shared.socket_url}
    broker = plugins.build("brokers", "lmex", hosts, "broker")
    names = [one.name for one in asyncio.run(broker.diagnose({}))]
    assert {"BTC-PERP rules", "BTC-USDT rules"} <= set(names)


# -- the way there -----------------------------------------------------------------------------------------------------


def test_a_host_that_does_not_answer_is_one_finding(shared: Emulator) -> None:
    found = examined(shared, rest_url="http://127.0.0.1:9")
    assert states(found) == {"connection": "fail"}
    assert "network" in found["connection"].fix


def test_a_clock_that_is_off_is_told(venue: Emulator) -> None:
    assert examined(venue)["clock"].state == "ok"
    venue.faults.set("clock_skew", 5000)
    clock = examined(venue)["clock"]
    assert clock.state == "warn"
    assert "behind the venue" in clock.text
    assert "NTP" in clock.fix
    venue.faults.set("clock_skew", -5000)
    assert "ahead of the venue" in examined(venue)["clock"].text


def test_a_clock_that_runs_faster_on_purpose_is_not_compared(shared: Emulator) -> None:
    found = examined(shared, clock_speed=60.0)["clock"]
    assert (found.state, "60 times as fast" in found.text) == ("ok", True)


def test_slow_answers_are_told(shared: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_SLOW_SECONDS", 1e-9)
    found = examined(shared)["latency"]
    assert found.state == "warn"
    assert "nearer" in found.fix


@pytest.mark.parametrize(
    ("fault", "why"), [("refuse_sockets", "HTTP 503"), ("half_open", "no answer within 0.3 s")]
)
def test_sockets_that_cannot_be_used_are_told(
    venue: Emulator, monkeypatch: pytest.MonkeyPatch, fault: str, why: str
) -> None:
    monkeypatch.setattr(doctor_sockets, "_SECONDS", 0.3)
    venue.faults.set(fault)
    found = examined(venue)["futures socket"]
    assert (found.state, why in found.text) == ("fail", True)
    assert "firewall" in found.fix


def test_a_host_without_sockets_is_told(shared: Emulator) -> None:
    assert examined(shared, socket_url="ws://127.0.0.1:9")["futures socket"].state == "fail"


def test_rates_above_what_the_venue_documents_are_told(shared: Emulator) -> None:
    found = examined(shared, order_rate=500.0)["rate limits"]
    assert (found.state, found.fix) == ("warn", "set order_rate: 75")


def test_an_examination_keeps_the_venues_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_TRIPS", 7)
    monkeypatch.setattr(limits, "_meter_of", METER_OF)
    with open_venue(limits=RateRules()) as venue:
        found = examined(venue, "BTC-PERP", "BTC-USDT")
        assert set(states(found).values()) == {"ok"}


def test_a_ban_is_told(venue: Emulator) -> None:
    venue.faults.set("ban", 600)
    found = examined(venue)
    assert states(found) == {"connection": "fail"}
    assert "make no calls for" in found["connection"].fix


# -- the key -----------------------------------------------------------------------------------------------------------


def test_without_a_key_the_public_part_is_examined(shared: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LMEX_API_KEY")
    monkeypatch.delenv("LMEX_API_SECRET")
    found = examined(shared)
    assert states(found) == {
        "connection": "ok", "clock": "ok", "latency": "ok", "futures socket": "ok", "rate limits": "ok", "BTC-PERP rules": "ok",
        "key": "warn",
    }  # fmt: skip
    assert "only what needs no key was examined" in found["key"].text
    assert "LMEX_API_KEY and LMEX_API_SECRET" in found["key"].fix
    assert examined(shared, terms={"BTC-PERP": PERP})["key"].state == "fail"  # a session cannot trade without


def test_half_a_key_is_told_by_the_name_of_the_other_half(
    shared: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LMEX_API_SECRET")
    assert "LMEX_API_SECRET must be set" in examined(shared)["key"].text


def test_other_variables_are_named_where_the_broker_reads_those(shared: Emulator) -> None:
    found = examined(shared, key_env="SECOND_KEY", secret_env="SECOND_SECRET")["key"]
    assert "set SECOND_KEY and SECOND_SECRET" in found.fix


def test_a_wrong_secret_is_told(shared: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMEX_API_SECRET", "another-one")
    found = examined(shared)
    assert (found["key"].state, found["futures socket"].state) == ("fail", "fail")
    assert "does not accept" in found["key"].text
    assert "passphrase" in found["key"].fix
    assert "IP addresses" in found["key"].fix
    assert "refuses the key" in found["futures socket"].text
    assert "permission Trading" not in found


def test_what_is_wrong_has_its_own_remedy() -> None:
    nonce = LmexUnauthorized("GET /x", "Invalid nonce", status=401)
    assert "clock" in remedy_of(nonce)
    assert "7 s" in remedy_of(LmexLimited("GET /x", "too many", retry_seconds=7.0, status=429))
    assert remedy_of(LmexRefused("GET /x", "something else")) == ""


@pytest.mark.parametrize(("given", "missing"), [(Permission.READ, "Trading"), (Permission.TRADING, "Read")])
def test_a_missing_permission_is_told(given: Permission, missing: str) -> None:
    with open_venue(accounts=[AccountConfig("patient", KEY, SECRET, permissions=[given])]) as venue:
        found = examined(venue)
    lacking = found[f"permission {missing}"]
    assert (lacking.state, found["key"].state) == ("fail", "ok")
    assert "missing" in lacking.text
    assert "tick the permission" in lacking.fix


def test_an_answer_that_leaves_the_permission_open_is_told(venue: Emulator) -> None:
    venue.faults.set("error_before", 400, only="GET /futures/api/v2.3/order")
    found = examined(venue)["permission Trading"]
    assert found.state == "warn"
    assert "not known for futures" in found.text


def test_a_venue_that_fails_is_told_and_the_rest_goes_on(venue: Emulator) -> None:
    venue.faults.set("error_before", 503, only="GET /futures/api/v2.3/user/fees")
    found = examined(venue)
    assert [name for name, state in states(found).items() if state != "ok"] == ["BTC-PERP fees"]
    venue.faults.set("error_before", 503, only="GET /futures/api/v2.3/user/positions")
    assert "not examined" in examined(venue)["key"].text


# -- markets -----------------------------------------------------------------------------------------------------------


def test_markets_that_are_not_there_are_told(shared: Emulator) -> None:
    found = examined(shared, "BTC-PERP", "NONE-PERP")
    assert found["NONE-PERP rules"].state == "fail"
    assert "lists no such market" in found["NONE-PERP rules"].text
    assert found["BTC-PERP rules"].state == "ok"


def test_a_market_that_is_delisted_is_told() -> None:
    config = venue_config(NowFeed())
    markets = [replace(config.markets[0], listed=False), config.markets[1]]
    with open_venue(markets=markets) as venue:
        assert examined(venue)["BTC-PERP rules"].state == "fail"


@pytest.mark.parametrize("terms", [{"tick_size": Decimal("0.1")}, {"lot_size": Decimal("0.002")}])
def test_terms_that_are_not_the_venues_are_told(shared: Emulator, terms: dict[str, Decimal]) -> None:
    found = examined(shared, terms={"BTC-PERP": replace(PERP, **terms)})["BTC-PERP rules"]
    assert found.state == "fail"
    assert next(iter(terms)) in found.text
    assert "instruments: BTC-PERP:" in found.fix


# -- the account -------------------------------------------------------------------------------------------------------


def test_empty_wallets_are_told() -> None:
    with open_venue(accounts=[AccountConfig("patient", KEY, SECRET, cash={}, spot_cash={})]) as venue:
        found = examined(venue, "BTC-PERP", "BTC-USDT")
    for product in ("futures", "spot"):
        assert found[f"{product} balance"].state == "warn"
        assert product in found[f"{product} balance"].fix


def test_fees_that_the_venue_does_not_tell_are_told(
    shared: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(FuturesApi, "fees", none)
    assert examined(shared)["BTC-PERP fees"].state == "warn"


def test_settings_are_compared_with_what_the_session_sets(venue: Emulator) -> None:
    found = examined(venue, terms={"BTC-PERP": PERP}, leverage=4)["BTC-PERP settings"]
    assert found.state == "ok"
    assert "cross margin at the most leverage" in found.text
    assert found.text.endswith("the session sets one-way positions, isolated margin at 4x")
    act(venue, lambda client: client.futures.set_leverage("BTC-PERP", Decimal(4), MarginMode.ISOLATED))
    found = examined(venue, terms={"BTC-PERP": PERP}, leverage=4)["BTC-PERP settings"]
    assert (found.state, found.text) == ("ok", "one-way positions, isolated margin at 4x, as configured")
    own = replace(PERP, leverage=Decimal(7))
    assert "isolated margin at 7x" in examined(venue, terms={"BTC-PERP": own})["BTC-PERP settings"].text


def test_settings_that_a_position_keeps_are_told(venue: Emulator) -> None:
    act(venue, lambda client: client.futures.create_order(BUY))
    found = examined(venue, terms={"BTC-PERP": PERP}, leverage=4)
    assert found["BTC-PERP settings"].state == "warn"
    assert "stays" in found["BTC-PERP settings"].text
    found = examined(venue, terms={"BTC-PERP": PERP}, leverage=4, respect_positions=False)
    assert found["BTC-PERP settings"].state == "fail"
    hedged = replace(PERP, position_mode=PositionMode.HEDGE)
    found = examined(venue, terms={"BTC-PERP": hedged}, leverage=4)
    assert found["BTC-PERP settings"].state == "fail"
    assert "close them first" in found["BTC-PERP settings"].fix


def test_a_mode_that_differs_is_set_where_nothing_is_held(venue: Emulator) -> None:
    act(venue, lambda client: client.futures.set_position_mode("BTC-PERP", PositionModeName.HEDGE))
    found = examined(venue, terms={"BTC-PERP": PERP})["BTC-PERP settings"]
    assert found.state == "ok"
    assert found.text.startswith("hedge positions")
    assert "sets one-way positions" in found.text


def test_orders_and_positions_that_are_there_are_told(venue: Emulator) -> None:
    act(
        venue,
        lambda client: client.futures.create_order(REST),
        lambda client: client.futures.create_order(REST),
        lambda client: client.futures.create_order(BUY),
    )
    found = examined(venue)
    assert found["open orders"].state == "warn"
    assert found["open orders"].text == "2 orders and 1 position in BTC-PERP"
    assert "live.foreign_orders" in found["open orders"].fix
    assert "BTC-PERP position" not in found  # it is far from its liquidation


def test_a_position_near_its_liquidation_is_told(venue: Emulator) -> None:
    act(
        venue,
        lambda client: client.futures.set_leverage("BTC-PERP", Decimal(40), MarginMode.ISOLATED),
        lambda client: client.futures.create_order(BUY),
    )
    found = examined(venue)["BTC-PERP position"]
    assert found.state == "warn"
    assert found.text.startswith("100 contracts are liquidated at 98")
    assert found.fix == "reduce it, or add margin"
