# `make help` tells what there is. Both main targets install what they need into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# A local EVM node for the tests of collecting, which without npm run on a slower one in Python; and
# what the tests of the page check its accessibility with.
NPM_CI := npm ci --omit=dev --ignore-scripts --no-audit --no-fund --silent --prefix

.DEFAULT_GOAL := help
.PHONY: help demo test check format encoder clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo-installed ## Install, then draw, build, index and search sample collections (demo/)
	$(BIN)/traitlens demo --out demo

test: $(VENV)/.dev-installed ## Install, then check format, lint, types, and run all tests
	@$(MAKE) --no-print-directory check

check: ## The same without installing: run it before every commit
	@echo "== format" && $(BIN)/ruff format --check .
	@echo "== lint" && $(BIN)/ruff check .
	@echo "== types" && $(BIN)/mypy
	@echo "== tests" && $(BIN)/pytest -n auto --dist loadfile
	@echo "All checks passed. Next: make demo, or read CONTRIBUTING.md."

format: ## Rewrite the code in the house's format
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

encoder: $(VENV)/.dev-installed ## Train the shipped encoder anew (needs the collections named in its card)
	$(BIN)/python benchmarks/shipped_encoder.py

clean: ## Remove the virtual environment and what the demo wrote
	rm -rf $(VENV) demo

$(VENV)/bin/python:
	@echo "== making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "== installing traitlens and its sample art (about 550 MB, once)"
	@$(PIP) --editable '.[build,samples]'
	@touch $@

$(VENV)/.dev-installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "== installing traitlens with torch and the tools for its tests (about 1.5 GB, once)"
	@$(PIP) --editable '.[build,samples,video,ray,train,dev]'
	@if command -v npm >/dev/null; then $(NPM_CI) tests/collecting/chain && $(NPM_CI) tests/service/browser; \
	else echo "no npm: chain tests run on eth-tester, and axe-core does not look at the page"; fi
	@touch $@
