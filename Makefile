# make bench: install, run the default scale, print where the results are. make test: install, run the tests.
PYTHON ?= python3.11
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

ifneq ($(findstring $$,$(CURDIR))$(findstring `,$(CURDIR)),)
$(error $(CURDIR): pip puts this path into scripts for a shell, which would run what is in it; move it)
endif

.PHONY: bench test lint schema release readme clean

bench: .venv/installed
	snakemake --cores all
	@echo "Leaderboard: results/leaderboard.md; all results: results/site/index.html"

# Distribute tests by file, in order: files that share one smoke run come first (tests/workflow_helpers.py).
test: .venv/installed lint
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: .venv/installed
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	mypy
	mypy benchmarks
	lint-imports

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

schema: .venv/installed
	winnow schema-json --output workflow/schemas/params.schema.json

# Train all stand-ins and put them into released/, the DVC remote inside the repository.
release: .venv/installed
	snakemake --cores all -- foundry
	winnow release --standins artifacts/foundry --output released/standins
	dvc add released/standins
	dvc push --remote released released/standins.dvc

# Copy the tables of results/ into the README. Run this before you commit results.
readme: .venv/installed
	python workflow/scripts/readme.py

clean:
	rm -rf artifacts logs runs .snakemake
