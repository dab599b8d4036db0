"""Kernels that a state machine drives by hand, and that can be restarted at any moment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec

import hookline as hl
from hookline.clock import EventClock
from hookline.kernel.kernel import Kernel
from hookline.kernel.observing import Observing
from hookline.kernel.orders import Terms as Asked
from hookline.kernel.orders import make_order
from hookline.kernel.runner import Runner
from hookline.kernel.state import restore_kernel, restore_strategies, save_kernel
from hookline.model import MarketData, Order, OrderType, Position
from hookline_paper.broker import PaperBroker

HOUR = 3600 * 10**9
START = 1_704_067_200_000_000_000  # midnight


class Idle(Runner):
    """Follows everything and asks for nothing."""

    wants_fills = False

    def followers(self, symbol):
        return [self]

    def on_bar(self, bar):
        pass

    def on_fill(self, order, fill):
        pass


class Terms(NamedTuple):
    """The prices of an order when it was filled."""

    limit: float | None
    trigger: float | None


class Watching(Observing):
    """Notes the prices of each order as it fills: an amendment may be heard of in the same event."""

    fills = True

    def __init__(self) -> None:
        self.terms: dict[int, Terms] = {}

    def order_filled(self, order, fill):
        self.terms[fill.number] = Terms(order.limit_price, order.trigger_price)


@dataclass
class Setting:
    """What a session is about."""

    instruments: dict[str, hl.Instrument]
    broker: dict[str, Any]
    cash: dict[str, float]
    funding: dict[str, hl.ExternalSeries] = field(default_factory=dict)
    marks: dict[str, hl.BarSeries] = field(default_factory=dict)
    tapes: dict[str, frozenset[MarketData]] = field(default_factory=dict)


class World:
    """A kernel with a paper broker, and every order that it has ever had, by number."""

    def __init__(self, setting: Setting, past: Any = None, orders: Mapping[int, Order] | None = None) -> None:
        self.setting = setting
        self.orders: dict[int, Order] = dict(orders or {})
        self.watching = Watching()
        self.kernel = kernel = Kernel(
            EventClock(START),
            PaperBroker(**setting.broker),
            setting.instruments,
            setting.cash,
            observing=self.watching,
            funding=setting.funding,
            marks=setting.marks,
        )
        kernel.broker.follow(setting.tapes, setting.marks)
        runners = {id_: Idle(id_) for id_ in setting.cash}
        if past is not None:
            restore_kernel(kernel, past)
        kernel.start(runners)
        if past is not None:
            restore_strategies(kernel, past.states)
        self.lanes = {symbol: kernel.lane(symbol) for symbol in setting.instruments}

    @property
    def now(self) -> int:
        return self.kernel.clock.now

    def state(self) -> dict[str, Any]:
        """What a journal keeps of the kernel, as it comes back from one."""
        kept: dict[str, Any] = json.loads(json.dumps(save_kernel(self.kernel)))
        return kept

    def restarted(self) -> World:
        """A new kernel that stands where this one does, from what a journal keeps; news must have been taken."""
        copies = {number: msgspec.structs.replace(order) for number, order in self.orders.items()}
        for one in copies.values():
            one.parent = None if one.parent is None else copies.get(one.parent.number)
            one.oco_leader = None if one.oco_leader is None else copies.get(one.oco_leader.number)
            one.children = tuple(copies[child.number] for child in one.children if child.number in copies)
        kernel = self.kernel
        past = SimpleNamespace(
            time=self.now,
            states=self.state(),
            last_order=kernel.order_count,
            last_fill=kernel.fill_count,
            open_orders=[copies[number] for number in sorted(copies) if copies[number].is_open],
            ledgers={id_: _kept(ledger) for id_, ledger in kernel.ledgers.items()},
        )
        return World(self.setting, past, copies)

    # -- what happens --------------------------------------------------------------------------------------------------

    def bars(self, bars: Sequence[hl.Bar]) -> None:
        if len(bars) == 1:
            self.kernel.run(self.lanes[bars[0].symbol], bars)
        else:
            self.kernel.run_together([self.lanes[bar.symbol] for bar in bars], bars)

    def submit(
        self, strategy: str, symbol: str, side: hl.Side, lots: int, terms: dict[str, Any], oco: int = 0
    ) -> None:
        leader = self.orders[oco] if oco else None
        given = Asked(**terms, oco=leader)
        market = self.kernel.markets[symbol]
        self.kernel.submit(make_order(strategy, market, side, lots, self.now, given))

    def cancel(self, number: int) -> None:
        self.kernel.cancel(self.orders[number])

    def amend(self, number: int, lots: int, price: float) -> None:
        """Ask for other lots and, where the order has one, another price: its limit, else its trigger."""
        order = self.orders[number]
        limit, trigger = order.limit_price, order.trigger_price
        if limit is not None:
            limit = order.instrument.on_grid(price, -order.side)
        elif trigger is not None:
            trigger = order.instrument.on_grid(price)
        self.kernel.amend(order, lots, limit, trigger)

    # -- what there is ---------------------------------------------------------------------------------------------------

    def news(self) -> Any:
        """What has happened since the last call."""
        news = self.kernel.take()
        self.orders.update({order.number: order for order in news.orders})
        return news

    def open_numbers(self, strategy: str | None = None, symbol: str | None = None) -> list[int]:
        return [order.number for order in self.kernel.open_orders(strategy, symbol)]

    def amendable(self) -> list[int]:
        return [order.number for order in self.kernel.open_orders() if order.type is not OrderType.MARKET]

    def position_of(self, order: Order) -> Position:
        return self.kernel.ledgers[order.strategy].positions[order.position_id or order.symbol]


def _kept(ledger: Any) -> Any:
    names = ("lots", "quantity", "entry_price", "realized", "fees", "opened")
    return SimpleNamespace(
        cash={wallet.name: wallet.cash for wallet in ledger.wallets},
        fees=ledger.fees,
        funding=ledger.funding,
        positions={
            id_: SimpleNamespace(**{name: getattr(one, name) for name in names})
            for id_, one in ledger.positions.items()
        },
    )
