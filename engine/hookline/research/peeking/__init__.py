"""The look-ahead check: change the future, and nothing that was done before may change."""

from hookline.research.peeking.check import LookAheadFinding, LookAheadKind, LookAheadReport, check_look_ahead

__all__ = ["LookAheadFinding", "LookAheadKind", "LookAheadReport", "check_look_ahead"]
