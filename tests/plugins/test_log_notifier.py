import logging

import pytest

from hookline.plugins import build


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_a_notification_is_logged_at_its_level(caplog, level):
    notifier = build("notifiers", "log", {"logger": "desk"}, "notifiers[0]")
    with caplog.at_level(logging.INFO):
        notifier.notify(level, "demo halted", "drawdown 12 %")
    [record] = caplog.records
    assert (record.name, record.levelname, record.message) == (
        "desk",
        level.upper(),
        "demo halted: drawdown 12 %",
    )
