# Everything runs from here on a new machine: the environment, a Pulumi engine and PostgreSQL are got
# when they are not there, and found at once when they are.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
BIN := .venv/bin
PACKAGES := archive bench cli dbrestore finding rehearsal runner stacks toolchain validation
SHELL_SCRIPTS = $(shell git ls-files -co --exclude-standard | while read -r file; do \
	if [ -f "$$file" ] && head -n 1 "$$file" | grep -aqE '^\#!.*\b(ba)?sh\b'; then echo "$$file"; fi; done)
COVERED := --cov --cov-report=term

.DEFAULT_GOAL := help
.PHONY: help rehearse test test-all test-clouds test-aws-account check bench faults chaos venv engine servers lock clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile

rehearse: venv engine servers ## one incident on this machine, from the accident to the rollback
	@$(BIN)/reforge rehearse

test: venv engine servers ## the tests, but for the slow ones
	$(BIN)/pytest -n 2 --dist loadscope -m "not slow" $(COVERED)

test-all: venv engine servers ## all tests
	$(BIN)/pytest -n 2 --dist loadscope $(COVERED)

test-clouds: venv engine servers ## whole incidents in the clouds, each played on this machine; no account is needed
	$(BIN)/pytest -n 2 --dist loadscope -m clouds

test-aws-account: venv engine ## an incident in your AWS account: costs money; skipped, with the reason, without one
	$(BIN)/pytest -rs tests/account

check: venv ## what a change must pass: ruff, mypy, the arrows between packages, shellcheck
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(addprefix -p ,$(PACKAGES)) -m problem
	$(BIN)/lint-imports --no-cache
	$(BIN)/shellcheck $(SHELL_SCRIPTS)

bench: venv engine servers ## the measurements of docs, side by side with what they are compared to
	@$(BIN)/python -m bench

faults: venv engine servers ## the fault matrix, every cell of it, published in docs/faults.md
	$(BIN)/pytest -n 2 tests/faults/test_matrix.py --fault-table docs/faults.md

N ?= 10
SEED ?= $(shell date +%j%H%M)
chaos: venv engine servers ## N incidents, each killed at a random moment: make chaos N=50 SEED=7
	@$(BIN)/python -m tests.chaos --runs $(N) --seed $(SEED)

venv: ## .venv from requirements.lock
	@if [ -z "$(PYTHON)" ]; then echo "Reforge needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3" >&2; exit 1; fi
	@$(PYTHON) toolchain/venv.py

engine: venv ## a Pulumi engine: found, or downloaded, or built
	@$(BIN)/python -m toolchain.engine

servers: venv ## PostgreSQL and pgbouncer: found, or installed
	@$(BIN)/python -m toolchain.servers

# Extras stay named: pip takes the newest coverage for coverage[toml] where only coverage is pinned.
lock: ## the lock files anew from pyproject.toml (needs uv)
	uv pip compile -q -U pyproject.toml --extra dev --universal --generate-hashes --no-strip-extras \
		--custom-compile-command "make lock" -o requirements.lock
	uv pip compile -q -U requirements-servers.in -c requirements.lock --universal --generate-hashes \
		--python-version 3.11 --custom-compile-command "make lock" -o requirements-servers.lock
	uv pip compile -q -U requirements-runner.in -c requirements.lock --universal --generate-hashes \
		--no-strip-extras --python-version 3.11 --custom-compile-command "make lock" -o requirements-runner.lock

clean: ## remove what make and the tools made here (the engine's cache stays: reforge doctor says where)
	rm -rf .venv .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
