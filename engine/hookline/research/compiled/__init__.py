"""Runs of signal strategies in compiled code: many variants on one series of bars, each in a fraction of a second.

What the event kernel does bar by bar in Python is here one loop that numba compiles, from the same functions wherever those are
scalar: the steps of columns, ``decide``, sizing, fill rules, slippage, funding. Orders and fills are the same.
"""

from hookline.research.compiled.refusing import NotCompilable
from hookline.research.compiled.run import CompiledRun

__all__ = ["CompiledRun", "NotCompilable"]
