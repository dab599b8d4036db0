"""The risk gate: rules that every order passes, in the order of the session file."""

from hookline.risk.exposure import (
    gross_if_filled,
    is_part,
    is_reducing,
    lots_if_filled,
    lots_within,
    notional_of,
    position_of,
    quantity_within_gross,
    reference_price,
)
from hookline.risk.falls import fall_of
from hookline.risk.gate import Gate
from hookline.risk.require_stop import RequireStop
from hookline.risk.round_trips import closed_round_trip, reduces
from hookline.risk.rule import Account, Action, Decision, RiskRule, Verdict, deny, halt, shrink, warn

__all__ = [
    "Account",
    "Action",
    "Decision",
    "Gate",
    "RequireStop",
    "RiskRule",
    "Verdict",
    "closed_round_trip",
    "deny",
    "fall_of",
    "gross_if_filled",
    "halt",
    "is_part",
    "is_reducing",
    "lots_if_filled",
    "lots_within",
    "notional_of",
    "position_of",
    "quantity_within_gross",
    "reduces",
    "reference_price",
    "shrink",
    "warn",
]
