"""Public messages as they come: field names of the venue, numbers not yet converted."""

from __future__ import annotations

import msgspec

__all__ = ["BookData", "TradeData", "decode_book", "decode_trades"]


class BookData(msgspec.Struct, frozen=True, gc=False):
    """Levels of a book: a snapshot, changes, or only the best of each side. Levels are price and size, as text."""

    symbol: str
    timestamp: int
    bids: list[tuple[str, str]] = []
    asks: list[tuple[str, str]] = []
    type: str = ""
    seq: int = msgspec.field(default=-1, name="seqNum")
    prev: int = msgspec.field(default=-1, name="prevSeqNum")


class TradeData(msgspec.Struct, frozen=True, gc=False):
    """A print on the tape. Numbers are numbers on present topics, and may be text on older ones."""

    symbol: str
    side: str
    size: float
    price: float
    trade_id: int = msgspec.field(name="tradeId")
    timestamp: int


_book = msgspec.json.Decoder(BookData)
_trades = msgspec.json.Decoder(list[TradeData], strict=False)

decode_book = _book.decode
decode_trades = _trades.decode
