"""Sweeps and validations from Python: the same as backtests with those values, for classes that only this process knows too."""

import pickle
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import hookline as hl
from hookline import plugins
from hookline.columns import ExternalSeries
from hookline.research.studies.local import LocalStudy, Setting, local_study
from hookline.research.study import Job
from hookline.session.executors import ProcessExecutor
from hookline.testing.market import random_bars
from hookline_strategies.ema_cross import EmaCross

BARS = random_bars("ETH", 400, gaps=False)
PERP = hl.Instrument(
    "ETH", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.01"), lot_size=Decimal("0.001")
)


@dataclass
class Cross(hl.SignalStrategy):
    """Long above, short below; the fast period has no default."""

    name = "cross_of_this_test"

    fast: int
    slow: int = 20

    def columns(self, bars):
        return {"fast": hl.sma(bars.close, self.fast), "slow": hl.sma(bars.close, self.slow)}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if x.fast > x.slow else hl.short()


@dataclass
class Charged(hl.SignalStrategy):
    """Long while an external series is above zero."""

    name = "charged_of_this_test"

    least: float = 0.0

    def columns(self, bars):
        return {"score": hl.external("score")}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if x.score > p.least else hl.flat()


def by_values(table, *names):
    addresses = [f"strategies[0].params.{name}" for name in names]
    return {tuple(row[address] for address in addresses): row for _, row in table.frame.iterrows()}


def test_every_run_is_the_backtest_with_its_values():
    costs = {"taker_fee_bps": 5.0, "fill": "close"}

    table = hl.sweep(
        Cross, BARS, {"fast": [3, 5], "slow": np.array([10, 30])}, instruments=[PERP], cash=5_000, **costs
    )

    found = by_values(table, "fast", "slow")
    assert len(found) == 4
    for (fast, slow), row in found.items():
        expected = hl.backtest(Cross(fast, slow), BARS, instruments=[PERP], cash=5_000, **costs).metrics
        assert row.final_equity == pytest.approx(expected.final_equity, rel=1e-12)
        assert row.sharpe == pytest.approx(expected.sharpe, rel=1e-9)
        assert row.fills == expected.fills > 0


def test_an_instance_keeps_its_other_parameters_and_may_be_sized():
    sizer = hl.VolatilityTarget(period=30, target_fraction=0.1)
    given = {"sizer": sizer, "instruments": [PERP], "fill": "close"}
    table = hl.sweep(Cross(3, 12), BARS, {"fast": range(2, 4)}, **given)

    expected = hl.backtest(Cross(2, 12), BARS, **given).metrics
    assert by_values(table, "fast")[(2,)].final_equity == pytest.approx(expected.final_equity)


def test_constraints_objectives_and_addresses_of_the_session():
    table = hl.sweep(
        EmaCross(adx_min=0.0),
        BARS,
        {"fast": "5:20:5", "slow": [10, 40], "broker.params.taker_fee_bps": [0, 50]},
        constraint="fast < slow",
        objective="total_return",
        name="mine",
    )

    frame = table.frame
    assert (frame["strategies[0].params.fast"] < frame["strategies[0].params.slow"]).all()
    assert len(frame) == 5 * 2
    assert (table.name, table.objective.metric) == ("mine", "total_return")
    paid = frame.groupby("broker.params.taker_fee_bps")["fees"].sum()
    assert paid[0] == 0.0 < paid[50]


def test_frames_and_several_instruments_together_or_each_alone():
    frame = pd.DataFrame(
        {name: getattr(BARS, name) for name in ("open", "high", "low", "close", "volume")},
        pd.to_datetime(BARS.start, utc=True),
    )
    data = {"ETH": frame, "BTC": random_bars("BTC", 400, gaps=False)}

    together = hl.sweep(Cross, data, {"fast": [3, 5]})
    alone = hl.sweep(Cross, data, {"fast": [3, 5]}, symbols=["each"])

    assert len(together.frame) == 2
    assert sorted(alone.frame["symbol"]) == ["BTC", "BTC", "ETH", "ETH"]
    assert together.frame.final_equity[0] == pytest.approx(
        hl.backtest(Cross(3), data).metrics.final_equity, rel=1e-12
    )


def test_external_series_and_funding_come_along():
    score = ExternalSeries(BARS.end, np.sin(np.arange(len(BARS)) / 10.0))
    rates = ExternalSeries(BARS.end[::8], np.full(len(BARS.end[::8]), 0.001))
    given = {
        "external": {"score": score}, "funding": {"ETH": rates}, "instruments": [PERP], "fill": "close"
    }  # fmt: skip

    table = hl.sweep(Charged, BARS, {"least": [0.0, 0.5]}, **given)

    expected = hl.backtest(Charged(0.5), BARS, **given).metrics
    row = by_values(table, "least")[(0.5,)]
    assert row.final_equity == pytest.approx(expected.final_equity)
    assert row.funding == pytest.approx(expected.funding)
    assert row.funding < 0.0


def test_a_series_with_unknown_values_is_refused_as_a_file_cannot_say_them():
    score = ExternalSeries(BARS.end, np.where(np.arange(len(BARS)) == 7, np.nan, 1.0))
    with pytest.raises(hl.DataError, match="score: must have a value at every time, row 7 has none"):
        hl.sweep(Charged, BARS, {"least": [0.0]}, external={"score": score})


def test_in_a_folder_a_sweep_goes_on_where_it_stopped(tmp_path):
    first = hl.sweep(Cross, BARS, {"fast": [3, 5]}, folder=tmp_path)
    again = hl.sweep(Cross, BARS, {"fast": [3, 5]}, folder=tmp_path)

    pd.testing.assert_frame_equal(first.frame, again.frame, check_dtype=False)
    assert list(tmp_path.glob("bars-*/ETH.parquet"))


