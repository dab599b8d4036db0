"""The page before a session trades with money, the numbers on it, and the consent it asks for."""

import asyncio
import io
import os
import re
import threading
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console
from wire_venue import WireBroker, WireVenue

from hookline import plugins
from hookline.errors import ConfigError
from hookline.model import (
    Instrument,
    InstrumentKind,
    OrderType,
    Side,
    VenueAccount,
    VenueBalance,
    VenueOrder,
    VenuePosition,
)
from hookline.model.instrument import MarginMode, MarginTier
from hookline.risk.rule import RiskRule, deny, shrink
from hookline.session.checklist import Check
from hookline.session.confirming import (
    LiveFacts,
    ask_at,
    checks_of,
    confirm_live,
    consent,
    refuse_unconfirmed,
)
from hookline.session.confirming_numbers import FundingNow
from hookline.session.plan import JournalPlan, Plan, Seat, WalletPlan
from hookline.simulation.margin import maintenance_margin, tiers_of

TIERS = (
    MarginTier(Decimal(100_000), Decimal("0.005"), Decimal(100)),
    MarginTier(None, Decimal("0.01"), Decimal(50)),
)
BTC = Instrument(
    "BTC-PERP",
    InstrumentKind.PERPETUAL,
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
    leverage=Decimal(5),
    margin_mode=MarginMode.ISOLATED,
    margin_tiers=TIERS,
)
ETH = Instrument("ETH-PERP", InstrumentKind.PERPETUAL, lot_size=Decimal("0.01"), leverage=Decimal(3))
SOL = Instrument("SOL-USDT", lot_size=Decimal("0.1"), min_notional=Decimal(5))
PRICES = {"BTC-PERP": 64_250.5, "ETH-PERP": 3120.25, "SOL-USDT": 140.0}
FEE = 0.0005


class MarketFeed:
    name = "market"
    is_live = True


def rules(**named):
    return [plugins.build("risk_rules", name, params, "risk") for name, params in named.items()]


def plan_of(*given, instruments=(BTC, ETH, SOL), **changes):
    plan = Plan(
        name="btc-trend",
        mode="live",
        currency="USDT",
        seed=0,
        timeframe="1h",
        feed=MarketFeed(),
        requests=[],
        instruments={one.symbol: one for one in instruments},
        broker=WireBroker(WireVenue(*instruments), taker_fee=FEE),
        seats=[
            Seat(
                "trend", "ema_cross", None, tuple(one.symbol for one in instruments if one is not SOL), 5000.0
            ),
            Seat("dips", "smart_dca", None, ("SOL-USDT",), 1000.0),
        ],
        rules=given,
        file=Path("btc.yaml"),
        on_stop="cancel",
    )
    return replace(plan, **changes)


def outlook(plan, symbol, prices=PRICES, **facts):
    return next(one for one in LiveFacts(plan, prices, **facts).outlooks() if one.instrument.symbol == symbol)


# -- the numbers -------------------------------------------------------------------------------------------------------


def test_margin_and_fee_of_entry_limit_a_position_where_no_rule_does():
    one = outlook(plan_of(), "BTC-PERP")
    assert one.limited_by == "margin"
    assert one.notional / 5 + one.notional * FEE <= 5000.0
    more = one.notional + 64.2505
    assert more / 5 + more * FEE > 5000.0


def test_spot_is_paid_in_full_and_never_liquidated():
    one = outlook(plan_of(), "SOL-USDT")
    assert (one.limited_by, one.quantity) == ("cash", 7.1)  # 7.2 would cost 1,008
    assert one.long_liquidation != one.long_liquidation


def test_the_rule_that_allows_least_limits_it():
    one = outlook(
        plan_of(*rules(max_position={"limit": 0.2}, max_position_notional={"limit": 8000})), "BTC-PERP"
    )
    assert (one.quantity, one.limited_by) == (0.124, "max_position_notional")
    one = outlook(
        plan_of(*rules(max_position={"limit": 0.1}, max_position_notional={"limit": 8000})), "BTC-PERP"
    )
    assert (one.quantity, one.limited_by) == (0.1, "max_position")


