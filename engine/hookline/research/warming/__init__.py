"""The warm-up check: how much history a session needs before it decides as one that has run for long."""

from hookline.research.warming.check import WarmUpFinding, WarmUpReport, check_warm_up

__all__ = ["WarmUpFinding", "WarmUpReport", "check_warm_up"]
