"""Switches and schedules of faults."""

import pytest

from hookline.errors import ConfigError
from hookline_lmex.emulator import FAULTS, Fault, FaultSchedule, FaultSwitches, TimedFault
from hookline_lmex.emulator.faults import fault_of


class Seconds:
    """A timer that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_fires_until_it_is_switched_on():
    switches = FaultSwitches()
    assert all(switches.fires(name) is None for name in FAULTS)
    switches.set("sequence_gaps")
    assert switches.fires("sequence_gaps") == Fault("sequence_gaps")
    switches.clear("sequence_gaps")
    assert switches.fires("sequence_gaps") is None
    assert switches.fired == {"sequence_gaps": 1}


def test_a_counted_fault_ends_after_its_count():
    switches = FaultSwitches()
    switches.set("error_before", 500, count=2)
    assert [bool(switches.fires("error_before")) for _ in range(4)] == [True, True, False, False]


def test_a_timed_fault_ends_after_its_seconds_and_says_so():
    timer, heard = Seconds(), []
    switches = FaultSwitches(timer=timer)
    switches.listen(lambda name, fault: heard.append((name, fault is not None)))
    switches.set("maintenance", seconds=5)
    timer.now = 4.9
    assert switches.fires("maintenance")
    timer.now = 5.0
    assert switches.active == []
    assert heard == [("maintenance", True), ("maintenance", False)]


def test_a_probability_is_drawn_from_the_seed():
    def drawn(seed):
        switches = FaultSwitches(seed)
        switches.set("sequence_gaps", probability=0.3)
        return [bool(switches.fires("sequence_gaps")) for _ in range(1000)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 250 < sum(drawn(1)) < 350


def test_a_limited_fault_asks_what_it_would_happen_to():
    switches = FaultSwitches()
    switches.set("error_after", "cut", only="POST /spot")
    assert switches.fires("error_after", "POST /futures/api/v2.3/order") is None
    assert switches.fires("error_after", "POST /spot/api/v3.3/order").value == "cut"


def test_a_fault_replaces_one_of_its_name():
    switches = FaultSwitches()
    switches.set("error_before", 500)
    switches.set("error_before", 503)
    assert [fault.value for fault in switches.active] == [503]


@pytest.mark.parametrize(
    ("name", "said", "text"),
    [
        ("drop_socket", None, "no fault is called 'drop_socket'; did you mean 'drop_sockets'?"),
        ("error_after", "later", "error_after.value: must be a number of zero or more or 'cut', was 'later'"),
        ("error_after", -1, "error_after.value: must be a number of zero or more or 'cut', was -1"),
        ("sequence_gaps", 3, "sequence_gaps.value: has no value, was 3"),
        ("delist", None, "delist.value: must be a symbol, was null"),
        ("ban", {"probability": 0}, "ban.probability: must be above 0 and at most 1, was 0"),
        ("ban", {"count": 1.5}, "ban.count: must be a whole number of at least 1, was 1.5"),
        ("ban", {"seconds": -2}, "ban.seconds: must be above 0, was -2"),
        (
            "clock_skew",
            {"count": 1},
            "clock_skew: lasts until it ends, and has neither probability nor count",
        ),
        ("ban", {"probabilty": 1}, "ban.probabilty: a fault has no such field; did you mean 'probability'?"),
    ],
)
def test_what_is_wrong_with_a_fault_is_said_with_its_place(name, said, text):
    with pytest.raises(ConfigError) as error:
        fault_of(name, said)
    assert str(error.value) == text


def test_a_place_comes_before_what_is_wrong():
    with pytest.raises(ConfigError, match=r"^faults\.ban\.seconds: must be above 0, was 0$"):
        fault_of("ban", {"seconds": 0}, "faults.ban")


def test_every_fault_has_a_value_to_begin_with():
    for name in FAULTS:
        assert Fault(name, "BTC-PERP" if name == "delist" else None).name == name


def test_a_schedule_switches_on_what_has_begun():
    timer = Seconds()
    switches = FaultSwitches(timer=timer)
    late, early = TimedFault(5, Fault("maintenance")), TimedFault(1, Fault("ban", seconds=2))
    schedule = FaultSchedule([late, early])
    assert (schedule.due, schedule.apply(switches, 0.5)) == (1, 0)
    assert (schedule.apply(switches, 1.0), [one.name for one in switches.active]) == (1, ["ban"])
    timer.now = 4.0
    assert (schedule.apply(switches, 4.0), switches.active) == (0, [])
    assert (schedule.apply(switches, 9.0), [one.name for one in switches.active]) == (1, ["maintenance"])
    assert schedule.due is None


def test_a_random_schedule_is_that_of_its_seed():
    assert FaultSchedule.random(3, 60).faults == FaultSchedule.random(3, 60).faults
    assert FaultSchedule.random(3, 60).faults != FaultSchedule.random(4, 60).faults


def test_random_schedules_use_every_fault_and_leave_time_to_settle():
    schedules = [FaultSchedule.random(seed, 60).faults for seed in range(300)]
    names = {one.fault.name for faults in schedules for one in faults}
    assert names == FAULTS.keys() - {"ban", "delist"}
    assert all(3 <= len(faults) <= 8 for faults in schedules)
    for one in (one for faults in schedules for one in faults):
        lasts = one.fault.seconds if one.fault.seconds is not None else 0
        assert one.at + lasts <= 54.01
        assert one.fault.seconds is not None or one.fault.count == 1


def test_a_random_schedule_can_be_of_some_faults_only():
    schedule = FaultSchedule.random(1, 10, names=["error_after", "ban"], faults=20)
    assert len(schedule.faults) == 20
    assert {one.fault.name for one in schedule.faults} == {"error_after", "ban"}
