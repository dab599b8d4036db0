"""Where the account of a compiled run keeps what: indices into one array of floats and one of ints.

Compiled functions take the two arrays as ``f`` and ``k``. They hold, in this order: the terms of the run, the account, the open orders
(a row each, oldest first, as a venue lists them), and the logs of orders, fills and payments, which have no rows unless the run is
recorded. Two flat arrays and not a structure: an array costs seven words to pass, and a call happens at every order.
"""

from __future__ import annotations

from collections.abc import MutableSequence

Floats = MutableSequence[float]
Ints = MutableSequence[int]

# -- floats: terms -----------------------------------------------------------------------------------------------------
(
    TICKS_PER_UNIT, TICK, TICK_NUMERATOR, TICK_DENOMINATOR,
    LOTS_PER_UNIT, LOT, LOT_NUMERATOR, LOT_DENOMINATOR,
    MIN_NOTIONAL, MAKER_FEE, TAKER_FEE, LIQUIDATION_FEE,
    LEVERAGE, CLOSE_SHARE,
    SLIP_FRACTION, SLIP_AMOUNT, SLIP_RANGE,
    SIZER_A, SIZER_B,
    # -- the bar ---------------------------------------------------------------------------------------------------------
    OPEN, HIGH, LOW, CLOSE, VOLATILITY, MARK, MARK_OPEN, MARK_LOW, MARK_HIGH,
    # -- the account -----------------------------------------------------------------------------------------------------
    CASH, UNITS, ENTRY_PRICE, ADDED, FLOOR, CEILING, BAR_FLOW,
    HELD_EXPOSURE, HELD_ENTRY, HELD_STOP, HELD_SINCE,
    WANTED_EXPOSURE, WANTED_STOP,
    # -- the round trip that is open, and sums over those that are finished ------------------------------------------------
    TRIP_ENTERED, TRIP_LEFT, TRIP_FEES, TRIP_PAID, TRIP_INSIDE,
    LATE_ENTERED, LATE_LEFT, LATE_FEES, LATE_PAID,
    WON, LOST, PROFIT, TRADED, FEES, FUNDING,
    WAKE_LOW, WAKE_HIGH,
    F_PAID,
) = range(59)  # fmt: skip

# -- ints: terms -------------------------------------------------------------------------------------------------------
(
    IS_SPOT, BORROW_LOTS, MIN_LOTS, CAN_SHORT, IS_GUARDED, IS_PLAIN, IS_THROUGH, SIZER,
    ORDER_ROOM, FILL_ROOM, PAYMENT_ROOM, FILLS_AT_CLOSE, TIERS, IS_ISOLATED, HAS_MARKS,
    # -- the bar and the account -------------------------------------------------------------------------------------------
    START, END, LOTS, OPENED, OPEN_ORDERS, SETTLED, IS_ENTRY_DENIED, ENTRY, IS_ENTRY_FILLED,
    DENIED_SIDE, DENIED_KIND, ERROR, IS_BUSY,
    # -- counts ------------------------------------------------------------------------------------------------------------
    ORDERS, FILLS, PAYMENTS, TRIPS, WINS, TRIP_BEGIN, HELD_TIME, INSIDE_BAR, IS_LEAVING, LATE_TIME, BAR_PAYMENTS,
    K_GATE,
) = range(40)  # fmt: skip

ROWS = 64
"""Most orders open at once; a run that has more goes through the event kernel."""
PAID_ROOM = 32
"""Payments of one bar that are kept one by one; of more, the rest is kept as a sum."""

# -- margin tiers, a row each, smallest first -------------------------------------------------------------------------------
F_TIERS = F_PAID + PAID_ROOM
TIER_UP_TO, TIER_MAINTENANCE, TIER_DEDUCTION, TIER_LEVERAGE, TIER_WIDTH = range(5)
TIER_ROOM = 32
"""Most margin tiers of an instrument; one that has more goes through the event kernel."""

