"""A part of the fault campaign: sessions at the emulated venue through random faults and kills. ``make chaos`` runs all of it."""

import subprocess
import sys
from pathlib import Path

import pytest
from chaos_spec import draw

CAMPAIGN = Path(__file__).parent / "run_chaos.py"


def test_a_schedule_is_drawn_from_its_seed_alone():
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_schedules_together_hold_every_fault_and_every_kind_of_kill():
    specs = [draw(seed) for seed in range(1, 301)]
    names = {one.fault.name for spec in specs for one in spec.faults}
    assert len(names) == 19
    assert {kill.how for spec in specs for kill in spec.kills} == {"time", "commit", "send", "flush"}


@pytest.mark.slow
def test_both_sides_agree_after_faults_and_kills():
    command = [sys.executable, str(CAMPAIGN), "--schedules", "25", "--processes", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
