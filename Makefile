# `make demo` runs a strategy on synthetic bars and ends with the path of its report; `make test` runs every check;
# `make explore` runs the tests on random cases with new ones each time;
# `make chaos` runs the whole fault campaign: a thousand live sessions at the emulated venue, through faults and kills (half an hour).
# Both create .venv and install on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo demo-live soak test explore install install-dev chaos lint clean

demo: install
	$(BIN)/hookline run examples/sessions/ema_cross.yaml

# A session that trades live against the emulated venue, from CONFIRM to flat.
demo-live: install
	$(BIN)/python examples/live/rehearse.py

# An hour of a live session in 150 seconds, with every socket cut each minute: what grows, what is left behind, what is lost.
soak: install-dev
	SOAK_MINUTES=60 SOAK_SPEED=24 $(BIN)/pytest -q -s tests/lmex/soak

test: install-dev lint
	$(BIN)/pytest -n 3 --dist loadfile

explore: install-dev
	$(BIN)/pytest -n 3 --dist loadfile --hypothesis-profile explore $$(grep -rlE "hypothesis" tests --include="test_*.py")

chaos: install-dev
	$(BIN)/python tests/chaos/run_chaos.py --schedules 1000 --keep runs/chaos

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev
	# The oracle for queues and latency. It asks for an older numpy and for plotting; what the tests use of it needs neither.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps hftbacktest
	touch $@

clean:
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
