"""The overfit passport: what was tested of a session, what came of it, and what that means."""

from hookline.research.passport.document import (
    Check,
    Passport,
    Section,
    State,
    Verdict,
    read_passport,
    verdict_of,
)

__all__ = ["Check", "Passport", "Section", "State", "Verdict", "read_passport", "verdict_of"]
