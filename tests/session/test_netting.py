"""Several strategies in one account: what the venue sees, and who gets what."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from netting_runs import tape_session

import hookline as hl
from hookline.columns import ExternalSeries
from hookline.session.loader import session_from
from hookline.session.netting import NettedBroker
from hookline.session.netting_shares import allot, share_fee
from hookline.session.session import Session
from hookline.session.venues import VenueBroker
from hookline.testing import Scripted, bars, buy, cancel, sell
from hookline.testing.recording import RecordingBroker
from hookline_paper.broker import PaperBroker
from hookline_paper.latency import Latency

PERP = hl.Instrument("TEST", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.1"), lot_size=Decimal(1))
SPOT = hl.Instrument("TEST", tick_size=Decimal("0.1"), lot_size=Decimal(1))


class Run:
    """Scripts in one account on the same bars, told in words."""

    def __init__(self, text, *scripts, instrument=PERP, cash=30_000.0, funding=None, **params):
        self.scripts = [Scripted(dict(script)) for script in scripts]
        self.venue = RecordingBroker(PaperBroker(**params))
        self.broker = NettedBroker(self.venue)
        self.result = hl.backtest(
            self.scripts, bars(text), cash=cash, instruments=[instrument], broker=self.broker, funding=funding
        )
        self.record = self.result.record
        self.sent = [request.text for request in self.venue.requests]

    @property
    def fills(self):
        """Fills such as ``1: buy 2 @ 10, fee 0.5``; strategies are counted from 1."""
        return [
            f"{fill.strategy[-1]}: {fill.side.name.lower()} {fill.quantity:g} @ {fill.price:g}, fee {fill.fee:g}"
            for fill in self.record.fills
        ]

    def ends(self):
        return [f"{o.strategy[-1]}: {o.status}{': ' * bool(o.reason)}{o.reason}" for o in self.record.orders]

    def lots(self):
        return [ledger.positions["TEST"].lots for ledger in self.broker.account.ledgers.values()]


def test_only_the_net_of_market_orders_reaches_the_venue():
    it = Run("10 10 10", {0: buy(10)}, {0: sell(4)}, taker_fee_bps=100)

    assert len(it.sent) == 1
    assert it.broker.account.ledger.positions["TEST"].lots == 6
    # Ten bought: six from the venue, which takes its fee, and four from the other strategy, which costs neither of them anything.
    assert it.fills == ["1: buy 6 @ 10, fee 0.6", "1: buy 4 @ 10, fee 0", "2: sell 4 @ 10, fee 0"]
    assert it.record.warnings == ["4 lots of TEST crossed between strategies"]


def test_orders_that_cancel_out_cross_at_the_next_open():
    it = Run("10 11/12/9/10 10", {0: buy(5)}, {0: sell(5)}, taker_fee_bps=100)

    assert it.sent == []
    assert it.fills == ["1: buy 5 @ 11, fee 0", "2: sell 5 @ 11, fee 0"]


def test_what_crosses_pays_the_price_that_the_account_got():
    it = Run("10 10 10", {0: buy(3)}, {0: sell(1)}, slippage_ticks=2)

    assert it.fills == ["1: buy 2 @ 10.2, fee 0", "1: buy 1 @ 10.2, fee 0", "2: sell 1 @ 10.2, fee 0"]


def test_a_part_that_the_venue_fills_is_shared_in_proportion():
    # 100 can be paid: 10 of the 16 that are asked for.
    it = Run("10 10 10", {0: buy(9)}, {0: buy(5)}, {0: buy(2)}, cash=99.9)

    assert it.fills == ["1: buy 5 @ 10, fee 0", "2: buy 3 @ 10, fee 0", "3: buy 1 @ 10, fee 0"]
    assert set(it.ends()) == {f"{n}: canceled: insufficient funds for the rest" for n in (1, 2, 3)}


def test_what_the_venue_refuses_is_refused_and_the_rest_crosses():
    it = Run("10 10 10", {0: buy(50)}, {0: sell(3)}, cash=5.0)

    assert it.fills == ["1: buy 3 @ 10, fee 0", "2: sell 3 @ 10, fee 0"]
    assert it.ends() == ["1: canceled: insufficient funds: 5.00 for 470.00", "2: filled"]


def test_an_order_that_is_taken_back_before_the_open_changes_the_net():
    it = Run("10 10 10", {0: [buy(5, label="x"), cancel("x"), buy(1)]}, {0: sell(3)})

    assert it.fills == ["2: sell 2 @ 10, fee 0", "1: buy 1 @ 10, fee 0", "2: sell 1 @ 10, fee 0"]


def test_a_reduce_only_order_knows_its_own_position_and_not_the_accounts():
    # The account is flat; the stop of the first strategy still closes its long.
    it = Run("10 10 10/10/8/8 8", {0: buy(5), 1: sell(9, trigger=9, reduce_only=True)}, {0: sell(5)})

    assert it.fills[2:] == ["1: sell 5 @ 9, fee 0"]
    assert it.lots() == [0, -5]
    assert it.ends()[2] == "1: canceled: reduce-only: position closed"


def test_a_reduce_only_order_is_canceled_when_its_position_is_gone_though_the_account_holds_one():
    it = Run(
        "10 10 10 10 10/10/8/8", {0: buy(5), 1: sell(5, trigger=9, reduce_only=True), 2: sell(5)}, {0: buy(5)}
    )

    assert it.lots() == [0, 5]
    assert it.ends()[2] == "1: canceled: reduce-only: position closed"


def test_a_bracket_protects_its_strategy_in_a_shared_account():
    it = Run("10 10 10/12/10/12 12", {0: buy(4, stop_loss=9, take_profit=11)}, {0: sell(4)})

    # An entry with children goes to the venue by itself.
    assert it.fills == ["1: buy 4 @ 10, fee 0", "2: sell 4 @ 10, fee 0", "1: sell 4 @ 11, fee 0"]
    assert it.lots() == [0, -4]


def test_a_stop_sent_with_its_market_entry_stands_from_the_fill_on():
    it = Run("10 10/10/8/8 8", {0: [buy(4), sell(4, trigger=9, reduce_only=True)]}, {})

    assert it.fills == ["1: buy 4 @ 10, fee 0", "1: sell 4 @ 9, fee 0"]


def test_spot_of_another_strategy_cannot_be_sold():
    it = Run("10 10 10 10", {0: buy(5)}, {1: sell(5)}, instrument=SPOT)

    assert it.ends() == ["1: filled", "2: rejected: spot: cannot sell 5, 0 held by scripted-2"]


def test_buying_power_is_the_accounts():
    it = Run("10 10 10", {0: buy(6)}, {}, cash=100.0)

    # Each strategy brought 50.
    assert it.fills == ["1: buy 6 @ 10, fee 0"]


def test_funding_is_paid_by_strategies_and_received_by_the_account():
    hour = 3600 * 10**9
    start = int(bars("1").start[0])
    funding = {"TEST": ExternalSeries(np.array([start + 2 * hour]), np.array([0.01]))}
    it = Run("10 10 10 10", {0: buy(6)}, {0: sell(2)}, funding=funding)

    assert [(row[1][-1], round(row[3], 9)) for row in it.record.funding] == [("1", -0.6), ("2", 0.2)]
    assert it.broker.account.ledger.cash == pytest.approx(30_000 - 40 - 0.4)


def test_a_liquidation_is_borne_by_the_side_that_the_account_is_on():
    it = Run(
        "10 10 10/10/1/1 1", {0: buy(60)}, {0: buy(30)}, {0: sell(10)}, cash=100.0, leverage=10, liquidation_fee_bps=10
    )  # fmt: skip

    forced = [order for order in it.record.orders if order.tag == "liquidation"]
    # Of 80 that the account holds, the first holds two thirds of the longs.
    assert [(order.strategy[-1], order.filled_lots) for order in forced] == [("1", 53), ("2", 27)]
    assert it.lots() == [7, 3, -10]
    assert any("account: TEST liquidated" in warning for warning in it.record.warnings)


def test_a_difference_between_strategies_and_account_ends_the_session():
    broker = NettedBroker(PaperBroker())

    class Thief(Scripted):
        def on_stop(self, ctx):
            broker.account.ledger.wallets[0].cash -= 1.0

    with pytest.raises(hl.HooklineError, match="strategies must add up to the account"):
        hl.backtest(Thief({0: buy(1)}), bars("10 10 10"), instruments=[PERP], broker=broker)


def test_long_and_short_of_hedge_mode_are_netted_each_by_itself():
    hedged = replace(PERP, position_mode=hl.PositionMode.HEDGE)
    it = Run(
        "10 10 10",
        {0: [buy(5, position="long"), sell(1, position="short")]},
        {0: sell(3, position="short")},
        instrument=hedged,
    )

    held = {id_: one.lots for id_, one in it.broker.account.ledger.positions.items()}
    assert held == {"TEST|long": 5, "TEST|short": -4}
    assert len(it.sent) == 2


def test_orders_behind_a_latency_are_refused():
    broker = NettedBroker(PaperBroker(latency=Latency()))
    plan = tape_session(1, minutes=1.0, broker=broker)

    with pytest.raises(hl.ConfigError, match="accounts: netted needs orders that reach the venue at once"):
        plan.run()


def test_each_of_several_venues_has_an_account():
    def order(*acts):
        return Scripted({0: list(acts)})

    instruments = [replace(PERP, symbol="A"), replace(PERP, symbol="B")]
    one, other = NettedBroker(PaperBroker()), NettedBroker(PaperBroker())
    strategies = [
        order(buy(5, symbol="A"), buy(2, symbol="B")),
        order(sell(5, symbol="A"), buy(1, symbol="B")),
    ]
    result = hl.backtest(
        strategies,
        {"A": bars("10 10 10", "A"), "B": bars("10 10 10", "B")},
        instruments=instruments,
        broker=VenueBroker({"A": one, "B": other}),
    )

    assert one.account.ledger.positions["A"].lots == 0
    assert other.account.ledger.positions["B"].lots == 3
    assert result.record.warnings == ["5 lots of A crossed between strategies"]


def test_a_session_file_says_that_accounts_are_netted():
    config = session_from(
        {
            "timeframe": "1h",
            "symbols": ["BTC-PERP"],
            "since": "2024-01-01",
            "until": "2024-02-01",
            "feed": {"use": "synthetic"},
            "accounts": "netted",
            "require_stops": False,
            "strategies": [{"use": "buy_and_hold"}, {"use": "ema_cross"}],
        }
    )
    session = Session.from_config(config)
    record = session.run().record
    account = session.plan.broker.account
    assert account.differences() == []
    assert account.ledger.positions["BTC-PERP"].lots == sum(fill.side * fill.lots for fill in record.fills)


@pytest.mark.parametrize(
    ("lots", "wants", "shares"),
    [(5, [10, 10, 10], [2, 2, 1]), (7, [1, 100, 1], [0, 7, 0]), (0, [3, 4], [0, 0]), (7, [3, 4], [3, 4])],
)
def test_shares_are_whole_and_in_proportion(lots, wants, shares):
    assert allot(lots, wants) == shares


@pytest.mark.parametrize("fee", [0.1, -0.3, 1e-9, 123.456])
@pytest.mark.parametrize("shares", [[1], [1, 2, 4], [7, 3, 11, 1, 1]])
def test_parts_of_a_fee_add_up_to_the_last_bit(fee, shares):
    parts = share_fee(fee, shares)
    assert sum(parts) == sum(reversed(parts)) == fee
    for part, share in zip(parts, shares, strict=True):
        assert part == pytest.approx(fee * share / sum(shares), rel=1e-12)
