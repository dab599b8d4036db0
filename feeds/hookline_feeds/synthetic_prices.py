"""Synthetic prices of all symbols of a feed, whichever follow which."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from hookline_feeds.followers import Basis, Pair, Perpetual, follow, reverting
from hookline_feeds.generator import Floats, Generator, Habits, Path

__all__ = ["Prices"]

_HOUR = 3600 * 10**9


@dataclass(frozen=True)
class Prices:
    """The model behind every symbol of a feed.

    Args:
        habits: Parameters of the model, the same for all symbols.
        seed: Of the feed.
        pairs: Symbols that are cointegrated with another.
        perpetuals: Symbols that follow a spot price.
        first: Nanoseconds at which the history of the feed begins.
    """

    habits: Habits
    seed: int
    pairs: Mapping[str, Pair]
    perpetuals: Mapping[str, Perpetual]
    first: int

    def generator(self, symbol: str, duration: int) -> Generator:
        """Return the generator of a symbol's bars of so many nanoseconds."""
        habits = replace(self.habits, start_price=self.start_price(symbol))
        return Generator(habits, duration, (self.seed, zlib.crc32(symbol.encode())))

    def start_price(self, symbol: str) -> float:
        """Return the price with which a symbol begins; for a perpetual that of its spot."""
        if symbol in self.perpetuals:
            return self.start_price(self.perpetuals[symbol].of)
        pair = self.pairs.get(symbol)
        return self.habits.start_price if pair is None or pair.start_price is None else pair.start_price

    def path(self, symbol: str, start: NDArray[np.int64], duration: int) -> Path:
        """Return beginnings and ends of the bars with the given starts, from the first bar on."""
        generator = self.generator(symbol, duration)
        if symbol in self.perpetuals:
            base = self.path(self.perpetuals[symbol].of, start, duration)
            basis = self.basis(symbol)
            spread = basis.noisy(np.append(start, start[-1] + duration), generator)
            return follow(base, 1.0, 0.0, spread, basis.innovation(duration))
        if symbol in self.pairs:
            pair = self.pairs[symbol]
            base = self.path(pair.of, start, duration)
            keep = 2.0 ** (-1.0 / pair.spread_half_life_bars)
            spread = reverting(generator.draws("spread"), len(start) + 1, keep, pair.spread_volatility, 0.0)
            shift = log(self.start_price(symbol)) - pair.beta * log(self.start_price(pair.of))
            return follow(base, pair.beta, shift, spread, pair.spread_volatility * sqrt(1.0 - keep * keep))
        return generator.path(start)

    def columns(
        self, symbol: str, start: NDArray[np.int64], duration: int
    ) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return open, high, low, close and volume of the bars with the given starts, from the first bar on."""
        return self.generator(symbol, duration).columns(start, self.path(symbol, start, duration))

    def mark_columns(
        self, symbol: str, start: NDArray[np.int64], duration: int
    ) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return bars of a perpetual's mark price, its spot with the slow part of its basis; volume is 0."""
        spot = self.perpetuals[symbol].of
        basis = self.basis(symbol).at(np.append(start, start[-1] + duration))
        path = self.path(spot, start, duration)
        prices = self.generator(spot, duration).columns(start, path, (basis[:-1], basis[1:]))
        return (*prices[:4], np.zeros(len(start)))

    def basis(self, symbol: str) -> Basis:
        """Return the basis of a perpetual."""
        return Basis(self.perpetuals[symbol], self.generator(symbol, _HOUR), self.first)
