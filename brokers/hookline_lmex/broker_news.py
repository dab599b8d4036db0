"""What the broker hears of its orders, whoever said it: an answer, a notification, a question's answer or the trade history.

Quantities are as the venue counts them, base units on spot and contracts on futures; times are nanoseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hookline.model import Side
from hookline_lmex.codes import OrderCode

__all__ = [
    "Absence",
    "Action",
    "FillNews",
    "FundingNews",
    "News",
    "OrderNews",
    "Outcome",
    "Source",
    "Verdict",
]


class Action(StrEnum):
    """What is sent about an order."""

    CREATE = "create"
    CANCEL = "cancel"
    AMEND = "amend"


class Verdict(StrEnum):
    """What came of sending something.

    ``unsent``: certainly not sent; ``refused``: certainly without effect; ``missing``: refused because the venue finds no such
    order; ``unknown``: it may or may not have happened.
    """

    DONE = "done"
    UNSENT = "unsent"
    REFUSED = "refused"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Source(StrEnum):
    """Who speaks of an order."""

    ANSWER = "answer"
    NOTICE = "notice"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class OrderNews:
    """How an order stands at the venue.

    Args:
        symbol: Name of the instrument.
        order_id: The venue's id.
        client_order_id: Ours, empty where there is none.
        code: The venue's status.
        time: When that was so.
        source: Who says it.
        filled: Filled so far, None where it is not said.
        size: Ordered, amendments included; None where it is not said.
        price: Limit price, None where there is none.
        trigger_price: None where there is none.
        text: What the venue says beside the status.
        is_over: Whether a partly filled order was looked for among the open ones and is not there.
    """

    symbol: str
    order_id: str
    client_order_id: str
    code: OrderCode
    time: int
    source: Source
    filled: Decimal | None = None
    size: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    text: str = ""
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class FillNews:
    """One execution; ``trade_id`` is the same wherever it is told. ``fee`` is below zero for a rebate."""

    symbol: str
    trade_id: str
    order_id: str
    client_order_id: str
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_currency: str
    is_maker: bool
    time: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of sending something about order ``number``; ``text`` and the venue's ``error`` say why it failed."""

    number: int
    action: Action
    verdict: Verdict
    states: tuple[OrderNews, ...] = ()
    text: str = ""
    error: int | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """The venue was asked for order ``number``, and for its trades, and knows no such order."""

    number: int


@dataclass(frozen=True, slots=True)
class FundingNews:
    """Funding that the venue has paid: ``amount`` received in quote currency, below zero paid."""

    symbol: str
    time: int
    rate: float
    amount: float
    key: str


News = OrderNews | FillNews | Outcome | Absence | FundingNews
