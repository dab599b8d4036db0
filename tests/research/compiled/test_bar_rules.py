"""A broker says by what rules it fills bars, and runs of it are compiled by them."""

from dataclasses import dataclass, replace

import pytest
from random_runs import Told, plan_of
from same_runs import assert_same_record

from hookline.research.compiled import CompiledRun
from hookline.research.stress.late import LateBroker
from hookline.session import Session
from hookline.simulation.bar_rules import BarRules
from hookline.simulation.fees import MakerTaker
from hookline.simulation.slippage import BarSlippage
from hookline_paper.broker import PaperBroker
from hookline_paper.latency import Latency


@dataclass
class HouseBroker(PaperBroker):
    """Another broker that fills bars by the same rules, at fees of its own."""

    name = "house"

    taker_fee_bps: float = 11.0
    leverage: float = 2.0


def test_the_paper_broker_tells_the_rules_that_it_simulates_with():
    broker = PaperBroker(
        maker_fee_bps=-1.0, taker_fee_bps=5.0, liquidation_fee_bps=40.0, slippage_bps=2.0, slippage_ticks=1,
        slippage_range_fraction=0.25, leverage=3.0, limit_fill="through", intrabar="path", fill="close",
    )  # fmt: skip
    assert broker.bar_rules() == BarRules(
        MakerTaker(-1e-4, 5e-4), BarSlippage(2.0, 1, 0.25), 3.0, 0.004, through=True, walk_path=True, fills_at_close=True,
    )  # fmt: skip


def test_brokers_that_fill_otherwise_tell_none():
    assert PaperBroker(latency=Latency()).bar_rules() is None
    assert LateBroker(PaperBroker()).bar_rules() is None


@pytest.mark.parametrize("seed", [2, 3, 9])
def test_any_broker_that_tells_its_rules_is_compiled_by_them(seed):
    event = Session(replace(plan_of(seed), broker=HouseBroker())).run()
    assert len(event.record.fills) > 3
    compiled = CompiledRun(replace(plan_of(seed), broker=HouseBroker()))
    assert_same_record(compiled.record(Told()), event.record)
