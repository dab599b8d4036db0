"""``intrabar: path``: orders fill in the order in which the assumed path meets them."""

from venue_runs import run

from hookline.testing import buy, sell


def walked(text, script, **params):
    return run(text, script, intrabar="path", **params).fills


def test_the_nearer_extreme_comes_first():
    script = {0: [buy(1, trigger=11), sell(1, trigger=9)]}

    assert walked("10 10/11/8/10", script) == ["bar 1 inside: buy 1 @ 11", "bar 1 inside: sell 1 @ 9"]
    assert walked("10 10/12/9/10", script) == ["bar 1 inside: sell 1 @ 9", "bar 1 inside: buy 1 @ 11"]


def test_at_equal_distance_the_low_comes_first():
    script = {0: [buy(1, trigger=11), sell(1, trigger=9)]}

    assert walked("10 10/11/9/10", script) == ["bar 1 inside: sell 1 @ 9", "bar 1 inside: buy 1 @ 11"]


def test_an_entry_inside_the_bar_can_reach_its_target_on_the_rest_of_the_path():
    script = {0: buy(1, limit=9, stop_loss=8, take_profit=11)}

    assert walked("10 10/12/9/11", script) == ["bar 1 inside: buy 1 @ 9", "bar 1 inside: sell 1 @ 11"]


def test_an_entry_inside_the_bar_can_reach_its_stop_on_the_rest_of_the_path():
    script = {0: buy(1, trigger=11, stop_loss=9, take_profit=15)}

    assert walked("10 10/11/8/9", script) == ["bar 1 inside: buy 1 @ 11", "bar 1 inside: sell 1 @ 9"]


def test_what_the_path_passed_before_the_entry_does_not_count():
    # Low first: the stop of an entry on the later high is not met any more.
    script = {0: buy(1, trigger=12, stop_loss=9)}

    assert walked("10 10/13/8.5/11", script) == ["bar 1 inside: buy 1 @ 12"]


def test_a_trailing_stop_of_an_entry_inside_the_bar_follows_the_rest_of_the_path():
    script = {0: buy(1, limit=9, stop_loss_trail=2)}

    assert walked("10 10/14/9/11", script) == ["bar 1 inside: buy 1 @ 9", "bar 1 inside: sell 1 @ 12"]


def test_a_stop_limit_rests_inside_the_bar_and_fills_when_the_path_comes_back():
    script = {0: buy(1, trigger=11, limit=10.5)}

    assert walked("10 10/11.5/8/10", script) == ["bar 1 inside: buy 1 @ 10.5"]
    assert walked("10 10/12/9.5/11", script) == []


def test_a_limit_that_has_to_be_passed_is_not_filled_by_a_touch():
    script = {0: buy(1, limit=9)}

    assert walked("10 10/11/9/10", script, limit_fill="through") == []
    assert walked("10 10/11/8.9/10", script, limit_fill="through") == ["bar 1 inside: buy 1 @ 9"]


def test_several_orders_fill_along_one_leg_in_the_order_of_their_prices():
    script = {0: [buy(1, limit=8), buy(1, limit=9), buy(1, limit=8.5)]}

    assert walked("10 10/15/7/14", script) == [
        "bar 1 inside: buy 1 @ 9",
        "bar 1 inside: buy 1 @ 8.5",
        "bar 1 inside: buy 1 @ 8",
    ]


def test_one_position_can_be_entered_left_and_entered_again_along_the_path():
    script = {0: [buy(1, limit=9, take_profit=11, label="in"), buy(2, trigger=11.5)]}

    assert walked("10 10/12/9/11", script) == [
        "bar 1 inside: buy 1 @ 9",
        "bar 1 inside: sell 1 @ 11",
        "bar 1 inside: buy 2 @ 11.5",
    ]
