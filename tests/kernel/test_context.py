"""The context: what a strategy sees and the shorthands it trades with."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

import hookline as hl
from hookline.testing import Scripted, bars, buy
from hookline_paper.broker import PaperBroker

PERP = hl.Instrument(
    "TEST", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.1"), lot_size=Decimal("0.1")
)


def ask(question, text="10 10 10", key=0, script=None, **terms):
    """Ask the context something on one bar and return the answer."""
    answers = []
    acts = {
        **(script or {}),
        key: [*(script or {}).get(key, []), lambda _, ctx: answers.append(question(ctx))],
    }
    hl.backtest(Scripted(acts), bars(text), instruments=[PERP], cash=1000, **terms)
    return answers[0]


def test_time_is_aware_and_the_end_of_the_bar():
    assert ask(lambda ctx: ctx.now) == datetime(2024, 1, 1, 1, tzinfo=UTC)


def test_money_starts_as_cash_and_moves_into_positions():
    def money(ctx):
        return ctx.cash, ctx.equity, ctx.last("TEST"), ctx.positions["TEST"].quantity

    assert ask(money) == (1000.0, 1000.0, 10.0, 0.0)
    assert ask(money, "10 10 12", 2, {0: [buy(5)]}) == (950.0, 1010.0, 12.0, 5.0)


def test_spendable_leaves_room_for_the_taker_fee():
    assert ask(lambda ctx: ctx.spendable, taker_fee_bps=100) == 1000 / 1.01
    assert ask(lambda ctx: ctx.target_weight("TEST", 1).quantity, taker_fee_bps=100) == 99.0


def test_spendable_follows_a_fee_that_the_broker_learns_once_it_has_connected():
    broker = PaperBroker(taker_fee_bps=10)

    def learn(ctx):
        before = ctx.spendable
        broker.taker_fee_bps = 100
        return before, ctx.spendable

    assert ask(learn, broker=broker) == (1000.0 / 1.001, 1000.0 / 1.01)


def test_last_price_is_unknown_before_the_first_bar():
    class Early(Scripted):
        def on_start(self, ctx):
            super().on_start(ctx)
            self.early = ctx.last("TEST"), ctx.target_weight("TEST", 1)

    early = Early({})
    hl.backtest(early, bars("10 10"), instruments=[PERP])

    assert math.isnan(early.early[0])
    assert early.early[1] is None


def test_a_symbol_is_given_where_there_is_one_and_refused_where_there_are_two():
    assert ask(lambda ctx: (ctx.symbol, ctx.symbols)) == ("TEST", ("TEST",))
    assert repr(ask(lambda ctx: ctx)) == "Context('scripted', TEST)"

    two = {"A": bars("1", "A"), "B": bars("1", "B")}
    with pytest.raises(hl.StrategyError, match=r"ctx\.symbol: needs exactly one instrument, was A, B"):
        hl.backtest(Scripted({0: lambda _, ctx: ctx.symbol}), two)


def test_columns_can_be_asked_for_only_at_the_start():
    with pytest.raises(hl.StrategyError, match=r"ctx\.use: only in on_start"):
        ask(lambda ctx: ctx.use(ctx.bars().close))


def test_open_orders_are_this_strategys_oldest_first():
    def orders(ctx):
        return [(one.limit_price, one.status) for one in ctx.open_orders("TEST")]

    assert ask(orders, script={0: [buy(1, limit=9), buy(1, limit=8)]}) == [
        (9.0, "submitted"),
        (8.0, "submitted"),
    ]
    assert ask(lambda ctx: (ctx.cancel_all(), ctx.open_orders())[1], script={0: [buy(1, limit=9)]}) == []


def test_a_target_trades_the_difference_and_counts_what_is_on_its_way():
    def targets(ctx):
        orders = [ctx.target("TEST", quantity) for quantity in (5, 5, 2, -1, 0)]
        return [one and (one.side.name, one.quantity, one.reduce_only) for one in orders]

    assert ask(targets) == [
        ("BUY", 5.0, False),
        None,
        ("SELL", 3.0, True),
        ("SELL", 3.0, False),
        ("BUY", 1.0, True),
    ]


def test_close_does_nothing_when_flat():
    assert ask(lambda ctx: ctx.close("TEST")) is None
    assert ask(lambda ctx: ctx.close("TEST").quantity, key=1, script={0: [buy(3)]}) == 3.0


def test_a_target_weight_is_a_share_of_equity_and_leaves_small_differences_alone():
    assert ask(lambda ctx: ctx.target_weight("TEST", 0.5).quantity) == 50.0
    assert ask(lambda ctx: ctx.target_weight("TEST", -0.5).side.name) == "SELL"

    held = {0: [buy(50)]}
    assert ask(lambda ctx: ctx.target_weight("TEST", 0.505), key=1, script=held) is None
    assert ask(lambda ctx: ctx.target_weight("TEST", 0.505, tolerance=0).quantity, key=1, script=held) == 0.5
    assert ask(lambda ctx: ctx.target_weight("TEST", 0).quantity, key=1, script={0: [buy(0.1)]}) == 0.1


def test_expiry_is_a_time_or_a_while():
    at = datetime(2024, 1, 1, 3, tzinfo=UTC)

    assert ask(lambda ctx: ctx.buy("TEST", 1, limit=9, expire=at).expire_time) == 1_704_078_000_000_000_000
    later = ask(lambda ctx: ctx.buy("TEST", 1, limit=9, expire=timedelta(hours=2)).expire_time)
    assert later == 1_704_078_000_000_000_000


def test_random_numbers_come_from_the_seed_of_the_session_and_the_name_of_the_strategy():
    def number(ctx):
        return ctx.rng.random()

    assert ask(number, seed=1) == ask(number, seed=1) != ask(number, seed=2)
    drawn = []
    act = {0: lambda _, ctx: drawn.append(ctx.rng.random())}
    hl.backtest([Scripted(dict(act)), Scripted(dict(act))], bars("1 2"))
    assert drawn[0] != drawn[1]


def test_state_is_a_dict_of_the_strategys_own():
    def count(_, ctx):
        ctx.state["bars"] = ctx.state.get("bars", 0) + 1

    script = dict.fromkeys(range(3), count)
    seen = []
    script[3] = lambda _, ctx: seen.append(ctx.state["bars"])
    hl.backtest(Scripted(script), bars("1 2 3 4"))

    assert seen == [3]
