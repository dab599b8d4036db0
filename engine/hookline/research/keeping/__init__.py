"""Keep what a sweep has done, so that it can be looked at and gone on with."""

from hookline.research.keeping.keeper import ROWS, STORY, Keeper

__all__ = ["ROWS", "STORY", "Keeper"]
