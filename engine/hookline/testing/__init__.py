"""Tools for the tests of plugin authors: readable bars, a scripted strategy, contracts."""

from hookline.testing.bars import bars
from hookline.testing.scripted import Act, Scripted, amend, buy, cancel, sell

__all__ = ["Act", "Scripted", "amend", "bars", "buy", "cancel", "sell"]
