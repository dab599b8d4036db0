"""The source of a kernel: one loop over bars with the steps of all columns, the decision and the account in it.

Rules of this file:

- What happens on almost every bar is written out in the loop and lives in local variables. What is rare (an order, a fill, a payment) is
  a call of ``match``, ``act`` or ``pay`` on the two arrays of ``layout.py``, after which the local variables are read anew.
- While orders rest and something is held, two comparisons with ``wake_low`` and ``wake_high`` say that a bar does nothing to them.
- Bars are rows of five numbers, the last of them the start as an int that ``stamps`` shows: when an order comes, what is needed of its bar
  lies where the loop reads anyway. As columns, each order waits for memory several times.
- Values of parameters are never written into the source, so that one kernel serves a whole sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hookline.research.compiled.graph import Graph, Ref, Step

__all__ = ["VOLATILITY", "Figures", "Form", "source_of"]


class Figures(NamedTuple):
    """What the loop has to follow beside the account."""

    returns: bool
    downside: bool
    drawdown: bool
    mean: bool


class Form(NamedTuple):
    """What a kernel is made for besides its graph.

    Names and kinds of parameters, figures, whether anything is paid, whether risk rules look at the account after every bar, and whether
    market orders fill at the close that they were sent on.
    """

    params: tuple[tuple[str, str], ...]
    figures: Figures
    has_payments: bool
    has_watches: bool
    fills_at_close: bool


_READ, _TIMES = "Array(float64, 1, 'C', True, aligned=True)", "Array(int64, 1, 'C', True, aligned=True)"
_ROWS, _STAMPS = _READ.replace("64, 1,", "64, 2,"), _TIMES.replace("64, 1,", "64, 2,")
_TABLE, _COUNTS = "float64[:, ::1]", "int64[:, ::1]"
VOLATILITY = "volatility of the sizer"

_SOURCE = '''"""Compiled run of {name}, written by hookline; safe to delete."""

from collections import namedtuple
from math import inf, nan

from numba import njit

Row = namedtuple("Row", {row_names!r})
Held = namedtuple("Held", ["exposure", "entry_price", "stop", "since"])
Params = namedtuple("Params", {param_names!r})


@njit("void({types})", cache=True, nogil=True, _nrt=False)
def run({arguments}):
    n = len(bars)
    for c in range(len(floats)):
{setup}
        for i in range(n):
{steps}
            if i < begin:
                continue
{loop}
{finish}
'''

_SETUP = """
for j in range(len(f_start)):
    f[j] = f_start[j]
for j in range(len(k_start)):
    k[j] = k_start[j]
f[SIZER_A] = floats[c, {sizer}]
f[SIZER_B] = floats[c, {sizer} + 1]
cash = f[CASH]
units = 0.0
is_busy = False
wake_low = -inf
wake_high = inf
settled = -1
exposure = 0.0
entry = nan
stop = nan
since = 0.0
equity = cash
flow = 0.0
moved = begin
"""

_RELOAD = """
units = f[UNITS]
is_busy = k[IS_BUSY] != 0
wake_low = f[WAKE_LOW]
wake_high = f[WAKE_HIGH]
"""

_HEARD = """
settled = k[SETTLED]
exposure = f[HELD_EXPOSURE]
entry = f[HELD_ENTRY]
stop = f[HELD_STOP]
since = f[HELD_SINCE]
if k[ERROR] != 0:
    break
"""

_FAILED = """
if k[ERROR] != 0:
    break
"""

_MATCH = """
if is_busy or (units != 0.0 and (bars[i, 2] <= wake_low or bars[i, 1] >= wake_high)):
    is_moved = True
    f[OPEN] = bars[i, 0]
    f[HIGH] = bars[i, 1]
    f[LOW] = bars[i, 2]
    f[CLOSE] = bars[i, 3]
    k[START] = stamps[i, 4]
    k[END] = stamps[i, 4] + duration
    match(f_at, k_at)
"""

_DECIDE = """
if {known}:
    decision = decide(Row({row}), Held(exposure, entry, stop, since), params)
    if decision.plain != settled or decision.plain < 0:
        f[CLOSE] = bars[i, 3]
        k[END] = stamps[i, 4] + duration
        act(f_at, k_at, decision.plain, int(decision.acts), decision.exposure, decision.stop, decision.target)
"""

# The worth of the account is reckoned as ``equity_of`` does, to the last bit.
_WATCH = """
if is_moved or is_watched or units != 0.0:
    worth = f[CASH] + units * bars[i, 3] if units != 0.0 else f[CASH]
    if is_watched or worth < calm_low or worth > calm_high:
        f[CLOSE] = bars[i, 3]
        k[END] = stamps[i, 4] + duration
        oversee(f_at, k_at)
