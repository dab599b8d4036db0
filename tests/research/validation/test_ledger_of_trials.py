"""Every trial is counted, each configuration once, with others on the same data."""

import json
import logging
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pytest
from validation_markets import FAST, HOUR, START, series_of, study_of

import hookline as hl
from hookline import cli
from hookline.research.evaluating import evaluate
from hookline.research.ledger import Ledger, Trial, count_trials, uncounted
from hookline.research.ledger import trials as ledger_module
from hookline.research.ledger.code import code_digest
from hookline.research.ledger.data import agree, data_set_of, together
from hookline.research.ledger.ratios import ratios_of
from hookline.research.study import Job
from hookline_strategies.buy_and_hold import BuyAndHold
from hookline_strategies.ema_cross import EmaCross

WALK = 100 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.01, 400)))


@pytest.fixture(autouse=True)
def ledger(tmp_path, monkeypatch):
    monkeypatch.setenv("HOOKLINE_STATE_DIR", str(tmp_path / "state"))
    return Ledger()


def trial(configuration="a", **changes):
    return Trial(**{"configuration": configuration, "strategy": "s", "params": "{}", "objective": "sharpe", "value": 1.0,
                    "sharpe": 0.1, **changes})  # fmt: skip


def old_ledger(path):
    """Write a ledger as earlier versions did: ratios are of bars, and nothing says so."""
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(
            "CREATE TABLE data_set (id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, timeframe TEXT NOT NULL, since INTEGER NOT NULL,"
            " until INTEGER NOT NULL, bars INTEGER NOT NULL, digest TEXT NOT NULL, days BLOB NOT NULL,"
            " UNIQUE (symbol, timeframe, since, until, digest))"
        )
        file.execute(
            "CREATE TABLE trial (data_set INTEGER NOT NULL REFERENCES data_set, configuration TEXT NOT NULL, strategy TEXT NOT NULL,"
            " params TEXT NOT NULL, objective TEXT NOT NULL, value REAL, sharpe REAL, origin TEXT NOT NULL, runs INTEGER NOT NULL,"
            " first_run INTEGER NOT NULL, last_run INTEGER NOT NULL, PRIMARY KEY (data_set, configuration)) WITHOUT ROWID"
        )
        one = data()
        days = one.days.tobytes() + one.closes.tobytes()
        row = (one.symbol, one.timeframe, one.since, one.until, one.bars, one.digest, days)
        file.execute("INSERT INTO data_set VALUES (1, ?, ?, ?, ?, ?, ?, ?)", row)
        file.execute("INSERT INTO trial VALUES (1, 'old', 's', '{}', 'sharpe', 1.5, 0.02, 'sweep', 3, 1, 2)")


def data(closes=WALK, symbol="BTC", first=0):
    return data_set_of(series_of(closes, symbol, START + first * HOUR))


def test_every_backtest_counts_by_itself(ledger):
    series = series_of(WALK)
    hl.backtest(EmaCross(fast=5), series)
    hl.backtest(EmaCross(fast=6), series)
    hl.backtest(BuyAndHold(), series)
    found = ledger.trials([data_set_of(series)])
    assert sorted(one.strategy for one in found) == ["buy_and_hold", "ema_cross", "ema_cross"]
    assert json.loads(found[0].params)["ema_cross"]["fast"] in {5, 6}


def test_the_same_again_counts_once(ledger):
    series = series_of(WALK)
    for _ in range(3):
        result = hl.backtest(EmaCross(fast=5), series)
    (found,) = ledger.trials([data_set_of(series)])
    assert found.runs == 3
    assert found.value == pytest.approx(result.metrics.sharpe)


def test_the_sharpe_ratio_of_a_trial_is_that_of_its_days(ledger):
    import pandas as pd

    series = series_of(WALK)
    result = hl.backtest(EmaCross(fast=5), series, cash=1000)
    ends = pd.to_datetime(
        result.equity.time - 1, utc=True
    )  # the bar that ends at midnight belongs to the day before
    days = pd.Series(result.equity.value, ends).resample("1D").last()
    returns = pd.concat([pd.Series([1000.0]), days]).pct_change().dropna()
    (found,) = ledger.trials([data_set_of(series)])
    assert len(returns) == 17
    assert found.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))
    assert found.sharpe_per == "day"


