"""The account's functions as LLVM code, translated from their source.

numba compiles each function by itself and optimizes all that it reaches along with it: ten seconds for the hundred small functions of an
account. These need little of Python, so they are translated as one module in a tenth of the time. What is understood:

- functions of a module, with annotations: ``int``, ``float``, ``bool``, ``Floats`` and ``Ints`` (arrays), results also ``None`` and tuples;
- numbers of the module or of another one, ``math``, ``abs``, ``min``, ``max``, ``round``, ``int``, ``float``, ``range``;
- assignments, ``if``, ``while``, ``for`` over a range or a tuple, ``return``, calls of other such functions with positional arguments.

The meaning is Python's, down to the last bit of a float, with two exceptions: ints have 64 bits, and a division by zero gives inf or NaN.
A name keeps one kind within a function. Everything else is a ``TypeError`` that says where.
"""

from hookline.research.compiled.translating.module import translate

__all__ = ["translate"]
