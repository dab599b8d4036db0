"""The reconciler looks at a venue over a network: when a session starts, now and then, and while things go wrong."""

import asyncio
import json
import logging
from io import StringIO

import pytest
from reconciling_live import SECOND, Live, play
from rich.console import Console

import hookline as hl
from hookline.model import OrderStatus
from hookline.risk.rule import Action
from hookline.session.difference_report import DIFFERENCES_FILE, difference_table

# -- the start -------------------------------------------------------------------------------------------------------------


def test_a_start_at_a_venue_that_agrees_looks_once():
    async def test():
        async with Live().open() as live:
            found = await live.reconciler.start(live.apply)
            assert (found.differences, live.steps, live.told) == ((), ["apply"], [])

    play(test)


def test_a_session_does_not_start_beside_what_it_does_not_know():
    async def test():
        live = Live()
        live.venue.place("P", hl.Side.SELL, 7, 120.0)
        live.venue.hold("P", 5, 90.0)
        async with live.open():
            with pytest.raises(hl.VenueError) as error:
                await live.reconciler.start(live.apply)
        assert "demo does not start: order v1 (sell 7 lots of P) at the venue is none of this session" in str(
            error.value
        )
        assert "position P: strategies hold 0 lots, the venue holds 5 lots" in str(error.value)
        assert live.kernel.gate.halted == ""

    play(test)


def test_a_start_cancels_foreign_orders_and_adopts_a_position_where_the_rules_say_so():
    async def test():
        live = Live(foreign_orders="cancel", foreign_positions="adopt")
        foreign = live.venue.place("P", hl.Side.SELL, 7, 120.0)
        live.venue.hold("P", 5, 90.0)
        async with live.open():
            await live.reconciler.start(live.apply)
            assert (live.lots, foreign.status) == (5, OrderStatus.CANCELED)
            account = await live.broker.venue_account()
            live.apply(account)
            assert live.kinds == []

    play(test)


def test_a_start_waits_for_an_order_whose_fate_is_not_known_before_it_gives_it_up():
    async def test():
        live = Live(unknown_grace_seconds=2.0, settle_seconds=2.0)
        async with live.open():
            live.venue.faults.append("lose_request")
            order = live.ctx.buy("P", 0.01)
            await live.go()
            assert order.status is OrderStatus.UNKNOWN
            start = asyncio.create_task(live.reconciler.start(live.apply))
            await asyncio.sleep(0.01)
            live.venue.clock.now += 1 * SECOND
            assert order.status is OrderStatus.UNKNOWN
            live.venue.clock.now += 2 * SECOND
            await start
            assert (order.status, order.reason) == (OrderStatus.REJECTED, "never reached the venue")
            assert live.venue.received == []

    play(test)


def test_an_order_that_is_still_unknown_after_the_grace_time_stays_so_and_the_session_says_it():
    async def test():
        live = Live(unknown_grace_seconds=0.01, settle_seconds=0.05)  # and the venue's time stands still
        async with live.open():
            live.venue.faults.append("lose_request")
            order = live.ctx.buy("P", 0.01)
            await live.go()
            found = await live.reconciler.start(live.apply)
            assert not found.is_settled
            assert order.status is OrderStatus.UNKNOWN
            assert [level for level, _, _ in live.told] == ["warning"]

    play(test)


def test_what_was_filled_while_nobody_listened_is_caught_up_before_anything_is_compared():
    async def test():
        live = Live()
        async with live.open():
            order = live.ctx.buy("P", 0.01, limit=99)
            await live.go()
            live.venue.is_mute = True
            live.venue.move("P", 98.0)
            await live.reconciler.start(live.apply)
            assert (order.status, live.lots, live.told) == (OrderStatus.FILLED, 10, [])
            assert [what for what, _ in live.broker.steps].count("catch_up") == 1

    play(test)


def test_orders_that_strategies_made_before_the_first_look_are_neither_missing_nor_waited_for():
    async def test():
        live = Live(unknown_grace_seconds=0.1, settle_seconds=0.1)
        live.reconciler.restore({})
        order = live.ctx.buy("P", 0.01)
        live.venue.hold("P", 4, 90.0)
        async with live.open():
            with pytest.raises(hl.VenueError, match="strategies hold 10 lots, the venue holds 14 lots"):
                await live.reconciler.start(live.apply)
        assert order.status is OrderStatus.FILLED

    play(test)


