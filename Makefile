# The front door. Every target sets up what it needs; Python 3.11+ and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DOCS_VENV := .venv-docs
DOCS_READY := $(DOCS_VENV)/.ready

SEED ?= $(shell date +%s)
SAMPLE ?= 0

.PHONY: demo test soak holes mutants check bench conformance docs format clean

demo: $(READY)
	$(BIN)/cryptotrader demo

test: $(READY)
	$(BIN)/pytest -n auto --hypothesis-seed=$(SEED)

soak: $(READY)
	CRYPTOTRADER_SOAK=1 $(BIN)/pytest -n auto --hypothesis-seed=$(SEED) -m volume

holes: $(READY)
	$(BIN)/python scripts/mutants.py --holes

mutants: holes
	$(BIN)/python scripts/mutants.py --sample $(SAMPLE) --seed $(SEED)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright tests/typing
	$(BIN)/lint-imports

conformance: $(READY)
	$(BIN)/python conformance/run.py

bench: $(READY)
	$(BIN)/python benchmarks/report.py

docs: $(DOCS_READY)
	$(DOCS_VENV)/bin/zensical build --config-file mkdocs.yml --clean --strict
	@echo "open site/index.html; for its search: $(PYTHON) -m http.server --directory site"

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .venv-conformance $(DOCS_VENV) .cache dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or later is needed")'
	@echo "setting up $(VENV) (about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all]" --group dev
	@touch $(READY)

$(DOCS_READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or later is needed")'
	@echo "setting up $(DOCS_VENV)"
	@$(PYTHON) -m venv $(DOCS_VENV)
	@$(DOCS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(DOCS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --group docs
	@touch $(DOCS_READY)
