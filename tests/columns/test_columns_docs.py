"""What docs/columns.md says holds."""

import re
from pathlib import Path

import numpy as np
import pytest
from columns_cases import CASES
from columns_data import random_walk

import hookline.columns
from hookline.columns import Bars, Batch, dmi, ichimoku, macd

TEXT = (Path(__file__).parents[2] / "docs" / "columns.md").read_text(encoding="utf-8")

READY = {
    "sma": 20,
    "ema": 9,
    "rma": 14,
    "wma": 10,
    "rolling_sum": 15,
    "highest": 10,
    "lowest": 10,
    "std": 20,
    "zscore": 30,
    "change": 4,
    "roc": 11,
    "rsi": 15,
    "true_range": 2,
    "atr": 15,
    "adx": 28,
    "obv": 1,
    "linreg_slope": 14,
    "correlation": 30,
    "supertrend": 11,
    "stochastic": 11,
    "stoch_rsi": 24,
    "donchian": 20,
}


@pytest.mark.parametrize("name", READY)
def test_indicators_are_ready_when_the_table_says(name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    values = Batch(random_walk(100)).compute(list(case.build(Bars())))[0]
    assert int(np.argmin(np.isnan(values))) + 1 == READY[name]


def test_several_outputs_are_ready_when_the_table_says() -> None:
    bars = Bars()
    ready = [26, 34, 34, 9, 26, 52, 78, 27, 15, 15, 28]
    columns = [*macd(bars.close), *ichimoku(bars), *dmi(bars)]
    values = Batch(random_walk(100)).compute(columns)
    assert [int(np.argmin(np.isnan(column))) + 1 for column in values] == ready


def test_every_public_function_is_in_the_table_or_the_text() -> None:
    functions = [name for name in hookline.columns.__all__ if name[0].islower()]
    assert [name for name in functions if not re.search(rf"`{name}\b|\b{name}\(", TEXT)] == []


def test_the_example_of_an_own_indicator_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = next(code for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "peak_init" in code)
    (tmp_path / "decaying_peak_example.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    import decaying_peak_example  # type: ignore[import-not-found]

    series = random_walk(5)
    found = Batch(series).compute([decaying_peak_example.decaying_peak(Bars().close, 0.999)])[0]
    peak = series.close[0]
    for close, value in zip(series.close, found, strict=True):
        peak = max(close, peak * 0.999)
        assert value == peak