def test_a_rule_that_shrinks_limits_as_one_that_denies():
    shrinking = outlook(plan_of(*rules(max_leverage={"limit": 2.0, "shrink": True})), "BTC-PERP")
    denying = outlook(plan_of(*rules(max_leverage={"limit": 2.0})), "BTC-PERP")
    assert shrinking.quantity == denying.quantity == 0.155  # 0.156 is worth 10,023
    assert shrinking.limited_by == "max_leverage"


@dataclass
class Peculiar(RiskRule):
    name = "peculiar"
    how: str = ""

    def check(self, order, account):
        if self.how == "closed":
            return deny("not at this hour")
        if self.how == "broken":
            raise KeyError("book")
        if self.how == "counts":
            self.state["count"] = self.state.get("count", 0) + 1
            return deny("one order only") if self.state["count"] > 1 else None
        assert (account.equity, account.start_equity, account.open_orders(), account.order_count) == (
            6000,
            6000,
            [],
            0,
        )
        assert account.market("SOL-USDT").last == 140.0
        return shrink(0.05, "little") if order.children else deny("no stop")


@pytest.mark.parametrize("how", ["closed", "broken", "counts"])
def test_a_rule_that_says_nothing_about_size_is_left_out_and_left_as_it_was(how):
    rule = Peculiar(how)
    rule.reset()
    assert outlook(plan_of(rule), "BTC-PERP").limited_by == "margin"
    assert rule.state == {}


def test_rules_see_the_account_before_its_first_trade_and_an_order_with_a_stop():
    one = outlook(plan_of(Peculiar()), "BTC-PERP")
    assert (one.quantity, one.limited_by) == (0.05, "peculiar")


@pytest.mark.parametrize("symbol", ["BTC-PERP", "ETH-PERP"])
def test_at_the_liquidation_price_what_is_left_is_the_maintenance_margin(symbol):
    one = outlook(plan_of(*rules(max_position_notional={"limit": 8000})), symbol)
    notional = one.notional
    margin = notional / 5 if symbol == "BTC-PERP" else 5000.0 - notional * FEE
    for side, price in ((1, one.long_liquidation), (-1, one.short_liquidation)):
        left = margin + side * one.quantity * (price - one.price)
        then = one.quantity * price
        tiers = tiers_of(one.instrument.tiers, one.instrument.tier_style)
        assert left == pytest.approx(maintenance_margin(then, tiers) + FEE * then)


def test_costs_are_of_that_position():
    facts = {"funding": {"BTC-PERP": FundingNow(0.0001, 4)}, "taker_fees": {"BTC-PERP": 0.001}}
    one = outlook(plan_of(*rules(max_position={"limit": 0.1})), "BTC-PERP", **facts)
    assert one.round_trip_fee == pytest.approx(2 * 0.001 * 6425.05)
    assert one.funding_day == pytest.approx(6 * 0.0001 * 6425.05)


@pytest.mark.parametrize("prices", [{}, {"BTC-PERP": float("nan")}, {"BTC-PERP": 0.0}])
def test_what_is_not_known_is_no_number(prices):
    one = outlook(plan_of(), "BTC-PERP", prices)
    assert (one.quantity, one.limited_by) == (0.0, "its price is not known")
    assert one.round_trip_fee != one.round_trip_fee


def test_cash_that_does_not_pay_for_the_smallest_order_is_told():
    tiny = replace(plan_of(), seats=[Seat("s", "x", None, ("SOL-USDT",), 1.0)])
    assert outlook(tiny, "SOL-USDT").limited_by == "the cash does not pay for the smallest order, 0.1"


def test_cash_is_that_of_the_wallet_which_pays():
    plan = plan_of(wallets=[WalletPlan("", "USDT", 300.0), WalletPlan("", "USDC", 9.0)])
    assert outlook(plan, "SOL-USDT").cash == 300.0
    assert outlook(replace(plan, wallets=[WalletPlan("", "USDC", 9.0)]), "SOL-USDT").cash == 0.0


def test_a_position_that_is_there_keeps_its_leverage_and_margin_mode():
    plan = plan_of()
    held = replace(ACCOUNT.positions[0], leverage=2.0, margin_mode="cross")
    account = replace(ACCOUNT, positions=(held,))
    one = next(
        one for one in LiveFacts(plan, PRICES).outlooks(account) if one.instrument.symbol == "BTC-PERP"
    )
    assert (one.leverage, one.instrument.margin_mode) == (2.0, MarginMode.CROSS)
    assert "2x cross" in shown(LiveFacts(plan, PRICES), account)