def test_an_order_that_is_not_sent_yet_is_not_judged_at_the_start():
    async def test():
        live = Live(unknown_grace_seconds=0.1, settle_seconds=0.1)
        live.reconciler.restore({})
        order = live.ctx.buy("P", 0.01)
        async with live.open():
            await live.reconciler.start(lambda account: live.reconciler.check(account) and None)
            assert (order.status, live.told) == (OrderStatus.SUBMITTED, [])

    play(test)


def test_a_start_where_the_venue_does_not_answer_fails():
    async def test():
        live = Live()
        async with live.open():
            live.venue.is_away = True
            with pytest.raises(hl.VenueError, match="away"):
                await live.reconciler.start(live.apply)

    play(test)


# -- while it runs ---------------------------------------------------------------------------------------------------------


def test_a_foreign_order_halts_a_running_session_and_nothing_is_flattened():
    async def test():
        live = Live()
        live.kernel.gate.flatten_on_halt = True
        async with live.running():
            live.ctx.buy("P", 0.005)
            await live.go()
            live.venue.place("P", hl.Side.SELL, 7, 120.0)
            await live.until(lambda: live.kernel.gate.halted)
            assert live.kernel.gate.halted.startswith("venue: order v3 (sell 7 lots of P)")
            assert live.lots == 5
            assert [what for what, _ in live.venue.received] == ["create"]
            verdicts = [(one.rule, one.verdict) for one in live.kernel.gate.decisions]
            assert verdicts == [("venue", Action.WARN), ("", Action.HALT)]
            assert [level for level, _, _ in live.told] == ["error"]

    play(test)


def test_a_halt_that_was_resumed_comes_again_while_its_reason_stands():
    async def test():
        live = Live()
        async with live.running():
            live.venue.place("P", hl.Side.SELL, 7, 120.0)
            await live.until(lambda: live.kernel.gate.halted)
            live.kernel.gate.resume("looked at it")
            await live.until(lambda: live.kernel.gate.halted)
            assert len(live.told) == 1

    play(test)


def test_foreign_orders_are_canceled_after_the_answer_was_applied():
    async def test():
        live = Live(foreign_orders="cancel")
        cancel_foreign = live.broker.cancel_foreign

        async def noted(ids):
            live.steps.append("cancel")
            await cancel_foreign(ids)

        live.broker.cancel_foreign = noted
        async with live.running():
            foreign = live.venue.place("P", hl.Side.SELL, 7, 120.0)
            await live.until(lambda: foreign.status is OrderStatus.CANCELED)
        assert live.steps[: live.steps.index("cancel")] == ["apply"] * live.steps.index("cancel")
        assert live.steps.count("cancel") == 1

    play(test)


def test_a_look_is_put_off_while_requests_are_under_way(caplog):
    async def test():
        live = Live(settle_seconds=0.01)
        live.broker.delay_seconds = 5.0
        async with live.running():
            live.ctx.buy("P", 0.005)
            live.broker.flush()
            with caplog.at_level(logging.WARNING):
                await live.until(lambda: "requests were under way" in caplog.text)
            assert live.steps == []

    play(test)


def test_a_look_that_our_side_has_overtaken_is_made_again():
    async def test():
        live = Live(foreign_positions="adopt")
        ask = live.broker.venue_account
        trades = iter([5, 3])

        async def slow():
            account = await ask()
            for lots in trades:  # filled and reported after the venue has answered
                order = live.ctx.buy("P", lots / 1000)
                await live.go()
                assert order.status is OrderStatus.FILLED
                break
            return account

        live.broker.venue_account = slow
        async with live.running():
            await live.until(lambda: live.lots == 8 and live.steps)
            await live.until(lambda: not live.reconciler.last.is_stale)
            assert live.kinds == []
            assert {order.tag for order in live.kernel.orders} == {""}

    play(test)


