"""How a session is validated, and what it must show to pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from hookline.params import Doc, Ge, Gt, Le, Lt

__all__ = ["ValidationRules"]


@dataclass(frozen=True)
class ValidationRules:
    """How ``hookline validate`` cuts the history, how often it draws, and from where on a test is passed."""

    train_fraction: Annotated[
        float, Gt(0), Lt(1), Doc("share of the bars before the cut between in sample and out of sample")
    ] = 0.7
    windows: Annotated[int, Ge(2), Doc("windows of the walk forward")] = 6
    first_train_fraction: Annotated[
        float, Gt(0), Lt(1), Doc("share of the bars in the first training stretch of the walk forward")
    ] = 0.4
    embargo_bars: Annotated[int, Ge(0), Doc("bars left out between a training stretch and its test")] = 0
    permutations: Annotated[int, Ge(100), Doc("draws of each permutation test")] = 2000
    resamples: Annotated[int, Ge(100), Doc("draws of the bootstrap")] = 2000
    examined_variants: Annotated[
        int, Ge(2), Doc("most variants whose returns are compared for the probability of overfitting")
    ] = 200
    seed: Annotated[int, Ge(0), Doc("start of all randomness")] = 0
    min_degradation_ratio: Annotated[
        float, Doc("least of the objective out of sample, against in sample")
    ] = 0.5
    min_profitable_fraction: Annotated[
        float, Ge(0), Le(1), Doc("least share of walk-forward windows that make money")
    ] = 0.5
    max_p_value: Annotated[float, Gt(0), Lt(1), Doc("most that chance may explain of the timing")] = 0.05
    confidence: Annotated[
        float, Gt(0.5), Lt(1), Doc("of the bootstrap intervals, which must not reach zero")
    ] = 0.95
    min_deflated_sharpe: Annotated[
        float, Ge(0), Lt(1), Doc("least probability of a true Sharpe ratio above that of the luckiest trial")
    ] = 0.95
    max_overfit_probability: Annotated[
        float, Ge(0), Le(1), Doc("most probability that the choice of parameters is overfit")
    ] = 0.2
    cost_multiple: Annotated[float, Gt(1), Doc("fees and slippage, this many times, must leave a profit")] = (
        2.0
    )
    min_round_trips: Annotated[int, Ge(0), Doc("least number of finished round trips")] = 30
