# Everything a developer runs. Needs python3 (3.11 or newer) with venv, and make; all else goes into .venv.
#
#   make PYTHON=python3.12 test            another interpreter
#   make PIP_ARGS="--extra-index-url URL"  more arguments for every pip call (for example PyTorch's CPU wheel index)

PYTHON ?= python3
PIP_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt $(PIP_ARGS)
# One thread per process: two test processes share two cores, and results do not depend on the machine.
SINGLE := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
FAST := not quality and not contract and not e2e

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint fast light bench docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.full ## virtual environment with all extras and the development tools
	@$(BIN)/synthwright doctor

demo: $(VENV)/.light ## a table, a synthetic one, and the report; installs the light dependencies only
	@$(SINGLE) $(BIN)/synthwright demo

test: $(VENV)/.full ## all tests, about 10 minutes on two cores
	$(SINGLE) $(BIN)/python -m pytest -n 2 --durations=20 $(PYTEST_ARGS)

check: lint fast ## format, lint, types, layers and the fast tests, below 2 minutes

lint: $(VENV)/.full ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fast: $(VENV)/.full ## the fast tests, without those of properties
	$(SINGLE) $(BIN)/python -m pytest -n 2 -q -m "$(FAST)" --ignore=tests/property $(PYTEST_ARGS)

light: ## the fast tests in an environment without any optional package, as on a user's first day
	@$(MAKE) --no-print-directory VENV=$(VENV)-light venv
	$(VENV)-light/bin/python -m pip install --disable-pip-version-check -q -c constraints.txt $(PIP_ARGS) -e . \
	    pytest pytest-xdist hypothesis jsonschema
	$(SINGLE) $(VENV)-light/bin/python -m pytest -n 2 -q -m "$(FAST)" tests

bench: $(VENV)/.full ## measure our generators on packaged tables (on more with SYNTHWRIGHT_DATA, see benchmarks/README.md)
	$(BIN)/python -m benchmarks.tabular --tables $(if $(SYNTHWRIGHT_DATA),core,packaged)
	$(BIN)/python -m benchmarks.scaling
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.tables

docs: $(VENV)/.full ## the documentation as a web site in build/docs
	$(PIP) -e '.[docs]'
	$(BIN)/mkdocs build --strict --site-dir build/docs

clean: ## remove the environment and all caches (not benchmarks/.peers, which takes long to make)
	rm -rf $(VENV) $(VENV)-light build dist synthwright-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage

# A stamp says which set of packages the environment has; the full set contains the light one.
$(VENV)/.light: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory venv
	$(PIP) -e '.[trees]'
	@touch $@

$(VENV)/.full: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory venv
	$(PIP) -e '.[all,scale,dev]'
	@touch $(VENV)/.light $@

# An environment of another interpreter version is made anew.
.PHONY: venv
venv:
	@wanted=$$($(PYTHON) -c 'import sys; print(sys.version_info[:2])') || exit 1; \
	if [ "$$($(BIN)/python -c 'import sys; print(sys.version_info[:2])' 2>/dev/null)" != "$$wanted" ]; then \
	    echo "$(PYTHON) -m venv $(VENV)"; $(PYTHON) -m venv --clear $(VENV); \
	fi
