"""Fills of the emulated exchange on a tape equal those of a backtest with the same orders."""

import random
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pytest
from exchange_kit import START, Floor, perp

import hookline as hl
from hookline.model import BarSeries, BookUpdate, MarketData, Quote, TapeSeries, Trade
from hookline_lmex.emulator.changing import amend, cancel
from hookline_lmex.emulator.terms import MarketSetup

FEES = {"maker_fee_bps": 1.0, "taker_fee_bps": 6.0}
SYMBOL = "AAA-PERP"


def made_up_tape(seed, messages=1500):
    """A book around 100 that wanders, with trades at its top."""
    draw = random.Random(seed)
    mid, now, rows = 10_000, START, []
    for number in range(messages):
        now += draw.randrange(1, 3) * 10**9
        mid += draw.choice([-2, -1, 0, 0, 1, 2])
        if draw.random() < 0.4:
            side = draw.choice([1, -1])
            rows.append((now, number, 1, side, (mid + side * 2) / 100, draw.randrange(1, 300) / 100))
        else:
            rows += [
                (now, number, 3, side, (mid - side * level * 2) / 100, draw.randrange(1, 500) / 100)
                for side in (1, -1)
                for level in range(1, 6)
            ]
    time, number, kind, side, price, quantity = (np.array(column) for column in zip(*rows, strict=True))
    none = np.full(len(rows), -1)
    return TapeSeries(SYMBOL, time, time, number, kind, side, price, quantity, none, none)


def minute_bars(tape):
    """A flat bar for each minute, so that a backtest has something to follow beside the tape."""
    starts = np.arange(START, int(tape.time[-1]), 60 * 10**9)
    price = np.full(len(starts), 100.0)
    return BarSeries(SYMBOL, "1m", starts, price, price, price, price, np.zeros(len(starts)))


@dataclass
class OnTape(hl.Strategy):
    """Does what a script says after each trade or book, by number."""

    name = "on_tape"

    actions: dict = field(default_factory=dict)
    sent: list = field(default_factory=list)
    count: int = 0

    def on_trade(self, ctx, trade):
        self.act(ctx)

    def on_book(self, ctx, book):
        self.act(ctx)

    def act(self, ctx):
        for action, *rest in self.actions.get(self.count, ()):
            if action == "send":
                terms = rest[0]
                self.sent.append(
                    ctx.submit(
                        SYMBOL, hl.Side[terms["side"]], terms["size"] / 100, limit=terms.get("price"),
                        trigger=terms.get("triggerPrice"), post_only=terms.get("postOnly", False),
                        time_in_force=hl.TimeInForce(terms.get("time_in_force", "GTC").lower()),
                    )
                )  # fmt: skip
            elif self.sent[rest[0]].is_open and action == "cancel":
                ctx.cancel(self.sent[rest[0]])
            elif self.sent[rest[0]].is_open and self.sent[rest[0]].type is hl.OrderType.LIMIT:
                ctx.amend(self.sent[rest[0]], limit=rest[1])
        self.count += 1


def script(tape, seed):
    draw = random.Random(seed)
    actions, sent, price = {}, 0, 100.0
    for index, event in enumerate(tape.events()):
        price = event.price if isinstance(event, Trade) else price
        here = actions.setdefault(index, [])
        if index < 50:
            continue
        if draw.random() < 0.15:
            here.append(("send", order_terms(draw, price)))
            sent += 1
        if sent and draw.random() < 0.05:
            here.append(("cancel", draw.randrange(sent)))
        if sent and draw.random() < 0.05:
            here.append(("amend", draw.randrange(sent), round(price + draw.uniform(-0.1, 0.1), 2)))
    return actions


def order_terms(draw, price):
    terms = {"side": draw.choice(["BUY", "SELL"]), "size": draw.randrange(1, 300)}
    kind = draw.choice(["market", "limit", "limit", "post", "ioc", "fok", "stop"])
    sign = 1 if terms["side"] == "BUY" else -1
    if kind == "stop":
        return terms | {"triggerPrice": round(price + sign * draw.uniform(0.02, 0.2), 2), "txType": "STOP"}
    if kind == "market":
        return terms
    terms["price"] = round(price + draw.uniform(-0.12, 0.12), 2)
    if kind == "post":
        terms["postOnly"] = True
    elif kind != "limit":
        terms["time_in_force"] = kind.upper()
    return terms


@pytest.mark.parametrize("seed", range(6))
def test_fills_of_scripted_orders_on_books_and_trades_equal_those_of_a_backtest(seed):
    tape = made_up_tape(seed)
    actions, instrument = script(tape, seed), perp(leverage=Decimal(3))
    result = hl.backtest(
        OnTape(actions),
        minute_bars(tape),
        cash=20_000.0,
        instruments=[instrument],
        tapes=[tape],
        leverage=1.0,
        **FEES,
    )
    kinds = frozenset({MarketData.BOOK, MarketData.TRADES})
    floor = Floor(MarketSetup(instrument, tape=kinds, **FEES), futures={"USDT": 20_000}, spam_notional=0)
    play(floor, tape, actions)
    expected = [(one.side.name, one.lots, one.price, one.fee, one.is_maker) for one in result.record.fills]
    found = [(one.side, one.size, one.price, one.fee, one.is_maker) for one in floor.truth.fills]
    assert found == expected
    assert len(found) > 60


def play(floor, tape, actions):
    sent = []
    for index, event in enumerate(tape.events()):
        floor.clock.now = event.time
        floor.exchange.handle([event])
        for action, *rest in actions.get(index, ()):
            if action == "send":
                body = {"type": "LIMIT" if "price" in rest[0] else "MARKET"} | rest[0]
                sent += floor.send(SYMBOL, **body)
                continue
            record = sent[rest[0]]
            named = {"symbol": SYMBOL, "orderID": record.order_id}
            if record.is_open and action == "cancel":
                cancel(floor.exchange, floor.desk(), named)
            elif record.is_open and record.order.type is hl.OrderType.LIMIT:
                amend(floor.exchange, floor.desk(), named | {"type": "PRICE", "value": rest[1]})


def test_what_the_tape_shows_is_passed_on_in_order():
    floor = Floor(
        MarketSetup(perp(), tape=frozenset({MarketData.BOOK, MarketData.TRADES, MarketData.QUOTES}))
    )
    floor.exchange.handle([BookUpdate(SYMBOL, START, START, True, [1, -1], [99.0, 101.0], [5.0, 6.0], 7, 6)])
    floor.trade(100.0, 2.0)
    floor.trade(100.5, 3.0)
    floor.quote(99.5, 100.5)
    assert [update.sequence for update in floor.ear.books] == [7]
    assert [trade.price for _, trade, _ in floor.ear.trades] == [100.0, 100.5]
    first, second = (number for *_, number in floor.ear.trades)
    assert second == first + 1
    assert [type(one) for one in floor.ear.quotes] == [Quote]
    assert [one.trade_id for one in floor.exchange.recent_trades(SYMBOL, 5)] == [second, first]
