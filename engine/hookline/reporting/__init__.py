"""What a run leaves behind, and what it amounts to."""

from hookline.reporting.record import RunRecord, StrategyRecord
from hookline.reporting.reporter import Reporter
from hookline.reporting.result import Result

__all__ = ["Reporter", "Result", "RunRecord", "StrategyRecord"]
