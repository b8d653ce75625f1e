# One command, one green. Each target makes its own virtual environment when there is none.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
USABLE := $(VENV)/.usable
PROVIDER := $(VENV)/provider
SOURCES := src tests bench examples scripts

.PHONY: all check test demo fix bench docs law clean
all: check test

$(USABLE): pyproject.toml
	@echo "installing flightlog and the openai client into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[openai]"
	@touch $(USABLE)

$(STAMP): pyproject.toml
	@echo "installing flightlog and what its tests need into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $(STAMP) $(USABLE)

$(PROVIDER)/.installed: scripts/provider.sh | $(STAMP)
	@sh scripts/provider.sh $(PROVIDER)

check: $(STAMP)  ## format, lint, strict types, law
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/law -n 0

law: $(STAMP)
	$(BIN)/python -m pytest tests/law -n 0

test: $(STAMP) $(PROVIDER)/.installed  ## every test, in parallel
	$(BIN)/python -m pytest -n auto

fix: $(STAMP)  ## format and mend what can be mended
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

demo: $(USABLE)  ## record a real program and look at it
	@BIN=$(BIN) sh scripts/demo.sh

bench: $(STAMP)  ## every number in the docs, with floors and baselines from the same run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	$(BIN)/python bench/run.py

docs: $(STAMP)  ## write the generated parts of docs/
	$(BIN)/python scripts/docs.py

clean:
	rm -rf $(VENV) build dist src/*.egg-info
