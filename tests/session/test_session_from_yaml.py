"""A session file becomes a run: instruments, funding, external series, several strategies, secrets."""

import json

import numpy as np
import pandas as pd
import pytest

import hookline as hl
from hookline.session.loader import load_session

HEAD = """
timeframe: 1h
symbols: [BTC-PERP]
since: 2024-01-01
until: 2024-02-01
feed: {use: synthetic, params: {seed: 3}}
"""
HOLD = """
strategies:
  - use: buy_and_hold
"""


def session(tmp_path, text, **environ):
    path = tmp_path / "session.yaml"
    path.write_text(text, encoding="utf-8")
    return hl.Session.from_config(load_session(path, environ=environ))


@pytest.fixture
def rates(tmp_path):
    times = pd.date_range("2024-01-01", "2024-02-01", freq="8h", tz="UTC")
    frame = pd.DataFrame({"time": times.asi8, "rate": np.full(len(times), 0.0001)})
    frame.to_csv(tmp_path / "rates.csv", index=False)


FUNDED = """
instruments:
  BTC-PERP: {funding: NAME}
external:
  rates: {path: rates.csv, column: rate}
"""


@pytest.mark.usefixtures("rates")
def test_funding_named_in_the_file_is_paid(tmp_path):
    result = session(tmp_path, HEAD + HOLD + FUNDED.replace("NAME", "rates")).run()

    assert len(result.record.funding) == 31 * 3
    assert result.metrics.funding == pytest.approx(sum(amount for *_, amount in result.record.funding))
    assert result.metrics.funding < 0
    assert not result.record.warnings


@pytest.mark.usefixtures("rates")
def test_a_funding_series_that_is_not_there_is_named_with_a_suggestion(tmp_path):
    with pytest.raises(
        hl.ConfigError, match=r"instruments\.BTC-PERP\.funding: no series .* 'rate'.*did you mean 'rates'"
    ):
        session(tmp_path, HEAD + HOLD + FUNDED.replace("NAME", "rate"))


@pytest.mark.usefixtures("rates")
def test_spot_has_no_funding(tmp_path):
    text = HEAD + HOLD + FUNDED.replace("NAME", "rates").replace("{funding", "{kind: spot, funding")
    with pytest.raises(hl.ConfigError, match="only a perpetual has funding, BTC-PERP is spot"):
        session(tmp_path, text)


def test_what_the_file_says_of_an_instrument_overrules_the_feed(tmp_path):
    plan = session(tmp_path, HEAD + HOLD + "instruments: {BTC-PERP: {kind: spot, lot_size: 0.5}}").plan

    assert str(plan.instruments["BTC-PERP"].lot_size) == "0.5"
    assert plan.instruments["BTC-PERP"].kind is hl.InstrumentKind.SPOT


def test_several_strategies_share_the_cash_and_their_ledgers_add_up(tmp_path):
    text = (
        HEAD + "strategies: [{use: buy_and_hold, cash_fraction: 0.25}, {use: ema_cross}, {use: supertrend}]"
    )
    kernel = (run := session(tmp_path, text)).kernel
    result = run.run()

    assert [ledger.start_cash for ledger in kernel.ledgers.values()] == [2500, 3750, 3750]
    assert result.metrics.final_equity == pytest.approx(
        sum(ledger.equity for ledger in kernel.ledgers.values())
    )


def test_a_value_from_the_environment_reaches_the_strategy_and_no_record(tmp_path):
    text = HEAD + "strategies:\n  - use: ema_cross\n    params:\n      fast: ${FAST}\n"
    made = session(tmp_path, text, FAST="7")
    result = made.run()

    assert made.plan.seats[0].strategy.fast == 7
    [path] = result.report("json", tmp_path / "out")
    shown = json.loads(path.read_text(encoding="utf-8"))
    assert "${FAST}" in json.dumps(shown)
    assert shown["strategies"][0]["params"]["fast"] == "${FAST}"


def test_two_runs_of_one_file_leave_the_same_bytes(tmp_path):
    from hookline.reporting.journal_export import write_journal

    text = (
        HEAD
        + "strategies: [{use: ema_cross}, {use: grid_arithmetic, params: {low: 60, high: 140, budget: 5000}}]"
    )
    for name in ("a", "b"):
        write_journal(session(tmp_path, text).run().record, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
