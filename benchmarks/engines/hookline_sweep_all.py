"""The same with every figure: Sharpe ratio, drawdown and the rest."""

from __future__ import annotations

from engines import hookline_sweep
from engines.hookline_sweep import prepare, version

from hookline.research.compiled import CompiledRun
from hookline.research.table import METRICS

__all__ = ["prepare", "run", "version"]


def run(compiled: CompiledRun, pairs: list[list[int]]) -> list[float]:
    return hookline_sweep.run(compiled, pairs, METRICS)
