"""Figures as text for people."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["FIGURES", "NOT_DEFINED", "Figure", "count", "counted", "duration", "fraction", "money", "number"]

NOT_DEFINED = "n/a"


def fraction(value: float) -> str:
    """Return a fraction in percent; one that is beyond all sense (a year made of three good hours) by its power of ten.

    >>> fraction(0.1234), fraction(float("nan")), fraction(1.6e70)
    ('12.3 %', 'n/a', '2e+72 %')
    """
    if not math.isfinite(value):
        return NOT_DEFINED
    percent = value * 100.0
    if abs(percent) >= 1e12:
        return f"{percent:.0e} %"
    digits = 0 if abs(percent) >= 1000.0 else 1 if abs(percent) >= 1.0 else 2
    return f"{_no_negative_zero(percent, digits):,.{digits}f} %"


def money(value: float) -> str:
    """Return an amount of money; small ones with more digits.

    >>> money(12345.678), money(0.01234)
    ('12,345.68', '0.0123')
    """
    if not math.isfinite(value):
        return NOT_DEFINED
    digits = 2 if abs(value) >= 1.0 or value == 0.0 else 4
    return f"{_no_negative_zero(value, digits):,.{digits}f}"


def number(value: float) -> str:
    """Return a ratio with two digits.

    >>> number(1.234)
    '1.23'
    """
    return f"{_no_negative_zero(value, 2):,.2f}" if math.isfinite(value) else NOT_DEFINED


def count(value: float) -> str:
    """Return a whole number.

    >>> count(12345)
    '12,345'
    """
    return f"{value:,.0f}" if math.isfinite(value) else NOT_DEFINED


def counted(size: int, noun: str) -> str:
    """Return a number of things.

    >>> counted(1, "bar"), counted(2000, "bar")
    ('1 bar', '2,000 bars')
    """
    return f"{size:,} {noun}" if size == 1 else f"{size:,} {noun}s"


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units.

    >>> duration(90_000), duration(45), duration(0)
    ('1 d 1 h', '45 s', '0 s')
    """
    if not math.isfinite(seconds):
        return NOT_DEFINED
    rest = round(seconds)
    parts: list[str] = []
    for name, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        whole, rest = divmod(rest, length)
        if whole or (name == "s" and not parts):
            parts.append(f"{whole:,} {name}")
    return " ".join(parts[:2])


def _no_negative_zero(value: float, digits: int) -> float:
    return 0.0 if round(value, digits) == 0.0 else value


class Figure(NamedTuple):
    """How one metric is shown: its field, its label and its format."""

    name: str
    label: str
    text: Callable[[float], str]


# In the order in which reports show them; an empty name starts a new block.
FIGURES: tuple[tuple[Figure, ...], ...] = (
    (
        Figure("final_equity", "Final equity", money),
        Figure("total_return", "Return", fraction),
        Figure("cagr", "CAGR", fraction),
        Figure("volatility", "Volatility (year)", fraction),
    ),
    (
        Figure("sharpe", "Sharpe", number),
        Figure("sortino", "Sortino", number),
        Figure("calmar", "Calmar", number),
        Figure("max_drawdown", "Max drawdown", fraction),
        Figure("max_drawdown_seconds", "Max drawdown length", duration),
        Figure("longest_drawdown_seconds", "Longest drawdown", duration),
    ),
    (
        Figure("round_trips", "Round trips", count),
        Figure("win_rate", "Win rate", fraction),
        Figure("profit_factor", "Profit factor", number),
        Figure("payoff", "Payoff", number),
        Figure("expectancy", "Expectancy", money),
        Figure("best_round_trip", "Best round trip", money),
        Figure("worst_round_trip", "Worst round trip", money),
        Figure("average_bars", "Average bars held", number),
    ),
    (
        Figure("exposure", "Exposure", fraction),
        Figure("turnover", "Turnover (times equity)", number),
        Figure("fees", "Fees", money),
        Figure("funding", "Funding", money),
        Figure("orders", "Orders", count),
        Figure("fills", "Fills", count),
    ),
)
