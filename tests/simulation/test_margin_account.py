"""The live bands of symbols: nobody is liquidated inside them, and a restart draws the same ones."""

import json
import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from venue_runs import Told

import hookline as hl
from hookline.model import Ledger, Market
from hookline.model.instrument import MarginMode, MarginTier, PositionMode, TierStyle
from hookline.simulation.liquidation import MarginAccount
from hookline.simulation.margin import maintenance_margin, tiers_of
from hookline.testing import bars, buy

TIERS = (
    MarginTier(Decimal(2_000), Decimal("0.005"), Decimal(50)),
    MarginTier(None, Decimal("0.02"), Decimal(10)),
)
FEE = 0.001


def perpetual(symbol, style="marginal", **terms):
    return hl.Instrument(
        symbol,
        kind=hl.InstrumentKind.PERPETUAL,
        lot_size=Decimal(1),
        margin_tiers=TIERS,
        tier_style=TierStyle(style),
        **terms,
    )


def account_of(instruments, cash, lots):
    """A margin account over one ledger; everything was bought at 100 and is worth 100."""
    markets = [Market(one) for one in instruments]
    for market in markets:
        market.last = 100.0
    ledger = Ledger("s", cash, markets)
    account = MarginAccount({one.symbol: one for one in instruments}, {"s": ledger}, 1.0, FEE)
    for id_, count in lots.items():
        position = ledger.positions[id_]
        position.lots, position.quantity, position.entry_price = count, float(count), 100.0
        position.wallet.cash -= count * 100.0
        account.filled(position, 0)
    return account, ledger


def test_what_an_isolated_position_takes_from_the_wallet_moves_the_bands_of_cross_ones():
    cross = perpetual("CROSS", leverage=Decimal(5))
    alone = perpetual("ALONE", leverage=Decimal(5), margin_mode=MarginMode.ISOLATED)
    account, ledger = account_of([cross, alone], 600.0, {"CROSS": 10})
    before, _ = account.band("CROSS")

    # 10 of it pledge 10 * 100 / 5 = 200, which leaves 400 for the long of 10 from 100: tier one, 10 p (0.005 + 0.001) are needed.
    position = ledger.positions["ALONE"]
    position.lots, position.quantity, position.entry_price = 10, 10.0, 100.0
    position.wallet.cash -= 1_000.0
    account.filled(position, 0)

    assert before == pytest.approx((1_000 - 600) / (10 * 0.994))
    assert account.band("CROSS")[0] == pytest.approx((1_000 - 400) / (10 * 0.994))


def left_over(ledger, prices, style):
    """Equity above maintenance and the fees of closing, at given prices, added up without the code under test."""
    total = ledger.wallets[0].cash
    for position in ledger.positions.values():
        notional = abs(position.quantity) * prices[position.symbol]
        total += position.quantity * prices[position.symbol]
        total -= maintenance_margin(notional, tiers_of(TIERS, TierStyle(style))) + FEE * notional
    return total


@given(
    lots=st.lists(st.integers(-30, 30), min_size=4, max_size=4),
    cash=st.floats(10, 4_000),
    shares=st.lists(st.floats(0, 1), min_size=3, max_size=3),
    style=st.sampled_from(["marginal", "flat"]),
)
def test_while_every_price_is_inside_its_band_there_is_margin_left(lots, cash, shares, style):
    instruments = [
        perpetual("A", style),
        perpetual("B", style),
        perpetual("C", style, position_mode=PositionMode.HEDGE),
    ]
    held = {"A": lots[0], "B": lots[1], "C|long": abs(lots[2]), "C|short": -abs(lots[3])}
    account, ledger = account_of(instruments, cash, held)
    prices = {}
    for share, symbol in zip(shares, "ABC", strict=True):
        floor, ceiling = account.limits(symbol)
        if floor > ceiling:  # nothing lies inside: due now, or on the border of a flat tier
            assert style == "flat" or left_over(ledger, dict.fromkeys("ABC", 100.0), style) <= 1e-6
            return
        low, high = max(floor, 1.0), min(ceiling, 400.0)
        prices[symbol] = low + (high - low) * share
    if style == "flat" and any(lots[n] * (prices[s] - 100) > 0 for n, s in ((0, "A"), (1, "B"))):
        return  # a gain that lifts a position into a higher flat tier, see the page on perpetuals

    assert left_over(ledger, prices, style) >= -1e-6


def test_a_lone_position_is_due_at_its_very_band():
    account, ledger = account_of([perpetual("A", "flat")], 300.0, {"A": 10})
    floor, ceiling = account.limits("A")

    assert ceiling == math.inf
    assert left_over(ledger, {"A": floor}, "flat") == pytest.approx(0)
    assert account.calls("A", floor * 1.0001, 100.0) == []
    (call,) = account.calls("A", floor * 0.9999, 100.0)
    assert call.level == pytest.approx(floor)


def test_nothing_held_has_no_band():
    account, _ = account_of([perpetual("A")], 300.0, {"A": 0})

    assert account.limits("A") == [-math.inf, math.inf]


def test_where_a_mark_decides_the_traded_price_is_always_looked_at():
    account, ledger = account_of([perpetual("A")], 300.0, {})
    account.follow_marks(["A"])
    position = ledger.positions["A"]
    position.lots, position.quantity, position.entry_price = 10, 10.0, 100.0
    position.wallet.cash -= 1_000.0
    account.filled(position, 0)

    floor, ceiling = account.limits("A")
    assert floor > ceiling
    assert account.band("A")[0] == pytest.approx((1_000 - 300) / (10 * (1 - 0.005 - FEE)))


def test_the_margin_that_funding_added_survives_a_restart():
    isolated = perpetual("A", margin_mode=MarginMode.ISOLATED, leverage=Decimal(10))
    account, ledger = account_of([isolated], 300.0, {"A": 10})
    account.paid("A", lambda position: -7.0)
    saved = json.loads(json.dumps(account.save()))

    restarted = MarginAccount({"A": isolated}, {"s": ledger}, 1.0, FEE)
    restarted.restore(saved)

    assert restarted.funds.posted(ledger.positions["A"]) == pytest.approx(93)
    assert restarted.limits("A") == account.limits("A")
    assert restarted.limits("A")[0] == pytest.approx((1_000 - 93) / (10 * (1 - 0.005 - FEE)))


def test_strategies_are_liquidated_each_by_itself():
    careful, daring = Told({0: buy(20)}), Told({0: buy(90)})
    instrument = replace(perpetual("TEST"), leverage=Decimal(10), tick_size=Decimal("0.01"))

    result = hl.backtest(
        [careful, daring],
        bars("10 10 10/10/8.9/9"),
        cash=200,
        instruments=[instrument],
        liquidation_fee_bps=0,
    )

    # 90 for 900 on 100: (900 - 100) / (90 * 0.995) = 8.9336
    assert careful.heard == ["buy 20 @ 10"]
    assert daring.heard == ["buy 90 @ 10", "sell 90 @ 8.93"]
    assert [order.strategy for order in result.record.orders if order.tag == "liquidation"] == ["scripted-2"]
