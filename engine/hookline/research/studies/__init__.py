"""Sweeps and validations from Python: a strategy, bars in memory, values to try."""

from hookline.research.studies.market import sweep, validate

__all__ = ["sweep", "validate"]
