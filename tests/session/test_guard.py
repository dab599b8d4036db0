"""The dead man's switch: renewed by a healthy session, by no other, and left in the right state."""

import asyncio
import math
import time
from decimal import Decimal

import pytest
from wire_venue import WireBroker, WireVenue

from hookline.errors import VenueError
from hookline.model import Instrument, InstrumentKind, Order, OrderType, Side
from hookline.session.guard import DeadMan
from hookline.session.requests import KillRequest, obey_kill

BTC = Instrument("BTC-PERP", InstrumentKind.PERPETUAL, lot_size=Decimal("0.001"))


class Switch:
    """A broker that remembers what the venue was told, and when."""

    def __init__(self):
        self.told = []
        self.fails = False

    def cancel_all_after(self, seconds):
        if self.fails:
            raise VenueError("it does not answer")
        self.told.append((time.monotonic(), seconds))

    @property
    def seconds(self):
        return [seconds for _, seconds in self.told]


class Health:
    """What a session says of itself."""

    age = 0.0
    why = ""


def guard(seconds=60.0, switch=None):
    switch, health, said = switch or Switch(), Health(), []
    man = DeadMan(
        switch,
        seconds,
        data_age_seconds=lambda: health.age,
        max_data_age_seconds=5.0,
        unhealthy=lambda: health.why,
        notify=lambda level, title, text: said.append((level, title, text)),
        name="demo",
    )
    return man, switch, health, said


async def turn_for(man, seconds):
    task = asyncio.create_task(man.run())
    await asyncio.sleep(seconds)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_healthy_session_renews_every_third_of_the_time():
    man, switch, _, said = guard(0.3)
    asyncio.run(turn_for(man, 0.65))
    assert 5 <= len(switch.told) <= 7
    gaps = [after - before for (before, _), (after, _) in zip(switch.told, switch.told[1:], strict=False)]
    assert all(0.09 <= gap < 0.3 for gap in gaps)
    assert set(switch.seconds) == {0.3}
    assert said == []


@pytest.mark.parametrize(
    ("age", "why", "found"),
    [
        (5.1, "", "the newest data is 5.1 s old, at most 5 s"),
        (math.nan, "", "the newest data is nan s old"),
        (0.0, "halted: feed stalled", "halted: feed stalled"),
    ],
)
def test_a_session_that_is_not_healthy_renews_nothing_and_says_so_once(age, why, found):
    man, switch, health, said = guard()
    assert man.turn()
    health.age, health.why = age, why
    assert [man.turn(), man.turn()] == [False, False]
    assert len(switch.told) == 1
    assert [(level, title) for level, title, _ in said] == [
        ("warning", "demo: dead man's switch not renewed")
    ]
    assert found in said[0][2]
    assert "the venue cancels every order within 60 s" in said[0][2]
    health.age, health.why = 0.0, ""
    assert man.turn()
    assert [(level, title) for level, title, _ in said[1:]] == [
        ("info", "demo: dead man's switch renewed again")
    ]
    assert man.stopped_for == ""
    assert man.turn()
    assert len(said) == 2


def test_data_as_old_as_it_may_be_is_fresh():
    man, _, health, _ = guard()
    health.age = 5.0
    assert man.turn()


def test_a_turn_that_comes_too_late_is_skipped():
    man, _, _, said = guard(90.0)  # due every 30 s
    assert man.turn(10.0)
    assert not man.turn(10.1)
    assert "the loop was 10.1 s late, at most 10.0 s" in said[0][2]
    assert man.turn(0.0)


def test_a_loop_that_was_held_up_renews_again_before_the_time_is_up():
    man, switch, _, said = guard(0.9)

    async def held_up():
        task = asyncio.create_task(man.run())
        await asyncio.sleep(0.05)
        time.sleep(0.45)  # noqa: ASYNC251  # due at 0.3; that is what is tested
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(held_up())
    assert [level for level, _, _ in said] == ["warning", "info"]
    assert len(switch.told) >= 2
    assert switch.told[1][0] - switch.told[0][0] < 0.9


