# make run: set up, index the seeds, serve the chat page. make test: set up, pass all checks and tests.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup run test lint bench screenshots clean
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

# make bench CORPUS=FILE QUERIES=FILE [DISTRACTORS=FILE:N] [MOST=N]: beside four other frameworks, which are installed
bench: setup
	$(BIN)/python -m eval.bench --corpus $(CORPUS) --queries $(QUERIES) $(if $(DISTRACTORS),--distractors $(DISTRACTORS)) $(if $(MOST),--most $(MOST))

screenshots: setup
	$(BIN)/python -m server.screenshots

clean:
	rm -rf .venv .yewen build *.egg-info
