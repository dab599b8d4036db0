"""A live session for long: nothing grows, nothing is left behind, nothing goes wrong unseen, no fill is lost."""

import os

import pytest
from soak import soak

# ``make soak`` runs a whole hour of the venue.
MINUTES = float(os.environ.get("SOAK_MINUTES", "20"))
SPEED = float(os.environ.get("SOAK_SPEED", "40"))


def counted(fills):
    """Return the lots of each market, side and price; a venue may tell one fill as several."""
    found = {}
    for symbol, side, lots, price in fills:
        key = symbol, side, round(price, 8)
        found[key] = found.get(key, 0) + lots
    return found


@pytest.mark.slow
def test_a_session_soaks(tmp_path):
    found = soak(tmp_path, MINUTES, SPEED)
    print("\n" + "\n".join(found.lines))
    seen, truth = found.seen, found.truth

    assert seen["problems"] == []
    assert not seen["halted"]
    assert (
        seen["losses"] >= 1.5 * MINUTES
    )  # the account's and the books', but for those that were down already
    assert seen["orders"] > MINUTES
    assert counted(seen["fills"]) == counted(truth["fills"])
    assert seen["positions"] == truth["positions"] == {}
    assert seen["open_orders"] == truth["open_orders"] == []
    assert found.growth("megabytes") < 0.05
    # Orders that have ended are remembered for a while, about a thousand of them.
    assert found.middle("objects", 2) - found.middle("objects", 0) < 20 * seen["orders"]
    assert abs(found.middle("tasks", 2) - found.middle("tasks", 0)) <= 2
    assert max(one["tasks"] for one in seen["samples"]) < 60
