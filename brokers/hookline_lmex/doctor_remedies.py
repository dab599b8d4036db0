"""What goes wrong while the venue is examined, as findings with what to do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hookline.diagnosis import Finding
from hookline.errors import VenueError
from hookline_lmex.errors import LmexForbidden, LmexLimited, LmexUnauthorized, LmexUnreachable

__all__ = ["remedy_of", "tried"]


async def tried(name: str, examine: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
    """Return what an examination finds; what keeps the venue from answering it is a finding, too."""
    try:
        return await examine()
    except VenueError as error:
        return [Finding(name, "fail", str(error), remedy_of(error))]


def remedy_of(error: VenueError) -> str:
    """Return what a person can do about an error of the venue, empty where nothing is known."""
    if isinstance(error, LmexUnreachable):
        return "see that this machine has a network and that a firewall lets it reach the host; or correct rest_url"
    if isinstance(error, LmexUnauthorized):
        if error.is_nonce:
            return "set this machine's clock right; give each process that trades a key of its own"
        return (
            "compare key and secret (the web site calls it the passphrase) with those on the web site; if the key has a list of "
            "IP addresses, add this machine's"
        )
    if isinstance(error, LmexForbidden):
        return "tick the permission for this key on the web site; if the text speaks of abuse, ask the venue"
    if isinstance(error, LmexLimited):
        return f"make no calls for {max(1.0, error.retry_seconds):.0f} s; see that nothing else uses this key or address"
    return ""