"""

_WATCHED = """
is_watched = k[IS_WATCHED] != 0
calm_low = f[CALM_LOW]
calm_high = f[CALM_HIGH]
"""

_CLOSING = """
f[OPEN] = bars[i, 0]
f[HIGH] = bars[i, 1]
f[LOW] = bars[i, 2]
k[START] = stamps[i, 4]
is_moved = True
"""

_PAY_BEFORE = """
while paid < len(pay_bar) and pay_bar[paid] == i and pay_after[paid] == 0:
    f[CLOSE] = bars[max(i - 1, 0), 3]
    inside = stamps[i, 4] + duration if pay_time[paid] > stamps[i, 4] else 0
    pay(f_at, k_at, pay_time[paid], pay_rate[paid], pay_kind, inside)
    paid += 1
    is_moved = True
"""

_PAY_AFTER = """
while paid < len(pay_bar) and pay_bar[paid] == i:
    f[CLOSE] = bars[i, 3]
    pay(f_at, k_at, pay_time[paid], pay_rate[paid], pay_kind, 0)
    paid += 1
    is_moved = True
"""

_FLOW = """
step = f[BAR_FLOW]
for j in range(min(k[BAR_PAYMENTS], PAID_ROOM)):
    step += f[F_PAID + j]
flow += step
f[BAR_FLOW] = 0.0
k[BAR_PAYMENTS] = 0
moved = i
"""

_FINISH = """
finish(f_at, k_at)
if units == 0.0 and not equity > 0.0 and moved < n - 1:
    is_broken = 1
out_f[c, 0] = units * bars[n - 1, 3] + flow + cash
out_f[c, 1] = total
out_f[c, 2] = squares
out_f[c, 3] = downs
out_f[c, 4] = worst
out_f[c, 5] = equities + (n - counted) * equity
out_f[c, 6] = f[PROFIT]
out_f[c, 7] = f[WON]
out_f[c, 8] = f[LOST]
out_f[c, 9] = f[TRADED]
out_f[c, 10] = f[FEES]
out_f[c, 11] = f[FUNDING]
held = k[HELD_TIME]
if k[LOTS] != 0:
    held += stamps[n - 1, 4] + duration - k[TRIP_BEGIN]
