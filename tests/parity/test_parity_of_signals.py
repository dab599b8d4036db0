"""Every bundled signal strategy on recorded bars of two timeframes, as a backtest, compiled and on paper: the same to the last bit.

No venue is asked here, so nothing is learnt later in one way than in another: times are compared as well, and nothing is rounded.
"""

from dataclasses import replace

import pytest
from parity_comparing import assert_alike
from parity_sessions import run, run_compiled
from parity_stories import MAKER, MARKETS, PAIR, SIGNALS

from hookline import SignalStrategy, plugins
from hookline.research.compiled import NotCompilable

LEAST_FILLS = 100


def test_every_bundled_signal_strategy_is_here():
    bundled = {
        info.name: plugins.load("strategies", info.name)
        for info in plugins.names("strategies")
        if info.module.startswith("hookline_strategies.")
    }
    assert {name for name, kind in bundled.items() if issubclass(kind, SignalStrategy)} == set(SIGNALS)


@pytest.mark.slow
@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_strategy_trades_alike_as_a_backtest_compiled_and_on_paper(
    real_data, tmp_path, name, market
):
    story = replace(MARKETS[market], strategy={"use": name, "params": SIGNALS[name]})

    event = run(story, "backtest", real_data, tmp_path)
    paper = run(story, "paper", real_data, tmp_path)
    compiled, figures = run_compiled(story, real_data, tmp_path)

    assert len(event.record.fills) >= (1 if name == "buy_and_hold" else LEAST_FILLS)
    for other in (compiled, paper):
        assert_alike(event, other)
        assert [order.time for order in other.record.orders] == [order.time for order in event.record.orders]
        assert other.record.fills == event.record.fills
        assert other.record.seen == event.record.seen
        assert other.record.funding == event.record.funding
        assert other.metrics.final_equity == event.metrics.final_equity
    assert figures["final_equity"] == pytest.approx(event.metrics.final_equity, rel=1e-12)


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        (PAIR, "must have one instrument, had BTC-PERP, ETH-PERP"),
        (MAKER, "quotes, trades or books are followed"),
    ],
)
def test_what_is_not_compiled_is_refused_rather_than_run_otherwise(real_data, tmp_path, story, reason):
    with pytest.raises(NotCompilable, match=reason):
        run_compiled(story, real_data, tmp_path)
