# Every target makes its own environment: Python 3.11 and make are all that a machine needs.
# The environment is made anew from the hashed requirements whenever they change.

PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.made-of-these-requirements
DATA   ?= data
ARGS   ?=

.PHONY: demo serve test lint types walls bench bench-smoke timing docs venv requirements clean

venv: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	@echo "Setting up Python in $(VENV); this takes a minute or two, once."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation \
	    --config-settings editable_mode=compat --editable .
	@touch $(STAMP)

demo: $(STAMP)           ## a family's first year, two phones side by side: make demo ARGS=--once ends after the picture
	@$(BIN)/stillnew demo $(ARGS)

serve: $(STAMP)          ## the service on a database of its own below $(DATA), or on DATABASE_URL
	@$(BIN)/stillnew serve --data $(DATA) $(ARGS)

test: $(STAMP)           ## every promise, on a real Postgres and a real Valkey
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check .

types: $(STAMP)
	@$(BIN)/mypy

walls: $(STAMP)          ## service -> projections -> events, and a client that knows nothing of the service
	@$(BIN)/lint-imports --no-cache

bench: $(STAMP)          ## every figure of benchmarks/results.md, beside its limit
	@$(BIN)/python -m benchmarks $(ARGS)

bench-smoke: $(STAMP)    ## the same workloads, small: that they run, not what they measure
	@$(BIN)/python -m benchmarks --smoke $(ARGS)
	@$(BIN)/python -m benchmarks.timing --smoke

timing: $(STAMP)         ## whether the time of an answer tells what is held; an hour: make timing ARGS="--n 6000 feed note"
	@$(BIN)/python -m benchmarks.timing $(ARGS)

docs: $(STAMP)           ## docs/events.md, from the types
	@$(BIN)/python -m events.describe > docs/events.md

requirements:            ## pin anew after a change to requirements/*.in; needs pip-tools on the PATH
	@cd requirements && for set in runtime dev build; do \
	    pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras --no-header \
	      --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file $$set.txt $$set.in || exit 1; \
	done

clean:
	@rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
