# Every target makes its own environment: a Python from 3.11 to 3.14 and make are all that a machine needs.
# The environment is brought to the hashed pins whenever they change, and made anew for another Python.

VENV := .venv
BIN  := $(VENV)/bin
DATA ?= data
ARGS ?=

# PYTHON=... names a Python. Without it, an environment that works is kept, and a new one gets the newest Python there is:
# the newest that can make an environment, or else the newest, which then says what it lacks.
IS_FIT  := import sys; sys.exit(sys.version_info < (3, 11))
NAMES   := $(BIN)/python python3.14 python3.13 python3.12 python3.11 python3
NEWEST   = $(shell for needed in "import venv, ensurepip" "pass"; do for python in $(NAMES); do \
               $$python -c "$$needed; $(IS_FIT)" >/dev/null 2>&1 && echo $$python && exit; done; done)
NO_PYTHON = No Python 3.11 or newer was found$(if $(PYTHON), at PYTHON=$(PYTHON)). Install one \
            (Debian and Ubuntu: apt install python3 python3-venv), or name one: make PYTHON=/path/to/python3

.PHONY: demo serve test lint types walls bench bench-smoke timing docs venv runtime dev pins requirements clean

venv: dev

runtime dev:             ## the environment, with what the service needs, or with what the tests and checks need too
	@python="$(or $(PYTHON),$(NEWEST))"; "$$python" -c "$(IS_FIT)" >/dev/null 2>&1 || { echo "$(strip $(NO_PYTHON))" >&2; exit 1; }; \
	"$$python" requirements/install.py $@

demo: runtime            ## a family's first year, two phones side by side: make demo ARGS=--once ends after the picture
	@$(BIN)/stillnew demo $(ARGS)

serve: runtime           ## the service on a database of its own below $(DATA), or on DATABASE_URL
	@$(BIN)/stillnew serve --data $(DATA) $(ARGS)

test: dev                ## every promise, on a real Postgres and a real Valkey
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: dev
	@$(BIN)/ruff check .

types: dev
	@$(BIN)/mypy

walls: dev               ## service -> projections -> events, and a client that knows nothing of the service
	@$(BIN)/lint-imports --no-cache

bench: dev               ## every figure of benchmarks/results.md, beside its limit
	@$(BIN)/python -m benchmarks $(ARGS)

bench-smoke: dev         ## the same workloads, small: that they run, not what they measure
	@$(BIN)/python -m benchmarks --smoke $(ARGS)
	@$(BIN)/python -m benchmarks.timing --smoke

timing: dev              ## whether the time of an answer tells what is held; an hour: make timing ARGS="--n 6000 feed note"
	@$(BIN)/python -m benchmarks.timing $(ARGS)

docs: dev                ## docs/events.md, from the types
	@$(BIN)/python -m events.describe > docs/events.md

pins: dev                ## that the pins hold for every Python and processor that we support; downloads no package
	@$(BIN)/python requirements/check.py

requirements: dev        ## pin anew after a change to requirements/*.in; ARGS=--upgrade raises every pin
	@cd requirements && for set in runtime build dev; do \
	    ../$(BIN)/uv --no-config pip compile --quiet --universal --python-version 3.11 --python ../$(BIN)/python \
	      --generate-hashes --no-header --no-emit-index-url --output-file $$set.txt $(ARGS) $$set.in || exit 1; \
	done

clean:
	@rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