def test_a_study_carries_its_classes_to_other_processes():
    study = local_study(Cross, Setting(BARS, sizer=hl.EquityFraction(0.5)), {"fast": [3]})
    copy = pickle.loads(pickle.dumps(study))

    assert copy == study
    assert study.can_travel
    assert type(copy.strategy(Job((("strategies[0].params.fast", 4),)))) is Cross
    assert copy.run(Job()).metrics.fills == study.run(Job()).metrics.fills > 0


def test_a_class_that_another_process_cannot_import_stays_here():
    @dataclass
    class Inner(Cross):
        name = "inner_of_this_test"

    study = local_study(Inner(3), Setting(BARS))

    assert not study.can_travel
    assert len(hl.sweep(Inner, BARS, {"fast": [3, 4, 5]}).frame) == 3


def test_classes_of_one_name_are_told_apart():
    def made(least):
        @dataclass
        class Twin(hl.SignalStrategy):
            name = "twin_of_this_test"
            unused: int = 0

            def columns(self, bars):
                return {"close": bars.close}

            @staticmethod
            def decide(x, held, p):
                return hl.long(0.1 if least else 0.2)

        return Twin

    one, two = made(0), made(1)
    first, second = local_study(one(), Setting(BARS)), local_study(two(), Setting(BARS))

    assert [study.config().strategies[0].use for study in (first, second)] == [
        "twin_of_this_test",
        "twin_of_this_test-2",
    ]
    assert first.run(Job()).metrics.traded_notional > 1.5 * second.run(Job()).metrics.traded_notional
    assert plugins.adopt("strategies", one) == "twin_of_this_test"


def test_an_installed_strategy_keeps_its_name_and_one_that_borrows_it_gets_another():
    @dataclass
    class Other(Cross):
        name = "ema_cross"

    assert plugins.adopt("strategies", EmaCross) == "ema_cross"
    assert plugins.adopt("strategies", Other) == "ema_cross-2"
    assert plugins.load("strategies", "ema_cross") is EmaCross
    assert plugins.load("strategies", "ema_cross-2") is Other
    assert "ema_cross-2" not in [info.name for info in plugins.names("strategies")]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: hl.sweep(Cross, BARS, {"fats": [3]}), hl.ConfigError, "did you mean 'fast'"),
        (lambda: hl.sweep(EmaCross, BARS, {"fast": [1]}), hl.ConfigError, "must be at least 2"),
        (lambda: hl.sweep("cross", BARS, {"fast": [3]}), hl.ConfigError, "strategy: must be a class"),
        (lambda: hl.sweep(Cross, BARS, {}), hl.ConfigError, "must have a parameter that varies"),
        (lambda: hl.sweep(Cross, {}, {"fast": [3]}), hl.ConfigError, "at least one instrument"),
        (
            lambda: hl.sweep(Cross, {"A": BARS, "B": random_bars("B", 50, timeframe="4h")}, {"fast": [3]}),
            hl.ConfigError,
            "one timeframe",
        ),
        (
            lambda: hl.sweep(Cross, BARS, {"fast": [3]}, instruments=[hl.Instrument("ETC")]),
            hl.ConfigError,
            "no data for 'ETC'",
        ),
        (lambda: hl.sweep(Cross, BARS, {"fast": [3]}, taker_fe_bps=1), hl.ConfigError, "taker_fee_bps"),
        (lambda: hl.validate(Cross(3), BARS, rules={"draws": 3}), hl.ConfigError, "rules: there is no 'draws'"),
        (lambda: hl.validate(Cross(3), BARS, rules={"windows": 1}), hl.ConfigError, "windows: must be at least 2"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_before_anything_runs(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_a_validation_asks_everything_of_a_strategy_in_memory():
    passport = hl.validate(
        EmaCross(5, 20, adx_min=0.0),
        BARS,
        {"fast": [5, 8], "slow": [20, 40]},
        rules={"permutations": 100, "resamples": 100, "windows": 2},
        taker_fee_bps=5,
    )

    assert passport.name == "ema_cross"
    assert {section.name for section in passport.sections} >= {
        "split",
        "walk_forward",
        "permutation",
        "costs",
    }


def test_a_study_in_memory_is_a_study():
    assert isinstance(local_study(Cross(3), Setting(BARS)), LocalStudy)
    assert local_study(Cross(3), Setting(BARS)) == local_study(Cross(3), Setting(BARS))
    assert local_study(Cross(3), Setting(BARS)) != local_study(Cross(4), Setting(BARS))


@pytest.mark.slow
def test_processes_find_the_data_and_the_classes_of_this_one():
    here = hl.sweep(Cross, BARS, {"fast": range(2, 8), "broker.params.taker_fee_bps": [5]})
    there = hl.sweep(
        Cross,
        BARS,
        {"fast": range(2, 8), "broker.params.taker_fee_bps": [5]},
        executor=ProcessExecutor(workers=2),
    )

    assert not there.frame["error"].any()
    pd.testing.assert_frame_equal(here.frame, there.frame)


def test_a_class_typed_at_a_prompt_is_swept_into_a_folder(tmp_path):
    code = """
import sys
from dataclasses import dataclass
import hookline as hl
from hookline.testing import bars

@dataclass
class Up(hl.SignalStrategy):
    name = "up"
    n: int = 2

    def columns(self, b):
        return {"up": b.close > hl.sma(b.close, self.n)}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if x.up else hl.flat()

table = hl.sweep(Up, bars("10 11 12 11 13 12 14 15 11 10 9 12 13"), {"n": [2, 3]}, folder=sys.argv[1])
print(len(table.best()))
"""
    command = [sys.executable, "-c", code, str(tmp_path / "kept")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout.strip(), done.returncode) == ("2", 0), done.stderr
