# `make test` is all that a fresh machine needs: Python 3.11 or later, and Docker for the
# tests with real containers (without an engine they are skipped, and say so).

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
COMPILE := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header
# uv installs in a third of the time, where there is one.
ifneq ($(shell command -v uv),)
CREATE := uv venv --quiet --seed --allow-existing --python $(PYTHON)
INSTALL := uv pip install --quiet --compile-bytecode --python $(BIN)/python
else
CREATE := $(PYTHON) -m venv
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check
endif

.PHONY: test check quick nightly proto schema lock bench install tools clean

test: check                      ## everything: make check, and the tests with real containers
	$(BIN)/pytest -m docker

check: tools                     ## the fast part: style, types, import arrows, fast tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist worksteal -m "not docker"

quick: tools                     ## style, and the tests nearest to changed files, within a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pytest -q -n 2 --dist worksteal -m "not docker" --failed-first --within 45 \
		$$($(BIN)/python tests/nearest.py)

nightly: tools                   ## all attacks of docs/reliability.md, in an hour at most
	$(BIN)/pytest tests/attacks tests/analysis/checks/test_mutations.py --nightly

install: $(VENV)/.installed      ## the command vklocks in a virtual environment

tools: $(VENV)/.tools            ## also what tests and benchmarks need

$(VENV)/.installed: requirements.lock pyproject.toml
	$(CREATE) $(VENV)
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps -e .
	touch $@

$(VENV)/.tools: $(VENV)/.installed requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	touch $@

proto: tools                     ## generated code from proto/vm.proto
	PATH=$(BIN):$$PATH $(BIN)/python -m grpc_tools.protoc -Ivm/host/generated=proto \
		--python_out=. --mypy_out=. --grpc_python_out=. --mypy_grpc_out=. proto/vm.proto

schema: install                  ## experiments/schema.json from the fields of a spec
	$(BIN)/vklocks schema > experiments/schema.json

lock:                            ## both lock files from pyproject.toml, with the same versions
	$(COMPILE) --extra dev --extra bench pyproject.toml -o requirements-dev.lock
	$(COMPILE) --constraints requirements-dev.lock pyproject.toml -o requirements.lock

bench: tools                     ## what the README and docs/benchmarks.md state
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