out_k[c, 0] = k[ORDERS]
out_k[c, 1] = k[FILLS]
out_k[c, 2] = k[PAYMENTS]
out_k[c, 3] = k[TRIPS]
out_k[c, 4] = k[WINS]
out_k[c, 5] = held
out_k[c, 6] = is_broken
out_k[c, 7] = k[ERROR]
"""


def source_of(name: str, graph: Graph, form: Form) -> str:
    """Return the source of the kernel of a graph."""
    types, arguments = zip(*_arguments(len(graph.leaves)), strict=True)
    writer = _Writer(graph, form)
    return _SOURCE.format(
        name=name,
        row_names=[one for one in graph.outputs if one != VOLATILITY],
        param_names=[one for one, _ in form.params] or ["nothing"],
        types=", ".join(types),
        arguments=", ".join(arguments),
        setup=_indented(writer.setup(), 8),
        steps=_indented(writer.steps(), 12),
        loop=_indented(writer.loop(), 12),
        finish=_indented(_FINISH, 8),
    )


def _arguments(leaves: int) -> list[tuple[str, str]]:
    found = [("int64", "begin"), ("int64", "duration"), (_ROWS, "bars"), (_STAMPS, "stamps")]
    found += [
        (_TIMES, "pay_bar"),
        (_TIMES, "pay_after"),
        (_TIMES, "pay_time"),
        (_READ, "pay_rate"),
        ("int64", "pay_kind"),
    ]
    found += [(_READ, f"leaf{number}") for number in range(leaves)]
    found += [(_TABLE, "floats"), (_COUNTS, "ints"), ("float64[::1]", "rings")]
    found += [
        ("float64[::1]", "f_start"),
        ("int64[::1]", "k_start"),
        ("float64[::1]", "f"),
        ("int64[::1]", "k"),
        ("int64", "f_at"),
        ("int64", "k_at"),
    ]
    return [*found, (_TABLE, "out_f"), (_COUNTS, "out_k")]


def _indented(text: str, depth: int) -> str:
    return "\n".join(" " * depth + line for line in text.strip("\n").splitlines())


class _Writer:
    """Writes the parts of a loop; numbers are taken from the arrays in the order in which the graph has put them there."""

    def __init__(self, graph: Graph, form: Form) -> None:
        self._graph = graph
        self._form = form

    def setup(self) -> str:
        floats, ints = _Counter("floats"), _Counter("ints")
        lines = []
        for number, step in enumerate(self._graph.steps):
            lines += [f"number{number}_{j} = {floats.next()}" for j in _numbers(step)]
            lines += [
                f"p{number}_{j} = {(ints if kind is int else floats).next()}"
                for j, kind in enumerate(step.params)
            ]
            parts = []
            for j, kind in enumerate(step.state):
                if kind is np.ndarray:
                    lines += [
                        f"from_ = {ints.next()}",
                        f"ring{number}_{j} = rings[from_:from_ + {ints.next()}]",
                    ]
                    parts.append(f"ring{number}_{j}")
                else:
                    lines.append(f"part{number}_{j} = {(ints if kind is int else floats).next()}")
                    parts.append(f"part{number}_{j}")
            lines.append(f"state{number} = ({''.join(f'{part}, ' for part in parts)})")
        params = []
        for _, kind_name in self._form.params:
            value = ints.next() if kind_name in {"int", "bool"} else floats.next()
            params.append(f"{value} != 0" if kind_name == "bool" else value)
        lines.append(f"params = Params({', '.join(params) or '0'})")
        lines += _SETUP.format(sizer=floats.count).strip("\n").splitlines()
        if self._form.has_watches:
            lines += _block(_WATCHED)
        return "\n".join([*lines, *self._figures_start()])

    def _figures_start(self) -> list[str]:
        lines = [
            "total = squares = downs = equities = 0.0",
            "peak = cash",
            "worst = 1.0",
            "counted = begin",
            "is_broken = 0",
        ]
        return [*lines, "paid = 0"] if self._form.has_payments else lines

    def steps(self) -> str:
        lines = []
        for number, step in enumerate(self._graph.steps):
            inputs = [self._value(ref, number, j) for j, ref in enumerate(step.inputs)]
            params = [f"p{number}_{j}" for j in range(len(step.params))]
            values = [f"v{number}_{j}" for j in range(len(step.op.outputs))]
            told = values[0] if step.op.is_single else f"({', '.join(values)})"
            lines.append(
                f"state{number}, {told} = step{number}({', '.join([f'state{number}', *inputs, *params])})"
            )
        return "\n".join(lines) or "pass"

    def _value(self, ref: Ref, step: int, place: int) -> str:
        if ref.kind == "step":
            return f"v{ref.place}_{ref.output}"
        if ref.kind == "bar":
            return f"bars[i, {ref.place}]"
        return f"leaf{ref.place}[i]" if ref.kind == "leaf" else f"number{step}_{place}"

    def loop(self) -> str:
        values = {name: self._value(ref, 0, 0) for name, ref in self._graph.outputs.items()}
        volatility = values.pop(VOLATILITY, None)
        lines = [f"x_{name} = {value}" for name, value in values.items()]
        lines.append("is_moved = False")
        if self._form.has_payments:
            lines += _block(_PAY_BEFORE)
            lines += ["if is_moved:", *(f"    {line}" for line in _block(_RELOAD))]
        lines += _block(_MATCH) + [f"    {line}" for line in _block(_RELOAD) + _block(_HEARD)]
        known = " and ".join(f"x_{name} == x_{name}" for name in values) or "True"
        decide = _DECIDE.format(known=known, row=", ".join(f"x_{name}" for name in values))
        acted = _block(_RELOAD)[1:]
        if self._form.has_watches:
            acted += _block(_WATCHED)
        told = [] if volatility is None else [f"f[VOLATILITY] = {volatility}"]
        if self._form.fills_at_close:
            told += _block(_CLOSING)
            acted.append("units = f[UNITS]")
        decide = _before("act(", told, decide)
        lines += _block(decide) + [f"        {line}" for line in [*acted, *_block(_HEARD)]]
        if self._form.has_watches:
            closes = self._form.fills_at_close
            watch = _before("oversee(", _block(_CLOSING), _WATCH) if closes else _WATCH
            heard = _block(_HEARD if closes else _FAILED)
            lines += _block(watch) + [f"        {line}" for line in [*acted, *heard]]
        if self._form.has_payments:
            lines += _block(_PAY_AFTER)
            lines += ["if is_moved:", *(f"    {line}" for line in _block(_RELOAD))]
        return "\n".join([*lines, *self._figures()])

    def _figures(self) -> list[str]:
        """Return the lines that follow equity, summed up in the order in which ``reporting.curve`` does."""
        figures = self._form.figures
        lines = ["if is_moved:", *(f"    {line}" for line in _block(_FLOW))]
        if not any(figures):
            return lines
        lines += [
            "if is_moved or units != 0.0:",
            "    before = equity",
            "    equity = units * bars[i, 3] + flow + cash",
        ]
        if figures.mean:
            lines += ["    equities += (i - counted) * before + equity", "    counted = i + 1"]
        if figures.returns or figures.downside:
            lines += ["    if before > 0.0:", "        change = equity / before - 1.0"]
            lines += ["        total += change", "        squares += change * change"]
            if figures.downside:
                lines += ["        loss = change if change < 0.0 else 0.0", "        downs += loss * loss"]
            lines += ["    else:", "        is_broken = 1"]
        if figures.drawdown:
            lines += ["    if equity > peak:", "        peak = equity"]
            lines += ["    elif equity < worst * peak:", "        worst = equity / peak"]
        return lines


class _Counter:
    """Names the next number of an array."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.count = 0

    def next(self) -> str:
        self.count += 1
        return f"{self._name}[c, {self.count - 1}]"


def _numbers(step: Step) -> Sequence[int]:
    return [place for place, ref in enumerate(step.inputs) if ref.kind == "number"]


def _before(call: str, told: Sequence[str], text: str) -> str:
    """Return a text with lines before a call in it."""
    return text.replace(f"        {call}", "".join(f"        {line}\n" for line in told) + f"        {call}")


def _block(text: str) -> list[str]:
    return text.strip("\n").splitlines()
