"""Which file holds the bars of a symbol."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from hookline.errors import ConfigError
from hookline.model import Timeframe

__all__ = ["file_name", "one_symbol", "source_file"]


def file_name(symbol: str) -> str:
    """Return a symbol as the name of one file or folder, whatever it holds; different symbols give different names.

    >>> file_name("BTC/USDT:USDT"), file_name("..")
    ('BTC%2FUSDT%3AUSDT', '%2E%2E')

    Raises:
        ConfigError: if the symbol is empty.
    """
    if not symbol:
        raise ConfigError("symbol: must not be empty")
    name = quote(symbol, safe="")
    return name if not name.startswith(".") else name.replace(".", "%2E")


def source_file(path: Path, symbol: str, timeframe: Timeframe) -> Path:
    """Fill in ``{symbol}`` and ``{timeframe}``, each as one safe file name."""
    text = str(path)
    if "{" not in text:
        return path
    return Path(text.replace("{symbol}", file_name(symbol)).replace("{timeframe}", file_name(timeframe)))


def one_symbol(asked: dict[Path, str], path: Path, symbol: str) -> None:
    """Refuse to take the bars of a file that names no symbol for those of two.

    Args:
        asked: The symbol that each file was read for; remembers this one.
        path: A file that does not say whose bars it holds.
        symbol: The symbol it is read for.

    Raises:
        ConfigError: if the file was read for another symbol before.
    """
    first = asked.setdefault(path, symbol)
    if first != symbol:
        hint = "give each symbol its file with '{symbol}' in 'path'"
        raise ConfigError(
            f"{path}: must hold bars of one symbol, was asked for {first!r} and {symbol!r}; {hint}"
        )
