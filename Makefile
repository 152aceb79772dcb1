# Two commands on a fresh machine: `make demo` and `make test`. Each sets up .venv once and reuses it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .demo
# Options of `make bench`, such as BENCH="--part sync --repeats 3"
BENCH :=

export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-full lint bench wheel docs lock clean

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## */\t/' | expand -t 12

demo: $(VENV)/core  ## set up the core, run the main job on the recorded artifacts, show what regressed
	@$(BIN)/tracemill run examples/artifacts --warehouse $(DEMO)/warehouse --exports $(DEMO)/exports
	@echo
	@echo "Ask it something:"
	@echo "  $(BIN)/tracemill show b08 --warehouse $(DEMO)/warehouse"
	@echo "  $(BIN)/tracemill sql --warehouse $(DEMO)/warehouse \"from block_mapassign order by block_ns desc limit 10\""

test: $(VENV)/ready  ## set up, the tests (about ten minutes on two cores)
	$(BIN)/python -m pytest -m "not full" -n 2 --dist loadfile --no-loadscope-reorder --durations=15

test-full: $(VENV)/ready $(VENV)/spark  ## the tests and the long ones: every Go version, fuzz, detection, Spark
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations=15

lint: $(VENV)/ready  ## ruff, mypy strict, the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_house.py

bench: $(VENV)/ready  ## ratios to Go's own tools, in one run
	$(BIN)/python -m bench $(BENCH)

wheel: $(VENV)/core  ## dist/tracemill-*.whl, for machines without this checkout
	$(BIN)/python -m pip wheel --quiet --no-build-isolation --no-deps -w dist .
	@ls dist/*.whl

docs: $(VENV)/ready  ## the data dictionary, from warehouse/schema
	$(BIN)/python -m docs.dictionary > docs/dictionary.md

lock:  ## pin what pyproject.toml allows, with hashes (needs uv)
	uv pip compile pyproject.toml $(LOCKED) --generate-hashes --no-header --universal \
		--python-version 3.11 -o requirements.lock
	uv pip compile pyproject.toml --extra spark --extra build --constraint requirements.lock --generate-hashes \
		--no-header --universal --python-version 3.11 -o .ci/spark.lock
	uv pip compile pyproject.toml --extra build --constraint requirements.lock --generate-hashes --no-header \
		--universal --python-version 3.11 -o .ci/core.lock

clean:  ## remove what the other targets made, but not .venv
	rm -rf $(DEMO) build dist *.egg-info

# All extras but spark, which is half a gigabyte.
LOCKED := $(addprefix --extra ,serve dask notify store test lint build)
KERNELS := $(wildcard parsers/kernels/*.py parsers/kernels/*.pxd)

# What the command line needs: neither Prefect nor what the tests use.
$(VENV)/core: .ci/core.lock pyproject.toml .ci/setup $(KERNELS)
	@PYTHON="$(PYTHON)" VENV="$(VENV)" .ci/setup core
	@touch $@

$(VENV)/ready: requirements.lock pyproject.toml .ci/setup $(KERNELS)
	@PYTHON="$(PYTHON)" VENV="$(VENV)" .ci/setup
	@touch $(VENV)/core $@

# pyspark, for the one test that lets Spark read a warehouse; nothing where there is no Java.
$(VENV)/spark: .ci/spark.lock $(VENV)/ready .ci/setup
	@PYTHON="$(PYTHON)" VENV="$(VENV)" .ci/setup spark
	@touch $@
