# Every target makes its own virtual environment, .venv, and needs nothing but Python
# 3.10 or newer and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test test-all lint format docs dist notebooks bench clean

# Pick a real earthquake and save the picture demo.png.
demo: $(VENV)/installed
	$(BIN)/seisbench-diting demo --output demo.png

# Two at a time; the tests of one file follow one another, as they share what takes long.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --durations 20

# What a change needs: formatting, types and the quick tests, without reference material.
test: lint
	$(PYTEST) --part quick

# Everything, with the reference material if SEISBENCH_DITING_REFERENCE names its folder.
test-all: test docs
	$(PYTEST) --part rest

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Build the documentation into build/docs; a warning, such as a broken link, is an error.
docs: $(VENV)/installed-dev
	$(BIN)/python -m sphinx -W --keep-going --quiet --fresh-env docs build/docs

# Build the source distribution and the wheel into dist/.
dist: $(VENV)/installed-dev
	rm -rf dist
	$(BIN)/python -m build

# Execute the notebooks and save them with their outputs.
notebooks: $(VENV)/installed-dev
	$(BIN)/python notebooks/execute.py

# Run the benchmarks and put their tables into benchmarks/README.md.
bench: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(VENV)

# The marker is written last, so that an interrupted installation is done again.
$(VENV)/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt torch
	$(PIP) install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
# For Python 3.11 PyOcto asks for NumPy below 2, with which the rest is not tested; it works
# with NumPy 2, too.
	$(PIP) install --quiet --constraint constraints.txt --no-deps pyocto
	touch $@
