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

from hookline.research.compiled import blocks
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

    Names and kinds of parameters, figures, whether anything is paid, whether risk rules look at the account after every bar, whether
    market orders fill at the close that they were sent on, and whether mark prices decide on liquidation and funding.
    """

    params: tuple[tuple[str, str], ...]
    figures: Figures
    has_payments: bool
    has_watches: bool
    fills_at_close: bool = False
    has_marks: bool = False


_READ, _TIMES = "Array(float64, 1, 'C', True, aligned=True)", "Array(int64, 1, 'C', True, aligned=True)"
_ROWS, _STAMPS = _READ.replace("64, 1,", "64, 2,"), _TIMES.replace("64, 1,", "64, 2,")
_TABLE, _COUNTS = "float64[:, ::1]", "int64[:, ::1]"
_REACHED = "bars[i, 2] <= wake_low or bars[i, 1] >= wake_high"
_MARK_REACHED = "marks[i, 1] <= mark_low or marks[i, 2] >= mark_high"
VOLATILITY = "volatility of the sizer"


def source_of(name: str, graph: Graph, form: Form) -> str:
    """Return the source of the kernel of a graph."""
    types, arguments = zip(*_arguments(len(graph.leaves), form), strict=True)
    writer = _Writer(graph, form)
    return blocks.WHOLE.format(
        name=name,
        row_names=[one for one in graph.outputs if one != VOLATILITY],
        param_names=[one for one, _ in form.params] or ["nothing"],
        types=", ".join(types),
        arguments=", ".join(arguments),
        setup=_indented(writer.setup(), 8),
        steps=_indented(writer.steps(), 12),
        loop=_indented(writer.loop(), 12),
        finish=_indented(blocks.FINISH, 8),
    )


def _arguments(leaves: int, form: Form) -> list[tuple[str, str]]:
    found = [("int64", "begin"), ("int64", "duration"), (_ROWS, "bars"), (_STAMPS, "stamps")]
    found += [
        (_TIMES, "pay_bar"),
        (_TIMES, "pay_after"),
        (_TIMES, "pay_time"),
        (_READ, "pay_rate"),
        ("int64", "pay_kind"),
    ]
    if form.has_marks:
        found += [(_ROWS, "marks"), (_READ, "pay_mark")]
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
        lines += blocks.SETUP.format(sizer=floats.count).strip("\n").splitlines()
        if self._form.has_watches:
            lines += _block(blocks.WATCHED)
        if self._form.has_marks:
            lines += _block(blocks.MARKED)
        return "\n".join([*lines, *self._figures_start()])

    def _figures_start(self) -> list[str]:
        lines = [
            "total = squares = downs = equities = 0.0",
            "peak = cash",
            "worst = 1.0",
            "counted = begin",
            "is_broken = 0",
            "day_total = day_squares = 0.0",
            "day_equity = cash",
            "day_stop = 0",
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
        lines += self._payments(blocks.PAY_BEFORE)
        lines += self._match()
        known = " and ".join(f"x_{name} == x_{name}" for name in values) or "True"
        decide = blocks.DECIDE.format(known=known, row=", ".join(f"x_{name}" for name in values))
        told = [] if volatility is None else [f"f[VOLATILITY] = {volatility}"]
        acted = self._reload()[1:]
        if self._form.has_watches:
            acted += _block(blocks.WATCHED)
        if self._form.fills_at_close:
            acted.append("units = f[UNITS]")
        decide = _before("act(", [*told, *self._closing()], decide)
        lines += _block(decide) + [f"        {line}" for line in [*acted, *_block(blocks.HEARD)]]
        if self._form.has_watches:
            heard = _block(blocks.HEARD if self._form.fills_at_close else blocks.FAILED)
            watch = _before("oversee(", self._closing(), blocks.WATCH)
            lines += _block(watch) + [f"        {line}" for line in [*acted, *heard]]
        lines += self._payments(blocks.PAY_AFTER)
        return "\n".join([*lines, *self._figures()])

    def _reload(self) -> list[str]:
        return _block(blocks.RELOAD) + (_block(blocks.MARKED) if self._form.has_marks else [])

    def _match(self) -> list[str]:
        """Return the lines in which a bar meets what it may fill or liquidate."""
        marks = self._form.has_marks
        match = blocks.MATCH.format(reached=f"{_REACHED} or {_MARK_REACHED}" if marks else _REACHED)
        if marks:
            match = _before("match(", _block(blocks.MARKS), match)
        return _block(match) + [f"    {line}" for line in self._reload() + _block(blocks.HEARD)]

    def _closing(self) -> list[str]:
        """Return what must be known of the bar where orders fill at its close."""
        if not self._form.fills_at_close:
            return []
        return _block(blocks.CLOSING) + (_block(blocks.MARK) if self._form.has_marks else [])

    def _payments(self, pay: str) -> list[str]:
        """Return the lines in which what is due is paid."""
        if not self._form.has_payments:
            return []
        if self._form.has_marks:
            pay = _before("pay(", _block(blocks.MARK_PAID), pay)
        return [*_block(pay), "if is_moved:", *(f"    {line}" for line in self._reload())]

    def _figures(self) -> list[str]:
        """Return the lines that follow equity, summed up in the order in which ``reporting.curve`` does."""
        figures = self._form.figures
        lines = ["if is_moved:", *(f"    {line}" for line in _block(blocks.FLOW))]
        if not any(figures):
            return lines
        lines += [
            "if is_moved or units != 0.0:",
            "    before = equity",
            "    equity = units * bars[i, 3] + flow + cash",
        ]
        if figures.mean:
            lines += ["    equities += (i - counted) * before + equity", "    counted = i + 1"]
        if figures.returns:
            lines += [f"    {line}" for line in _block(blocks.DAYS)]
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
    """Return a text with lines before the line of a call."""
    lines = []
    for line in _block(text):
        if line.lstrip().startswith(call):
            depth = line[: len(line) - len(line.lstrip())]
            lines += [depth + one for one in told]
        lines.append(line)
    return "\n".join(lines)


def _block(text: str) -> list[str]:
    return text.strip("\n").splitlines()
