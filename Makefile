# make run: hear the demo agent on this machine. make test: the tests. make help: the rest.
# On a fresh machine each needs Python 3.11 or later, git and make; it gets the rest by itself.

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
QUICK := "not component and not slow"
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The project itself, from where it lies: its scripts work, and so does 'voicelive-agent[EXTRA]'.
# setuptools warns of folders named like the packages: they are the packages.
PIP_PROJECT := PYTHONWARNINGS=ignore $(PIP) --no-deps --editable .

.DEFAULT_GOAL := help
.PHONY: help run agent demo setup test quick check format lock image clean

help:  ## What there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.for-run  ## Serve the agent (port 8088) and the local Voice Live (port 8090)
	$(BIN)/python -m emulator --start-agent

agent: $(VENV)/.for-run  ## Serve the agent alone, on port 8088
	$(BIN)/python -m app

demo: $(VENV)/.for-run  ## Hold a whole spoken conversation with the demo agent, without a microphone
	$(BIN)/python -m emulator.demo

setup: $(VENV)/.for-development  ## Make .venv for development

test: $(VENV)/.for-development  ## All tests; system packages are installed where this is allowed
	@.ci/packages tests
	$(BIN)/python -m pytest -q -m $(QUICK) -n 2
	$(BIN)/python -m pytest -q -m "not ($(subst ",,$(QUICK)))" -n 2 --dist loadfile

quick: $(VENV)/.for-development  ## The tests that need no external component and no real time
	$(BIN)/python -m pytest -q -m $(QUICK) -n 2

check: $(VENV)/.for-development  ## Lint, format, types, secrets, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	.ci/secrets
	$(BIN)/python -m infra.dependencies

format: $(VENV)/.for-development  ## Rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.for-development  ## Pin requirements/ anew from pyproject.toml
	.ci/lock

image: $(VENV)/.for-development  ## Build the image without a container engine, and judge it (as root)
	$(BIN)/python -m infra.image

clean:  ## Remove .venv and caches
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or later is needed to run anything here; none is on the PATH."; \
		echo "Get it with: apt-get install python3 python3-venv (Debian 12), brew install python (macOS)"; \
		exit 1; fi
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "The venv module of $(PYTHON) is missing; it keeps the packages apart from the system's."; \
		echo "Get it with: apt-get install python3-venv"; exit 1; }

$(VENV)/.for-run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what running needs into $(VENV) ..."
	@$(PIP) -r requirements/run.txt
	@$(PIP_PROJECT)
	@touch $@

$(VENV)/.for-development: requirements/dev.txt requirements/end-of-turn.txt requirements/microphone.txt pyproject.toml | $(VENV)/bin/python
	@.ci/packages tests
	@echo "Installing what development needs into $(VENV) ..."
	@$(PIP) -r requirements/dev.txt
	@$(PIP) --no-deps -r requirements/end-of-turn.txt
	@$(PIP_PROJECT)
	@if [ -e /usr/include/portaudio.h ]; then $(PIP) -r requirements/microphone.txt; \
		else echo "Without PortAudio's headers (apt-get install portaudio19-dev) tests of real devices are skipped."; fi
	@touch $@ $(VENV)/.for-run
