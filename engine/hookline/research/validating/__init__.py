"""Validation: everything that is asked of a session before its backtest is believed."""

from hookline.research.validating.validation import Case, Progress, judged_by, validate_study

__all__ = ["Case", "Progress", "judged_by", "validate_study"]
