"""What a sweep tries: parameters, rules between them, and the way through them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from hookline.errors import ConfigError
from hookline.problems import did_you_mean
from hookline.research.space.constraints import Constraint, parse_constraint
from hookline.research.space.values import parameter_of, parse_parameter
from hookline.research.table import Parameter

__all__ = ["Combination", "Method", "Space", "parameter_of", "parse_parameter"]

Method = Literal["grid", "random", "bayes"]
Combination = tuple[Any, ...]

_MOST_COMBINATIONS = 10_000_000
_RUNS = 100


@dataclass(frozen=True)
class Space:
    """Parameters and how they are searched.

    Args:
        parameters: What varies.
        constraints: Rules between parameters, such as ``fast < slow``; see :mod:`hookline.research.space.constraints`.
        method: ``grid`` tries every combination, ``random`` some of them, ``bayes`` goes where earlier runs were good.
        runs: How many combinations ``random`` and ``bayes`` try; 100 by default. A grid has as many as it has.
        seed: Start of all randomness of the search.

    Raises:
        ConfigError: if a rule has no meaning, or the method cannot search these parameters.
    """

    parameters: tuple[Parameter, ...]
    constraints: tuple[str, ...] = ()
    method: Method = "grid"
    runs: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ConfigError(
                "sweep: must have a parameter that varies, such as strategies[0].params.fast=5:50:5"
            )
        addresses = [one.address for one in self.parameters]
        for number, address in enumerate(addresses):
            if address in addresses[:number]:
                raise ConfigError(f"{address}: must vary once, is given twice")
        if self.method not in get_args(Method):
            hint = did_you_mean(self.method, get_args(Method))
            raise ConfigError(f"method: must be grid, random or bayes, was {self.method!r}{hint}")
        if self.runs is not None and self.runs < 1:
            raise ConfigError(f"runs: must be at least 1, was {self.runs}")
        if self.method == "grid":
            self._check_grid()
        self.rules  # noqa: B018  # read now, so that a wrong one is told before anything runs

    @classmethod
    def of(cls, parameters: Mapping[str, str | Sequence[Any]], **rest: Any) -> Space:
        """Return the space of values by address: text such as ``5:50:5``, or the values one by one.

        >>> Space.of({"strategies[0].params.fast": "5:20:5"}).size
        4

        Raises:
            ConfigError: as the constructor does, and if values break a rule.
        """
        return cls(tuple(parameter_of(address, values) for address, values in parameters.items()), **rest)

    def _check_grid(self) -> None:
        for one in self.parameters:
            if one.is_continuous:
                low, high = one.values
                raise ConfigError(
                    f"{one.address}: a grid needs steps, was {low}..{high}; write first:last:step, or search by random or bayes"
                )
        if self.runs is not None:
            raise ConfigError("runs: must be left out of a grid, which tries every combination")
        if self.size is not None and self.size > _MOST_COMBINATIONS:
            raise ConfigError(
                f"sweep: a grid must have at most {_MOST_COMBINATIONS:,} combinations, has {self.size:,}; "
                f"take wider steps, or search by random or bayes"
            )

    @cached_property
    def rules(self) -> tuple[Constraint, ...]:
        """The constraints, read."""
        return tuple(parse_constraint(text, self.parameters) for text in self.constraints)

    @property
    def size(self) -> int | None:
        """Number of combinations before constraints, None where a parameter is continuous."""
        if any(one.is_continuous for one in self.parameters):
            return None
        return math.prod(len(one.values) for one in self.parameters)

    @property
    def wanted(self) -> int:
        """How many combinations ``random`` and ``bayes`` try."""
        return _RUNS if self.runs is None else self.runs

    def allows(self, combination: Combination) -> bool:
        """Return whether values, one for each parameter, keep every constraint.

        Raises:
            ConfigError: if a constraint has no meaning for them.
        """
        if not self.rules:
            return True
        values = {one.address: value for one, value in zip(self.parameters, combination, strict=True)}
        return all(rule.holds(values) for rule in self.rules)

    def combinations(self) -> Iterator[Combination]:
        """Yield every combination that keeps the constraints, the last parameter varying fastest; of lists only."""
        for combination in itertools.product(*(one.values for one in self.parameters)):
            if self.allows(combination):
                yield combination

    def describe(self) -> dict[str, Any]:
        """Return the space as JSON can hold it."""
        return {
            "parameters": {one.address: _described(one) for one in self.parameters},
            "constraints": list(self.constraints),
            "method": self.method,
            "runs": None if self.method == "grid" else self.wanted,
            "seed": self.seed,
        }


def _described(parameter: Parameter) -> Any:
    if not parameter.is_continuous:
        return list(parameter.values)
    low, high = parameter.values
    return f"{low}..{high}{'@log' if parameter.is_log else ''}"
