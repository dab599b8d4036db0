"""What a handler of a request is given, and what the parts of the interface are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from hookline_lmex.emulator.account import Account
from hookline_lmex.emulator.desk import Desk
from hookline_lmex.emulator.market_state import MarketState
from hookline_lmex.emulator.refusals import Refused, bad_request, mandatory
from hookline_lmex.emulator.rest_limits import CallKind
from hookline_lmex.emulator.terms import Permission, Product

if TYPE_CHECKING:
    from hookline_lmex.emulator.exchange import Exchange

__all__ = ["Act", "Call", "Endpoint"]

_MILLISECOND = 10**6


@dataclass(frozen=True)
class Call:
    """One request: who asks for what.

    ``params`` are those of the query for GET and DELETE (texts), of the body for POST and PUT. ``now_ms`` is the time that the venue
    shows.
    """

    exchange: Exchange
    product: Product
    params: Mapping[str, Any]
    now_ms: int
    account: Account | None = None

    @property
    def desk(self) -> Desk:
        """The caller's desk at the product."""
        return self.user.desks[self.product]

    @property
    def user(self) -> Account:
        """Who is calling."""
        assert self.account is not None, "endpoints with a permission have let somebody in"
        return self.account

    def state(self, *, code: int = -7006) -> MarketState:
        """Return the market that ``symbol`` names.

        Raises:
            Refused: if there is none; futures call it by its old name.
        """
        symbol = self.params.get("symbol")
        if not symbol:
            if self.product is Product.SPOT:
                raise Refused(400, 80009, "BAD_REQUEST: symbol is mandatory")
            raise mandatory(self.product, "symbol")
        found = self.exchange.state(str(symbol), self.product)
        if found is None:
            old = str(symbol).replace("-PERP", "PFC")
            if self.product is Product.SPOT:
                raise Refused(400, 80001, f"Market {symbol} does not exist")
            raise Refused(400, code, f"Market {old} is not available")
        return found

    def states(self, *, code: int = -7006) -> list[MarketState]:
        """Return the market that ``symbol`` names, or all of the product.

        Raises:
            Refused: if there is none of that name.
        """
        if self.params.get("symbol"):
            return [self.state(code=code)]
        found = self.exchange.states.values()
        return [state for state in found if state.product is self.product and state.is_listed]

    def integer(self, name: str, default: int | None = None) -> int | None:
        """Return a whole number of the parameters.

        Raises:
            Refused: if it is none.
        """
        value = self.params.get(name)
        if value in (None, ""):
            return default
        try:
            return int(str(value))
        except ValueError:
            raise bad_request(self.product, f"BAD_REQUEST: {name} must be an integer") from None

    def flag(self, name: str) -> bool:
        """Return whether a parameter is true."""
        return str(self.params.get(name, "")).lower() == "true"

    def times(self, longest_ms: int | None = None) -> tuple[int, int]:
        """Return ``startTime`` and ``endTime`` in nanoseconds, the span cut to the longest before the end."""
        end = self.integer("endTime", self.now_ms)
        start = self.integer("startTime", 0 if longest_ms is None else (end or 0) - longest_ms)
        assert end is not None, "has a default"
        assert start is not None, "has a default"
        if longest_ms is not None:
            start = max(start, end - longest_ms)
        return start * _MILLISECOND, (end + 1) * _MILLISECOND - 1


Act = Callable[[Call], Any]
"""Answers a call with what the body is made of; raises ``Refused``."""


class Endpoint(NamedTuple):
    """One call of the interface.

    ``path`` begins at ``/api/``; ``product`` None is the bare host. ``permission`` None is a public call.
    """

    method: str
    product: Product | None
    path: str
    act: Act
    permission: Permission | None = None
    kind: CallKind = CallKind.QUERY
