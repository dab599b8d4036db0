"""What a kernel must remember over a restart, beside the orders, fills and payments that its journal holds.

Owners of state: ``kernel``, ``gate``, ``broker`` and ``strategy:ID`` for each strategy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from hookline.kernel.kernel import Kernel
from hookline.kernel.runner import Runner
from hookline.kernel.timers import NEVER
from hookline.model import Market, Order

__all__ = ["KernelPast", "restore_kernel", "restore_strategies", "save_kernel", "wallet_cash"]


class _PositionPast(Protocol):
    @property
    def lots(self) -> int: ...
    @property
    def quantity(self) -> float: ...
    @property
    def entry_price(self) -> float: ...
    @property
    def realized(self) -> float: ...
    @property
    def fees(self) -> float: ...
    @property
    def opened(self) -> int: ...


class _LedgerPast(Protocol):
    @property
    def cash(self) -> Mapping[str, float]: ...
    @property
    def fees(self) -> float: ...
    @property
    def funding(self) -> float: ...
    @property
    def positions(self) -> Mapping[str, _PositionPast]: ...


class KernelPast(Protocol):
    """What a journal knows of a session."""

    @property
    def time(self) -> int:
        """Of the last event, nanoseconds UTC."""

    @property
    def states(self) -> Mapping[str, Any]:
        """By owner."""

    @property
    def last_order(self) -> int:
        """Highest number of an order."""

    @property
    def last_fill(self) -> int:
        """Highest number of a fill."""

    @property
    def open_orders(self) -> list[Order]:
        """Oldest first."""

    @property
    def ledgers(self) -> Mapping[str, _LedgerPast]:
        """By strategy."""


def save_kernel(kernel: Kernel) -> dict[str, Any]:
    """Return the state of each owner, as values that JSON can hold."""
    states: dict[str, Any] = {
        "kernel": {
            "due": {name: time for name, time in _schedules(kernel).items() if time != NEVER},
            "timers": _save_timers(kernel),
            "warnings": dict(kernel.warnings),
            "denials": kernel.denials(),
            "markets": {symbol: _save_market(market) for symbol, market in kernel.markets.items()},
        },
        "gate": kernel.gate.save(),
        "broker": kernel.broker.save(),
    }
    for id_, runner in kernel.runners.items():
        states[f"strategy:{id_}"] = runner.save()
    return states


def restore_kernel(kernel: Kernel, past: KernelPast) -> None:
    """Put a kernel that has not started where its journal left it."""
    kernel.clock.now = past.time
    kernel.order_count, kernel.fill_count = past.last_order, past.last_fill
    for strategy, before in past.ledgers.items():
        if strategy in kernel.ledgers:
            _restore_ledger(kernel, strategy, before)
    for order in past.open_orders:
        leader = order.oco_leader
        if leader is not None and leader.oco_leader is None:
            leader.oco_leader = (
                leader  # since the order joined it, which was after the leader was written down
            )
    kernel.adopt(past.open_orders)
    state = past.states.get("kernel", {})
    for symbol, known in state.get("markets", {}).items():
        if symbol in kernel.markets:
            _restore_market(kernel.markets[symbol], known)
    kernel.resume_schedules(state.get("due", {}))
    kernel.warnings.update(state.get("warnings", {}))
    kernel.restore_denials(state.get("denials", []))
    kernel.gate.restore(past.states.get("gate", {}))
    kernel.broker.restore(past.states.get("broker", {}), {order.number: order for order in past.open_orders})


def restore_strategies(kernel: Kernel, states: Mapping[str, Any]) -> None:
    """Give runners that have started what they remembered."""
    for id_, runner in kernel.runners.items():
        runner.restore(states.get(f"strategy:{id_}", {}), _by_number(kernel.open_orders(id_)))
    saved = states.get("kernel", {}).get("timers")
    if saved is not None:
        _restore_timers(kernel, saved)


def _schedules(kernel: Kernel) -> dict[str, int]:
    return {"funding_due": kernel.funding.due, "interest_due": kernel.interest.due}


def _save_timers(kernel: Kernel) -> list[list[Any]]:
    rows = [(due, _owner(target), timer, period) for due, target, timer, period in kernel.timers.rows()]
    return [list(row) for row in rows if row[1]]


def _restore_timers(kernel: Kernel, saved: Sequence[Sequence[Any]]) -> None:
    """Put back the timers as they stood, in their order, and those that strategies have set for the first time."""
    set_now = [(due, target, timer, period) for due, target, timer, period in kernel.timers.rows()]
    targets = {_owner(target): target for _, target, _, _ in set_now} | dict(kernel.runners)
    known = {(owner, timer, period) for _, owner, timer, period in saved}
    rows = [(due, targets[owner], timer, period) for due, owner, timer, period in saved if owner in targets]
    # What works for a strategy sets its timers anew when it is taken up; those are among the saved ones.
    rows += [row for row in set_now if row[3] and (_owner(row[1]), row[2], row[3]) not in known]
    kernel.timers.replace(rows)


def _owner(target: Any) -> str:
    """Return a name for whoever set a timer that is the same after a restart, empty where nobody waits for it any more."""
    if isinstance(target, Runner):
        return target.id
    if target.parent is not None:
        return f"{target.id}/{target.parent.number}" if target.parent.is_open else ""
    return f"{target.id}/{target.number}" if not target.group.is_over else ""


def _restore_ledger(kernel: Kernel, strategy: str, before: _LedgerPast) -> None:
    ledger = kernel.ledgers[strategy]
    ledger.fees, ledger.funding = before.fees, before.funding
    for wallet in ledger.wallets:
        if wallet.name in before.cash:
            wallet.cash = float(before.cash[wallet.name])
    for id_, one in before.positions.items():
        position = ledger.positions[id_]
        position.lots, position.quantity, position.entry_price = one.lots, one.quantity, one.entry_price
        position.realized, position.fees, position.opened = one.realized, one.fees, one.opened


def _save_market(market: Market) -> list[Any]:
    prices = (market.last, market.mark, market.funding_rate, market.bid, market.ask)
    return [*map(_known, prices), market.time, market.has_trades]


def _restore_market(market: Market, known: Sequence[Any]) -> None:
    prices = (math.nan if price is None else price for price in known[:5])
    market.last, market.mark, market.funding_rate, market.bid, market.ask = prices
    market.time, market.has_trades = known[5:]


def _known(price: float) -> float | None:
    return price if price == price else None  # noqa: PLR0124


def _by_number(orders: Iterable[Order]) -> dict[int, Order]:
    return {order.number: order for order in orders}


def wallet_cash(kernel: Kernel) -> list[tuple[str, str, float]]:
    """Return the cash of every wallet: strategy, wallet, cash."""
    return [
        (ledger.strategy, wallet.name, wallet.cash)
        for ledger in kernel.ledgers.values()
        for wallet in ledger.wallets
    ]
