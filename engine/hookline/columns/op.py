"""What an indicator is: a start state and a scalar step, written once as plain Python.

Rules for the two functions of an op, ours and anybody's:

- They live at the top level of a module, so that numba can compile them and processes can share them.
- ``init(*params)`` returns the start state: a tuple of ints, floats and 1-D float64 arrays (``np.zeros``,
  ``np.full``).
- ``step(state, *inputs, *params)`` returns ``(state, value)``, or ``(state, (value, ...))`` for several outputs.
  Every value is a float; every member of the state keeps its type, so an int stays an int and a float stays a
  float.
- A step indexes arrays by one integer only, and calls nothing but ``math`` and other plain functions that obey
  these rules. The streaming driver hands it Python lists in place of arrays.
- NaN means unknown or not ready. A flag is 1.0 or 0.0. No step divides by zero: it answers NaN.
- No ``**``: Python and compiled code disagree on its last bit. Write ``x * x``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

from hookline.columns.fingerprint import code_digest

__all__ = ["Op", "stateless"]

_SINGLE = ("value",)


def stateless() -> tuple[()]:
    """Return the start state of an op that remembers nothing."""
    return ()


@dataclass(frozen=True, eq=False)
class Op:
    """A scalar step with its start state, from which columns are made by :func:`hookline.columns.apply`.

    Args:
        name: Name in the text of a column, a Python identifier.
        init: Returns the start state from the parameters.
        step: Returns the next state and the value from the state, this bar's inputs and the parameters.
        outputs: Names of the values of a step, if there are several.
        flags: Names of those outputs that are 1.0 or 0.0.

    Raises:
        ValueError: if the name is not an identifier or a function is not at the top level of its module.
    """

    name: str
    init: Callable[..., tuple[Any, ...]] = field(repr=False)
    step: Callable[..., tuple[Any, Any]] = field(repr=False)
    outputs: tuple[str, ...] = _SINGLE
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Unwrap functions that are compiled already and check that they can be found again by name."""
        if not self.name.isidentifier():
            raise ValueError(f"op: name must be a Python identifier, was {self.name!r}")
        if not set(self.flags) <= set(self.outputs):
            raise ValueError(
                f"op {self.name}: flags must be outputs, were {self.flags!r} of {self.outputs!r}"
            )
        for part in ("init", "step"):
            function = getattr(self, part)
            function = getattr(function, "py_func", function)
            if "<" in function.__qualname__:
                place = f"at the top level of a module, was {function.__qualname__!r}"
                raise ValueError(f"op {self.name}: {part} must be a function {place}")
            object.__setattr__(self, part, function)

    @property
    def is_single(self) -> bool:
        """Whether a step gives one float and not a tuple of them."""
        return len(self.outputs) == 1

    @cached_property
    def key(self) -> bytes:
        """Digest of what the op computes: its name, its outputs and the code of its functions."""
        text = repr((self.name, self.outputs, self.flags, code_digest(self.init, self.step)))
        return blake2b(text.encode(), digest_size=16).digest()