def test_a_run_counts_before_its_result_is_handed_out(ledger, monkeypatch):
    from hookline.observers import Observers

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Observers, "session_finished", crash)
    with pytest.raises(KeyboardInterrupt):
        hl.backtest(EmaCross(fast=5), series_of(WALK))
    (found,) = ledger.trials([data_set_of(series_of(WALK))])
    assert np.isfinite(found.sharpe)


def test_to_count_a_run_looks_for_no_round_trips(ledger):
    result = hl.backtest(EmaCross(fast=5), series_of(WALK))
    assert "equity" in vars(result)  # kept for whoever asks for figures
    assert not {"trips", "metrics", "buy_and_hold"} & vars(result).keys()


def test_fees_and_cash_make_no_other_trial_but_sizers_and_rules_do(ledger):
    from hookline import plugins

    series = series_of(WALK)
    hl.backtest(EmaCross(), series, taker_fee_bps=1)
    hl.backtest(EmaCross(), series, taker_fee_bps=50, cash=1e6)
    assert len(ledger.trials([data_set_of(series)])) == 1
    hl.backtest(EmaCross(), series, sizer=plugins.build("sizers", "fixed_notional", {"quote": 100}, ""))
    hl.backtest(
        EmaCross(), series, risk=[plugins.build("risk_rules", "max_drawdown", {"max_fraction": 0.1}, "")]
    )
    assert len(ledger.trials([data_set_of(series)])) == 3


def test_a_study_and_a_sweep_of_it_count_the_same_configurations(ledger):
    study = study_of()
    outcomes = list(evaluate(study, [Job(((FAST, fast),)) for fast in (4, 5, 6)]))
    data_sets = [data_set_of(one) for one in study.series().values()]
    swept = {one.configuration: one for one in ledger.trials(data_sets)}
    assert len(swept) == 3
    assert {one.origin for one in swept.values()} == {"sweep"}
    study.run(Job(((FAST, 5),)))
    again = {one.configuration: one for one in ledger.trials(data_sets)}
    assert again.keys() == swept.keys()
    assert sorted(one.runs for one in again.values()) == [1, 1, 2]
    sharpes = sorted(one.metrics["sharpe"] for one in outcomes)
    assert sorted(one.value for one in again.values()) == pytest.approx(sharpes)


def test_a_run_that_fails_is_no_trial(ledger):
    study = study_of()
    outcomes = list(evaluate(study, [Job(((FAST, fast),)) for fast in (4, 1)]))
    assert [bool(one.error) for one in outcomes] == [False, True]
    assert len(ledger.trials([data_set_of(one) for one in study.series().values()])) == 1


def test_a_sweep_that_is_given_up_has_counted_what_was_seen(ledger):
    study = study_of()
    outcomes = evaluate(study, [Job(((FAST, fast),)) for fast in range(4, 9)])
    next(outcomes), next(outcomes)
    outcomes.close()
    assert len(ledger.trials([data_set_of(one) for one in study.series().values()])) == 2


def test_what_is_part_of_a_test_does_not_count(ledger):
    with uncounted():
        hl.backtest(EmaCross(), series_of(WALK))
    assert ledger.data_sets() == []


def test_overlapping_periods_of_one_market_count_together(ledger):
    early, late, after = data(WALK[:300]), data(WALK[200:], first=200), data(WALK[300:], first=300)
    ledger.add([early], [trial("a"), trial("b")])
    ledger.add([late], [trial("b"), trial("c")])
    assert {one.configuration for one in ledger.trials([early])} == {"a", "b", "c"}
    assert {one.configuration for one in ledger.trials([after])} == {"b", "c"}


def test_of_several_stretches_the_longest_says_how_a_trial_did(ledger):
    ledger.add([data(WALK[:100])], [trial(sharpe=0.5)])
    ledger.add([data()], [trial(sharpe=0.1)])
    ledger.add([data(WALK[:50])], [trial(sharpe=0.9)])
    (found,) = ledger.trials([data()])
    assert (found.sharpe, found.runs) == (0.1, 3)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (data(symbol="ETH"), "another symbol"),
        (data(first=400), "it begins where the other ends"),
        (data(WALK * 1.1), "other prices at the same times"),
        (data_set_of(series_of(WALK, "BTC", timeframe="15m")), "another timeframe"),
    ],
)
def test_other_data_counts_apart(ledger, other, reason):
    ledger.add([other], [trial()])
    assert ledger.trials([data()]) == [], reason


