"""What docs/risk.md says of the rules is what they are."""

import re
from pathlib import Path

from hookline import plugins
from hookline.params import describe

TEXT = (Path(__file__).parents[2] / "docs" / "risk.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", TEXT, re.MULTILINE))


def test_every_rule_has_a_row():
    assert set(ROWS) == {info.name for info in plugins.names("risk_rules")}


def test_every_row_names_the_parameters_in_order_with_their_defaults():
    for name, row in ROWS.items():
        described = describe(plugins.load("risk_rules", name))
        assert re.findall(r"`(\w+)`", row) == [one.name for one in described], name
        told = dict(re.findall(r"`(\w+)` ([\w.]+)", row))
        for one in described:
            number = re.fullmatch(r"[\d.]+", one.default or "")
            if number:
                assert float(told[one.name]) == float(number[0]), f"{name}.{one.name}"
            elif one.default in {"true", "false", "warn", "pass", "account", "strategy", "next_day"}:
                assert told[one.name] == one.default, f"{name}.{one.name}"
