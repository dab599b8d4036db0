"""What a sweep tries: parameters, rules between them, and the way through them."""

from hookline.research.space.space import (
    Combination,
    Method,
    Space,
    parameter_of,
    parse_parameter,
)

__all__ = ["Combination", "Method", "Space", "parameter_of", "parse_parameter"]