def test_another_venue_of_the_same_market_counts_together():
    assert agree(data(), data(WALK * 1.003))


def test_data_sets_are_grouped_through_what_lies_between():
    first, middle, last = data(WALK[:200]), data(WALK[100:300], first=100), data(WALK[250:], first=250)
    other = data(symbol="ETH")
    groups = together([first, last, other, middle])
    assert [{id(one) for one in group} for group in groups] == [
        {id(other)},
        {id(first), id(last), id(middle)},
    ]


def test_a_figure_that_is_not_defined_stays_so(ledger):
    ledger.add([data()], [trial(sharpe=float("nan"), value=float("nan"))])
    (found,) = ledger.trials([data()])
    assert np.isnan(found.sharpe)
    assert np.isnan(found.value)


def test_thousands_of_trials_are_counted_at_once(ledger):
    ledger.add([data()], [trial(str(number)) for number in range(10_000)])
    assert len(ledger.trials([data()])) == 10_000


def test_entries_of_earlier_versions_count_and_say_that_their_ratio_is_of_bars(ledger):
    old_ledger(ledger.path)
    (found,) = ledger.trials([data()])
    assert (found.sharpe, found.sharpe_per, found.runs) == (0.02, "bar", 3)


def test_a_trial_that_runs_again_has_its_ratio_of_days(ledger):
    old_ledger(ledger.path)
    ledger.add([data()], [trial("old", sharpe=0.09), trial("new", sharpe=0.1)])
    found = {one.configuration: one for one in ledger.trials([data()])}
    assert (found["old"].sharpe, found["old"].sharpe_per, found["old"].runs) == (0.09, "day", 4)
    assert (found["new"].sharpe_per, found["new"].runs) == ("day", 1)


def test_ratios_of_days_and_of_bars_are_never_mixed():
    days = [trial(sharpe=ratio) for ratio in (0.1, 0.3)]
    bars = [trial(sharpe=ratio, sharpe_per="bar") for ratio in (0.01, 0.03, 0.05)]
    unknown = trial(sharpe=float("nan"))
    found = ratios_of([*days, *bars[:2], unknown], bars_per_day=25)
    assert (found.values.tolist(), found.per, found.left_out) == ([0.1, 0.3], "day", 2)
    assert found.variance == pytest.approx(0.02)
    found = ratios_of([*days, *bars], bars_per_day=25)
    assert (found.values.tolist(), found.per, found.left_out) == (pytest.approx([0.05, 0.15, 0.25]), "bar", 2)
    assert np.isnan(ratios_of([unknown, days[0]], bars_per_day=25).variance)


def test_two_processes_count_at_the_same_time(ledger):
    code = """if True:
        import sys
        from validation_markets import series_of
        from hookline.research.ledger import Ledger, Trial
        from hookline.research.ledger.data import data_set_of
        data = [data_set_of(series_of(range(1, 100), "BTC"))]
        for number in range(60):
            Ledger().add(data, [Trial(f"{sys.argv[1]}{number}", "s", "{}", "sharpe", 1.0, 0.1), Trial("both", "s", "{}", "sharpe", 1.0, 0.1)])
    """
    from pathlib import Path

    command = [sys.executable, "-c", code]
    both = [subprocess.Popen([*command, name], cwd=Path(__file__).parent) for name in "ab"]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    found = {one.configuration: one.runs for one in ledger.trials([data(range(1, 100))])}
    assert len(found) == 121
    assert found["both"] == 120


def test_a_ledger_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("HOOKLINE_STATE_DIR", str(blocked))
    with caplog.at_level(logging.WARNING):
        result = hl.backtest(EmaCross(), series_of(WALK))
    assert result.metrics.bars == 400
    assert "ledger of trials cannot be written" in caplog.text


def test_a_damaged_ledger_is_told_when_it_is_read(ledger):
    ledger.path.parent.mkdir(parents=True)
    ledger.path.write_bytes(b"no database at all" * 100)
    count_trials([data()], [trial()])
    with pytest.raises(hl.DataError, match="the ledger of trials cannot be read"):
        ledger.trials([data()])


