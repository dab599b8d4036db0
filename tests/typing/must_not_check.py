"""Mistakes that mypy must find; the comment names the line's error code."""

import hookline as hl


def mistakes(ctx: hl.Context, bar: hl.Bar, order: hl.Order, bars: hl.Bars) -> None:
    bar.close = 1.0  # E: misc
    ctx.position(bar).lots  # E: arg-type
    ctx.sell("X")  # E: call-arg
    ctx.submit("X", "buy", 1.0)  # E: arg-type
    ctx.use(9)  # E: arg-type
    hl.ema(bars, 9)  # E: arg-type
    hl.long(stop="low")  # E: arg-type
    order.quantity = 2.0  # E: misc
    hl.nothing()  # E: attr-defined
