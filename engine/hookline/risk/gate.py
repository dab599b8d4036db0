"""The gate that every order passes.

Rules of this file:

- Rules are asked in the order of the session file. The first that denies or halts ends the matter; each that shrinks leaves
  less for those after it; an order shrunk below the instrument's minimum is denied.
- Orders that can only make a position smaller are never stopped: getting out must always work.
- A halt lets only such orders pass until it is resumed, or until its time is over; it survives a restart. While it lasts,
  only a rule that demands more is listened to: positions closed, or an end that somebody must decide on.
- Every decision other than to pass is recorded. Of denials that repeat, the first is recorded, as of orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hookline.clock import isoformat
from hookline.errors import PluginError
from hookline.model import Order
from hookline.risk.exposure import is_reducing, reference_price
from hookline.risk.rule import Account, Action, Decision, RiskRule, Verdict, deny

__all__ = ["Gate"]


class Gate:
    """Applies the rules to orders and to the account.

    Attributes:
        halted: Why only reducing orders pass, empty while all may.
        flattens: Whether the halt closes every position.
        flatten_on_halt: Whether halts do so where the rule does not say.
        until: When the halt ends by itself, nanoseconds UTC; None if somebody must end it.
        decisions: What was decided since the list was last taken.
    """

    def __init__(self, rules: Sequence[RiskRule], account: Account, *, flatten_on_halt: bool = False) -> None:
        self._account = account
        self._rules = _named(rules)
        self._checks = [rule for rule in rules if type(rule).check is not RiskRule.check]
        self.watches = [rule for rule in rules if type(rule).watch is not RiskRule.watch]
        self.halted = ""
        self.flattens = False
        self.flatten_on_halt = flatten_on_halt
        self.until: int | None = None
        self.decisions: list[Decision] = []
        self._asked: list[str] = []
        self._denied: dict[tuple[str, str], tuple[int, str]] = {}
        for rule in rules:
            rule.reset()

    # -- orders --------------------------------------------------------------------------------------------------------

    def judge(self, order: Order) -> Verdict | None:
        """Return why an order must not be sent, None if it may; a rule may have made the order smaller.

        An amendment is judged as the order that it would become, under its number; it is denied where an order would be
        shrunk.

        Raises:
            PluginError: if a rule raises.
        """
        if not (self._checks or self.halted) or is_reducing(order, self._account):
            return None
        if self.halted and not self._has_expired():
            return self._end(order, "", deny(f"halted: {self.halted}"), [])
        notes: list[Decision] = []
        for rule in self._checks:
            verdict = self._ask(rule, order)
            if verdict is None:
                continue
            if verdict.action is Action.SHRINK:
                verdict = self._shrink(order, verdict)
            if verdict is None:
                continue
            if verdict.action in {Action.DENY, Action.HALT}:
                return self._end(order, rule.name, verdict, notes)
            notes.append(self._decision(rule.name, verdict.action, verdict.reason, order))
        self.decisions += notes
        if self._denied and not order.number:
            self._denied.pop((order.strategy, order.symbol), None)
        return None

    def _ask(self, rule: RiskRule, order: Order) -> Verdict | None:
        try:
            return rule.check(order, self._account)
        except Exception as error:
            when = isoformat(self._account.now)
            raise PluginError(
                f"risk rule {rule.name!r}: check at {when}: {type(error).__name__}: {error}"
            ) from error

    def _shrink(self, order: Order, verdict: Verdict) -> Verdict | None:
        """Shrink an order and return what is to be noted; a denial where that is impossible, None where it fits already."""
        instrument = order.instrument
        before, lots = order.lots, max(0, instrument.lots(verdict.quantity))
        if lots >= before:
            return None
        if order.number:
            return deny(f"{verdict.reason}; an amendment is not shrunk")
        worth = instrument.units(lots) * abs(reference_price(order, self._account))
        if lots < instrument.min_lots or worth < instrument.min_notional_float:
            return deny(
                f"{verdict.reason}; {instrument.units(lots):g} would be left, below the minimum order"
            )
        order.lots = lots
        for child in order.children:
            child.lots = child.lots * lots // before
        return verdict._replace(
            reason=f"{verdict.reason}; {instrument.units(before):g} became {instrument.units(lots):g}"
        )

    def _end(self, order: Order, rule: str, verdict: Verdict, notes: list[Decision]) -> Verdict:
        """Record the decision to stop an order, and return it with the rule's name in its reason."""
        key, what = (order.strategy, order.symbol), (int(order.side), rule)
        named = _signed(rule, verdict)
        if not (verdict.is_halt or order.number) and self._denied.get(key) == what:
            return named
        if not order.number:
            self._denied[key] = what
        self.decisions += [*notes, self._decision(rule, verdict.action, verdict.reason, order)]
        return named

    def _decision(self, rule: str, action: Action, reason: str, order: Order | None = None) -> Decision:
        now = self._account.now
        if order is None:
            return Decision(now, rule, action, "", "", 0, reason)
        # An order is numbered when it is recorded, which is next.
        number = order.number or self._account.order_count + 1
        return Decision(now, rule, action, order.strategy, order.symbol, number, reason)

    # -- the session ---------------------------------------------------------------------------------------------------

    def watch(self) -> Verdict | None:
        """Return why the session must halt, None if it may go on.

        Raises:
            PluginError: if a rule raises.
        """
        halted = bool(self.halted) and not self._has_expired()
        for rule in self.watches:
            try:
                verdict = rule.watch(self._account)
            except Exception as error:
                when = isoformat(self._account.now)
                raise PluginError(
                    f"risk rule {rule.name!r}: watch at {when}: {type(error).__name__}: {error}"
                ) from error
            if verdict is not None and verdict.is_halt and (not halted or self._escalates(verdict)):
                self.decisions.append(self._decision(rule.name, Action.HALT, verdict.reason))
                return _signed(rule.name, verdict)
        return None

    def halt(self, reason: str, *, flatten: bool | None = None, until: int | None = None) -> bool:
        """Let only reducing orders pass from now on; return whether that, or more, is new.

        Args:
            reason: Why.
            flatten: Whether the caller must close every position; None for ``flatten_on_halt``.
            until: When the halt ends by itself, nanoseconds UTC; None if somebody must end it.
        """
        verdict = Verdict(reason, Action.HALT, flatten=flatten, until=until)
        if self.halted and not self._escalates(verdict):
            return False
        if self._is_said(reason):
            self._asked.append(self.decisions[-1].rule)
        else:
            self.decisions.append(self._decision("", Action.HALT, reason))
        was_timeless = bool(self.halted) and self.until is None
        self.flattens = self._flattens(verdict) or (bool(self.halted) and self.flattens)
        self.halted = reason
        self.until = None if was_timeless else until
        return True

    def resume(self, reason: str) -> None:
        """End a halt, and tell the rules that asked for it; nothing happens if there is none."""
        if not self.halted:
            return
        asked = set(self._asked)
        self._end_halt(reason)
        for rule in self._rules.values():
            if rule.name in asked:
                rule.on_resume(self._account)

    def _end_halt(self, reason: str) -> None:
        self.halted, self.flattens, self.until = "", False, None
        self._asked.clear()
        self._denied.clear()
        self.decisions.append(self._decision("", Action.RESUME, reason))

    def _is_said(self, reason: str) -> bool:
        """Return whether a halt is what a rule has just asked for, which is recorded with the rule's name."""
        if not self.decisions:
            return False
        last = self.decisions[-1]
        is_halt = last.verdict is Action.HALT and last.time == self._account.now
        return is_halt and f"{last.rule}: {last.reason}" == reason

    def _escalates(self, verdict: Verdict) -> bool:
        """Return whether a verdict demands more than the halt that is on."""
        # One that ends later does not: its rule will say so again when this halt is over.
        lasts = self.until is not None and verdict.until is None
        return lasts or (self._flattens(verdict) and not self.flattens)

    def _flattens(self, verdict: Verdict) -> bool:
        return self.flatten_on_halt if verdict.flatten is None else verdict.flatten

    def _has_expired(self) -> bool:
        """End a halt whose time is over, and return whether it was."""
        if self.until is None or self._account.now < self.until:
            return False
        self._end_halt(f"the time of the halt is over: {self.halted}")
        return True

    # -- restarts ------------------------------------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart, as values that JSON can hold."""
        states = {key: rule.save() for key, rule in self._rules.items()}
        return {
            "halted": self.halted,
            "flattens": self.flattens,
            "until": self.until,
            "asked": list(self._asked),
            "denied": [[*key, *what] for key, what in self._denied.items()],
            "rules": {key: state for key, state in states.items() if state},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``save`` returned; the state of a rule that the session no longer has is left out."""
        self.halted = state.get("halted", "")
        self.flattens = state.get("flattens", False)
        self.until = state.get("until")
        self._asked = list(state.get("asked", ()))
        denied = state.get("denied", ())
        self._denied = {(strategy, symbol): (side, rule) for strategy, symbol, side, rule in denied}
        for key, saved in state.get("rules", {}).items():
            if key in self._rules:
                self._rules[key].restore(saved)


def _signed(rule: str, verdict: Verdict) -> Verdict:
    return verdict._replace(reason=f"{rule}: {verdict.reason}") if rule else verdict


def _named(rules: Sequence[RiskRule]) -> dict[str, RiskRule]:
    """Return the rules by names to save them under: the rule's, numbered where it is used again."""
    named: dict[str, RiskRule] = {}
    for rule in rules:
        count = sum(other.name == rule.name for other in named.values())
        named[rule.name if not count else f"{rule.name}-{count + 1}"] = rule
    return named
