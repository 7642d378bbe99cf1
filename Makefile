# `make test` is all that a fresh machine needs: Python 3.11 or later, and Docker for the
# tests with real containers (without an engine they are skipped, and say so).

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
COMPILE := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header
# uv installs in a third of the time. Where there is none, pip installs the command, and the uv of
# the lock file the tools. Those are not compiled: the tests import a fifth of their modules.
ifneq ($(shell command -v uv),)
UV := uv
CREATE := uv venv --quiet --seed --allow-existing --python $(PYTHON)
INSTALL := uv pip install --quiet --compile-bytecode --python $(BIN)/python
else
UV := $(BIN)/uv
CREATE := $(PYTHON) -m venv
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
INSTALL := $(PIP)
endif
TOOLS := $(UV) pip install --quiet --python $(BIN)/python
# More processes than cores, as many tests wait: for machines that tick, or for containers.
PYTEST := $(BIN)/pytest --dist loadgroup --no-loadscope-reorder
# Its machines tick 60 times a second: beside other tests they would miss ticks.
AGREEMENT := tests/orchestrator/backends/test_agreement.py
# Tests start a thousand processes. Without compiled modules, each would compile its imports anew;
# and all workers at once compile the same ones, unless a collection has done it before them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: test check quick nightly ray style proto schema lock bench install tools clean

test: style                      ## everything: style, types, import arrows, all tests
	$(PYTEST) -n 4 --ignore $(AGREEMENT)
	$(BIN)/pytest $(AGREEMENT)

check: style                     ## the fast part: everything but the tests with real containers
	$(PYTEST) -n 3 -m "not docker"

quick: tools                     ## style, and the tests nearest to changed files, within a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PYTEST) -q -n 2 -m "not docker" --failed-first --within 40 \
		$$($(BIN)/python tests/nearest.py)

nightly: tools ray               ## all attacks of docs/reliability.md and more examples
	$(BIN)/pytest tests/attacks --nightly
	$(PYTEST) -n 2 -m "not docker" --ignore tests/attacks --nightly
	$(PYTEST) -n 2 -m docker tests/orchestrator/backends --ignore $(AGREEMENT) --nightly

ray: tools                       ## sweeps on a Ray cluster, in an environment of its own
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)/ray
	$(UV) pip install --quiet --python $(VENV)/ray/bin/python --require-hashes -r requirements-dev.lock
	$(UV) pip install --quiet --python $(VENV)/ray/bin/python "ray>=2.40"
	$(UV) pip install --quiet --python $(VENV)/ray/bin/python --no-deps -e .
	$(VENV)/ray/bin/pytest tests/orchestrator/runner/pools/test_ray.py

style: tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

install: $(VENV)/.installed      ## the command vklocks in a virtual environment

tools: $(VENV)/.tools            ## also what tests and benchmarks need

$(VENV)/.installed: requirements.lock pyproject.toml
	$(CREATE) $(VENV)
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps -e .
	touch $@

$(VENV)/.tools: requirements-dev.lock requirements.lock pyproject.toml
	$(CREATE) $(VENV)
ifdef PIP
	sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock > $(VENV)/uv.lock
	$(PIP) --require-hashes -r $(VENV)/uv.lock
endif
	$(TOOLS) --require-hashes -r requirements-dev.lock
	$(TOOLS) --no-deps -e .
	-$(BIN)/pytest --collect-only --quiet > /dev/null
	touch $(VENV)/.installed $@

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
