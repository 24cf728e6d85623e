# Each target installs what it needs, so that any of them is the first command in a fresh clone.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
# Idle threads of torch sleep: spinning ones take ten times the CPU where cores are shared.
export OMP_WAIT_POLICY ?= passive

.PHONY: peers install audit test lint verify verify-deep book bench

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[all]' -c constraints.txt
	touch $@

audit: install
	$(BIN)/sharprates audit

test: install
	$(BIN)/python -m pytest -q -n auto

verify: install
	$(BIN)/sharprates verify --jobs 2

verify-deep: install
	$(BIN)/sharprates verify --deep --jobs 2
	$(BIN)/sharprates check --mutants 20 --false-alarms 1000 --json build/conformance.json

# Built whole (statuses and cells may have changed where no page did), without network, warnings are
# errors; then every page is opened in a browser.
book: install
	$(BIN)/jupyter-book build --all -W -n --keep-going book
	tests/book/check_book.sh

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Writes tests/bench/results.md.
bench: install
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[peers]' -c constraints.txt
	$(BIN)/python -m pytest -q tests/bench --benchmark-enable

peers: install
	$(BIN)/python tests/peers/run.py
