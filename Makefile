# make run: set up, index the seeds, serve the chat page. make test: set up, pass all checks and tests.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup run test lint check screenshots clean
setup: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,eval]'
	touch $@

run: setup
	$(BIN)/yewen index --add
	exec $(BIN)/yewen serve

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest

screenshots: setup
	$(BIN)/python -m server.screenshots

clean:
	rm -rf .venv .yewen build *.egg-info
