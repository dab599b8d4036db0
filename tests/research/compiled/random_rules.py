"""Random risk rules for the random plans, with limits that are met often."""

from dataclasses import replace

import numpy as np
from random_runs import Told, plan_of
from same_runs import assert_same_figures, assert_same_record

from hookline.research.compiled import CompiledRun
from hookline.risk import RequireStop
from hookline.session import Session
from hookline_risk.consecutive_losses import ConsecutiveLosses
from hookline_risk.daily_loss_limit import DailyLossLimit
from hookline_risk.max_drawdown import MaxDrawdown
from hookline_risk.max_leverage import MaxLeverage
from hookline_risk.max_open_orders import MaxOpenOrders
from hookline_risk.max_order_notional import MaxOrderNotional
from hookline_risk.max_order_rate import MaxOrderRate
from hookline_risk.max_position import MaxPosition
from hookline_risk.max_position_notional import MaxPositionNotional
from hookline_risk.max_trades import MaxTrades
from hookline_risk.min_edge import MinEdge
from hookline_risk.price_collar import PriceCollar
from hookline_risk.stop_cooldown import StopCooldown
from hookline_risk.strategy_budget import StrategyBudget
from hookline_risk.trading_hours import TradingHours

HOUR = 3600.0


def _any(rng, *values):
    return values[rng.integers(len(values))]


MAKERS = {
    "require_stop": lambda rng: RequireStop(_any(rng, 0.0, 0.5, 1.0)),
    "max_drawdown": lambda rng: MaxDrawdown(_any(rng, 0.01, 0.05, 0.2), _any(rng, None, True, False)),
    "daily_loss_limit": lambda rng: DailyLossLimit(
        _any(rng, 0.003, 0.02, 0.1),
        _any(rng, 0, 7),
        _any(rng, "next_day", "resume"),
        _any(rng, None, True, False),
    ),
    "max_order_notional": lambda rng: MaxOrderNotional(
        _any(rng, 300.0, 3000.0, 9999.0, 12_000.0), _any(rng, True, False)
    ),
    "max_position": lambda rng: MaxPosition(
        _any(rng, 0.7, 3.3, 9.0), _any(rng, [], [], ["TWO"]), _any(rng, True, False)
    ),
    "max_position_notional": lambda rng: MaxPositionNotional(
        _any(rng, 500.0, 5000.0, 9999.0, 15_000.0), _any(rng, True, False)
    ),
    "max_leverage": lambda rng: MaxLeverage(
        _any(rng, 0.3, 0.999, 3.0),
        _any(rng, None, 0.2),
        _any(rng, "account", "strategy"),
        _any(rng, True, False),
    ),
    "strategy_budget": lambda rng: StrategyBudget(
        _any(rng, [], [], ["told"], ["other"]),
        _any(rng, None, 2000.0, 11_000.0),
        _any(rng, 200.0, 2000.0),
        _any(rng, None, 0.5),
        _any(rng, True, False),
    ),
    "consecutive_losses": lambda rng: ConsecutiveLosses(_any(rng, 1, 2, 3), _any(rng, 2.0, 30.0) * HOUR),
    "stop_cooldown": lambda rng: StopCooldown(_any(rng, 1.0, 2.0, 20.5) * HOUR, _any(rng, True, False)),
    "max_trades": lambda rng: MaxTrades(
        _any(rng, 1, 3), _any(rng, None, 1, 2), _any(rng, "account", "strategy")
    ),
    "max_open_orders": lambda rng: MaxOpenOrders(_any(rng, 1, 2, 3, 4)),
    "trading_hours": lambda rng: TradingHours(
        _any(rng, [], ["mon-fri 08:00-17:00"], ["tue", "22:00-06:00"], ["sat-mon 13:00-13:00"]),
        _any(rng, "UTC", "America/New_York"),
        ["2024-01-02T03:00/2024-01-02T20:00", "2024-01-04T00:00+01:00 / 2024-01-05"][: rng.integers(3)],
    ),
    "min_edge": lambda rng: MinEdge(_any(rng, 1.0, 5.0, 30.0), 1.0, _any(rng, "pass", "deny")),
    "max_order_rate": lambda rng: MaxOrderRate(_any(rng, 2, 3), _any(rng, 60.0, HOUR, 2.0 * HOUR)),
    "price_collar": lambda rng: PriceCollar(_any(rng, None, 1.0), _any(rng, None, 0.1), 2, "2h", 1.0),
}
NEVER_DENYING = {"max_order_rate", "price_collar"}


def plan_with_rules(seed, names=tuple(MAKERS), count=120):
    """Return a random plan with some of the rules, in random order; the same seed gives the same one."""
    rng = np.random.default_rng([seed, 1])
    chosen = rng.choice(names, rng.integers(1, min(4, len(names)) + 1), replace=False)
    rules = [MAKERS[str(name)](rng) for name in chosen]
    return replace(plan_of(seed, count), rules=rules, flatten_on_halt=bool(rng.random() < 0.3))


def gate_says(order):
    """Return what the gate has to do with an order: its tag, and its reason where it comes from a rule."""
    is_ruled = order.reason.split(":")[0] in {"halted", *MAKERS}
    return order.number, order.tag, order.reason if is_ruled else ""


def check(plan):
    """Run a plan compiled and through the event kernel, compare all there is, and return the event kernel's record."""
    run = CompiledRun(plan)
    event = Session(plan).run()
    record = run.record(Told())
    assert_same_record(record, event.record)
    assert [gate_says(one) for one in record.orders] == [gate_says(one) for one in event.record.orders]
    assert record.halted == event.record.halted
    assert_same_figures(run.metrics([Told()])[0], event)
    return event.record
