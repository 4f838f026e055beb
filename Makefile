# make help lists the targets. Everything is installed into .venv; nothing else on the machine is touched.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys,venv,ensurepip; sys.exit(not (3,11) <= sys.version_info < (3,14))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One more than there are cores, up to four: tests wait for the processes that they start, too.
TESTS_AT_ONCE ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n + 1 : 4)))

.DEFAULT_GOAL := help
.PHONY: help demo storm screenshots test bench bench-console faults schedules soak seeded run check format lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found. Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Setting up in $(VENV) with $$($(PYTHON) --version). This is done once and takes about a minute."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if command -v uv >/dev/null 2>&1; then \
		UV_PYTHON_DOWNLOADS=never uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock; \
	else \
		$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi
	@if command -v uv >/dev/null 2>&1; then \
		UV_PYTHON_DOWNLOADS=never uv pip install -q --python $(BIN)/python --no-deps -e .; \
	else \
		$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .; \
	fi
	@touch $@

demo: $(STAMP) ## one message from draft to every channel, end to end; FAULT=kill, flush or silent breaks something on the way
	@$(BIN)/broadcaster demo $(if $(FAULT),--fault $(FAULT))

storm: $(STAMP) ## a whole night through HTTP alone, from a warning to the all-clear, with somebody who watches for contradictions
	@$(BIN)/python -m tests.storm $(ARGS)

run: $(STAMP) ## the whole product with sandbox platforms at http://127.0.0.1:8000 until Ctrl-C
	@$(BIN)/broadcaster up --sandbox

screenshots: $(STAMP) ## take the pictures of docs/console.md anew (needs Chromium)
	@$(BIN)/python docs/take_screens.py

test: $(STAMP) ## every test, on SQLite and PostgreSQL, with real worker processes
	@$(BIN)/python -m pytest -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(STAMP) ## kill, stop and starve it at full size, on both databases (about an hour); ARGS="--only T3" for one
	@$(BIN)/python -m tests.faults $(ARGS)

schedules: $(STAMP) ## two years of schedules in five time zones, with sweepers that are killed (a long run); ARGS="--days 60 --database sqlite"
	@$(BIN)/python -m tests.schedules $(ARGS)

soak: $(STAMP) ## an hour of ordinary work and ordinary accidents: nothing grows, nothing is stuck; ARGS="--minutes 5 --database sqlite"
	@$(BIN)/python -m tests.soak $(ARGS)

seeded: $(STAMP) ## put twelve bugs in, one at a time, and see the tests catch each; ARGS="01 04" for some
	@$(BIN)/python -m tests.seeded $(ARGS)

bench: $(STAMP) ## speed, alone and beside what it is made of, and how it grows; exits 1 where a bar is missed (about an hour); ARGS="--only audit" or ARGS="--recipients 10000" for less, ARGS="--write" for docs/benchmarks.md
	@$(BIN)/python -m tests.bench $(ARGS)

bench-console: $(STAMP) ## how long the console's pages take, beside a million deliveries and while texts go out, and how far the live board is behind (some minutes); exits 1 where a bar is missed
	@$(BIN)/python -m tests.bench.pages && $(BIN)/python -m tests.bench.board && $(BIN)/python -m tests.bench.busy

check: $(STAMP) ## what CI holds: formatting, lint, types, layers, then every test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

format: $(STAMP) ## put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(STAMP) ## resolve requirements.lock anew from pyproject.toml (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group dev pyproject.toml -o requirements.lock

clean: ## remove the environment and caches; the data in var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
