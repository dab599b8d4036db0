"""ctx.notify reaches a person, and whoever is asked to tell one cannot stop a run."""

import logging
from dataclasses import dataclass, field

import pytest

import hookline as hl
from hookline.feed import BarRequest
from hookline.session.plan import Plan, Seat
from hookline.testing import bars
from hookline.testing.recording import SeriesFeed
from hookline_paper.broker import PaperBroker


@dataclass
class Telling(hl.Strategy):
    """Tells of its second bar."""

    name = "telling"

    def on_bar(self, ctx, bar):
        if bar.close == 11.0:
            ctx.notify("look at this")
            ctx.notify("as planned", "info")


@dataclass
class Kept(hl.Notifier):
    """Keeps what it is told."""

    name = "kept"

    told: list = field(default_factory=list)

    def notify(self, level, title, text):
        self.told.append((level, title, text))


class Broken(Kept):
    name = "broken"

    def notify(self, level, title, text):
        raise OSError("no network")


def run(*notifiers, mode="backtest"):
    series = bars("10 11 12")
    plan = Plan(
        name="demo",
        mode=mode,
        currency="USDT",
        seed=0,
        timeframe="1h",
        feed=SeriesFeed({"TEST": series}),
        requests=[BarRequest("TEST", "1h")],
        instruments={"TEST": hl.Instrument("TEST")},
        broker=PaperBroker(),
        seats=[Seat("mine", "telling", Telling(), ("TEST",), 1000.0)],
        notifiers=notifiers,
    )
    return hl.Session(plan).run()


@pytest.mark.parametrize("mode", ["backtest", "paper"])
def test_notifiers_are_told_who_speaks_and_how_urgent_it_is(mode):
    kept = Kept()
    run(kept, mode=mode)
    assert kept.told[:2] == [
        ("warning", "demo: mine", "look at this"),
        ("info", "demo: mine", "as planned"),
    ]


def test_without_notifiers_it_is_in_the_log(caplog):
    with caplog.at_level(logging.INFO):
        run()
    told = [(one.levelname, one.name, one.getMessage()) for one in caplog.records if "strategies" in one.name]
    assert told == [
        ("WARNING", "hookline.strategies.mine", "look at this"),
        ("INFO", "hookline.strategies.mine", "as planned"),
    ]


def test_a_notifier_that_fails_stops_neither_the_run_nor_the_others(caplog):
    kept = Kept()
    run(Broken(), kept)
    assert ("warning", "demo: mine", "look at this") in kept.told
    assert "no network" in caplog.text
