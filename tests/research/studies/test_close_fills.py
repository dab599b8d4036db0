"""Market orders that fill at the close they were sent on: what else happens at that time, and how it stays the same on a stream."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

import hookline as hl
from hookline.session import Session
from hookline.session.loader import session_from
from hookline.session.netting import NettedBroker
from hookline.session.venues import VenueBroker
from hookline.testing import Scripted, StrategyContract, bars, buy, sell
from hookline.testing.market import random_bars
from hookline_paper.broker import PaperBroker
from hookline_strategies.ema_cross import EmaCross

PERP = hl.Instrument("TEST", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.1"), lot_size=Decimal(1))


def run(strategy, text, **broker):
    data = bars(text) if isinstance(text, str) else text
    instruments = (PERP,) if isinstance(text, str) else ()
    return hl.backtest(strategy, data, instruments=instruments, fill="close", **broker)


def fills(result):
    """Each fill with the number of bars that had ended by its time."""
    first = int(next(iter(result.record.series.values())).start[0])
    step = next(iter(result.record.series.values())).duration
    return [
        f"{(fill.time - first) // step}: {fill.side.name.lower()} {fill.quantity:g} @ {fill.price:g}"
        for fill in result.record.fills
    ]


def test_equity_moves_with_the_bar_after_the_close_and_pays_costs_at_it():
    result = run(Scripted({0: buy(10), 2: sell(10)}), "100 110 121 130", taker_fee_bps=10, slippage_ticks=5)

    assert fills(result) == ["1: buy 10 @ 100.5", "3: sell 10 @ 120.5"]
    fee = 10 * 100.5 * 0.001
    assert result.equity.value.tolist() == pytest.approx(
        [9_995 - fee, 10_095 - fee, 10_200 - fee - 10 * 120.5 * 0.001, 10_200 - fee - 10 * 120.5 * 0.001]
    )


def test_protection_of_an_entry_at_the_close_begins_with_the_next_bar():
    script = {0: buy(1, stop_loss=9, take_profit=12)}

    stopped = run(Scripted(script), "10/12/8/10 10/11/9.5/10 10/11/8/10")
    gapped = run(Scripted(script), "10/12/8/10 8/8.5/7/8")
    taken = run(Scripted(script), "10/12/8/10 10/12/9.5/10")

    assert fills(stopped) == ["1: buy 1 @ 10", "3: sell 1 @ 9"]
    assert fills(gapped) == [
        "1: buy 1 @ 10",
        "1: sell 1 @ 8",
    ]  # at the next open, which is the time of the close
    assert fills(taken) == ["1: buy 1 @ 10", "2: sell 1 @ 12"]


def test_limits_and_stops_wait_for_the_next_bar():
    result = run(Scripted({0: [buy(1, limit=10), buy(1, trigger=11)]}), "10 10/11/10/10.5 11")

    assert fills(result) == ["1: buy 1 @ 10", "2: buy 1 @ 11"]
    assert [fill.is_maker for fill in result.record.fills] == [False, False]
    assert result.record.seen[0] == result.record.series["TEST"].end[1]


@dataclass
class Answering(hl.Strategy):
    """Buys once, and answers the first fills with orders of its own."""

    name = "answering"
    answers: int = 1
    sent: int = field(default=0, init=False)

    def on_bar(self, ctx, bar):
        if not self.sent:
            self.sent = 1
            ctx.buy(bar.symbol, 1)

    def on_fill(self, ctx, fill):
        if self.sent <= self.answers:
            self.sent += 1
            ctx.buy(fill.symbol, 1)


def test_what_answers_a_fill_at_the_close_fills_at_that_close_too():
    assert fills(run(Answering(2), "10 11 12")) == ["1: buy 1 @ 10"] * 3


def test_a_strategy_that_answers_its_own_fills_for_ever_is_stopped():
    with pytest.raises(hl.StrategyError, match="answers itself"):
        run(Answering(10**9), "10 11 12", cash=1e9)


@dataclass
class Timed(hl.Strategy):
    """Trades on a timer that is due as bars end."""

    name = "timed"

    def on_start(self, ctx):
        ctx.every("2h")

    def on_timer(self, ctx, timer):
        ctx.buy("TEST", 1)


def test_a_timer_due_as_the_bar_ends_trades_at_its_close():
    assert fills(run(Timed(), "10 11 12 13 14")) == ["2: buy 1 @ 11", "4: buy 1 @ 13"]


@dataclass
class Rotating(hl.Strategy):
    """Holds one instrument after the other, all of its cash in it."""

    name = "rotating"
    bars_seen: int = field(default=0, init=False)

    def on_bar(self, ctx, bar):
        if bar.symbol == "B":
            self.bars_seen += 1
            buying, selling = ("A", "B") if self.bars_seen % 2 else ("B", "A")
            ctx.close(selling)
            ctx.buy(buying, 50)


def test_bars_that_end_together_fill_at_their_closes_in_the_order_of_sending():
    instruments = [hl.Instrument(symbol, tick_size=Decimal("0.1"), lot_size=Decimal(1)) for symbol in "AB"]
    data = {symbol: bars("100 100 100 100", symbol=symbol) for symbol in "AB"}

    result = hl.backtest(Rotating(), data, cash=5_000, instruments=instruments, fill="close")

    # The cash that a sale frees is there for the purchase after it.
    assert [(fill.symbol, fill.side.name, fill.lots) for fill in result.record.fills] == [
        ("A", "BUY", 50), ("A", "SELL", 50), ("B", "BUY", 50), ("B", "SELL", 50), ("A", "BUY", 50),
        ("A", "SELL", 50), ("B", "BUY", 50),
    ]  # fmt: skip


def test_a_position_opened_at_the_close_is_liquidated_by_the_next_bar():
    # 100 of cash and 900 borrowed hold 10 bought at 100; the fall comes in the very next bar, then in a later one.
    early = hl.backtest(
        Scripted({0: buy(10)}), bars("100 100/100/85/95 95"), instruments=(PERP,), cash=100, leverage=10, fill="close"
    )  # fmt: skip
    late = hl.backtest(
        Scripted({0: [buy(1), sell(1)], 1: buy(10)}),
        bars("100 100 100 100/100/85/95"),
        instruments=(PERP,),
        cash=100,
        leverage=10,
        fill="close",
    )

    assert fills(early)[1].startswith("2: sell 10 @ 90.")
    assert fills(late)[-1].startswith("4: sell 10 @ 90.")


def test_results_say_that_the_close_was_used():
    said = run(Scripted({}), "10 11").warnings

    assert any("fill: close" in text and "known only once it was over" in text for text in said)
    assert not any("fill: close" in text for text in hl.backtest(Scripted({}), bars("10 11")).warnings)


def test_a_tape_and_fills_at_the_close_do_not_go_together():
    session = {
        "timeframe": "1h",
        "symbols": ["ONE-PERP"],
        "feed": {"use": "synthetic", "params": {"seed": 3}},
        "since": "2024-01-01",
        "until": "2024-01-02",
        "market_data": ["trades"],
        "broker": {"use": "paper", "params": {"fill": "close"}},
        "strategies": [{"use": "buy_and_hold"}],
    }

    with pytest.raises(
        hl.ConfigError, match=r"broker.params.fill: close is for bars alone, .* tape of ONE-PERP"
    ):
        Session.from_config(session_from(session)).run()


def session(mode, folder):
    source = {"use": "synthetic", "params": {"seed": 3}}
    feed = source if mode == "backtest" else {"use": "replay", "params": {"source": source}}
    return Session.from_config(
        session_from(
            {
                "name": f"closing-{mode}",
                "mode": mode,
                "symbols": ["ONE-PERP", "TWO-PERP"],
                "timeframe": "1h",
                "since": "2024-01-01",
                "until": "2024-03-01",
                "cash": 20_000,
                "feed": feed,
                "broker": {"use": "paper", "params": {"taker_fee_bps": 5, "slippage_ticks": 1, "fill": "close"}},
                "strategies": [
                    {"use": "ema_cross", "params": {"fast": 5, "slow": 20, "adx_min": 0}},
                    {"use": "smart_dca", "symbols": ["ONE-PERP"]},
                ],
                "stream": {"warmup_bars": 0, "bar_wait_seconds": 1e6},
                "on_stop": "keep",
                "output": str(folder),
            }
        )
    )  # fmt: skip


def test_paper_on_a_replay_trades_as_the_backtest(tmp_path):
    backtest = session("backtest", tmp_path).run().record
    paper = session("paper", tmp_path).run().record

    assert len(backtest.fills) > 100
    assert paper.fills == backtest.fills
    assert [repr(order) for order in paper.orders] == [repr(order) for order in backtest.orders]


def test_netted_accounts_and_fills_at_the_close_do_not_go_together():
    broker = NettedBroker(PaperBroker(fill="close"))

    with pytest.raises(hl.ConfigError, match="accounts: netted needs orders that wait for the next bar"):
        hl.backtest(Scripted({}), bars("10 11"), broker=broker)


def test_of_several_venues_only_those_that_say_so_fill_at_the_close():
    instruments = [replace(PERP, symbol=symbol) for symbol in "AB"]
    broker = VenueBroker({"A": PaperBroker(fill="close"), "B": PaperBroker()})
    script = {0: [buy(1, symbol="A"), buy(1, symbol="B")]}

    result = hl.backtest(
        Scripted(script),
        {symbol: bars("10/10/10/10 12/12/12/12", symbol) for symbol in "AB"},
        instruments=instruments,
        broker=broker,
    )

    assert [(fill.symbol, fill.price) for fill in result.record.fills] == [("A", 10.0), ("B", 12.0)]


class TestStrategyThatFillsAtTheClose(StrategyContract):
    """Later bars change nothing, and a stream gives what a backtest gives."""

    def make(self):
        return EmaCross(3, 8, adx_min=0.0)

    def market(self):
        return {symbol: random_bars(symbol, 200) for symbol in ("AAA", "BBB")}

    def broker(self):
        return PaperBroker(taker_fee_bps=5, fill="close")

    def test_its_market_orders_fill_at_the_time_they_are_sent(self):
        record = self.record(self.market()).result.record
        sent = {order.number: order.time for order in record.orders if order.type == "market"}
        filled = [fill for fill in record.fills if fill.order_number in sent]

        assert len(filled) > 10
        assert all(fill.time == sent[fill.order_number] for fill in filled)
