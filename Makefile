# `make test` is all that a fresh machine needs: Python 3.11 or later, and Docker for the
# tests with real containers (without an engine they are skipped, and say so).

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.PHONY: test check nightly proto schema lock bench install clean

test: check                      ## everything: make check, and the tests with real containers
	$(BIN)/pytest -m docker

check: install                   ## the fast part: style, types, import arrows, fast tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist worksteal -m "not docker"

nightly: install                 ## all attacks of docs/reliability.md, in an hour at most
	$(BIN)/pytest tests/attacks tests/analysis/checks/test_mutations.py --nightly

install: $(VENV)/.installed      ## a virtual environment from the lock file

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

proto: install                   ## generated code from proto/vm.proto
	PATH=$(BIN):$$PATH $(BIN)/python -m grpc_tools.protoc -Ivm/host/generated=proto \
		--python_out=. --mypy_out=. --grpc_python_out=. --mypy_grpc_out=. proto/vm.proto

schema: install                  ## experiments/schema.json from the fields of a spec
	$(BIN)/vklocks schema > experiments/schema.json

lock:                            ## requirements.lock from pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--extra dev --extra bench pyproject.toml -o requirements.lock

bench: install                   ## what the README and docs/benchmarks.md state
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