def test_a_session_that_never_rests_is_compared_but_for_what_moves():
    async def test():
        live = Live(foreign_orders="cancel", foreign_positions="adopt")
        ask = live.broker.venue_account

        async def busy():
            account = await ask()
            live.ctx.buy("P", 0.001)
            await live.go()
            return account

        live.broker.venue_account = busy
        live.venue.hold("P", 50, 90.0)
        foreign = live.venue.place("P", hl.Side.SELL, 7, 120.0)
        async with live.running():
            await live.until(lambda: foreign.status is OrderStatus.CANCELED)
            assert {order.tag for order in live.kernel.orders} == {""}
            live.broker.venue_account = ask
            await live.until(lambda: live.lots == live.venue.held["P"].lots)
            assert [(order.tag, order.lots) for order in live.kernel.orders if order.tag] == [
                ("reconciled", 50)
            ]

    play(test)


def test_silence_is_told_after_three_times_and_when_it_ends(caplog):
    async def test():
        live = Live()
        async with live.running():
            live.venue.is_away = True
            with caplog.at_level(logging.WARNING):
                await live.until(lambda: live.reconciler.failures >= 5)
            assert caplog.text.count("not compared with the venue") >= 5
            assert [level for level, _, _ in live.told] == ["warning"]
            live.venue.is_away = False
            await live.until(lambda: live.reconciler.failures == 0)
            assert [level for level, _, _ in live.told] == ["warning", "info"]

    play(test)


def test_an_order_that_is_lost_while_the_session_runs_is_followed_to_its_end_and_not_sent_again():
    async def test():
        live = Live()
        async with live.running():
            live.venue.faults.append("lose_request")
            order = live.ctx.buy("P", 0.01)
            await live.go()
            await live.until(lambda: order.is_closed)
            assert order.status is OrderStatus.REJECTED
            assert live.venue.received == []

    play(test)


# -- telling ---------------------------------------------------------------------------------------------------------------


def test_the_file_has_one_line_for_each_step_of_a_difference(tmp_path):
    async def test():
        live = Live(folder=tmp_path / "session", foreign_positions="ignore")
        async with live.running():
            live.venue.hold("P", 5, 90.0)
            await live.until(lambda: live.reconciler.last.check >= 6)

    play(test)
    lines = [json.loads(line) for line in (tmp_path / "session" / DIFFERENCES_FILE).read_text().splitlines()]
    assert [(one["kind"], one["action"], one["level"]) for one in lines] == [
        ("position", "looks again", "info"),
        ("position", "ignored", "warning"),
    ]
    assert lines[0]["check"] + 1 == lines[1]["check"]
    assert lines[1]["time"].startswith("2024-01-01T00:0")
    assert (lines[1]["ours"], lines[1]["venues"]) == ("0 lots", "5 lots")


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path, caplog):
    async def test():
        (tmp_path / "file").write_text("")
        live = Live(folder=tmp_path / "file", foreign_positions="adopt")
        live.venue.hold("P", 5, 90.0)
        async with live.open():
            await live.reconciler.start(live.apply)
            assert live.lots == 5

    with caplog.at_level(logging.WARNING):
        play(test)
    assert "differences.jsonl cannot be written" in caplog.text


def test_the_table_shows_both_sides():
    async def test():
        live = Live(foreign_positions="ignore", foreign_orders="ignore")
        live.venue.hold("P", 5, 90.0)
        live.venue.place("P", hl.Side.SELL, 7, 120.0)
        async with live.open():
            await live.reconciler.start(live.apply)
        console = Console(file=StringIO(), width=100, color_system=None)
        console.print(difference_table(live.reconciler.last.differences))
        shown = [line.split("  ") for line in console.file.getvalue().splitlines() if line.strip()]
        rows = [[cell.strip() for cell in row if cell.strip()] for row in shown]
        assert rows[0] == ["what", "where", "here", "at the venue", "done"]
        assert rows[2] == ["foreign order", "P v1", "not open", "sell 0 of 7 lots filled", "ignored"]
        assert rows[3] == ["position", "P", "0 lots", "5 lots", "ignored"]

    play(test)


def test_what_is_ignored_stays_so_over_a_restart():
    async def test():
        live = Live(foreign_positions="ignore")
        live.venue.hold("P", 5, 90.0)
        async with live.open():
            await live.reconciler.start(live.apply)
            state = json.loads(json.dumps(live.reconciler.save()))
        again = Live(live.venue)
        again.reconciler.restore(state)
        async with again.open():
            found = await again.reconciler.start(again.apply)
            assert found.differences == ()
            assert found.check == state["check"] + 1

    play(test)
