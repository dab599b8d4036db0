"""Names of markets: the present ones, and the old ones that some topics still use.

The old name of a perpetual ends in ``PFC``; that of a dated contract in a letter for the month and two digits for the year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["futures_symbol", "known_names", "old_name", "symbol_of_market"]

_MONTHS = "FGHJKMNQUVXZ"
_PERPETUAL = "-PERP"
_DATED = re.compile(r"(?P<base>.+)-(?P<year>\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>\d{2})")
_OLD_PERPETUAL = "PFC"


def old_name(symbol: str) -> str | None:
    """Return the old name of a future, None where there is none.

    >>> old_name("BTC-PERP"), old_name("ETH-261225"), old_name("BTC-USDT")
    ('BTCPFC', 'ETHZ26', None)
    """
    if symbol.endswith(_PERPETUAL):
        return symbol.removesuffix(_PERPETUAL) + _OLD_PERPETUAL
    if dated := _DATED.fullmatch(symbol):
        return f"{dated['base']}{_MONTHS[int(dated['month']) - 1]}{dated['year']}"
    return None


def known_names(symbols: Iterable[str]) -> dict[str, str]:
    """Return the present names of symbols by every name that they are known by."""
    names: dict[str, str] = {}
    for symbol in symbols:
        names[symbol] = symbol
        old = old_name(symbol)
        if old is not None:
            names.setdefault(old, symbol)
    return names


def futures_symbol(name: str) -> str:
    """Return the present name of a future by any name; the old name of a dated contract does not say its day and is kept.

    >>> futures_symbol("BTCPFC"), futures_symbol("BTC-PERP")
    ('BTC-PERP', 'BTC-PERP')
    """
    if "-" not in name and name.endswith(_OLD_PERPETUAL) and name != _OLD_PERPETUAL:
        return name.removesuffix(_OLD_PERPETUAL) + _PERPETUAL
    return name


def symbol_of_market(market_id: str) -> str:
    """Return the symbol in the id of a market, which is the symbol and a currency, and a wallet where it is isolated.

    >>> symbol_of_market("BTC-PERP-USDT"), symbol_of_market("ISOLATED@BTC-PERP-USD"), symbol_of_market("BTCPFC-USD")
    ('BTC-PERP', 'BTC-PERP', 'BTC-PERP')
    """
    name = market_id.rpartition("@")[2].partition("|")[0]
    symbol, dash, _ = name.rpartition("-")
    return futures_symbol(symbol if dash and name != f"{symbol}{_PERPETUAL}" else name)
