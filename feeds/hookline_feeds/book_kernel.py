"""The loop of synthetic order books; ``Book`` in ``synthetic_tape`` says what is modelled.

Rules of this file:

- A side of the book is an array of lots: place 0 is the best price, place ``d`` lies ``d`` ticks behind it. The best and the
  last place are never empty after an event.
- Each event takes the same draws, so that the events that follow never change it.
- What an event does to the book goes out as one update, after its trades and before the quote.
- Which way the price moves never depends on the quantities in the book. What imbalance says of the next move, it says through
  the flow alone.
- It is plain Python that numba can compile: ``compiled()`` gives the loop as machine code, the same event for event.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.columns.kernels import compile_module

__all__ = ["DRAWS", "Market", "compiled", "run"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

DRAWS = 6  # uniform numbers for each event
_BID, _ASK, _MESSAGE, _SEQUENCE, _SNAPSHOT_AT, _EVENT, _ROW = range(7)
_AR, _FLOW = 0, 1
_TICK, _LOTS, _NUMBER, _BEFORE = 4, 5, 6, 7  # columns of the rows

_QUOTE, _TRADE, _BOOK, _SNAPSHOT = 0, 1, 2, 3  # RowKind
_GOLDEN = 0.6180339887498949  # spreads one draw over many levels
_TILT = 0.9  # how much flow adds to the quantities on its side
_FLOW_TRADES, _FLOW_MOVES = 0.8, 1.0  # how much flow decides the side of trades and the direction of moves
_REFILL = 0.6  # chance that an event narrows a spread that is too wide
_WIDEST = 6  # ticks above the usual spread, from which on every event narrows it
_MOVES, _PULLED_MOVES, _MOST_MOVES = 0.08, 0.1, 0.6  # chance that an event moves the price
_SWEEPS = 0.6  # share of moves that trade; the rest withdraw orders
_TWO_LEVELS, _THREE_LEVELS = 0.25, 0.06  # chance that a sweep takes as many levels
_HOLES = 0.1  # chance that a change deeper in the book empties the level


_SOURCE = '''"""Compiled loop of synthetic order books, written by hookline; safe to delete."""

from numba import njit


@njit(cache=True, nogil=True)
def run(market, first, fair, times, shocks, draws):
    return run_events(market, first, fair, times, shocks, draws)
'''


class Market(NamedTuple):
    """A book between two events, and its habits.

    Args:
        state: 7 integers; all zero before the first event of all, which makes the book.
        flow: Two numbers: the order flow before and after it is bounded.
        bids: Lots of bids, best first.
        asks: Lots of asks, best first.
        out: Rows to fill: event, message, kind, side, tick, lots, sequence, previous.
        spread: Usual spread in ticks.
        snapshot_every: Nanoseconds between snapshots.
        level_lots: Mean lots at a level.
        trade_share: Share of trades among the events that do not move the price.
        reversion: How strongly the price is drawn to the fair one, for each tick of distance.
        persistence: Autocorrelation of the flow from one event to the next.
    """

    state: Integers
    flow: Floats
    bids: Integers
    asks: Integers
    out: Integers
    spread: int
    snapshot_every: int
    level_lots: float
    trade_share: float
    reversion: float
    persistence: float


def _put(m: Market, kind: int, side: int, tick: int, lots: int) -> None:
    row = m.out[m.state[_ROW]]
    row[0], row[1], row[2], row[3] = m.state[_EVENT], m.state[_MESSAGE], kind, side
    row[_TICK], row[_LOTS] = tick, lots
    row[_NUMBER] = m.state[_SEQUENCE] if kind >= _BOOK else -1
    row[_BEFORE] = m.state[_SEQUENCE] - 1 if kind == _BOOK else -1
    m.state[_ROW] += 1


def _begin_update(m: Market) -> None:
    m.state[_MESSAGE] += 1
    m.state[_SEQUENCE] += 1


def _side(m: Market, side: int) -> Integers:
    return m.bids if side > 0 else m.asks


def _best(m: Market, side: int) -> int:
    return m.state[_BID] if side > 0 else m.state[_ASK]  # type: ignore[no-any-return]


def _move_best(m: Market, side: int, by: int) -> None:
    """Make the best price of a side better by some ticks; worse if below zero."""
    m.state[_BID if side > 0 else _ASK] += side * by


def _set(m: Market, side: int, level: int, lots: int) -> None:
    _side(m, side)[level] = lots
    _put(m, _BOOK, side, _best(m, side) - side * level, lots)


def _fresh(m: Market, side: int, draw: float) -> int:
    """Return the lots of a level that is made anew: 0.6 to 1.4 of the usual, more on the side of the flow."""
    return max(1, int(m.level_lots * (0.6 + 0.8 * (draw % 1.0)) * (1.0 + _TILT * side * m.flow[_FLOW])))


def _retreat(m: Market, side: int, draw: float) -> None:
    """Move the best price back over emptied levels and fill the far end."""
    lots = _side(m, side)
    levels = len(lots)
    gone = 0
    while gone < levels and lots[gone] == 0:
        gone += 1
    _move_best(m, side, -gone)
    for level in range(levels):
        if level + gone < levels:
            lots[level] = lots[level + gone]
        else:
            _set(m, side, level, _fresh(m, side, draw + _GOLDEN * level))


def _advance(m: Market, side: int, by: int, draw: float) -> None:
    """Make a new best price some ticks better; levels that are now too far away go."""
    lots = _side(m, side)
    last = len(lots) - 1
    for level in range(last, -1, -1):
        if level > last - by and lots[level] > 0:
            _set(m, side, level, 0)
        lots[level] = lots[level - by] if level >= by else 0
    _move_best(m, side, by)
    _set(m, side, 0, _fresh(m, side, draw))
    if lots[last] == 0:
        _set(m, side, last, _fresh(m, side, draw + _GOLDEN))


def _replace(m: Market, side: int, best: int, draw: float) -> None:
    """Replace a side by levels behind a new best price."""
    lots = _side(m, side)
    better = (best - _best(m, side)) * side
    for level in range(len(lots)):
        if lots[level] > 0 and not 0 <= level + better < len(lots):
            _set(m, side, level, 0)
    _move_best(m, side, better)
    for level in range(len(lots)):
        _set(m, side, level, _fresh(m, side, draw + _GOLDEN * level))


def _recenter(m: Market, fair: float, draw: float) -> None:
    """Move the whole book to around the fair price."""
    bid = max(math.floor(fair - 0.5 * m.spread + 0.5), 2 * len(m.bids))
    _begin_update(m)
    _replace(m, 1, bid, draw)
    _replace(m, -1, bid + m.spread, draw + 0.5 * _GOLDEN)


def _sweep(m: Market, side: int, draw: float) -> None:
    """Trade whole levels of a side, best first, and begin the update that empties them."""
    lots = _side(m, side)
    wanted = 1 + int(draw < _TWO_LEVELS) + int(draw < _THREE_LEVELS)
    reached = 0
    while wanted > 0 and reached < len(lots) - 1:
        if lots[reached] > 0:
            m.state[_MESSAGE] += 1
            _put(m, _TRADE, -side, _best(m, side) - side * reached, lots[reached])
            wanted -= 1
        reached += 1
    _begin_update(m)
    for level in range(reached):
        if lots[level] > 0:
            _set(m, side, level, 0)


def _hit(m: Market, side: int, draw: float) -> None:
    """Trade a part of the best level of a side, which holds two lots or more."""
    before = _side(m, side)[0]
    taken = max(1, min(before - 1, int(draw * draw * before)))
    m.state[_MESSAGE] += 1
    _put(m, _TRADE, -side, _best(m, side), taken)
    _begin_update(m)
    _set(m, side, 0, before - taken)


def _change(m: Market, side: int, draws: Floats) -> None:
    """Give a level a new quantity, for orders come and go; nearer levels change more often."""
    lots = _side(m, side)
    level = int(draws[2] ** 3 * len(lots))
    now = _fresh(m, side, draws[3])
    if now == lots[level]:
        now += 1
    if 0 < level < len(lots) - 1 and lots[level] > 0 and draws[4] < _HOLES:
        now = 0
    _begin_update(m)
    _set(m, side, level, now)


def _shift(m: Market, chance_up: float, draws: Floats) -> None:
    """Move the price: the best levels on the side that it moves to are traded or withdrawn."""
    side = -1 if draws[1] < chance_up or m.state[_BID] < 3 * len(m.bids) else 1
    if draws[2] < _SWEEPS:
        _sweep(m, side, draws[3])
    else:
        _begin_update(m)
        _set(m, side, 0, 0)
    _retreat(m, side, draws[4])


def _narrow(m: Market, chance_up: float, excess: int, draws: Floats) -> None:
    """Put a new best price inside a spread that is too wide."""
    by = min(1 + int(draws[2] * excess), len(m.bids) - 1)
    _begin_update(m)
    _advance(m, 1 if draws[1] < chance_up else -1, by, draws[3])


def _happen(m: Market, fair: float, draws: Floats) -> None:
    """Choose what happens and do it."""
    bid, ask, flow = m.state[_BID], m.state[_ASK], m.flow[_FLOW]
    gap = fair - 0.5 * (bid + ask)
    if abs(gap) > 2 * len(m.bids) and (gap > 0 or bid > 2 * len(m.bids)):
        _recenter(m, fair, draws[1])
        return
    excess = ask - bid - m.spread
    chance_up = min(max(0.5 + 0.5 * (_FLOW_MOVES * flow + m.reversion * gap), 0.02), 0.98)
    moves = min(_MOVES + _PULLED_MOVES * m.reversion * abs(gap), _MOST_MOVES)
    if excess >= _WIDEST or (excess > 0 and draws[5] < _REFILL):
        _narrow(m, chance_up, excess, draws)
    elif draws[0] < moves:
        _shift(m, chance_up, draws)
    elif draws[0] < moves + (1.0 - moves) * m.trade_share:
        side = -1 if draws[1] < 0.5 + 0.5 * _FLOW_TRADES * flow else 1
        if _side(m, side)[0] > 1:
            _hit(m, side, draws[3])
        else:
            _change(m, side, draws)
    else:
        _change(m, 1 if draws[1] < 0.5 else -1, draws)


def _put_snapshot(m: Market) -> None:
    m.state[_MESSAGE] += 1
    for side in (1, -1):
        lots = _side(m, side)
        for level in range(len(lots)):
            if lots[level] > 0:
                _put(m, _SNAPSHOT, side, _best(m, side) - side * level, lots[level])


def _put_quote(m: Market) -> None:
    m.state[_MESSAGE] += 1
    _put(m, _QUOTE, 1, m.state[_BID], m.bids[0])
    _put(m, _QUOTE, -1, m.state[_ASK], m.asks[0])


def _open(m: Market, fair: float, draw: float) -> None:
    """Make the book of the first event."""
    _recenter(m, fair, draw)
    # The snapshot stands for the update that made the book, and is written over it.
    m.state[_MESSAGE], m.state[_ROW], m.state[_SNAPSHOT_AT] = 0, 0, m.snapshot_every
    _put_snapshot(m)
    _put_quote(m)


def run(m: Market, first: int, fair: Floats, times: Integers, shocks: Floats, draws: Floats) -> int:
    """Run the events of a block until it ends or no room is left for the rows of another one.

    Args:
        m: The market, which is changed; ``state[6]`` rows are filled afterwards.
        first: Event of the block to begin with.
        fair: Fair price in ticks at each event.
        times: Nanoseconds since the tape began, of each event.
        shocks: Standard normal draws of the flow.
        draws: Uniform draws, ``DRAWS`` for each event.

    Returns:
        The event to go on with.
    """
    m.state[_ROW] = 0
    room = 8 * len(m.bids) + 16
    innovation = math.sqrt(1.0 - m.persistence * m.persistence)
    for event in range(first, len(times)):
        if m.state[_ROW] + room > len(m.out):
            return event
        m.state[_EVENT] = event
        if m.state[_MESSAGE] == 0:
            _open(m, fair[event], draws[event, 1])
            continue
        m.flow[_AR] = m.persistence * m.flow[_AR] + innovation * shocks[event]
        m.flow[_FLOW] = m.flow[_AR] / math.sqrt(1.0 + m.flow[_AR] ** 2)
        bid, bid_lots, ask, ask_lots = m.state[_BID], m.bids[0], m.state[_ASK], m.asks[0]
        _happen(m, fair[event], draws[event])
        if bid != m.state[_BID] or bid_lots != m.bids[0] or ask != m.state[_ASK] or ask_lots != m.asks[0]:
            _put_quote(m)
        if times[event] >= m.state[_SNAPSHOT_AT]:
            _put_snapshot(m)
            m.state[_SNAPSHOT_AT] = (times[event] // m.snapshot_every + 1) * m.snapshot_every
    return len(times)


@cache
def compiled() -> Any:
    """Return ``run`` as machine code."""
    return compile_module("synthetic_book", _SOURCE, {"run_events": run}).run
