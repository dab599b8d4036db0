"""Ways through a space: which combinations are tried, and in what order."""

from hookline.research.searching.methods import Search, draw, sample, search_of

__all__ = ["Search", "draw", "sample", "search_of"]
