"""What strategies ask for and a person does, as rules of a state machine, and the instruments that there are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from machine_worlds import HOUR, World

import hookline as hl
from hookline.model import MarginMode, MarginTier, OrderStatus, PositionMode, TierStyle

PERPETUAL = hl.InstrumentKind.PERPETUAL
TIERS = (
    MarginTier(Decimal(300), Decimal("0.01"), Decimal(20)),
    MarginTier(Decimal(2000), Decimal("0.05"), Decimal(5)),
)
HALF, TENTH, THIRD = Decimal("0.5"), Decimal("0.1"), Decimal("0.3")
DAY = 24 * HOUR


def perpetual(symbol: str, **terms: Any) -> hl.Instrument:
    return hl.Instrument(symbol, PERPETUAL, tick_size=HALF, lot_size=TENTH, **terms)


INSTRUMENTS = [
    perpetual("PLAIN"),
    perpetual("TEN", leverage=Decimal(10)),
    perpetual("ALONE", leverage=Decimal(10), margin_mode=MarginMode.ISOLATED, margin_tiers=TIERS),
    perpetual("BOTH", leverage=Decimal(5), position_mode=PositionMode.HEDGE, tier_style=TierStyle.FLAT, margin_tiers=TIERS),
    perpetual("PAIR", leverage=Decimal(5), position_mode=PositionMode.HEDGE, margin_mode=MarginMode.ISOLATED),
    hl.Instrument("COUNT", PERPETUAL, tick_size=THIRD, lot_size=HALF, contract_size=Decimal("0.25")),
    hl.Instrument("SPOT", tick_size=THIRD, lot_size=Decimal("0.003"), min_notional=Decimal("0.2")),
    hl.Instrument("LOAN", tick_size=HALF, lot_size=TENTH, borrow_limit=Decimal(4), borrow_rate=Decimal(9)),
]  # fmt: skip
TICKS = st.integers(15, 45)
LOTS = st.one_of(st.integers(1, 30), st.integers(1, 400))
KINDS = st.sampled_from(
    ["market", "market", "market", "limit", "post_only", "ioc", "fok", "gtd", "stop", "stop_limit", "take_profit",
     "trail_amount", "trail_fraction", "bracket", "bracket", "limit_bracket", "trail_bracket"]
)  # fmt: skip
# What a strategy asks for; see ``submit``.
ASKS = st.tuples(
    st.sampled_from("ab"), st.integers(0, 2), st.sampled_from(list(hl.Side)), LOTS, KINDS, TICKS, TICKS,
    st.integers(0, 3).map(lambda n: n == 0), st.integers(0, 12),
)  # fmt: skip


def price(symbol: str, ticks: int) -> float:
    one = next(one for one in INSTRUMENTS if one.symbol == symbol)
    return one.on_grid(ticks * float(one.tick_size))


class Asking(RuleBasedStateMachine):
    """Asks for anything, of every world at once; a subclass makes the worlds and looks at what comes of it."""

    worlds: tuple[World, ...] | list[World] = ()
    now: int

    def _look(self) -> None:
        raise NotImplementedError

    # -- what strategies ask for ---------------------------------------------------------------------------------------------

    def submit(self, strategy, which, side, lots, kind, ticks, other, reduce_only, oco):
        symbols = list(self.worlds[0].setting.instruments)
        symbol = symbols[which % len(symbols)]
        terms = self._terms(symbol, side, kind, ticks, other)
        if terms is None:
            return
        if self.worlds[0].setting.instruments[symbol].position_mode is PositionMode.HEDGE:
            leg = ("long", "short")[other % 2]
            terms["position_id"] = f"{symbol}|{leg}"
            reduce_only = (side > 0) != (leg == "long")
        terms["reduce_only"] = reduce_only and "bracket" not in kind
        if "bracket" in kind and reduce_only:
            return
        linked = self.worlds[0].open_numbers(strategy, symbol)
        leader = linked[oco] if oco < len(linked) else 0
        held = self.worlds[0].kernel.ledgers[strategy].positions[terms.get("position_id", symbol)].lots
        for world in self.worlds:
            world.submit(strategy, symbol, side, lots, terms, leader)
        order = self.worlds[0].kernel.orders[-1] if self.worlds[0].kernel.orders else None
        if self.halted and order is not None and order.status is not OrderStatus.DENIED:
            assert order.reduce_only or (held * side < 0 and lots <= abs(held))
        self._look()

    def _terms(self, symbol, side, kind, ticks, other) -> dict[str, Any] | None:
        at, beside = price(symbol, ticks), price(symbol, other)
        away, gain = price(symbol, other // 6), price(symbol, ticks // 6)
        last = self.worlds[0].kernel.markets[symbol].last
        simple: dict[str, dict[str, Any]] = {
            "market": {},
            "limit": {"limit": at},
            "post_only": {"limit": at, "post_only": True},
            "ioc": {"limit": at, "time_in_force": "ioc"},
            "fok": {"limit": at, "time_in_force": "fok"},
            "gtd": {"limit": at, "expire": self.now + other * HOUR // 10},
            "stop": {"trigger": at},
            "stop_limit": {"trigger": at, "limit": beside},
            "take_profit": {"type": "take_profit", "trigger": at},
            "trail_amount": {"trail_amount": away},
            "trail_fraction": {"trail_fraction": other / 300},
            "limit_bracket": {"limit": at, "stop_loss": at - side * away, "take_profit": at + side * gain},
        }
        if kind in simple:
            return simple[kind]
        if not last > 0:  # nothing of it was seen yet
            return None
        stop = {"stop_loss_trail": away} if kind == "trail_bracket" else {"stop_loss": last - side * away}
        return stop | {"take_profit": last + side * gain}

    @precondition(lambda self: self.worlds[0].open_numbers())
    @rule(which=st.integers(0, 20))
    def cancel(self, which):
        numbers = self.worlds[0].open_numbers()
        for world in self.worlds:
            world.cancel(numbers[which % len(numbers)])
        self._look()

    @precondition(lambda self: self.worlds[0].amendable())
    @rule(which=st.integers(0, 20), lots=LOTS, ticks=TICKS)
    def amend(self, which, lots, ticks):
        numbers = self.worlds[0].amendable()
        number = numbers[which % len(numbers)]
        at = price(self.worlds[0].orders[number].symbol, ticks)
        for world in self.worlds:
            world.amend(number, lots, at)
        self._look()

    @rule(half_hours=st.sampled_from([None, None, 3, 7]))
    def cancel_all_after(self, half_hours):
        for world in self.worlds:
            world.kernel.broker.cancel_all_after(None if half_hours is None else half_hours * 1800.0)
        self._look()

    # -- the session -----------------------------------------------------------------------------------------------------------

    @property
    def halted(self):
        return self.worlds[0].kernel.gate.halted

    @precondition(lambda self: not self.halted)
    @rule(flatten=st.booleans(), seldom=st.integers(0, 7))
    def halt(self, flatten, seldom):
        if seldom:
            return
        for world in self.worlds:
            world.kernel.halt("by hand", flatten=flatten)
        self._look()
        self._halted()

    @precondition(lambda self: self.halted)
    @rule()
    def resume(self):
        for world in self.worlds:
            world.kernel.gate.resume("by hand")
        self._look()
