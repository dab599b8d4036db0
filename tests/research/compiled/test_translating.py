"""Translated functions give what Python gives, to the last bit; what is not understood is refused with its place."""

from __future__ import annotations

import ctypes
import math
import struct
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import binding

from hookline.research.compiled.layout import Floats, Ints
from hookline.research.compiled.translating import translate

STEP, HALF = 3, 0.5
WHOLE = st.integers(-(2**40), 2**40)
REAL = st.floats(allow_nan=True, allow_infinity=True)
MODEST = st.floats(-1e12, 1e12)
C_TYPES = {"int": ctypes.c_int64, "float": ctypes.c_double, "bool": ctypes.c_bool, "None": None}


@cache
def compiled(function):
    """Return a function as machine code that Python can call with numbers."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    module = binding.parse_assembly(translate({"entry": function}))
    module.verify()
    target = binding.Target.from_default_triple().create_target_machine(codemodel="jitdefault", opt=2)
    passes = binding.create_pass_builder(target, binding.create_pipeline_tuning_options(speed_level=2))
    passes.getModulePassManager().run(module, passes)
    engine = binding.create_mcjit_compiler(module, target)
    engine.finalize_object()
    kinds = dict(function.__annotations__)
    result = C_TYPES[kinds.pop("return")]
    arguments = [C_TYPES.get(kind, ctypes.c_void_p) for kind in kinds.values()]
    called = ctypes.CFUNCTYPE(result, *arguments)(engine.get_function_address("entry"))
    called.engine = engine
    return called


def same(function, *arguments):
    """Whether Python and the machine give the same bits."""
    expected, found = function(*arguments), compiled(function)(*arguments)
    if isinstance(expected, float):
        if math.isnan(expected):
            return math.isnan(found)
        return struct.pack("d", expected) == struct.pack("d", found)
    return expected == found


# -- what is translated ------------------------------------------------------------------------------------------------


def arithmetic(a: int, b: int, x: float, y: float) -> float:
    total = a * x - b + y * STEP
    total += -x * HALF
    total -= abs(y) + abs(a - b)
    return total * (1 + a) / 7


def divided(a: int, b: int) -> int:
    return a // b * 1000 + a % b


def extremes(x: float, y: float, z: float) -> float:
    return min(x, y, z) if x < y else max(z, x)


def compared(a: int, x: float, y: float) -> int:
    found = 0
    if x < y <= a or not x >= y:
        found += 1
    if x == y:
        found += 2
    elif x != a and a > 3:
        found += 4
    else:
        found += 8
    return found * (1 if x > 0.0 else -1)


def rounded(x: float) -> int:
    return round(x) * 3 + math.floor(x) * 5 + math.ceil(x) * 7 + int(x) * 11


def kinds_of_numbers(x: float) -> int:
    return (1 if math.isnan(x) else 0) + (2 if math.isinf(x) else 0) + (4 if math.isfinite(x) else 0)


def flags(a: int, b: int) -> int:
    is_less = a < b
    is_even = a % 2 == 0
    return int(is_less) + is_even


def looped(n: int, until: int) -> int:
    total = 0
    for i in range(n):
        if i % 3 == 1:
            continue
        for j in range(1, i):
            if j > until:
                break
            total += i * j
    while total > 1000:
        total -= total // 3
        if total == until:
            break
    return total


def each(a: int) -> int:
    total = 0
    for one in (a, STEP, a * 2):
        if one < 0:
            continue
        if one > 100:
            break
        total = total * 10 + one
    return total


def both(x: float, y: float) -> tuple[float, float]:
    if x > y:
        return y, x
    return x, y + 1.0


def unpacked(x: float, y: float) -> float:
    low, high = both(x, y)
    low, high = high, low
    return low - high * 2.0


def with_default(x: float, factor: float = 2.5, add: int = 4) -> float:
    return x * factor + add


def defaults(x: float) -> float:
    return with_default(x) + with_default(x, 3.0)


def recursive(n: int) -> int:
    return 1 if n <= 1 else n * recursive(n - 1)


def rooted(x: float) -> float:
    return math.sqrt(abs(x)) if abs(x) < math.inf else math.nan


@given(WHOLE, WHOLE, MODEST, MODEST)
def test_arithmetic(a, b, x, y):
    assert same(arithmetic, a, b, x, y)


@given(WHOLE, WHOLE.filter(bool))
def test_division_of_ints_goes_to_the_floor(a, b):
    assert same(divided, a, b)


@given(REAL, REAL, REAL)
def test_extremes_as_python_chooses_them(x, y, z):
    assert same(extremes, x, y, z)


@pytest.mark.parametrize("x", [math.nan, 0.0, -0.0, 1.0])
@pytest.mark.parametrize("y", [math.nan, 0.0, -0.0, 1.0])
def test_extremes_with_zeros_and_nan(x, y):
    assert same(extremes, x, y, 0.0)


@given(st.integers(-5, 5), REAL, REAL)
def test_comparisons(a, x, y):
    assert same(compared, a, x, y)
    assert same(compared, a, float(a), x)


@given(st.one_of(MODEST, st.integers(-100, 100).map(lambda n: n / 2)))
def test_roundings(x):
    assert same(rounded, x)


@given(REAL)
def test_kinds_of_numbers_and_roots(x):
    assert same(kinds_of_numbers, x)
    assert same(rooted, x)


@given(st.integers(-20, 20), st.integers(-20, 20))
def test_flags_loops_and_tuples(a, b):
    assert same(flags, a, b)
    assert same(looped, a, b)
    assert same(each, a)
    assert same(unpacked, a / 3, b / 7)
    assert same(defaults, a / 3)
    assert same(recursive, abs(a))


def shuffle(f: Floats, k: Ints, n: int) -> None:
    """Work on arrays in place."""
    for i in range(n):
        f[i] += k[i]
        k[i], k[n - 1 - i] = k[n - 1 - i], k[i] * 2
    if n > 2:
        f[k[0] % n] = 1
        return
    f[0] = -1.0


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6))
def test_arrays(numbers):
    n = len(numbers)
    expected_f, expected_k = [0.5] * n, list(numbers)
    shuffle(expected_f, expected_k, n)
    f, k = (ctypes.c_double * n)(*[0.5] * n), (ctypes.c_int64 * n)(*numbers)
    compiled(shuffle)(ctypes.addressof(f), ctypes.addressof(k), n)
    assert (list(f), list(k)) == (expected_f, expected_k)


def counted(k: Ints, answer: bool) -> bool:
    k[0] += 1
    return answer


def lazy(k: Ints, a: int) -> int:
    if a > 0 and counted(k, a > 1):
        return 1
    return 2 if a < -1 or counted(k, False) else 3


@pytest.mark.parametrize("a", [-2, -1, 0, 1, 2])
def test_what_need_not_be_known_is_not_asked(a):
    expected_k, k = [0], (ctypes.c_int64 * 1)(0)
    assert compiled(lazy)(ctypes.addressof(k), a) == lazy(expected_k, a)
    assert list(k) == expected_k


def test_a_division_by_zero_is_a_float_and_no_exception():
    assert compiled(quotient)(1.0, 0.0) == math.inf
    assert math.isnan(compiled(quotient)(0.0, 0.0))


def quotient(x: float, y: float) -> float:
    return x / y


# -- what is refused ---------------------------------------------------------------------------------------------------


def changes_kind(a: int) -> float:
    found = a
    found /= 2
    return found + 1.0


def by_name(x: float) -> float:
    return with_default(x, factor=2.0)


def text(x: float) -> float:
    return len("four") * x


def power(x: float) -> float:
    return x**2


def truth_of_a_number(a: int) -> int:
    return 1 if a else 2


def unknown(x: float) -> float:
    return x + nothing_of_that_name  # noqa: F821


def too_few(x: float, y: float) -> float:
    return quotient(x) + y


def listed(a: int) -> int:
    return sum([a, a])


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (changes_kind, "found must stay a int, becomes a float"),
        (by_name, "arguments must be given by place"),
        (text, "must be a number, was 'four'"),
        (power, "is not understood"),
        (truth_of_a_number, "must be a comparison or a bool, was a int"),
        (unknown, "nothing has this name"),
        (too_few, "takes 2 arguments, was given 1"),
        (listed, "List is not understood"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(function, why):
    line = function.__code__.co_firstlineno
    with pytest.raises(TypeError, match=r"test_translating, line \d+: ") as caught:
        translate({"entry": function})
    assert why in str(caught.value)
    found = int(str(caught.value).split("line ")[1].split(":")[0])
    assert line < found <= line + 3


def without_annotations(x, y):
    return x


def test_functions_without_annotations_are_refused():
    with pytest.raises(TypeError, match="without_annotations: its annotations must be"):
        translate({"entry": without_annotations})
