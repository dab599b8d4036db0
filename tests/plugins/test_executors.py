import os

import pytest

from hookline.plugins import build


def fail_on_two(number):
    if number == 2:
        raise ValueError("two")
    return number * 10


def process_of(_):
    return os.getpid()


@pytest.mark.parametrize("name", ["serial", "processes"])
def test_results_come_in_the_order_of_the_items(name):
    assert list(build("executors", name, {}, "x").map(str, [3, 1, 2])) == ["3", "1", "2"]


@pytest.mark.parametrize("name", ["serial", "processes"])
def test_an_exception_is_raised_when_its_result_is_due(name):
    results = build("executors", name, {}, "x").map(fail_on_two, [1, 2, 3])
    assert next(results) == 10
    with pytest.raises(ValueError, match="two"):
        next(results)


def test_serial_stays_in_this_process_and_processes_do_not():
    assert set(build("executors", "serial", {}, "x").map(process_of, [1, 2])) == {os.getpid()}
    assert os.getpid() not in set(
        build("executors", "processes", {"workers": 1}, "x").map(process_of, [1, 2])
    )
