"""Search by a tree-structured Parzen estimator (Bergstra et al. 2011), as optuna implements it.

Combinations are asked for a few at a time, always as many, so that the way does not depend on how many cores there are.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hookline.errors import ConfigError
from hookline.research.searching.methods import Search, draw, none_keeps
from hookline.research.space import Combination, Space
from hookline.research.table import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import optuna

__all__ = ["BayesSearch"]

_TOGETHER = 8
_TRIES = 50
_BLIND_TRIES = 1000


class BayesSearch(Search):
    """Goes where earlier runs were good.

    Args:
        space: What is searched.

    Raises:
        ConfigError: if optuna is not installed.
    """

    def __init__(self, space: Space) -> None:
        self._optuna = _optuna()
        self._space = space
        self._random = np.random.default_rng(space.seed)
        self._trials: dict[Combination, optuna.Trial] = {}
        self.total = space.wanted if space.size is None else min(space.wanted, space.size)
        with _quiet():
            sampler = self._optuna.samplers.TPESampler(seed=space.seed, multivariate=True, constant_liar=True)
            self._study = self._optuna.create_study(direction="maximize", sampler=sampler)

    def ask(self) -> Sequence[Combination]:
        asked: list[Combination] = []
        while len(asked) < _TOGETHER and len(self._trials) < self.total:
            combination = self._next()
            if combination is None:
                break
            asked.append(combination)
        if not self._trials:
            raise none_keeps(self._space, f"{_BLIND_TRIES:,} at random")
        return asked

    def tell(self, combinations: Sequence[Combination], scores: Sequence[float]) -> None:
        for combination, score in zip(combinations, scores, strict=True):
            self._tell(self._trials[combination], score)

    def _next(self) -> Combination | None:
        """Return a combination that is allowed and new, None if there seem to be no more."""
        for _ in range(_TRIES):
            with _quiet():
                trial = self._study.ask()
                combination = tuple(_suggested(trial, one) for one in self._space.parameters)
            if self._is_new(combination):
                self._trials[combination] = trial
                return combination
            self._tell(trial, math.nan)
        return self._blindly()

    def _blindly(self) -> Combination | None:
        """Draw at random, where the sampler keeps to what it knows."""
        for _ in range(_BLIND_TRIES):
            combination = draw(self._space, self._random)
            if self._is_new(combination):
                values = {
                    one.address: _coded(one, value)
                    for one, value in zip(self._space.parameters, combination, strict=True)
                }
                self._study.enqueue_trial(values)
                with _quiet():
                    trial = self._study.ask()
                    found = tuple(_suggested(trial, one) for one in self._space.parameters)
                self._trials[found] = trial
                return found
        return None

    def _is_new(self, combination: Combination) -> bool:
        return combination not in self._trials and self._space.allows(combination)

    def _tell(self, trial: optuna.Trial, score: float) -> None:
        """Tell the sampler a score; one that is not known counts as worse than every other."""
        state = self._optuna.trial.TrialState
        with _quiet():
            if math.isfinite(score):
                self._study.tell(trial, score)
            else:
                self._study.tell(trial, state=state.PRUNED)


def _suggested(trial: optuna.Trial, parameter: Parameter) -> Any:
    """Return a value for a parameter; of an ordered list its place is searched."""
    name, values = parameter.address, parameter.values
    if not parameter.is_continuous:
        if _is_ordered(values):
            return values[trial.suggest_int(name, 0, len(values) - 1)]
        return values[trial.suggest_categorical(name, range(len(values)))]
    log = parameter.is_log
    low, high = values
    if isinstance(low, int):
        return trial.suggest_int(name, low, high, log=log)
    return trial.suggest_float(name, low, high, log=log)


def _coded(parameter: Parameter, value: Any) -> Any:
    return value if parameter.is_continuous else parameter.values.index(value)


def _is_ordered(values: Sequence[Any]) -> bool:
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return False
    return list(values) == sorted(values) or list(values) == sorted(values, reverse=True)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(
            "method: bayes needs the extra 'bayes': pip install 'hookline[bayes]'; grid and random need none"
        ) from error
    return optuna


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep optuna from telling of each trial, and of options that it calls experimental."""
    logger = logging.getLogger("optuna")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="optuna")
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
