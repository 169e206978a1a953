# `make demo` runs the main job, `make test` the tests, `make check` compares with results/; all install what they need into .venv first.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# what Python compiles is kept: without it every process compiles 270 modules again, half a second each time
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slow check lint bench clean

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wattfolio needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt 'setuptools>=77' --editable '.[test]'
	touch $@

demo: $(INSTALLED)
	$(BIN)/wattfolio solve cases/quickstart.yaml

# three on two cores: some tests wait for processes of their own
test: $(INSTALLED)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not slow"

# what takes more than a few seconds each: large grids of problems, every row of every answer, twenty scenarios
test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 -m slow

check: $(INSTALLED)
	$(BIN)/wattfolio check --workers 2 $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python -m tests.gates

bench: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,bench]'
	$(BIN)/python -m tests.benchmarks $(ARGS)

clean:
	rm -rf $(VENV) out build dist *.egg-info
