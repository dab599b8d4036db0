"""Strategies in one account on random bars: what they ask for at random, and an account that is looked at after every event."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

import hookline as hl
from hookline.feed import BarRequest
from hookline.model import MarketData
from hookline.session.netting import NettedBroker
from hookline.session.plan import Plan, Seat
from hookline.session.session import Session
from hookline.testing.recording import SeriesFeed
from hookline_feeds.synthetic import Book, SyntheticFeed
from hookline_paper.broker import PaperBroker

HOUR = 3600 * 10**9
START = 1_704_067_200_000_000_000
PERP = hl.Instrument(
    "PERP", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.5"), lot_size=Decimal("0.1")
)
SPOT = hl.Instrument("SPOT", tick_size=Decimal("0.5"), lot_size=Decimal("0.1"))


class Audited(NettedBroker):
    """Checks the sum of the strategies against the account after every event."""

    def advance(self, until):
        super().advance(until)
        self.look()

    def match(self, bars):
        super().match(bars)
        self.look()

    def on_quote(self, quote):
        super().on_quote(quote)
        self.look()

    def on_trade(self, trade):
        super().on_trade(trade)
        self.look()

    def on_book(self, update):
        super().on_book(update)
        self.look()

    def look(self):
        self.check()
        for symbol, orders in self._ground.open.items():
            assert all(order.is_open for order in orders), symbol
            for order in orders:
                places = [order in self._pending, self._singles.has(order), self._groups.has(order)]
                assert sum(places) == 1, (order, places)
        for ledger in self.account.ledgers.values():
            for position in ledger.positions.values():
                assert position.market.instrument.can_short or position.lots >= 0


def random_series(rng: random.Random, symbol: str, size: int) -> hl.BarSeries:
    """Bars on the grid between 10 and 22, some flat, with gaps in time."""
    rows, times, time = [], [], START
    for _ in range(size):
        low, one, other, high = sorted(rng.randint(20, 44) / 2 for _ in range(4))
        open_, close = rng.sample([one, other], 2)
        rows.append([one] * 4 if rng.random() < 0.2 else [open_, high, low, close])
        times.append(time)
        time += HOUR * rng.choice([1, 1, 1, 1, 3])
    columns = [np.array(column, float) for column in zip(*rows, strict=True)]
    return hl.BarSeries(symbol, "1h", np.array(times), *columns, np.ones(size))


@dataclass
class Trader(hl.Strategy):
    """Asks for anything at random."""

    name = "trader"

    seed: int = 0
    busy: float = 0.6
    plain: int = 100  # most market orders without conditions in one event
    reduces: bool = True  # asks for reduce-only orders of its own, beside those of brackets and exits

    def on_start(self, ctx):
        self.last = {}
        if self.seed % 3 == 0:
            ctx.every("90m")

    def on_timer(self, ctx, timer):
        self.rng = random.Random(f"{self.seed} {ctx.now} timer")
        for symbol in ctx.symbols:
            self.last[symbol] = ctx.last(symbol)
            self._change(ctx, symbol)

    def on_bar(self, ctx, bar):
        self.last[bar.symbol] = bar.close
        self.act(ctx, bar.symbol)

    def act(self, ctx, symbol):
        # Of the moment, so that a restart changes nothing.
        self.rng, self.sent = random.Random(f"{self.seed} {ctx.now}"), 0
        while self.rng.random() < self.busy:
            asks = (self._market, self._market, self._order, self._bracket, self._change, self._pair)
            self.rng.choice(asks)(ctx, symbol)

    def _market(self, ctx, symbol):
        self.sent += 1
        if self.sent > self.plain:
            return
        kind = self.rng.random() if self.reduces else 1.0
        if kind < 0.2:
            ctx.close(symbol)
        elif kind < 0.4:
            ctx.target(symbol, self.rng.choice([0, 1, -1]) * self._quantity())
        else:
            life = self.rng.choice(["gtc", "gtc", "ioc", "fok"])
            side = self._side()
            reduce_only = self._reduces(0.3)
            ctx.submit(symbol, side, self._quantity(), reduce_only=reduce_only, time_in_force=life)

    def _order(self, ctx, symbol):
        price, other = self._price(symbol), self._price(symbol)
        terms: dict[str, Any] = self.rng.choice(
            [
                {"limit": price},
                {"limit": price, "time_in_force": "ioc"},
                {"limit": price, "post_only": True},
                {"trigger": price},
                {"trigger": price, "limit": other},
                {"type": "take_profit", "trigger": price},
                {"trail_amount": 1.5},
                {"trail_fraction": 0.07},
            ]
        )
        side = self._side()
        reduce_only = self._reduces(0.5)
        ctx.submit(symbol, side, self._quantity(), reduce_only=reduce_only, **terms)

    def _reduces(self, chance):
        return self.rng.random() < chance and self.reduces

    def _pair(self, ctx, symbol):
        """A stop and a target for what is held, of which one cancels the other."""
        position = ctx.position(symbol)
        if position.is_flat or not self.reduces:
            return
        side = hl.Side.SELL if position.is_long else hl.Side.BUY
        quantity, last = abs(position.quantity), self.last[symbol]
        first = ctx.submit(symbol, side, quantity, trigger=last + 2 * int(side), reduce_only=True)
        if not first.is_closed:
            ctx.submit(symbol, side, quantity, limit=last - 2 * int(side), reduce_only=True, oco=first)

    def _bracket(self, ctx, symbol):
        side, at = self._side(), self.rng.choice([None, "limit", "trigger"])
        base = self._price(symbol) if at else self.last[symbol]
        terms: dict[str, Any] = {at: base} if at else {}
        terms |= {"stop_loss_trail": 1.5} if self.rng.random() < 0.3 else {"stop_loss": base - side * 1.5}
        terms |= {"take_profit": base + side * 2} if self.rng.random() < 0.6 else {}
        ctx.submit(symbol, side, self._quantity(), **terms)

    def _change(self, ctx, symbol):
        orders = ctx.open_orders(symbol)
        if not orders:
            return
        order, price = self.rng.choice(orders), self._price(symbol)
        is_fixed = order.type is hl.OrderType.MARKET or order.status is hl.OrderStatus.HELD
        if is_fixed or self.rng.random() < 0.5:
            ctx.cancel(order)
        else:
            ctx.amend(
                order,
                quantity=self._quantity() if self.rng.random() < 0.6 else None,
                limit=None if order.limit_price is None else price,
                trigger=None if order.trigger_price is None else price,
            )

    def _side(self):
        return self.rng.choice(list(hl.Side))

    def _quantity(self):
        return self.rng.randint(1, 30) / 10

    def _price(self, symbol):
        return self.last[symbol] + self.rng.randint(-6, 6) / 2


def random_run(
    size: int,
    seed: int,
    *,
    count: int = 3,
    plain: int = 100,
    reduces: bool = True,
    mode: str = "backtest",
    netted: bool = True,
    instrument: hl.Instrument = PERP,
    cash: float = 1e6,
    journal: Any = None,
    hours: int | None = None,
) -> tuple[Session, Any]:
    """Run traders of a seed on bars of that seed, in an account that is audited, or each in its own."""
    rng = random.Random(seed)
    series = {instrument.symbol: random_series(rng, instrument.symbol, size)}
    if hours is not None:
        series = {symbol: one.between(None, START + hours * HOUR) for symbol, one in series.items()}
    paper = PaperBroker(
        taker_fee_bps=rng.choice([0.0, 7.5, 100.0]),
        maker_fee_bps=rng.choice([0.0, -2.0, 10.0]),
        leverage=rng.choice([1.0, 5.0]),
        slippage_ticks=rng.choice([0, 1]),
        intrabar=rng.choice(["stop_first", "path"]),
    )
    plan = Plan(
        name="netted",
        mode=mode,
        currency="USDT",
        seed=0,
        timeframe="1h",
        feed=SeriesFeed(series),
        requests=[BarRequest(symbol, "1h") for symbol in series],
        instruments={instrument.symbol: instrument},
        broker=Audited(paper) if netted else paper,
        seats=[
            Seat(
                f"s{number}",
                "trader",
                Trader(rng.randrange(10**6), plain=plain, reduces=reduces),
                tuple(series),
                cash,
            )
            for number in range(count)
        ],
        journal=journal,
    )
    session = Session(plan)
    return session, session.run().record


def told(record: Any) -> tuple[list[Any], list[Any]]:
    """What was ordered and filled, in values that can be compared."""
    orders = [
        (o.number, o.strategy, o.side, o.type, o.lots, o.filled_lots, o.limit_price, o.trigger_price, o.status, o.reason)
        for o in record.orders
    ]  # fmt: skip
    return orders, list(record.fills)


def position_steps(record: Any) -> Any:
    """Yield each fill with what its strategy held before it and after it."""
    held: dict[tuple[str, str], int] = {}
    for fill in record.fills:
        key = (fill.strategy, fill.position_id or fill.symbol)
        before = held.get(key, 0)
        held[key] = before + fill.side * fill.lots
        yield fill, before, held[key]


def check_record(session: Session, record: Any) -> None:
    """Whatever was asked for: nothing reduces beyond flat, nothing overfills, nothing is lost, and all fees are the account's."""
    orders = {order.number: order for order in record.orders}
    for fill, before, after in position_steps(record):
        if orders[fill.order_number].reduce_only:
            assert fill.side * before < 0, fill
            assert before * after >= 0, fill
    account = session.plan.broker.account
    fees = sum(fill.fee for fill in record.fills)
    assert abs(fees - account.ledger.fees) <= 1e-9 * max(1.0, abs(fees))
    resting = {id(order) for orders in session.plan.broker._ground.open.values() for order in orders}
    for order in record.orders:
        assert order.filled_lots <= order.lots
        is_waiting = order.status is hl.OrderStatus.HELD and order.parent.is_open
        assert order.is_closed or is_waiting or id(order) in resting, order


