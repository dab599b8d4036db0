"""Variants of a session: the same as a session file with those values, on data that is read once."""

import pickle

import pytest

from hookline.errors import ConfigError
from hookline.research.study import Job, Study
from hookline.session import Session
from hookline.session.loader import session_from

DAY = 86_400 * 10**9
SESSION = {
    "symbols": ["ONE-PERP"],
    "timeframe": "1h",
    "since": "2024-01-01",
    "until": "2024-03-01",
    "feed": {"use": "synthetic", "params": {"seed": 3}},
    "broker": {"use": "paper", "params": {"taker_fee_bps": 5}},
    "strategies": [{"use": "ema_cross", "params": {"fast": 5, "slow": 20, "adx_min": 0}}],
}
FAST = "strategies[0].params.fast"


def changed(fast, **session):
    strategies = [{"use": "ema_cross", "params": {"fast": fast, "slow": 20, "adx_min": 0}}]
    return Session.from_config(session_from({**SESSION, **session, "strategies": strategies})).run()


def test_a_variant_is_the_session_with_its_values():
    found = Study.of_mapping(SESSION).run(Job(((FAST, 8),)))
    assert found.record.fills == changed(8).record.fills
    assert found.record.fills != Study.of_mapping(SESSION).run(Job()).record.fills


def test_another_symbol_and_an_earlier_end():
    study = Study.of_mapping(SESSION)
    end = study.series()["ONE-PERP"].start[0] + 30 * DAY
    found = study.run(Job(((FAST, 8),), symbol="TWO-PERP", until=int(end)))
    assert found.record.fills == changed(8, symbols=["TWO-PERP"], until="2024-01-31").record.fills


def test_bars_before_the_start_warm_up_columns_and_are_in_no_figure():
    study = Study.of_mapping(SESSION)
    series = study.series()["ONE-PERP"]
    begin = int(series.start[500])
    found = study.run(Job(since=begin))
    assert found.start == begin
    assert found.metrics.bars == len(series) - 500
    first = min(order.time for order in found.record.orders)
    # Crosses are known from the first bar on: those of the whole run, from then on.
    whole = [order.time for order in study.run(Job()).record.orders if order.time > begin]
    assert first == whole[0]


def test_a_study_travels_to_other_processes(tmp_path):
    file = tmp_path / "one.yaml"
    import yaml

    file.write_text(yaml.safe_dump(SESSION))
    study = Study.of_file(file, ["cash=5000"])
    copy = pickle.loads(pickle.dumps(study))
    assert copy == study
    assert copy.run(Job()).metrics.start_equity == 5000


def test_the_strategy_alone_is_built_where_that_is_all_that_varies():
    study = Study.of_mapping(SESSION)
    assert study.strategy(Job(((FAST, 9),))).fast == 9
    assert study.strategy(Job((("broker.params.taker_fee_bps", 9),))) is None


def test_what_is_wrong_with_a_value_is_told_with_its_address():
    with pytest.raises(ConfigError, match=r"strategies\[0\].params.fast"):
        Study.of_mapping(SESSION).run(Job(((FAST, "many"),)))