def test_a_journal_that_is_only_begun_is_new(tmp_path, monkeypatch):
    from hookline.journal import Batch, Journal, SessionHeader

    monkeypatch.chdir(tmp_path)  # so that the folder fits on the page
    header = SessionHeader("btc-trend", "live", "USDT", {}, {}, [])
    plan = plan_of(journal=JournalPlan(Path("run")))
    with Journal.create(Path("run") / "journal.sqlite", header) as journal:
        assert ", new" in shown(LiveFacts(plan, PRICES))
        journal.commit(Batch(10**18, {}))
    assert ", which goes on" in shown(LiveFacts(plan, PRICES))


# -- the page ----------------------------------------------------------------------------------------------------------

ACCOUNT = VenueAccount(
    1_767_225_600 * 10**9,
    (
        VenueOrder("a81bb8c7-1111", "x", 0, "BTC-PERP", Side.BUY, OrderType.LIMIT, 5, 0, 61000.0),
        VenueOrder("b92cc9d8-1111", "y", 4, "ETH-PERP", Side.SELL, OrderType.STOP, 7, 2, None, 2900.0),
    ),
    (VenuePosition("BTC-PERP", "BTC-PERP", -12, 63000.5, 64250.0, float("nan"), 0.0, "isolated"),),
    (VenueBalance("USDT", Decimal("6012.55"), Decimal("5400.10")),),
)


def shown(facts, account=ACCOUNT, answer=lambda: "CONFIRM", **options):
    console = Console(file=io.StringIO(), width=100)
    try:
        confirm_live(facts, account, console, answer, **options)
    finally:
        text = console.file.getvalue()
    return text


def squeezed(text):
    return re.sub(r"\s+", " ", text)


def test_the_page_says_what_a_person_must_know():
    plan = plan_of(*rules(max_position_notional={"limit": 8000}, max_drawdown={"max_fraction": 0.1}))
    checks = [
        Check("time on paper", "3.0 days", "14 days of both", False),
        Check("alerts", "telegram", "a notifier", True),
    ]
    text = shown(LiveFacts(plan, PRICES, {"BTC-PERP": FundingNow(0.0001)}, checks=checks))
    assert max(map(len, text.splitlines())) <= 100
    assert len(text.splitlines()) < 70
    found = squeezed(text)
    for part in (
        "LIVE: btc-trend trades with money at wire",
        "session file btc.yaml",
        "NOBODY: the session names no notifier",
        "USDT 6,012.55 5,400.10",
        "a81bb8c7-111 BTC-PERP buy limit 5 0 61,000 nobody here",
        "b92cc9d8-111 ETH-PERP sell stop 7 2 2,900 this session",
        "BTC-PERP -12 63,000.5 64,250 none known unknown isolated",
        "trend BTC-PERP 5,000.00 5x isolated 0.124 7,967.06 max_position_notional",
        "dips SOL-USDT 1,000.00 spot 7.1 994.00 cash",
        "BTC-PERP 64,250.5 51,684.7 (-19.6%) 76,678.9 (+19.3%) 0.050% 7.97 USDT",
        "SOL-USDT 140 nowhere no short 0.050% 0.99 USDT",
        "BTC-PERP +0.0100% each 8 h pays 2.39 USDT receives 2.39 USDT",
        "ETH-PERP unknown unknown unknown",
        "ETH-PERP: no margin tiers are known; a maintenance of 0.50% is assumed",
        "max_drawdown max_fraction 0.1",
        "entries are canceled; positions stay, with the orders that protect them",
        "the venue cancels every order within 60 s",
        "hookline kill btc-trend --flatten",
        "1 of 2 pass",
        "FAIL time on paper 3.0 days; needed: 14 days of both",
        "The largest position is what the margin",
    ):
        assert part in found


def test_what_is_dangerous_is_written_large():
    from hookline.session.schema import LiveEntry

    text = squeezed(shown(LiveFacts(plan_of(live=LiveEntry(dead_man_seconds=None), on_stop="flatten")), None))
    assert "orders and positions STAY: live.dead_man_seconds is off" in text
    assert "NONE no rule stops an order or the session" in text
    assert "not known: the venue was not asked" in text
    assert "every order is canceled, every position closed at the market" in text
    assert "unknown: no journal of a time on paper" in text
    assert "its price is not known" in text


