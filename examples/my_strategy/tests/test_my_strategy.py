from types import SimpleNamespace

from hookline import Decision, Held
from hookline.plugins import load

from my_strategy.strategy import MyStrategy

FLAT = Held(exposure=0.0, entry_price=float("nan"), stop=float("nan"), since=0.0)
LONG = Held(exposure=1.0, entry_price=100.0, stop=float("nan"), since=0.0)


def decide(held: Held, **row: float) -> Decision:
    return MyStrategy.decide(SimpleNamespace(**row), held, MyStrategy())


def test_hookline_finds_it_by_name():
    assert load("strategies", "my_strategy") is MyStrategy


def test_weakness_in_an_uptrend_is_bought():
    assert decide(FLAT, close=110.0, trend=100.0, rsi=20.0).exposure == 1.0


def test_weakness_below_the_average_is_left_alone():
    assert decide(FLAT, close=90.0, trend=100.0, rsi=20.0).exposure == 0.0


def test_a_position_is_kept_until_the_recovery():
    assert not decide(LONG, close=110.0, trend=100.0, rsi=50.0).acts
    sold = decide(LONG, close=110.0, trend=100.0, rsi=70.0)
    assert sold.acts
    assert sold.exposure == 0.0
