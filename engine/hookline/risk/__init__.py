"""The risk gate: rules that every order passes, in the order of the session file."""

from hookline.risk.exposure import (
    gross_if_filled,
    is_reducing,
    lots_if_filled,
    lots_within,
    notional_of,
    position_of,
    reference_price,
)
from hookline.risk.gate import Gate
from hookline.risk.rule import Account, Action, Decision, RiskRule, Verdict, deny, halt, shrink, warn

__all__ = [
    "Account",
    "Action",
    "Decision",
    "Gate",
    "RiskRule",
    "Verdict",
    "deny",
    "gross_if_filled",
    "halt",
    "is_reducing",
    "lots_if_filled",
    "lots_within",
    "notional_of",
    "position_of",
    "reference_price",
    "shrink",
    "warn",
]
