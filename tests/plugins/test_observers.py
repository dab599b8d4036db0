import logging
from types import ModuleType, SimpleNamespace

import pytest

from hookline.errors import PluginError
from hookline.hookspecs import hookimpl
from hookline.observers import EVENTS, Observers


def module(name, **functions):
    made = ModuleType(name)
    for function, implementation in functions.items():
        implementation.__name__ = function
        setattr(made, function, hookimpl(implementation))
    return made


class Recorder:
    """A notifier that keeps what it is told."""

    name = "recorder"

    def __init__(self):
        self.told = []

    def notify(self, level, title, text):
        self.told.append((level, title, text))


def collect(seen):
    def order_filled(fill):
        seen.append(fill)

    return order_filled


def test_nobody_listens_without_modules():
    observers = Observers()
    assert not any(observers.has(event) for event in EVENTS)
    observers.order_filled(None, None)


def test_only_what_a_module_implements_is_listened_to():
    observers = Observers([module("a", order_filled=lambda fill: None)])
    assert [event for event in EVENTS if observers.has(event)] == ["order_filled"]


def test_observers_get_only_the_arguments_they_ask_for():
    seen = []
    observers = Observers([module("a", order_filled=collect(seen))])
    observers.order_filled("order", "fill")
    assert seen == ["fill"]


def test_modules_are_called_in_order_and_one_given_twice_is_called_once():
    seen = []
    first = module("first", session_starting=lambda session: seen.append("first"))
    second = module("second", session_starting=lambda session: seen.append("second"))
    Observers([first, second, first]).session_starting(None)
    assert seen == ["first", "second"]


def test_an_exception_is_logged_with_the_module_and_stops_nothing(caplog):
    def fail(order, fill):
        raise KeyError("oops")

    seen = []
    observers = Observers([module("clumsy", order_filled=fail), module("b", order_filled=collect(seen))])
    with caplog.at_level(logging.ERROR):
        observers.order_filled("order", "fill")
    assert seen == ["fill"]
    assert "plugin clumsy: order_filled failed" in caplog.text
    assert "KeyError: 'oops'" in caplog.text


def test_an_unknown_hook_is_refused_with_what_was_meant():
    with pytest.raises(
        PluginError, match=r"clumsy: no hook is called 'order_fild'; did you mean 'order_filled'\?"
    ):
        Observers([module("clumsy", order_fild=lambda fill: None)])


def test_an_argument_that_a_hook_does_not_have_is_refused():
    with pytest.raises(PluginError, match=r"^clumsy: .*\bprice\b"):
        Observers([module("clumsy", order_filled=lambda price: None)])


def test_an_observer_cannot_wrap_others():
    made = ModuleType("clumsy")

    def order_filled(fill):
        yield

    made.order_filled = hookimpl(wrapper=True)(order_filled)
    with pytest.raises(PluginError, match="clumsy: an observer cannot wrap others, order_filled does"):
        Observers([made])


def test_notifiers_are_told_of_halts_stalls_and_ends():
    recorder = Recorder()
    observers = Observers(notifiers=[recorder], name="demo")
    told = [event for event in EVENTS if observers.has(event)]
    assert told == ["session_halted", "feed_stalled", "feed_recovered", "session_finished"]
    observers.session_halted(None, "drawdown 12 %")
    observers.feed_stalled(None, 90.4)
    observers.feed_recovered(None, 1200.0)
    metrics = SimpleNamespace(final_equity=10_250.5, round_trips=12)
    record = SimpleNamespace(currency="USDT", halted="drawdown 12 %", interrupted=False)
    observers.session_finished(None, SimpleNamespace(metrics=metrics, record=record))
    assert recorder.told == [
        ("error", "demo halted", "drawdown 12 %"),
        ("warning", "demo: feed stalled", "feed stalled for 90 s"),
        ("info", "demo: feed recovered", "data again after 1,200 s"),
        ("info", "demo finished", "halted, final equity 10,250.50 USDT, 12 round trips"),
    ]


def test_a_notifier_that_fails_is_logged_and_the_next_is_told(caplog):
    class Broken(Recorder):
        name = "broken"

        def notify(self, level, title, text):
            raise OSError("no network")

    recorder = Recorder()
    Observers(notifiers=[Broken(), recorder], name="demo").session_halted(None, "why")
    assert recorder.told == [("error", "demo halted", "why")]
    assert "notifier 'broken' could not send 'demo halted'" in caplog.text