@dataclass
class TapeTrader(Trader):
    """Asks for anything at random on some of the messages of a tape."""

    name = "tape_trader"

    def on_bar(self, ctx, bar):
        pass

    def on_trade(self, ctx, trade):
        self.last[trade.symbol] = trade.price
        if random.Random(f"{trade.time} {self.seed // 7}").random() < 0.2:
            self.act(ctx, trade.symbol)

    def on_quote(self, ctx, quote):
        if quote.symbol in self.last and random.Random(quote.time).random() < 0.1:
            self.act(ctx, quote.symbol)

    def _price(self, symbol):
        return self.last[symbol] * (1 + self.rng.randint(-4, 4) / 4000)


def tape_session(seed: int, minutes: float = 10.0, broker: Any = None) -> Session:
    """Return a session of traders of a seed on a synthetic book of that seed."""
    feed = SyntheticFeed(
        seed=seed, start="2024-01-01", book=Book(minutes=minutes, latency_ms=0.0, latency_jitter_ms=0.0)
    )
    rng, symbol = random.Random(seed), "BTC-PERP"
    kinds = frozenset({MarketData.BOOK, MarketData.TRADES, MarketData.QUOTES})
    plan = Plan(
        name="netted",
        mode="backtest",
        currency="USDT",
        seed=0,
        timeframe="1m",
        feed=feed,
        requests=[BarRequest(symbol, "1m")],
        instruments={symbol: feed.instrument(symbol)},
        broker=broker or Audited(PaperBroker(taker_fee_bps=5.0, maker_fee_bps=-1.0)),
        seats=[Seat(f"s{n}", "tape_trader", TapeTrader(rng.randrange(10**6)), (symbol,), 1e6) for n in range(3)],
        tapes={symbol: kinds},
    )  # fmt: skip
    return Session(plan)


def tape_run(seed: int, minutes: float = 10.0) -> tuple[Session, Any]:
    """Run such a session in an account that is audited."""
    session = tape_session(seed, minutes)
    return session, session.run().record
