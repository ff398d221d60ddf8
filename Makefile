# The index of the project: `make help` lists what can be done.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WIRE ?= ../shared/wire
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install run test check generate check-generated breaking lock models readme routing-tables format drill-short wire bench bench-peers guard soak examples clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

install: $(VENV)/.dev ## Make .venv with everything the targets need, from the hash-locked requirements

run: $(VENV)/.run ## Start a hub on 127.0.0.1:50051 with the sandbox, and print a key and a first call
	@$(BIN)/hub serve --dev

test: $(VENV)/.dev ## Run every test
	@$(BIN)/python -m pytest

check: $(VENV)/.dev check-generated breaking ## Lint, types, layers, and the contract's lint and compatibility
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/buf lint generated/aignehub.binpb --config protos/buf.yaml
	@$(BIN)/buf format --exit-code --diff protos

generate: $(VENV)/.dev ## Compile protos/ into generated/
	@$(BIN)/python protos/generate.py

check-generated: generate ## Fail where generated/ is not what protos/ compiles to
	@git diff --exit-code --stat -- generated && test -z "$$(git ls-files --others --exclude-standard generated)" \
		|| { echo "generated/ is stale: run 'make generate' and commit it"; exit 1; }

breaking: $(VENV)/.dev ## Fail where the contract breaks a client of protos/baseline.binpb
	@$(BIN)/buf breaking generated/aignehub.binpb --against protos/baseline.binpb --config protos/buf.yaml

models: $(VENV)/.dev ## Write anew what models cost; with WHEEL=<litellm wheel> also what they can do
	@$(BIN)/python -m tools.models prices
	@test -z "$(WHEEL)" || $(BIN)/python -m tools.models abilities $(WHEEL)

routing-tables: $(VENV)/.dev ## Write the tables of docs/routing.md from the code
	@$(BIN)/python -m tools.routing_tables

readme: $(VENV)/.dev ## Write the README's provider table and performance section anew
	@$(BIN)/python -m tools.readme && $(BIN)/python -m tools.performance

format: $(VENV)/.dev ## Format the code and the protos
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .
	@$(BIN)/buf format -w protos

drill-short: $(VENV)/.dev ## Five minutes of faults between a hub and fake providers of every dialect
	@$(BIN)/python -m tests.drill --seconds 300

wire: $(VENV)/.dev ## Replay recorded provider traffic end to end: make wire WIRE=<folder>
	@$(BIN)/python -m tests.wire $(WIRE)

bench: $(VENV)/.dev ## Measure the hub against a bare stack into benchmarks/RESULTS.md; ROUNDS=1 for a short run
	@PYTHONPATH=.:generated $(BIN)/python -m benchmarks --rounds $(ROUNDS)
	@$(BIN)/python -m tools.performance

bench-peers: $(VENV)/.dev ## The same with LiteLLM, Portkey and Bifrost, installed below .bench
	@PYTHONPATH=.:generated $(BIN)/python -m benchmarks --rounds $(ROUNDS) --peers
	@$(BIN)/python -m tools.performance
ROUNDS := 5

guard: $(VENV)/.dev ## Fail where the hub costs more against the bare stack than it should
	@PYTHONPATH=.:generated $(BIN)/python -m benchmarks.guard

soak: $(VENV)/.dev ## Calls and broken-off streams for SECONDS=1800; fails where memory grows with them
	@PYTHONPATH=.:generated $(BIN)/python -m benchmarks.soak --seconds $(SECONDS)
SECONDS := 1800

examples: $(VENV)/.dev ## Build the clients under examples/ (Go, Node) and run them against a hub
	@$(BIN)/python -m tests.examples

lock: $(VENV)/.dev ## Resolve the dependencies of pyproject.toml anew into both lock files
	@$(BIN)/uv pip compile pyproject.toml --extra build $(LOCK) -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --all-extras $(LOCK) -o requirements-dev.lock
LOCK := --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	--custom-compile-command "make lock"

clean: ## Remove what was built, but not .hub with its keys
	@rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with make PYTHON=<path>"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.run: requirements.lock $(VENV)/bin/python
	@echo "installing the hub into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "installing the development tools into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
