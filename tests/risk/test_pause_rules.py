"""Rules that stop for a time, or for good: losses, stops, hours, the kill switch."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

import hookline as hl
from hookline import plugins
from hookline.clock import to_ns
from hookline.risk import Action
from hookline_risk.consecutive_losses import ConsecutiveLosses
from hookline_risk.daily_loss_limit import DailyLossLimit
from hookline_risk.kill_switch import KillSwitch
from hookline_risk.max_drawdown import MaxDrawdown
from hookline_risk.stop_cooldown import StopCooldown
from hookline_risk.trading_hours import TradingHours


def restarted(stage, it, make):
    """Return a new stage with the state of another, as JSON carries it, at its time."""
    again = stage(make())
    again.gate.restore(json.loads(json.dumps(it.gate.save())))
    again.kernel.clock.now = it.kernel.now
    return again


# -- drawdown ------------------------------------------------------------------------------------------------------------


def test_a_drawdown_halts_at_a_tenth_unless_told_otherwise(stage):
    it = stage(MaxDrawdown())
    it.buy(10)
    it.show("100 90.01")
    assert not it.gate.halted
    it.show("89.99")
    assert it.gate.halted == "max_drawdown: equity fell 10.0% from 1000.00, at most 10.0%"


def test_a_drawdown_is_seen_before_the_next_order(stage):
    it = stage(MaxDrawdown())
    it.buy(10)
    it.show("100 100")
    it.kernel.markets["TEST"].last = 80.0
    assert it.buy(1).reason == "max_drawdown: equity fell 20.0% from 1000.00, at most 10.0%"
    assert it.gate.halted


def test_a_drawdown_may_close_every_position(stage):
    it = stage(MaxDrawdown(flatten=True))
    it.buy(10)
    it.show("100 80 80")
    assert it.ctx.position("TEST").is_flat


def test_after_a_resumption_the_drawdown_is_measured_anew(stage):
    it = stage(MaxDrawdown())
    it.buy(10)
    it.show("100 80")
    it.gate.resume("go on")
    it.show("80 73")
    assert not it.gate.halted
    it.show("71")
    assert it.gate.halted == "max_drawdown: equity fell 11.3% from 800.00, at most 10.0%"


def test_the_highest_equity_survives_a_restart(stage):
    it = stage(MaxDrawdown())
    it.buy(10)
    it.show("100 150")
    again = restarted(stage, it, MaxDrawdown)
    again.show("100")
    assert again.gate.halted == "max_drawdown: equity fell 33.3% from 1500.00, at most 10.0%"


# -- the loss of a day ---------------------------------------------------------------------------------------------------


def test_a_loss_halts_until_the_next_day(stage):
    it = stage(DailyLossLimit(0.05))
    it.buy(10)
    it.show("100 96 94")
    assert it.gate.halted == "daily_loss_limit: lost 6.0% of 1000.00 today, at most 5.0%"
    it.show("94 " * 20)
    assert it.tries().startswith("halted: ")
    it.show("94")
    assert (it.kernel.now, it.gate.halted) == (to_ns(datetime(2024, 1, 2, tzinfo=UTC)), "")
    it.show("90")
    assert it.gate.halted == ""
    it.show("89")
    assert it.gate.halted == "daily_loss_limit: lost 5.3% of 940.00 today, at most 5.0%"


def test_a_day_may_begin_at_another_hour(stage):
    it = stage(DailyLossLimit(0.05, day_begins_hour=4))
    it.buy(10)
    it.show("100 97 97")
    it.show("97 93")
    assert not it.gate.halted, "the day began at 04:00 with 970"
    it.show("92")
    assert it.gate.halted.startswith("daily_loss_limit: lost 5.2% of 970.00")
    assert it.gate.until == to_ns(datetime(2024, 1, 2, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    ("rule", "text"),
    [(DailyLossLimit(0.05), "lost inf% of 0.00 today"), (MaxDrawdown(0.05), "fell inf% from 0.00")],
)
@pytest.mark.parametrize("start", [0.0, -20.0])
def test_of_nothing_every_loss_is_too_much_and_nothing_else_is(rule, text, start):
    rule.state = {}
    account = SimpleNamespace(equity=start, start_equity=start, now=0)
    assert rule.watch(account) is None
    account.equity += 10.0
    assert rule.watch(account) is None
    rule.state = {}
    account.equity = start
    rule.watch(account)
    account.equity -= 1.0
    verdict = rule.watch(account)
    assert verdict.action is Action.HALT
    assert text.replace("0.00", f"{start:.2f}") in verdict.reason


def test_a_loss_over_midnight_counts_for_the_day_that_sees_it(stage):
    it = stage(DailyLossLimit(0.05))
    it.buy(10)
    it.show("100 100")
    it.wait(24)
    it.show("94")
    assert it.gate.halted == "daily_loss_limit: lost 6.0% of 1000.00 today, at most 5.0%"


def test_a_loss_may_halt_until_somebody_resumes(stage):
    it = stage(DailyLossLimit(0.05, until="resume", flatten=True))
    it.buy(10)
    it.show("100 94 94")
    assert it.ctx.position("TEST").is_flat
    it.wait(48)
    assert it.tries().startswith("halted: ")
    it.gate.resume("go on")
    assert it.tries() == ""


def test_the_day_survives_a_restart(stage):
    it = stage(DailyLossLimit(0.05))
    it.buy(10)
    it.show("100 107")
    again = restarted(stage, it, lambda: DailyLossLimit(0.05))
    again.show("100")
    assert again.gate.halted == "", "the day began with 1000"
    again.wait(24)
    again.show("100")
    again.buy(10)
    again.show("100 94")
    assert again.gate.halted == "daily_loss_limit: lost 6.0% of 1000.00 today, at most 5.0%"


def test_losses_of_several_days_add_up_to_a_drawdown(stage):
    it = stage(DailyLossLimit(0.05), MaxDrawdown(0.1))
    it.buy(10)
    it.show("100 94")
    assert it.gate.until is not None
    it.wait(24)
    it.show("89")
    assert it.gate.halted == "daily_loss_limit: lost 5.3% of 940.00 today, at most 5.0%"
    it.show("89")
    assert (it.gate.halted, it.gate.until) == (
        "max_drawdown: equity fell 11.0% from 1000.00, at most 10.0%",
        None,
    )


# -- losses in a row -----------------------------------------------------------------------------------------------------


def trip(it, out, side=1):
    """Buy (or sell) one at 100 and close it at a price."""
    it.ctx.submit("TEST", hl.Side(side), 1)
    it.show("100")
    it.ctx.close("TEST")
    it.show(f"{out} 100")


def test_losses_in_a_row_pause_a_strategy(stage):
    it = stage(ConsecutiveLosses(2, pause_seconds=10 * 3600))
    trip(it, 99)
    trip(it, 101)
    trip(it, 99)
    assert it.tries() == ""
    trip(it, 101, side=-1)
    assert it.tries() == "consecutive_losses: 2 losses in a row, pausing until 2024-01-01T22:00:00Z"
    it.wait(10)
    assert it.tries() == ""
    trip(it, 99)
    assert it.tries() == "", "the count has begun anew"


def test_fees_make_a_loss(stage):
    it = stage(ConsecutiveLosses(1), fee_bps=10)
    trip(it, 100.3)
    assert it.tries() == ""
    trip(it, 100.1)
    assert it.tries() != ""


def test_a_turn_ends_one_round_trip_and_begins_the_next(stage):
    it = stage(ConsecutiveLosses(2), fee_bps=10)
    it.buy(1)
    it.show("100")
    it.sell(3)
    it.show("99 99")
    assert it.tries() == ""
    it.ctx.close("TEST")
    it.show("98.9 100")
    assert it.tries() != "", "0.2 of profit, 0.4 of fees"


def test_partial_exits_belong_to_one_round_trip(stage):
    it = stage(ConsecutiveLosses(1))
    it.buy(2)
    it.show("100")
    it.sell(1)
    it.show("98")
    assert it.tries() == "", "it is not over"
    it.sell(1)
    it.show("103 100")
    assert it.tries() == "", "3 gained, 2 lost"


def test_losses_of_another_strategy_do_not_count(stage):
    it = stage(ConsecutiveLosses(1), strategies={"one": 1000.0, "two": 1000.0})
    trip(it, 99)
    assert it.tries() != ""
    assert it.desks["two"].buy("TEST", 1).is_open


def test_a_pause_survives_a_restart(stage):
    it = stage(ConsecutiveLosses(1))
    trip(it, 99)
    again = restarted(stage, it, lambda: ConsecutiveLosses(1))
    assert again.tries() == it.tries() != ""


# -- stops ---------------------------------------------------------------------------------------------------------------


def test_after_a_stop_an_instrument_cools_down(stage):
    it = stage(StopCooldown(2 * 3600), symbols=("TEST", "OTHER"))
    it.buy(1, stop_loss=95)
    it.show("100 94")
    reason = "stop_cooldown: stopped out of TEST, cooling down until 2024-01-01T04:00:00Z"
    assert it.buy(1).reason == reason
    assert it.buy(1, "OTHER").is_open
    it.wait(2)
    assert it.buy(1).is_open


def test_closing_without_a_stop_cools_nothing_down(stage):
    it = stage(StopCooldown())
    it.buy(1, stop_loss=95, take_profit=105)
    it.show("100 106")
    assert it.ctx.position("TEST").is_flat
    assert it.buy(1).is_open


def test_a_stop_that_opens_is_an_entry(stage):
    it = stage(StopCooldown())
    it.buy(1, trigger=105)
    it.show("106 106")
    assert it.ctx.position("TEST").quantity == 1
    assert it.buy(1).is_open


@pytest.mark.parametrize(("only_losses", "cools"), [(False, True), (True, False)])
def test_a_stop_that_took_a_profit_may_be_let_be(stage, only_losses, cools):
    it = stage(StopCooldown(only_losses=only_losses))
    it.buy(1, stop_loss_trail=2)
    it.show("100 110 107")
    assert it.ctx.position("TEST").is_flat
    assert bool(it.buy(1).reason) is cools


def test_a_cooldown_survives_a_restart(stage):
    it = stage(StopCooldown())
    it.buy(1, stop_loss=95)
    it.show("100 94")
    assert restarted(stage, it, StopCooldown).buy(1).reason


# -- hours ---------------------------------------------------------------------------------------------------------------


def asks(stage, rule, moment):
    it = stage(rule)
    it.kernel.clock.now = to_ns(datetime.fromisoformat(moment))
    return it.buy(1).reason


@pytest.mark.parametrize(
    ("windows", "moment", "passes"),
    [
        (["mon-fri 09:30-16:00"], "2024-01-05T09:30+00:00", True),
        (["mon-fri 09:30-16:00"], "2024-01-05T16:00+00:00", False),
        (["mon-fri 09:30-16:00"], "2024-01-06T12:00+00:00", False),
        (["22:00-04:00"], "2024-01-06T23:00+00:00", True),
        (["22:00-04:00"], "2024-01-06T03:59+00:00", True),
        (["22:00-04:00"], "2024-01-06T04:00+00:00", False),
        (["fri 22:00-04:00"], "2024-01-06T03:00+00:00", True),
        (["fri 22:00-04:00"], "2024-01-05T03:00+00:00", False),
        (["sat"], "2024-01-06T23:59+00:00", True),
        (["sat"], "2024-01-07T00:00+00:00", False),
        (["sun-mon"], "2024-01-07T12:00+00:00", True),
        (["fri-mon 00:00-24:00"], "2024-01-09T12:00+00:00", False),
        (["mon 08:00-09:00", "tue 08:00-09:00"], "2024-01-09T08:30+00:00", True),
        ([], "2024-01-09T08:30+00:00", True),
    ],
)
def test_orders_pass_in_trading_hours_only(stage, windows, moment, passes):
    assert (asks(stage, TradingHours(windows), moment) == "") is passes


@pytest.mark.parametrize(
    ("moment", "passes"),
    [
        ("2024-03-08T14:00+00:00", False),  # 09:00 in New York
        ("2024-03-08T14:30+00:00", True),
        ("2024-03-11T13:30+00:00", True),  # daylight saving since the day before
    ],
)
def test_hours_are_those_of_the_time_zone(stage, moment, passes):
    rule = TradingHours(["mon-fri 09:30-16:00"], "America/New_York")
    assert (asks(stage, rule, moment) == "") is passes


def test_a_denial_says_when_it_is_and_what_the_hours_are(stage):
    rule = TradingHours(["mon-fri 09:30-16:00"], "America/New_York")
    assert asks(stage, rule, "2024-03-09T14:00+00:00") == (
        "trading_hours: outside of trading hours: Sat 09:00 America/New_York, open mon-fri 09:30-16:00"
    )


@pytest.mark.parametrize(
    ("moment", "passes"),
    [("17:29:59", True), ("17:30:00", False), ("18:59:59", False), ("19:00:00", True)],
)
def test_times_around_events_are_closed(stage, moment, passes):
    rule = TradingHours(closed=["2024-03-20T17:30/2024-03-20T20:00+01:00"])
    assert (asks(stage, rule, f"2024-03-20T{moment}+00:00") == "") is passes


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"windows": ["monday 9-16"]}, "windows: must be like 'mon-fri 09:30-16:00', was 'monday 9-16'"),
        ({"windows": [""]}, "windows: must be like"),
        ({"windows": ["mon 09:00-25:00"]}, "windows: times must be from 00:00 to 24:00"),
        ({"windows": ["mon 09:61-10:00"]}, "windows: times must be from 00:00 to 24:00"),
        ({"time_zone": "Mars/Base"}, "time_zone: must be an IANA name .* was 'Mars/Base'"),
        ({"closed": ["2024-03-20"]}, "closed: must be begin/end in ISO form"),
        ({"closed": ["2024-03-21/2024-03-20"]}, "closed: must be begin/end in ISO form"),
    ],
)
def test_hours_that_make_no_sense_are_refused(params, message):
    with pytest.raises(hl.ConfigError, match=message):
        plugins.build("risk_rules", "trading_hours", params, "risk[0]")


# -- the kill switch -----------------------------------------------------------------------------------------------------


def test_a_file_stops_everything_and_closes_positions(stage, tmp_path):
    path = tmp_path / "STOP"
    it = stage(KillSwitch(path))
    it.buy(1)
    it.show("100 100")
    path.touch()
    it.show("100 100")
    assert it.gate.halted == f"kill_switch: {path} exists"
    assert it.ctx.position("TEST").is_flat
    it.gate.resume("too early")
    it.show("100")
    assert it.gate.halted
    path.unlink()
    it.gate.resume("go on")
    it.show("100")
    assert it.tries() == ""


def test_a_file_may_keep_positions(stage, tmp_path):
    it = stage(KillSwitch(tmp_path / "STOP", flatten=False))
    it.buy(1)
    (tmp_path / "STOP").touch()
    it.show("100 100")
    assert it.gate.halted
    assert it.ctx.position("TEST").quantity == 1


def test_the_file_is_looked_for_before_an_order_and_not_too_often(stage, tmp_path):
    it = stage(KillSwitch(tmp_path / "STOP", check_seconds=60))
    assert it.buy(1).is_open
    (tmp_path / "STOP").touch()
    assert it.buy(1).is_open
    it.wait(1 / 60)
    assert it.buy(1).reason.startswith("kill_switch: ")
