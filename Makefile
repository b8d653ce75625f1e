# One command, one green. Each target makes its own virtual environment when there is none.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
USABLE := $(VENV)/.usable
PROVIDER := $(VENV)/provider
READERS := $(VENV)/readers
COMPILED := $(VENV)/.compiled
C_SOURCES := setup.py $(wildcard src/flightlog/_speed/*.c src/flightlog/_speed/*.h)
OF_ENGINES := $(addprefix tests/,core hot journal narration recording redaction speed steps)
SOURCES := src tests bench examples scripts

.PHONY: all check test of-python libraries matrix sanitize demo fix bench bench-store docs law clean
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

# The compiled core, into the source tree. Where it cannot be built, the build says so and the rest runs without it.
$(COMPILED): $(C_SOURCES) | $(STAMP)
	@$(BIN)/python setup.py --quiet build_ext --inplace
	@touch $(COMPILED)

$(PROVIDER)/.installed: scripts/provider.sh | $(STAMP)
	@sh scripts/provider.sh $(PROVIDER)

$(READERS)/.installed: scripts/readers.sh | $(STAMP)
	@sh scripts/readers.sh $(READERS)

check: $(STAMP)  ## format, lint, strict types, law
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/law -n 0

law: $(STAMP)
	$(BIN)/python -m pytest tests/law -n 0

test: $(STAMP) $(COMPILED) $(PROVIDER)/.installed $(READERS)/.installed  ## every test, in parallel
	sh scripts/suite.sh $(BIN)/python
	FLIGHTLOG_ENGINE=pure sh scripts/suite.sh $(BIN)/python $(OF_ENGINES)
	@$(BIN)/python scripts/versions.py --print

of-python: $(STAMP) $(COMPILED)
	sh scripts/suite.sh $(BIN)/python $(OF_ENGINES) tests/contracts tests/store

libraries: $(STAMP) $(COMPILED) $(PROVIDER)/.installed  ## the tests of libraries that each need an environment of their own
	sh scripts/libraries.sh $(BIN)/python $(LIBRARIES)

matrix: $(STAMP)  ## the tests of recording and storing, on every other Python from 3.11 up that is here
	sh scripts/matrix.sh $(BIN)/python

sanitize: $(STAMP)  ## the compiled core under the sanitizers of the C compiler, then a short look for leaks
	sh scripts/sanitize.sh $(BIN)/python -q
	$(BIN)/python scripts/leaks.py 200000

fix: $(STAMP)  ## format and mend what can be mended
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

demo: $(USABLE)  ## record a real program and look at it
	@BIN=$(BIN) sh scripts/demo.sh

bench: $(STAMP) $(COMPILED)  ## every number in the docs, with floors and baselines from the same run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	$(BIN)/python bench/run.py

bench-store: $(STAMP) $(COMPILED)  ## ten million spans for `bench/run.py big`, in FLIGHTLOG_BENCH_STORE; takes 10 minutes and 7 GB
	$(BIN)/python bench/big_store.py

docs: $(STAMP)  ## write the generated parts of docs/
	$(BIN)/python scripts/docs.py

clean:
	rm -rf $(VENV) build dist src/*.egg-info src/flightlog/_speed/*.so