def test_a_venue_that_is_not_told_is_no_reason_to_end():
    man, switch, _, said = guard()
    switch.fails = True
    assert not man.turn()
    assert "the venue was not told: it does not answer" in said[0][2]
    switch.fails = False
    assert man.turn()


def test_a_clean_end_without_orders_switches_it_off():
    man, switch, _, _ = guard()
    man.turn()
    man.finish(has_orders=False)
    assert switch.seconds == [60.0, None]


def test_orders_that_are_left_stay_guarded(caplog):
    man, switch, _, _ = guard()
    man.turn()
    man.finish(has_orders=True)
    assert switch.seconds == [60.0]
    assert "orders are left; the venue cancels them within 60 s" in caplog.text


def test_a_switch_that_cannot_be_switched_off_is_told_of(caplog):
    man, switch, _, _ = guard()
    switch.fails = True
    man.finish(has_orders=False)
    assert "the dead man's switch is still on: it does not answer" in caplog.text


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan])
def test_no_time_is_no_switch(seconds):
    with pytest.raises(ValueError, match="dead_man_seconds: must be above 0"):
        guard(seconds)


def test_it_tells_a_venue_over_a_network():
    venue = WireVenue(BTC)
    man, *_ = guard(30.0, WireBroker(venue))
    man.turn()
    assert venue.cancel_after == 30.0
    man.finish(has_orders=False)
    assert venue.cancel_after is None


# -- a request to kill, obeyed by a running session ----------------------------------------------------------------------


class Gate:
    def __init__(self, halted="", *, flattens=False, yields=True):
        self.halted, self.flattens, self.yields, self.decisions = halted, flattens, yields, []


class Kernel:
    """Remembers what was asked of it."""

    class clock:
        now = 5

    def __init__(self, gate, *open_orders):
        self.gate, self.asked, self._open = gate, [], open_orders

    def open_orders(self):
        return list(self._open)

    def halt(self, reason, *, flatten=None):
        self.asked.append(("halt", flatten))
        if self.gate.yields:
            self.gate.halted, self.gate.flattens = reason, flatten or self.gate.flattens

    def withdraw(self, reason, *, flatten=False, keep_protective=False):
        self.asked.append(("withdraw", flatten, keep_protective))


CLOSE = Order(1, "s", BTC, Side.SELL, OrderType.MARKET, 5, 0, reduce_only=True)
STOP = Order(2, "s", BTC, Side.SELL, OrderType.STOP, 5, 0, reduce_only=True, trigger_price=90.0)
ALL, AND_FLATTEN, BUT_CLOSES = (
    ("withdraw", False, False),
    ("withdraw", True, False),
    ("withdraw", False, True),
)


@pytest.mark.parametrize(
    ("gate", "open_orders", "flatten", "asked"),
    [
        (Gate(), [STOP], False, [("halt", False), ALL]),
        (Gate(), [STOP], True, [("halt", True)]),
        (Gate("before", yields=False), [STOP], False, [("halt", False), ALL]),
        (Gate("before", flattens=True, yields=False), [STOP], False, [("halt", False), AND_FLATTEN]),
        (Gate("before", flattens=True, yields=False), [], True, [("halt", True), AND_FLATTEN]),
        (Gate("before", flattens=True, yields=False), [CLOSE], True, [("halt", True), BUT_CLOSES]),
        (Gate(), [CLOSE, STOP], False, [("halt", False), BUT_CLOSES]),
    ],
)
def test_a_kill_halts_and_withdraws_all_and_closes_nothing_twice(gate, open_orders, flatten, asked, caplog):
    kernel = Kernel(gate, *open_orders)
    assert obey_kill(kernel, KillRequest("by hand", flatten)) == "cancel"
    assert kernel.asked == asked
    assert "killed: by hand; orders are canceled" in caplog.text
    assert [one.reason for one in gate.decisions] == ([] if gate.yields else ["killed: by hand"])


def test_a_kill_before_the_first_event_only_stops():
    kernel = Kernel(Gate())
    kernel.clock = type("clock", (), {"now": 0})
    assert obey_kill(kernel, KillRequest("early", flatten=True)) == "cancel"
    assert kernel.asked == []
