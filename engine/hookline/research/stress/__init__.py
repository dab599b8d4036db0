"""The same session in a harsher world: trading costs more, orders act later."""

from hookline.research.stress.worlds import costs_of, run_late, with_costs

__all__ = ["costs_of", "run_late", "with_costs"]
