"""Every hook has an example in its docstring; each is run here as the module that a plugin author would write."""

import inspect
import textwrap
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from pluggy import PluginManager

from hookline import backtest, hookspecs
from hookline.cli import main
from hookline.feed import BarRequest
from hookline.model import OrderStatus, Side
from hookline.observers import EVENTS, Observers
from hookline.plugins import KINDS
from hookline.strategy import Strategy
from hookline.testing import bars

HOOKS = [name for name in hookspecs.__all__ if name not in {"hookimpl", "hookspec"}]


def source(hook: str) -> str:
    """Return the example in a hook's docstring."""
    text = inspect.getdoc(getattr(hookspecs, hook)) or ""
    _, found, code = text.partition("Example::\n")
    assert found, f"{hook} has no example"
    return textwrap.dedent(code)


def example(hook: str) -> ModuleType:
    """Return the example of a hook as an imported module."""
    module = ModuleType(f"example_{hook}")
    exec(source(hook), vars(module))
    return module


def registered(kind: str) -> Any:
    manager = PluginManager("hookline")
    manager.add_hookspecs(hookspecs)
    manager.register(example(KINDS[kind].hook))
    [[member]] = getattr(manager.hook, KINDS[kind].hook)()
    return member


def call(event: str, *arguments: Any) -> None:
    observers = Observers([example(event)])
    assert [other for other in EVENTS if observers.has(other)] == [event]
    getattr(observers, event)(*arguments)


def test_register_strategies():
    result = backtest(registered("strategies")(), bars("10 10 11 12 13"), cash=1000)
    assert [fill.side for fill in result.record.fills] == [Side.BUY]


def test_register_brokers():
    strategy = registered("strategies")()
    result = backtest(strategy, bars("10 10 11"), broker=registered("brokers")(), cash=1000)
    assert {order.status for order in result.record.orders} == {OrderStatus.REJECTED}
    assert result.record.orders[0].reason == "the venue is closed"


def test_register_feeds():
    series = registered("feeds")(bars=3, price=7.0).load(BarRequest("X", "1h"))
    assert series.close.tolist() == [7.0, 7.0, 7.0]


def test_register_risk_rules():
    holding, flat = SimpleNamespace(gross_notional=5.0), SimpleNamespace(gross_notional=0.0)
    account = SimpleNamespace(ledgers={"a": holding, "b": flat})
    rule = registered("risk_rules")(limit=1)
    assert rule.check(SimpleNamespace(strategy="b"), account).reason == "1 strategies hold a position already"
    assert rule.check(SimpleNamespace(strategy="a"), account) is None


def test_register_sizers():
    assert registered("sizers")(scale=2.0).quantity(10_000.0, 4.0, float("nan"), float("nan")) == 50.0


def test_register_algorithms():
    @dataclass
    class Buyer(Strategy):
        name = "buyer"

        def on_bar(self, ctx, bar):
            if not ctx.state.setdefault("done", 0):
                ctx.state["done"] = 1
                ctx.work(bar.symbol, Side.BUY, 10, registered("algorithms")())

    result = backtest(Buyer(), bars("10 10 11 12 13"), cash=1000)
    assert [round(fill.quantity, 6) for fill in result.record.fills] == [3.333333, 3.333333, 3.333334]


def test_register_reporters(tmp_path):
    result = SimpleNamespace(metrics=SimpleNamespace(total_return=0.125))
    [path] = registered("reporters")().write(result, tmp_path)
    assert path.read_text() == "0.1250\n"


def test_register_notifiers(capsys):
    registered("notifiers")().notify("error", "demo halted", "too deep")
    assert capsys.readouterr().out == "\ademo halted: too deep\n"


def test_register_executors():
    assert list(registered("executors")(workers=2).map(abs, [-1, -2, 3])) == [1, 2, 3]


def test_register_commands(install, capsys):
    install("my-greeter", "commands", {"greet": "my_greeter"}, source("register_commands"))
    with pytest.raises(SystemExit) as ended:
        main(["greet", "Ada", "--loud"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == "HELLO ADA\n"


def test_session_starting(capsys):
    call("session_starting", SimpleNamespace(name="demo"))
    assert capsys.readouterr().out == "demo starts\n"


def test_order_updated(capsys):
    call(
        "order_updated",
        SimpleNamespace(client_order_id="a-1"),
        SimpleNamespace(status="denied", reason="too big"),
    )
    assert capsys.readouterr().out == "a-1 denied: too big\n"


def test_order_filled(capsys):
    call("order_filled", None, SimpleNamespace(side=Side.BUY, quantity=2.0, symbol="BTC-PERP", price=100.5))
    assert capsys.readouterr().out == "buy 2 BTC-PERP at 100.5\n"


def test_session_halted(capsys):
    call("session_halted", SimpleNamespace(name="demo"), "drawdown")
    assert capsys.readouterr().out == "demo halted: drawdown\n"


def test_feed_stalled(capsys):
    call("feed_stalled", SimpleNamespace(name="demo"), 90.2)
    assert capsys.readouterr().out == "demo has seen nothing for 90 s\n"


def test_feed_recovered(capsys):
    call("feed_recovered", SimpleNamespace(name="demo"), 120.0)
    assert capsys.readouterr().out == "demo sees data again after 120 s\n"


def test_session_finished(capsys):
    result = SimpleNamespace(metrics=SimpleNamespace(total_return=0.25))
    call("session_finished", SimpleNamespace(name="demo"), result)
    assert capsys.readouterr().out == "demo made 25.0%\n"


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_an_example_and_a_test(hook):
    assert f"test_{hook}" in globals(), f"hook {hook} has no test"
    assert callable(getattr(example(hook), hook))


def test_the_list_of_hooks_is_complete():
    functions = {name for name, member in vars(hookspecs).items() if inspect.isfunction(member)}
    assert functions == set(HOOKS)
    assert set(HOOKS) == {kind.hook for kind in KINDS.values()} | set(EVENTS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.base], ids=lambda kind: kind.name)
def test_every_kind_names_the_class_that_its_example_extends(kind):
    module, _, name = kind.base.rpartition(".")
    base = getattr(__import__(module, fromlist=[name]), name)
    assert issubclass(registered(kind.name), base)
