"""The risk gate: rules that every order passes, in the order of the session file."""

from hookline.risk.gate import Account, Gate, RiskRule, Verdict, deny, halt

__all__ = ["Account", "Gate", "RiskRule", "Verdict", "deny", "halt"]
