"""Orders that are cut to their strategy's position in a shared account, and amended while a bar is still to come.

A timer inside a bar acts before the bar is matched, and the bar's open still meets an order as it was (row Q1 of ``fills.py``).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

import hookline as hl
from hookline.session.netting import NettedBroker
from hookline.testing import Scripted, amend, bars, buy, sell
from hookline_paper.broker import PaperBroker

PERP = hl.Instrument("TEST", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.1"), lot_size=Decimal(1))


@dataclass
class HalfPast(Scripted):
    """A script that acts once more: in the middle of one bar."""

    at: tuple[int, Any] = (0, None)  # index of the bar, act

    def on_start(self, ctx):
        super().on_start(ctx)
        ctx.every("30m")

    def on_timer(self, ctx, timer):
        index, act = self.at
        if (ctx.now.hour, ctx.now.minute) == (index, 30):
            act(self, ctx)


def fills(text, script, at, broker):
    """Fills such as ``bar 1: buy 2 @ 10``, of a strategy beside one that does nothing."""
    strategies = [HalfPast(dict(script), at=at), Scripted({})]
    result = hl.backtest(strategies, bars(text), cash=30_000.0, instruments=[PERP], broker=broker)
    start, hour = int(bars("1").start[0]), 3600 * 10**9
    return [
        # What fills inside a bar has the time of its end.
        f"bar {(fill.time - start) // hour}: {fill.side.name.lower()} {fill.quantity:g} @ {fill.price:g}"
        for fill in result.record.fills
    ]


def test_what_an_older_order_leaves_cuts_an_order_whose_amendment_waits():
    script = {0: buy(5), 1: [sell(3, reduce_only=True), sell(3, limit=10, reduce_only=True, label="rest")]}
    broker = NettedBroker(PaperBroker())

    # The amended quantity would fit what is left; the open meets the order before it counts.
    told = fills("10 10 10 10", script, (2, amend("rest", quantity=2)), broker)

    assert told == ["bar 1: buy 5 @ 10", "bar 2: sell 3 @ 10", "bar 2: sell 2 @ 10"]
    assert [one.positions["TEST"].lots for one in broker.account.ledgers.values()] == [0, 0]


def test_an_amendment_is_cut_to_what_is_left_when_it_counts():
    script = {0: buy(5), 1: [sell(2, limit=12, reduce_only=True, label="rest"), sell(1, reduce_only=True)]}
    broker = NettedBroker(PaperBroker())

    told = fills("10 10 10 10/13/10/13", script, (2, amend("rest", quantity=9)), broker)

    assert told[2:] == ["bar 4: sell 4 @ 12"]


CASES = {
    "smaller, too late for this bar": ("10 10 10 10/13/10/13 13", amend("rest", quantity=1)),
    "smaller, counts from the next bar on": ("10 10 10 10 10/13/10/13 13", amend("rest", quantity=1)),
    "larger": ("10 10 10 10 10/13/10/13 13", amend("rest", quantity=4)),
    "at another price": ("10 10 10 10/11/10/11 10 10", amend("rest", limit=11)),
    "both": ("10 10 10 10/11/10/11 10/12/9/10 10", amend("rest", limit=11, quantity=3)),
    "more than is held": ("10 10 10 10/11/10/11 10/13/9/10 10", amend("rest", quantity=30)),
}


@pytest.mark.parametrize(("text", "act"), CASES.values(), ids=CASES)
def test_an_amendment_counts_when_it_would_in_an_account_of_its_own(text, act):
    script = {0: buy(5), 1: sell(2, limit=12, reduce_only=True, label="rest")}

    apart = fills(text, script, (3, act), PaperBroker())
    netted = fills(text, script, (3, act), NettedBroker(PaperBroker()))

    assert netted == apart
    assert len(netted) == 2


def test_an_exit_sent_with_its_entry_meets_the_open_as_it_was_sent():
    # There is nothing to reduce until the open has filled the entry.
    script = {0: [buy(4), sell(4, limit=12, reduce_only=True, label="exit")]}
    text, act = "10 10/10/9/9.5 10.5 10.5", (1, amend("exit", limit=9, quantity=3))

    apart = fills(text, script, act, PaperBroker())
    netted = fills(text, script, act, NettedBroker(PaperBroker()))

    assert netted == apart == ["bar 1: buy 4 @ 10", "bar 2: sell 3 @ 9.5"]
