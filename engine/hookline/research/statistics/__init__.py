"""Statistics that tell edge from luck: functions of arrays, seeded, each with its source.

Nothing here knows of sessions or strategies. What is not defined is NaN; what cannot be used is a ``ValueError`` that says what should
hold.
"""

from hookline.research.statistics.block_length import BlockLength, optimal_block_length
from hookline.research.statistics.bootstrap import Interval, bootstrap_intervals
from hookline.research.statistics.degradation import Degradation, degradation, degradation_band
from hookline.research.statistics.overfitting import (
    Overfitting,
    overfitting_of_parts,
    part_sums,
    probability_of_overfitting,
)
from hookline.research.statistics.permutation import (
    PermutationTest,
    p_value_band,
    permutation_test,
    permutation_tests,
)
from hookline.research.statistics.regimes import Regime, regime_frame, regime_labels, regime_table
from hookline.research.statistics.reordering import FIGURES
from hookline.research.statistics.sharpe import (
    DeflatedSharpe,
    SharpeMoments,
    deflated_sharpe,
    expected_maximum,
    independent_trials,
    minimum_backtest_years,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_moments,
)

__all__ = [
    "FIGURES",
    "BlockLength",
    "DeflatedSharpe",
    "Degradation",
    "Interval",
    "Overfitting",
    "PermutationTest",
    "Regime",
    "SharpeMoments",
    "bootstrap_intervals",
    "deflated_sharpe",
    "degradation",
    "degradation_band",
    "expected_maximum",
    "independent_trials",
    "minimum_backtest_years",
    "minimum_track_record",
    "optimal_block_length",
    "overfitting_of_parts",
    "p_value_band",
    "part_sums",
    "permutation_test",
    "permutation_tests",
    "probabilistic_sharpe",
    "probability_of_overfitting",
    "regime_frame",
    "regime_labels",
    "regime_table",
    "sharpe_moments",
]
