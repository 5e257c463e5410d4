# `make demo` and `make test` set up everything they need in .venv, from the locks; the second time they just start.
# All else is tox's: see tox.ini.

VENV := .venv
BIN := $(VENV)/bin
# Not quiet: on a slow machine it takes minutes, and who waits wants to see that it goes on. Modules that are never imported
# need no bytecode, and locks name all that is needed: without both pip takes 22 s of CPU, so 12.7 s.
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-input --no-compile --no-deps
LOCKED := $(INSTALL) --progress-bar off --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"

.PHONY: demo test lock

demo: $(VENV)/.run
	@$(BIN)/ksm-shard demo --scale

# With bytecode, also where the environment switches that off, as images do: each worker compiled the tests anew, 4.6 s of CPU, and each of
# hundreds of processes that tests start compiled the package, 0.3 s.
test: $(VENV)/.dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n auto --dist loadgroup

# What there is newest of everything that setup.cfg and pyproject.toml ask for. To be committed with what it changes.
lock: $(VENV)/.dev
	grep -o 'setuptools>[^"]*' pyproject.toml | $(COMPILE) --upgrade -o requirements-build.lock -
	$(COMPILE) --upgrade -o requirements.lock setup.cfg
	$(COMPILE) --upgrade -c requirements-build.lock -c requirements.lock --extra test --extra dev -o requirements-dev.lock setup.cfg

$(VENV)/.run: $(VENV)/.python requirements.lock requirements-build.lock setup.cfg pyproject.toml
	@echo "Installing ksm-shard and what it needs into $(VENV): half a minute, or some on a slow machine ..."
	@$(LOCKED) -r requirements.lock -r requirements-build.lock
	@$(INSTALL) --quiet --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	@echo "Installing what the tests need into $(VENV) ..."
	@$(LOCKED) -r requirements-dev.lock
	@touch $@

# `python3` is older than python3.12 on many machines, a shim may name a version that is not there, and Debian leaves
# ensurepip out of python3: so each is tried with what is needed of it.
$(VENV)/.python:
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14 python; do \
	    if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Making $(VENV) with $$($$python --version) ..." && $$python -m venv $(VENV) && touch $@ && exit; \
	        exit 1; \
	    fi; \
	done; \
	echo "No Python 3.11 or newer with venv was found: install one (Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1