def test_the_state_folder_is_in_the_home_unless_it_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("HOOKLINE_STATE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ledger_module.state_folder() == tmp_path / ".local" / "state" / "hookline"


def test_other_code_under_the_same_name_is_another_trial():
    def strategy(threshold):
        source = f"""if True:
            class Same(Base):
                def decide(x, held, p):
                    return x > {threshold}
        """
        scope = {"Base": hl.SignalStrategy, "__name__": "elsewhere"}
        exec(source, scope)
        return scope["Same"]

    assert code_digest(strategy(1)) != code_digest(strategy(2))
    assert code_digest(strategy(1)) == code_digest(strategy(1))


def test_comments_and_docstrings_make_no_other_code(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "plain_idea.py").write_text("class Idea:\n    def act(self):\n        return 1\n")
    (tmp_path / "noted_idea.py").write_text(
        'class Idea:\n    """An idea."""\n\n    def act(self):\n        """Act."""\n        # now\n        return (1)\n'
    )
    import noted_idea
    import plain_idea

    assert code_digest(noted_idea.Idea) == code_digest(plain_idea.Idea)


@dataclass
class Waits(hl.Strategy):
    name = "waits"
    note: object = None


def test_parameters_that_are_no_plain_values_are_no_obstacle(ledger):
    hl.backtest(Waits(note=np.arange(3)), series_of(WALK))
    assert len(ledger.data_sets()) == 1


def run(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert not ended.value.code
    return capsys.readouterr().out


def test_the_command_lists_what_was_tried_by_data(capsys):
    assert "nothing was tried yet" in run(["trials"], capsys)
    hl.backtest(EmaCross(fast=5), series_of(WALK))
    hl.backtest(EmaCross(fast=6), series_of(WALK[:200]))
    hl.backtest(BuyAndHold(), series_of(WALK, "OTHER"))
    shown = run(["trials"], capsys)
    assert "EDGE-PERP 1h" in shown
    assert "OTHER 1h" in shown
    found = json.loads(run(["trials", "--json", "--symbol", "EDGE-PERP"], capsys))
    assert [(one["symbol"], one["trials"], one["runs"]) for one in found] == [("EDGE-PERP", 2, 2)]
    assert found[0]["strategies"] == {"ema_cross": 2}


def test_a_symbol_on_which_nothing_was_tried_is_told_with_those_there_are(ledger, capsys):
    ledger.add([data()], [trial()])
    with pytest.raises(SystemExit) as ended:
        cli.main(["trials", "--symbol", "BTCC"])
    assert ended.value.code == 2
    assert "--symbol BTCC: nothing was tried on it; did you mean 'BTC'?" in capsys.readouterr().err


def test_the_best_trial_is_told_with_what_its_ratio_is_of(ledger, capsys):
    ledger.add(
        [data()], [trial("a", sharpe=0.9, sharpe_per="bar"), trial("b", sharpe=0.1, params='{"s": {"n": 3}}')]
    )
    (found,) = json.loads(run(["trials", "--json"], capsys))
    assert found["best"] == {"strategy": "s", "params": {"s": {"n": 3}}, "sharpe": 0.1, "sharpe_per": "day"}


def test_what_looks_for_leaks_tries_nothing(ledger):
    from hookline.research.peeking import check_look_ahead

    check_look_ahead(study_of(until="2024-01-10"), cuts=2)
    assert ledger.data_sets() == []


@pytest.mark.parametrize(
    ("timeframe", "until"), [("1h", "2024-03-01"), ("1d", "2024-09-01"), ("7m", "2024-01-20")]
)
def test_compiled_runs_count_with_the_ratio_of_their_days(ledger, timeframe, until):
    study = study_of(timeframe=timeframe, until=until)
    jobs = [Job(((FAST, fast),)) for fast in (4, 5, 6)]
    outcomes = list(evaluate(study, jobs))
    assert {one.how for one in outcomes} == {"compiled"}
    data_sets = [data_set_of(one) for one in study.series().values()]
    swept = {one.configuration: one for one in ledger.trials(data_sets)}
    assert {one.sharpe_per for one in swept.values()} == {"day"}
    for job in jobs:
        study.run(job)
    for one in ledger.trials(data_sets):
        assert one.sharpe == pytest.approx(swept[one.configuration].sharpe, rel=1e-9)
