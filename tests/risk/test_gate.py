"""The gate: what becomes of verdicts, and what a halt does."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

import pytest

import hookline as hl
from hookline.model import OrderStatus
from hookline.risk import Action, Decision

HOUR = 3600 * 10**9


@dataclass
class Says(hl.RiskRule):
    """Answers every order with the same verdict."""

    name: ClassVar[str] = "says"
    verdict: object

    def check(self, order, account):
        return self.verdict


@dataclass
class AtMost(hl.RiskRule):
    """Shrinks orders to a quantity."""

    name: ClassVar[str] = "at_most"
    quantity: float

    def check(self, order, account):
        return hl.shrink(self.quantity, f"at most {self.quantity:g}")


@dataclass
class Seen(hl.RiskRule):
    """Notes the quantities that come to it."""

    name: ClassVar[str] = "seen"

    def check(self, order, account):
        self.state.setdefault("seen", []).append(order.quantity)


@dataclass
class HaltsBelow(hl.RiskRule):
    """Halts below an equity."""

    name: ClassVar[str] = "halts_below"
    equity: float
    flatten: bool | None = None
    hours: float = 0.0

    def watch(self, account):
        until = account.now + round(self.hours * HOUR) if self.hours else None
        if account.equity < self.equity:
            return hl.halt("too little", self.flatten, until)
        return None


def test_the_first_rule_that_denies_ends_the_matter(stage):
    seen = Seen()
    it = stage(Says(hl.deny("no")), seen)
    order = it.buy(1)
    assert (order.status, order.reason) == (OrderStatus.DENIED, "says: no")
    assert seen.state == {}
    assert it.decided == ["says deny"]


def test_shrinks_apply_one_after_the_other_and_later_rules_see_what_is_left(stage):
    seen = Seen()
    it = stage(AtMost(5), AtMost(8), AtMost(3), seen)
    order = it.buy(10)
    assert order.quantity == 3
    assert seen.state == {"seen": [3]}
    assert [one.reason for one in it.gate.decisions] == [
        "at most 5; 10 became 5",
        "at most 3; 5 became 3",
    ]


def test_a_shrunk_order_takes_its_children_with_it(stage):
    it = stage(AtMost(4))
    order = it.buy(10, stop_loss=90, take_profit=120)
    assert [child.quantity for child in order.children] == [4, 4]
    it.show("100 89")
    assert it.ctx.position("TEST").is_flat
    assert [fill.quantity for fill in it.kernel.fills] == [4, 4]


def test_what_is_left_is_rounded_down_to_the_lot(stage):
    assert stage(AtMost(1.2349)).buy(10).quantity == 1.234


@pytest.mark.parametrize(
    ("terms", "quantity"),
    [({"min_quantity": Decimal("0.5")}, 0.4), ({"min_notional": Decimal(50)}, 0.4), ({}, 0.0), ({}, -3.0)],
)
def test_an_order_shrunk_below_the_minimum_is_denied(stage, terms, quantity):
    it = stage(AtMost(quantity), **terms)
    order = it.buy(10)
    assert order.status is OrderStatus.DENIED
    assert order.reason.startswith(f"at_most: at most {quantity:g}; ")
    assert order.reason.endswith("would be left, below the minimum order")
    assert order.quantity == 10


def test_a_warning_lets_the_order_pass_and_is_on_record(stage):
    it = stage(Says(hl.warn("look out")))
    assert it.buy(1).is_open
    assert it.gate.decisions == [Decision(it.kernel.now, "says", Action.WARN, "one", "TEST", 1, "look out")]


def test_decisions_carry_the_number_of_the_order(stage):
    it = stage(AtMost(2))
    it.buy(2, limit=90, stop_loss=80)
    order = it.buy(3, limit=90)
    (decision,) = it.gate.decisions
    assert decision.order_number == order.number == 3


def test_of_denials_that_repeat_only_the_first_is_recorded(stage):
    it = stage(Says(hl.deny("no")))
    for _ in range(5):
        it.buy(1)
    it.sell(1)
    it.buy(1)
    assert it.decided == ["says deny"] * 3
    assert [one.order_number for one in it.gate.decisions] == [order.number for order in it.kernel.orders]


def test_warnings_of_an_order_that_is_denied_again_are_not_recorded_again(stage):
    it = stage(Says(hl.warn("look out")), Says(hl.deny("no")))
    for _ in range(5):
        it.buy(1)
    assert it.decided == ["says warn", "says deny"]


def test_a_reducing_order_passes_every_rule(stage):
    it = stage(AtMost(5), HaltsBelow(0))
    it.buy(5)
    it.show("100")
    it.kernel.gate._checks.insert(0, Says(hl.deny("no")))
    assert it.sell(5).is_open
    assert it.sell(1).reason == "says: no", "the position is on its way out already"
    assert it.sell(1, reduce_only=True).is_open


def test_an_amendment_is_judged_as_the_order_it_would_become(stage):
    it = stage(AtMost(5))
    order = it.buy(5, limit=90)
    it.ctx.amend(order, quantity=6)
    it.show("100")
    assert order.quantity == 5
    assert it.kernel.updates[-2].reason == ("not amended: at_most: at most 5; an amendment is not shrunk")
    it.ctx.amend(order, quantity=4, limit=91)
    it.show("100")
    assert (order.quantity, order.limit_price) == (4, 91)


def test_a_halt_cancels_and_lets_only_reducing_orders_pass(stage):
    it = stage(HaltsBelow(990))
    it.buy(2)
    resting, stop = it.buy(1, limit=50), it.sell(2, trigger=80, reduce_only=True)
    it.show("100 94 94")
    assert resting.status is OrderStatus.CANCELED
    assert stop.is_open
    assert it.buy(1).reason == "halted: halts_below: too little"
    assert it.sell(2).is_open
    assert it.decided == ["halts_below halt", "deny"]


@pytest.mark.parametrize(("says", "default"), [(True, False), (None, True)])
def test_a_halt_that_flattens_closes_every_position(stage, says, default):
    it = stage(HaltsBelow(990, flatten=says), strategies={"one": 500, "two": 500}, symbols=("TEST", "OTHER"))
    it.gate.flatten_on_halt = default
    it.buy(2)
    it.desks["two"].sell("OTHER", 1)
    stop = it.sell(2, trigger=80, reduce_only=True)
    it.show("100", "OTHER")
    it.show("100 94 94 94")
    it.show("100 100", "OTHER")
    assert stop.status is OrderStatus.CANCELED
    assert all(p.is_flat for ledger in it.kernel.ledgers.values() for p in ledger.positions.values())
    assert [order.tag for order in it.kernel.orders[-2:]] == ["halted: halts_below: too little"] * 2


@pytest.mark.parametrize(("says", "default"), [(False, True), (None, False)])
def test_a_halt_that_does_not_flatten_keeps_positions(stage, says, default):
    it = stage(HaltsBelow(990, flatten=says))
    it.gate.flatten_on_halt = default
    it.buy(2)
    it.show("100 94 94")
    assert it.ctx.position("TEST").quantity == 2


def test_a_halt_lasts_until_it_is_resumed(stage):
    it = stage()
    it.kernel.halt("by hand")
    assert it.tries() == "halted: by hand"
    it.gate.resume("all is well")
    assert it.tries() == ""
    assert [(one.verdict, one.reason) for one in it.gate.decisions] == [
        ("halt", "by hand"),
        ("deny", "halted: by hand"),
        ("resume", "all is well"),
    ]
    it.gate.resume("again")
    assert len(it.gate.decisions) == 3


def test_a_halt_with_a_time_ends_by_itself(stage):
    it = stage(HaltsBelow(990, hours=2))
    it.buy(2)
    it.show("100 94")
    halted = it.kernel.now
    it.gate.watches.clear()
    it.wait(1)
    assert it.gate.halted
    assert it.tries(reduce_only=False) == "halted: halts_below: too little"
    it.wait(1)
    assert it.kernel.now == halted + 2 * HOUR
    assert it.tries() == ""
    assert not it.gate.halted


def test_more_than_the_halt_that_is_on_is_listened_to(stage):
    it = stage(HaltsBelow(990, hours=5), HaltsBelow(980, flatten=True), HaltsBelow(970))
    it.buy(2)
    it.show("100 94")
    assert (it.gate.flattens, it.gate.until) == (False, it.kernel.now + 5 * HOUR)
    it.show("89 89 89")
    assert it.ctx.position("TEST").is_flat
    assert (it.gate.flattens, it.gate.until) == (True, None)
    assert it.decided == ["halts_below halt"] * 2


def test_a_halt_and_what_rules_remember_survive_a_restart(stage):
    first = stage(Seen(), Seen())
    first.buy(3, limit=90)
    first.kernel.halt("by hand", flatten=True, until=None)
    saved = json.loads(json.dumps(first.gate.save()))
    second = stage(Seen(), Seen(), AtMost(1))
    second.gate.restore(saved)
    assert second.gate.save() == saved
    assert second.tries() == "halted: by hand"
    assert saved["rules"] == {"seen": {"seen": [3.0]}, "seen-2": {"seen": [3.0]}}


def test_a_session_without_a_halt_has_little_to_save(stage):
    assert stage(AtMost(1)).gate.save() == {
        "halted": "",
        "flattens": False,
        "until": None,
        "asked": [],
        "denied": [],
        "rules": {},
    }


def test_what_the_session_no_longer_has_is_not_restored(stage):
    it = stage(AtMost(1))
    it.gate.restore({"halted": "", "rules": {"gone": {"a": 1}}})
    assert it.gate.save()["rules"] == {}


def test_a_rule_that_raises_is_named(stage):
    @dataclass
    class Broken(hl.RiskRule):
        name: ClassVar[str] = "broken"

        def check(self, order, account):
            return 1 / 0

        def watch(self, account):
            return {}["x"]

    it = stage(Broken())
    with pytest.raises(
        hl.PluginError, match="risk rule 'broken': check at 2024-01-01T00:00:00Z: ZeroDivisionError"
    ):
        it.buy(1)
    with pytest.raises(hl.PluginError, match="risk rule 'broken': watch at 2024-01-01T01:00:00Z: KeyError"):
        it.show("100")


def test_the_record_of_a_run_holds_the_decisions_and_the_report_counts_them():
    from hookline.testing import Scripted, bars, buy

    result = hl.backtest(
        Scripted({0: [buy(5), buy(3)], 1: buy(1)}), bars("100 100 100"), cash=1000, risk=[AtMost(2)]
    )
    assert [(one.rule, one.verdict, one.order_number) for one in result.record.decisions] == [
        ("at_most", "shrink", 1),
        ("at_most", "shrink", 2),
    ]
    assert "Risk rules: at_most shrank 2" in result.warnings


def test_rules_learn_of_fills_with_what_they_realized(stage):
    @dataclass
    class Sums(hl.RiskRule):
        name: ClassVar[str] = "sums"

        def on_fill(self, order, fill, realized, account):
            self.state["sum"] = self.state.get("sum", 0.0) + realized
            self.state["last"] = [
                order.number,
                fill.quantity,
                account.ledgers["one"].positions["TEST"].quantity,
            ]

    rule = Sums()
    it = stage(rule)
    it.buy(3)
    it.show("100 110")
    it.sell(2)
    it.show("110")
    assert rule.state == {"sum": 20.0, "last": [2, 2.0, 1.0]}


def test_only_the_rules_that_asked_for_a_halt_learn_of_its_end(stage):
    @dataclass
    class Learns(HaltsBelow):
        name: ClassVar[str] = "learns"

        def on_resume(self, account):
            self.state["resumed"] = self.state.get("resumed", 0) + 1

    asks, other = Learns(990), Learns(1)
    other.name = "other"
    it = stage(asks, other)
    it.kernel.halt("by hand")
    it.gate.resume("go on")
    assert (asks.state, other.state) == ({}, {})
    it.buy(2)
    it.show("100 94")
    saved = it.gate.save()
    it.gate.restore(saved)
    it.gate.resume("go on")
    assert (asks.state, other.state) == ({"resumed": 1}, {})
    asks.hours = 1
    it.show("94")
    it.wait(1)
    assert it.tries() == ""
    assert asks.state == {"resumed": 1}, "its time was over, nobody ended it"
