"""Ways through a space: which combinations are tried, and in what order.

A search is asked for combinations until it has no more, and told how good they were. What it asks for follows from the space,
its seed and what it was told, and from nothing else: a sweep that is taken up again asks for the same ones.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from hookline.errors import ConfigError
from hookline.research.space import Combination, Space
from hookline.research.table import Parameter

__all__ = ["Search", "draw", "none_keeps", "sample", "search_of"]

# Up to here all combinations are listed to choose from; beyond, chosen blindly and looked up.
_LISTED = 200_000
_TRIES = 1000


class Search(ABC):
    """A way through a space. ``total`` is how many combinations it will ask for at most."""

    total: int

    @abstractmethod
    def ask(self) -> Sequence[Combination]:
        """Return the combinations to try next, none when done."""

    def tell(self, combinations: Sequence[Combination], scores: Sequence[float]) -> None:
        """Take note of how good combinations were: more is better, NaN where that is not known."""


def search_of(space: Space) -> Search:
    """Return the search that a space asks for.

    Raises:
        ConfigError: if no combination keeps the constraints, or the method needs an extra that is not installed.
    """
    if space.method == "bayes":
        from hookline.research.searching.bayes import BayesSearch

        return BayesSearch(space)
    found = list(space.combinations()) if space.method == "grid" else sample(space)
    if not found:
        raise none_keeps(space, f"{space.size:,}")
    return ListSearch(found)


def none_keeps(space: Space, tried: str) -> ConfigError:
    """Return what to raise where no combination keeps the constraints."""
    rules = " and ".join(map(repr, space.constraints))
    return ConfigError(f"constraint {rules}: must leave a combination to try, none of {tried} keeps it")


class ListSearch(Search):
    """Combinations that are known from the start."""

    def __init__(self, combinations: Sequence[Combination]) -> None:
        self.total = len(combinations)
        self._left: Sequence[Combination] = combinations

    def ask(self) -> Sequence[Combination]:
        asked, self._left = self._left, ()
        return asked


def sample(space: Space) -> list[Combination]:
    """Return as many combinations as a space wants, drawn at random without repetition.

    Raises:
        ConfigError: if hardly any combination keeps the constraints.
    """
    random = np.random.default_rng(space.seed)
    if space.size is not None and space.size <= _LISTED:
        allowed = list(space.combinations())
        chosen = random.permutation(len(allowed))[: space.wanted]
        return [allowed[index] for index in chosen.tolist()]
    found: dict[Combination, None] = {}
    tries = 0
    while len(found) < space.wanted:
        combination = draw(space, random)
        tries += 1
        if combination not in found and space.allows(combination):
            found[combination] = None
            tries = 0
        elif tries > _TRIES:
            if found:
                break
            raise none_keeps(space, f"{_TRIES:,} at random")
    return list(found)


def draw(space: Space, random: np.random.Generator) -> Combination:
    """Return a combination drawn at random; it may break constraints."""
    return tuple(_drawn(one, random) for one in space.parameters)


def _drawn(parameter: Parameter, random: np.random.Generator) -> object:
    if not parameter.is_continuous:
        return parameter.values[int(random.integers(len(parameter.values)))]
    low, high = parameter.values
    is_whole = isinstance(low, int)
    if parameter.is_log:
        # A whole number stands for half a unit to either side.
        ends = (low - 0.5, high + 0.5) if is_whole else (low, high)
        value = float(np.exp(random.uniform(*np.log(ends))))
        return min(max(round(value), low), high) if is_whole else min(max(value, low), high)
    return int(random.integers(low, high + 1)) if is_whole else float(random.uniform(low, high))
