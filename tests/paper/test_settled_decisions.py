"""A decision that was settled stays settled over a restart: an entry that was refused is not tried again."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from paper_sessions import MARKET, Seat, plan_of

import hookline as hl
from hookline.journal import read_journal
from hookline.session.session import Session


@dataclass
class Insistent(hl.SignalStrategy):
    """Always wants to be long."""

    name = "insistent"

    def columns(self, bars):
        return {"close": bars.close}

    @staticmethod
    def decide(x, held, p):
        return hl.long()

    def sizer(self):
        return hl.FixedQuantity(base=1.0)  # it cannot pay for a single lot


def orders_of(folder, *hours):
    for until in hours:
        seats = [Seat("insistent", "insistent", Insistent(), ("AAA",), 0.05)]
        market = {"AAA": MARKET["AAA"]}
        Session(plan_of(folder, until, market=market, seats=seats, funding={}, rules=())).run()
    return [(order.number, order.time, str(order.status)) for order in read_journal(folder).orders]


@pytest.mark.parametrize("stop", [5, 12])
def test_an_entry_that_was_rejected_is_not_tried_again_after_a_restart(tmp_path, stop):
    whole = orders_of(tmp_path / "whole", 20)
    assert orders_of(tmp_path / "parts", stop, 20) == whole
    assert len(whole) == 1
