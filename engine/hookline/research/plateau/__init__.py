"""Peak and plateau of a sweep."""

from hookline.research.plateau.plateau import Plateau, find_peak, find_plateau, plateau_of

__all__ = ["Plateau", "find_peak", "find_plateau", "plateau_of"]