def test_a_request_to_kill_that_waits_is_on_the_page(tmp_path):
    (tmp_path / "kill.json").write_text("")
    plan = plan_of(journal=JournalPlan(tmp_path))
    assert "the session will stop at once" in shown(LiveFacts(plan, PRICES))
    assert checks_of(plan) == []


def test_long_lists_are_cut_and_counted():
    orders = ACCOUNT.orders * 8
    text = shown(LiveFacts(plan_of(), PRICES), replace(ACCOUNT, orders=orders, positions=(), balances=()))
    assert "and 6 more" in text
    assert text.count("nobody here") == 5
    assert "no balance at all" in text


def test_names_from_files_and_venues_are_no_markup():
    plan = plan_of(name="[red]x[/red]")
    assert "LIVE: [red]x[/red] trades" in shown(LiveFacts(plan, PRICES))


def test_values_from_the_environment_are_shown_as_they_were_written():
    written = {"risk": [{"use": "max_position", "params": {"limit": "${MOST}"}}]}
    plan = plan_of(*rules(max_position={"limit": 0.0625}), config=written)
    text = shown(LiveFacts(plan, PRICES))
    assert "limit ${MOST}" in text
    assert "limit 0.0625" not in text


# -- the consent -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["confirm", "CONFIRM ", " CONFIRM", "", "yes", "CONFIRM\nx"])
def test_any_other_answer_sends_nothing(typed):
    with pytest.raises(ConfigError, match=r"btc-trend: CONFIRM was not typed, .*; nothing was sent"):
        shown(LiveFacts(plan_of(), PRICES), answer=lambda: typed)


def test_the_word_with_the_end_of_its_line_is_the_word():
    shown(LiveFacts(plan_of(), PRICES), answer=lambda: "CONFIRM\r\n")


def test_the_end_of_the_input_is_no_consent():
    def ended():
        raise EOFError

    with pytest.raises(ConfigError, match="was not typed"):
        shown(LiveFacts(plan_of(), PRICES), answer=ended)


def test_the_name_of_the_session_is_consent_in_automation_and_the_page_is_shown_all_the_same():
    text = shown(LiveFacts(plan_of(), PRICES), answer=None, confirm="btc-trend")
    assert "LIVE: btc-trend" in text
    assert "Confirmed by --confirm btc-trend." in text


def test_the_name_of_another_session_is_none():
    for answer in (None, lambda: "CONFIRM"):
        with pytest.raises(
            ConfigError, match="--confirm: must be the name of the session, 'btc-trend', was 'btc'"
        ):
            shown(LiveFacts(plan_of(), PRICES), answer=answer, confirm="btc")


def test_nobody_to_ask_is_refused_before_the_venue_is_asked():
    with pytest.raises(ConfigError, match="this is no terminal; in automation say --confirm demo"):
        refuse_unconfirmed("demo", None, None)
    refuse_unconfirmed("demo", "demo", None)
    refuse_unconfirmed("demo", None, input)


# -- at the terminal -----------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal(monkeypatch):
    ours, theirs = os.openpty()
    with os.fdopen(theirs) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield ours
    os.close(ours)


def test_a_person_at_a_terminal_is_asked(terminal):
    console = Console(file=io.StringIO(), width=100)
    os.write(terminal, b"CONFIRM\n")
    answer = ask_at(console)
    confirm_live(LiveFacts(plan_of(), PRICES), ACCOUNT, console, answer)
    assert console.file.getvalue().endswith("Type CONFIRM to trade with money:\n")


def test_where_there_is_no_terminal_nobody_is_asked(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("CONFIRM\n"))
    assert ask_at(Console(file=io.StringIO())) is None


def test_an_interrupt_does_not_wait_for_the_answer(terminal):
    answer = ask_at(Console(file=io.StringIO()))

    async def interrupted():
        task = asyncio.create_task(consent(answer))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    began = time.monotonic()
    asyncio.run(interrupted())
    assert time.monotonic() - began < 2.0
    os.write(terminal, b"CONFIRM\n")  # too late, and to nobody
    end = time.monotonic() + 5.0
    while any(thread.name == "confirm" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_is_answered_reaches_who_waits():
    def refused():
        raise ConfigError("no")

    asyncio.run(consent(lambda: None))
    with pytest.raises(ConfigError, match="no"):
        asyncio.run(consent(refused))
