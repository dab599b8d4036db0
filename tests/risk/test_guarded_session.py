"""Sessions with several rules, from Python and from a file."""

import hookline as hl
from hookline import plugins
from hookline.risk import RequireStop
from hookline.session import Session
from hookline.session.loader import load_session
from hookline.testing import Scripted, bars, buy, sell
from hookline_risk.consecutive_losses import ConsecutiveLosses
from hookline_risk.max_leverage import MaxLeverage
from hookline_risk.max_order_notional import MaxOrderNotional
from hookline_risk.max_trades import MaxTrades
from hookline_risk.stop_cooldown import StopCooldown

PERPETUALS = [hl.Instrument(symbol, hl.InstrumentKind.PERPETUAL) for symbol in ("A", "B")]


def told(result):
    return [(one.rule, one.verdict.value, one.symbol, one.order_number) for one in result.record.decisions]


def test_rules_work_together_in_a_backtest():
    market = {"A": bars("100 100 94 94 94 94 94", "A"), "B": bars("50 50 50 50 50 50 50", "B")}
    script = {
        ("A", 0): [buy(30, stop_loss=95), buy(1, stop_loss=95)],
        ("B", 0): buy(5),
        ("A", 2): [buy(5, stop_loss=90)],
        ("A", 4): [buy(5, stop_loss=90), sell(5, stop_loss=99, take_profit=80)],
        ("B", 4): [sell(5), buy(40)],
    }
    rules = [
        StopCooldown(2 * 3600),
        MaxTrades(2),
        MaxOrderNotional(1500, shrink=True),
        MaxLeverage(2, warn_above=1.4),
        RequireStop(),
    ]
    result = hl.backtest(Scripted(script), market, cash=1000, leverage=5, risk=rules, instruments=PERPETUALS)
    assert told(result) == [
        ("max_order_notional", "shrink", "A", 1),
        ("max_leverage", "warn", "A", 1),
        ("max_leverage", "warn", "A", 3),
        ("max_leverage", "warn", "B", 5),
        ("stop_cooldown", "deny", "A", 6),
        ("max_order_notional", "shrink", "B", 13),
        ("max_leverage", "deny", "B", 13),
    ]
    fills = [(fill.symbol, int(fill.side), fill.quantity, fill.price) for fill in result.record.fills]
    assert fills == [
        ("A", 1, 15, 100),
        ("A", 1, 1, 100),
        ("B", 1, 5, 50),
        ("A", -1, 15, 95),
        ("A", -1, 1, 95),
        ("A", 1, 5, 94),
        ("A", -1, 5, 94),
        ("B", -1, 5, 50),
    ]
    # 35 B at 50 and 5 A at 94 against 920 of equity.
    assert result.record.decisions[-1].reason == "leverage could be 2.41, at most 2"


def test_a_halt_with_flatten_ends_a_backtest_flat():
    rules = [ConsecutiveLosses(1), rule("max_drawdown", max_fraction=0.1, flatten=True)]
    result = hl.backtest(
        Scripted({0: buy(10), 5: buy(1)}), bars("100 100 88 88 88 88 88"), cash=1000, risk=rules
    )
    assert result.record.halted == "max_drawdown: equity fell 12.0% from 1000.00, at most 10.0%"
    assert [(fill.quantity, fill.price) for fill in result.record.fills] == [(10, 100), (10, 88)]
    assert "Risk rules: max_drawdown halted 1" in result.warnings


def rule(name, **params):
    return plugins.build("risk_rules", name, params, "risk[0]")


def test_a_kill_switch_lies_beside_the_session_file(tmp_path):
    text = """
        symbols: [TEST]
        timeframe: 1h
        since: 2024-01-01
        feed: {use: synthetic, params: {bars: 50}}
        strategies: [buy_and_hold]
        risk: [{use: kill_switch, params: {path: STOP}}, max_order_rate]
    """
    path = tmp_path / "session.yaml"
    path.write_text(text, encoding="utf-8")
    assert not Session.from_config(load_session(path)).run().record.halted
    (tmp_path / "STOP").touch()
    record = Session.from_config(load_session(path)).run().record
    assert record.halted.startswith("kill_switch: ")
    assert not record.fills
