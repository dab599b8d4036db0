"""Tools for the tests of plugin authors: readable bars, a scripted strategy, contracts."""

from hookline.testing.bars import bars

__all__ = ["bars"]
