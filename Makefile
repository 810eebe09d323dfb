# make run: hear the demo agent on this machine. make test: the tests. make help: the rest.
# On a fresh machine each needs Python 3.11 or later, git and make; it gets the rest by itself.

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Those that speech is heard and spoken with; what can't be fetched is told, and done without.
MODELS = $(BIN)/voicelive-agent models fetch || true
QUICK := not component and not slow and not engine
SLOW := not ($(QUICK)) and not nightly
WORKERS := 2
# One more than cores: the quick tests wait for sockets and processes a third of their time.
QUICK_WORKERS := 3
PYTEST := $(BIN)/python -m pytest -q
# Neighbours in a file share what is costly to make, so they stay with one worker while both have work.
PYTEST_QUICK = $(PYTEST) -m "$(QUICK)" -n $(QUICK_WORKERS) --dist worksteal
# A file stays with one worker: its tests share a browser, a program or an engine.
BY_FILE := --dist loadfile --no-loadscope-reorder
CONSOLE := tests/emulator/console
# Without it, each process compiles what it imports, and each run rewrites the tests' assertions.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run agent demo setup test quick clients nightly coverage check format lock image image-python pictures clean \
	types lint for-run for-development python

help:  ## What there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: for-run  ## Serve the agent (port 8088) and the local Voice Live (port 8090), and reload
	$(BIN)/voicelive-agent dev

agent: for-run  ## Serve the agent alone, on port 8088
	$(BIN)/voicelive-agent serve

demo: for-run  ## Hold a whole spoken conversation with the demo agent, without a microphone
	$(BIN)/python -m examples.front_desk --record demo

setup: for-development  ## Make .venv for development

test: for-development  ## All tests; system packages are installed where this is allowed
	$(PYTEST_QUICK)
	# Sound of devices beside sound of a page: both take little of a core, and want it at once.
	# The devices come first: a browser is driven from an event loop of its own, which they would meet.
	$(PYTEST) -m "$(SLOW) and alone" -n $(WORKERS) $(BY_FILE) tests/client/sound $(CONSOLE)
	$(PYTEST) -m "$(SLOW) and not alone" -n $(WORKERS) $(BY_FILE) $(CONSOLE)
	$(PYTEST) -m "$(SLOW) and not alone" -n $(WORKERS) $(BY_FILE) --ignore=$(CONSOLE)

quick: for-development  ## The tests that need no external component and no real time
	$(PYTEST_QUICK)

clients: for-development  ## All tests with clients that others wrote, those for the night too
	$(PYTEST) tests/clients

nightly: clients image-python  ## What takes too long for each change
	$(PYTEST_QUICK) --hypothesis-profile=night tests/server tests/wire
	$(PYTEST) -m nightly --ignore=tests/clients

coverage: for-development  ## The quick tests and the engines', with the branches that they take
	$(PYTEST_QUICK) -m "$(QUICK) or engine and not component and not slow" --cov --cov-report=term:skip-covered

check: for-development  ## Lint, format, types, who imports whom, secrets, dependencies, SBOM
	@$(MAKE) --no-print-directory -j 2 types lint

types:
	$(BIN)/mypy

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --no-cache
	.ci/secrets
	.ci/console
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m infra.dependencies
	$(BIN)/python -m infra.sbom

format: for-development  ## Rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: for-development  ## Pin requirements/ anew from pyproject.toml
	.ci/lock

image: for-development  ## Build the image without a container engine, and judge it (as root)
	$(BIN)/python -m infra.image

image-python: for-development  ## The quick tests of what the image holds, on its Python, in a clean Debian (as root)
	$(BIN)/python -m infra.debian_tests

pictures: for-development  ## Pictures of the console for the docs, by Chromium
	$(BIN)/python -m tests.emulator.console.pictures docs/pictures

clean:  ## Remove .venv and caches
	rm -rf $(VENV) build dist *.egg-info .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# .venv with what its locks say; made anew where it is half-made or of another Python.
for-run: python
	@$(PYTHON) -m infra.environment run
	@$(MODELS)

for-development: python
	@.ci/packages tests
	@$(PYTHON) -m infra.environment development
	@$(MODELS)

python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or later is needed to run anything here; none is on the PATH."; \
		echo "Get it with: apt-get install python3 python3-venv (Debian 12), brew install python (macOS)"; \
		exit 1; fi
