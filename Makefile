# `make help` lists the commands. Paths are relative, so that any folder name will do.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
PY := .venv/bin/python
# Half of what a worker's start costs is to compile the tests anew where nobody may keep them compiled.
PYTEST := env PYTHONDONTWRITEBYTECODE= $(PY) -m pytest
BANDIT := $(PY) -m bandit --quiet --configfile pyproject.toml --recursive server migrations
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement

.PHONY: help run test contract faults fuzz pictures check lint types imports bandit audit openapi openapi-check replay flask lock bench bench-api bench-scan bench-signals bench-rls bench-sign-ins clean

help:  ## List the commands
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

run: .venv/for-run  ## Set up everything and run a whole demo clinic at http://127.0.0.1:8000 (PORT=... for another port)
	@exec $(PY) -m server.local run

test: .venv/for-test  ## Set up everything and run the tests (ARGS=... for pytest)
	@exec $(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

contract: .venv/for-test  ## Play two phones of one patient, offline and online, many long times, and diaries in any order (CONTRACT_RUNS=500)
	@CONTRACT_RUNS=$${CONTRACT_RUNS:-500} CONTRACT_STEPS=$${CONTRACT_STEPS:-50} exec $(PYTEST) -n 0 tests/contract tests/services/test_looks_together.py tests/services/test_restating.py $(ARGS)

faults: .venv/for-test  ## Kill, freeze and cut off everything, at every boundary and by FAULT_RUNS=20 seeds (about 5 minutes; FAULT_SEED=7 FAULT_RUNS=1 plays one again)
	@FAULT_RUNS=$${FAULT_RUNS:-20} FAULT_STEPS=$${FAULT_STEPS:-12} exec $(PYTEST) -n 0 tests/faults --long $(ARGS)

check: lint types imports openapi-check bandit audit test  ## All that CI runs

lint: .venv/for-test  ## Style and likely mistakes
	@$(PY) -m ruff format --check --quiet . || { $(PY) -m ruff format --diff . ; exit 1; }
	@$(PY) -m ruff check --quiet .

types: .venv/for-test  ## Types, strictly
	@$(PY) -m mypy

imports: .venv/for-test  ## Imports go down only
	@$(PY) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"

bandit: .venv/for-test  ## Likely holes, by bandit's own eyes (ruff's S rules are in lint)
	@$(BANDIT) 2>/dev/null || $(BANDIT)

audit: .venv/for-test  ## Known vulnerabilities of what the lock files pin; says so when nobody can be asked
	@$(PY) -m tests.advisories

openapi: .venv/for-run  ## Write openapi.yaml anew from the routes
	@$(PY) -m server.local.openapi > openapi.yaml

openapi-check: .venv/for-test
	@$(PY) -m server.local.openapi | diff openapi.yaml - || { echo "openapi.yaml is not what the routes say: make openapi"; exit 1; }

bench: .venv/for-run  ## Measure the trend engine (ratios in one run)
	@exec $(PY) -m bench.engine

bench-signals: .venv/for-test  ## Measure the detectors against each other (ARGS="--short" or ARGS="--diaries FOLDER")
	@exec $(PY) -m bench.signals $(ARGS)

bench-rls: .venv/for-test  ## Measure what row-level security costs (the same requests with it and without)
	@exec $(PY) -m bench.rls

bench-sign-ins: .venv/for-test  ## Measure sign-ins that fail: known and unknown accounts, and a flood of them
	@exec $(PY) -m bench.sign_ins

bench-scan: .venv/for-bench  ## Measure a caseload of 100,000: replayed whole, and one new day (ARGS="--patients 5000")
	@exec $(PY) -m bench.scan $(ARGS)

bench-api: .venv/for-bench  ## Measure the API under load beside pgbench and three peers (ARGS="--rounds 2")
	@exec $(PY) -m bench.api $(ARGS)

pictures: .venv/for-test  ## Take pictures of every mail and of the pages about alerts, to look at; needs Chromium (ARGS=--docs renews the README's)
	@exec $(PY) -m tests.pictures $(ARGS)

fuzz: .venv/for-test  ## Try the API as openapi.yaml has it, as each role, with what nobody would send (ARGS="--examples 20 --seed 2")
	@exec $(PY) -m tests.e2e.fuzz $(ARGS)

replay: .venv/for-run  ## Play diaries through the system: make replay FILE=diaries.csv ARGS="--skip distress"
	@exec $(PY) -m server.local exec -- flask --app server.app replay "$(FILE)" $(ARGS)

flask: .venv/for-run  ## Any other command of the server: make flask ARGS="--help"
	@exec $(PY) -m server.local exec -- flask --app server.app $(ARGS)

lock: .venv/for-test  ## Pin the newest allowed releases, with hashes
	@UV="$(PY) -m uv pip compile --quiet --universal --generate-hashes --no-annotate --no-emit-index-url --python-version 3.11 --custom-compile-command make-lock --upgrade"; \
	$$UV pyproject.toml -o requirements.txt && \
	$$UV pyproject.toml --extra local -c requirements.txt -o server/local/requirements.txt && \
	$$UV pyproject.toml --extra local --extra dev -c server/local/requirements.txt -o tests/requirements.txt && \
	$$UV pyproject.toml --extra local --extra dev --extra bench -c tests/requirements.txt -o bench/requirements.txt

clean:  ## Remove the virtual environment and everything that `make run` made
	rm -rf .venv var

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Interlude needs Python 3.11 or newer (PYTHON=... names another)")'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/for-run: .venv/made server/local/requirements.txt
	@echo "Installing what Interlude needs (once)..."
	@$(INSTALL) server/local/requirements.txt
	@touch $@

.venv/for-test: .venv/for-run tests/requirements.txt
	@echo "Installing what the tests need (once)..."
	@$(INSTALL) tests/requirements.txt
	@touch $@

.venv/for-bench: .venv/for-test bench/requirements.txt
	@echo "Installing what the benches compare with (once)..."
	@$(INSTALL) bench/requirements.txt
	@touch $@
