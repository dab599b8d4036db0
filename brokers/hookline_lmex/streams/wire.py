"""Public messages as they come: field names of the venue, numbers not yet converted, which may be text."""

from __future__ import annotations

import msgspec

__all__ = ["BookData", "Level", "TradeData", "decode_book", "decode_trades"]

Level = tuple[str | float, str | float]
"""Price and size."""


class BookData(msgspec.Struct, frozen=True, gc=False):
    """Levels of a book: a snapshot, changes, or only the best of each side."""

    timestamp: int
    symbol: str = ""
    bids: list[Level] = []
    asks: list[Level] = []
    type: str = ""
    seq: int = msgspec.field(default=-1, name="seqNum")
    prev: int = msgspec.field(default=-1, name="prevSeqNum")


class TradeData(msgspec.Struct, frozen=True, gc=False):
    """A print on the tape."""

    symbol: str
    side: str
    size: float
    price: float
    trade_id: int = msgspec.field(name="tradeId")
    timestamp: int


_book = msgspec.json.Decoder(BookData)
_rows = msgspec.json.Decoder(list[msgspec.Raw])
_trade = msgspec.json.Decoder(TradeData, strict=False)
_trades = msgspec.json.Decoder(list[TradeData], strict=False)

decode_book = _book.decode


def decode_trades(data: msgspec.Raw) -> tuple[list[TradeData], list[str]]:
    """Return the trades of a message, and what is wrong with those that cannot be read.

    Raises:
        msgspec.DecodeError: if it is no list.
    """
    try:
        return _trades.decode(data), []
    except msgspec.ValidationError:
        good, bad = [], []
    for row in _rows.decode(data):
        try:
            good.append(_trade.decode(row))
        except msgspec.ValidationError as error:
            bad.append(f"{error}: {bytes(row).decode('utf-8', 'replace')}")
    return good, bad
