"""Sweeps: a session run with every combination of a space, on every instrument and period asked for."""

from hookline.research.sweeping.sweep import EACH, Period, jobs_of, markets_of, run_sweep

__all__ = ["EACH", "Period", "jobs_of", "markets_of", "run_sweep"]
