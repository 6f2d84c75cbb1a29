# Two commands to know: `make demo` and `make test`. Both set everything up first.

PYTHON ?= python3
RUN = .venv/bin/python -m

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test check fmt proto references docs evaluate bench clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/'

setup: ## Build .venv and fetch the models
	@$(PYTHON) scripts/bootstrap.py --extras train

setup-dev:
	@$(PYTHON) scripts/bootstrap.py --extras train,render,dev,docs

demo: setup ## Follow vehicles across the four cameras of the bundled city
	@.venv/bin/vreid demo

test: setup-dev ## Lint, type-check and run all tests
	@$(MAKE) --no-print-directory check
	@$(RUN) pytest tests/contract tests/e2e tests/integration # in parts: all native libraries in one process crashed it
	@$(RUN) pytest tests/unit/reid
	@$(RUN) pytest tests/unit/services tests/unit/tracker
	@$(RUN) pytest tests/docs
	@$(RUN) pytest tests/architecture tests/unit/benchmarks tests/unit/detector tests/unit/simulator

check: ## Lint, types, import contracts, current stubs and references
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@.venv/bin/lint-imports
	@.venv/bin/python scripts/proto.py --check
	@.venv/bin/python scripts/references.py --check

fmt: ## Format and mend what can be mended
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

proto: ## Regenerate the gRPC stubs
	@.venv/bin/python scripts/proto.py

references: ## Regenerate docs/reference from the code
	@.venv/bin/python scripts/references.py

docs: ## Build the documentation into site/; it loads nothing from elsewhere
	@$(PYTHON) scripts/bootstrap.py --extras train,docs --skip-models
	@$(RUN) mkdocs build --strict --quiet
	@echo "open site/index.html"

evaluate: setup ## Play the bundled city to its end and score it
	@.venv/bin/vreid demo --once --json

bench: setup-dev ## Have the city judged by a published detector; measure the renderer
	@.venv/bin/vreid bench city --speed

clean: ## Remove what running and testing leave behind
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis site vreid-data