# -- the gate: what was found last, the halt that is on, and a row for each rule ------------------------------------------
F_GATE = F_TIERS + TIER_ROOM * TIER_WIDTH
(FOUND, AGAINST, LEFT, CALM_LOW, CALM_HIGH, HALT_FOUND, HALT_AGAINST, F_RULES) = range(F_GATE, F_GATE + 8)
(
    RULES, HEARS_FILLS, PASSED, ASKED, FOUND_WHOLE, HALTED_BY, HALT_UNTIL, FLATTENS, IS_WATCHED, HOURS, K_RULES,
) = range(K_GATE, K_GATE + 11)  # fmt: skip
RULE_LIMIT, RULE_OTHER, RULE_SUM, RULE_LAST, RULE_F_WIDTH = range(5)
RULE_KIND, RULE_MOST, RULE_FLAG, RULE_PERIOD, RULE_COUNT, RULE_TIME, RULE_K_WIDTH = range(7)
"""``HOURS`` is where the tables of trading hours begin: behind the logs. A rule has its place in them, and how many times they hold."""
RULE_ROOM = 16
"""Most rules of a session; one that has more goes through the event kernel."""
F_ORDERS = F_RULES + RULE_ROOM * RULE_F_WIDTH
K_SCRATCH = K_RULES + RULE_ROOM * RULE_K_WIDTH
K_ORDERS = K_SCRATCH + ROWS

# -- columns of an order -----------------------------------------------------------------------------------------------
LIMIT, TRIGGER, AVERAGE, CHILD_STOP, CHILD_TARGET, F_WIDTH = range(6)
(
    NUMBER, SIDE, TYPE, QUANTITY, TIME, REDUCES, PARENT, GROUP, TAG, STATUS, FILLED, UPDATED, REPRICED, REASON,
    STOP_NUMBER, TARGET_NUMBER, K_WIDTH,
) = range(17)  # fmt: skip
FILL_PRICE, FILL_FEE, FILL_F_WIDTH = range(3)
FILL_TIME, FILL_ORDER, FILL_SIDE, FILL_LOTS, FILL_IS_MAKER, FILL_SEEN, FILL_K_WIDTH = range(7)

MARKET, LIMIT_ORDER, STOP_ORDER = range(3)
SUBMITTED, ACCEPTED, PARTIALLY_FILLED, FILLED_UP, CANCELED, REJECTED, DENIED, HELD_BACK = range(1, 9)
ENTRY_TAG, EXIT_TAG, REDUCE_TAG, PROTECT_TAG, LIQUIDATION_TAG, HALT_TAG = range(6)
"""From ``HALT_TAG`` on: the number of the rule whose halt closed the position, counted on from there."""
(
    NO_REASON, NOTHING_TO_REDUCE, POSITION_CLOSED, GROUP_FILLED, FUNDS, FUNDS_FOR_REST, NOT_HELD, LIQUIDATED, ENTRY_ENDED,
    QUANTITY_TOO_SMALL, NOTIONAL_TOO_SMALL, STOP_ON_WRONG_SIDE, TARGET_ON_WRONG_SIDE, HALTED, BY_RULE,
) = range(15)  # fmt: skip
(
    REQUIRE_STOP, MAX_ORDER_NOTIONAL, MAX_POSITION, MAX_POSITION_NOTIONAL, MAX_LEVERAGE, STRATEGY_BUDGET, CONSECUTIVE_LOSSES,
    STOP_COOLDOWN, MAX_TRADES, MAX_OPEN_ORDERS, MIN_EDGE, TRADING_HOURS, PASSES_ALL, MAX_DRAWDOWN, DAILY_LOSS_LIMIT,
) = range(15)  # fmt: skip
"""Kinds of rules, those together that are judged alike; those from ``MAX_DRAWDOWN`` on watch the account and halt."""
PASS, SHRINK, DENY, HALT = range(4)
FIXED_QUANTITY, FIXED_NOTIONAL, EQUITY_FRACTION, RISK_BY_STOP, VOLATILITY_TARGET = range(5)
NOT_FINITE, TOO_MANY_ORDERS, CROSSED, TOO_LARGE = range(1, 5)

F_LOG = F_ORDERS + ROWS * F_WIDTH
K_LOG = K_ORDERS + ROWS * K_WIDTH
LARGEST = 9007199254740992.0
"""2**53: from here on a float does not hold every whole number."""
