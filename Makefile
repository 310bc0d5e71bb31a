PYTHON ?= python3
UV ?= uv
HOST ?= 127.0.0.1
PORT ?= 8000
POSTGRES ?= postgresql+asyncpg://postgres@127.0.0.1:5432

BIN := .venv/bin
INSTALLED := .venv/.installed
CONFORMANCE := tests/conformance
MODULES := $(CONFORMANCE)/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test bench lint fmt sdl migration lock clean conformance modules released

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "make %-11s %s\n", $$1, $$2 }'

install: $(INSTALLED) ## make .venv with everything that requirements.txt locks

run: install ## start the service with its demo data on HOST and PORT
	$(BIN)/plenary migrate
	$(BIN)/plenary demo
	$(BIN)/plenary serve --bots --host $(HOST) --port $(PORT)

test: lint $(if $(shell command -v npm),modules) ## lint, then run the tests on all cores
	$(BIN)/pytest -n auto

bench: install ## measure how live delivery does, and against what (some minutes; PostgreSQL where it answers)
	-$(BIN)/python -m bench.fanout --cold
	-$(BIN)/python -m bench.mixed
	-$(BIN)/python -m bench.memory
	-$(BIN)/python -m bench.votes
	-$(BIN)/python -m bench.votes --database $(POSTGRES)
	-$(BIN)/python -m bench.reconnect --database $(POSTGRES)

conformance: install modules ## run other people's suites and clients against the service (needs Node.js)
	$(BIN)/pytest $(CONFORMANCE)

modules: $(MODULES)

released: ## at a release: what is promised from now on is the schema as it is
	cp schema.graphql $(CONFORMANCE)/released.graphql

lint: install ## check style, formatting, types and floors
	@$(call check,$(BIN)/ruff check)
	@$(call check,$(BIN)/ruff format --check)
	@$(call check,$(BIN)/mypy)
	@$(call check,$(BIN)/lint-imports --no-logo)

fmt: install ## format the code and mend what can be mended
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

sdl: install ## print the schema to schema.graphql
	$(BIN)/plenary export-schema > schema.graphql.new
	mv schema.graphql.new schema.graphql

migration: install ## write the migration that the models ask for (TITLE="what changes")
	$(BIN)/python -m migrations "$(TITLE)"

lock: ## write requirements.txt anew from pyproject.toml (needs uv; UPGRADE=1 takes newer versions)
	@command -v $(UV) > /dev/null || { echo "make lock needs uv: pip install uv, or name it with UV=..."; exit 1; }
	$(UV) pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) --quiet -o requirements.txt

clean: ## remove .venv, node_modules, caches and builds (var/, the service's data, stays)
	rm -rf .venv $(CONFORMANCE)/node_modules build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Plenary needs Python 3.11 or newer: make install PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
		|| { echo "Python's venv module is missing: on Debian, apt install python3-venv"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(MODULES): $(CONFORMANCE)/package-lock.json
	npm ci --prefix $(CONFORMANCE) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Run one check; say which one failed, and stop.
check = echo "$(1)"; $(1) || { echo "lint: '$(1)' failed"; exit 1; }
