# Everything a person or a build needs starts here; `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
ARGS ?=
JOBS ?= $(if $(ARGS),0,3)
# Byte code that is kept spares each of the many processes of the tests the work of a second.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench prove fuzz audit docs dashboards chart constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Both stamps are files in the virtual environment, so that a changed pin reinstalls and nothing else does.
$(VENV)/.installed: constraints.txt constraints-build.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=... names one)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV)"
	@$(PIP) install --require-hashes -r constraints.txt -r constraints-build.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test-installed: constraints-test.txt $(VENV)/.installed
	@$(PIP) install --require-hashes -r constraints-test.txt
	@touch $@

install: $(VENV)/.installed ## .venv with celigo-exporter in it

demo: install ## an embedded sample account and the exporter on it
	@exec $(BIN)/celigo-exporter demo $(ARGS)

# Much of a run is waiting, so there are more processes than processors. Each collects all tests before it begins, which
# takes longer than the few that ARGS chooses. A file is never divided, for the sake of its fixtures.
test: $(VENV)/.test-installed ## all tests, in 3 processes (ARGS="-k name" chooses, in one; JOBS=n in n)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.test-installed ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/.test-installed ## cost of refresh and scrape, as ratios measured in one run
	@$(BIN)/python -m tests.bench $(ARGS)

prove: $(VENV)/.test-installed ## the long forms of the end-to-end proofs, with their figures
	@PROVE=1 $(BIN)/python -m pytest -s -q --no-header tests/e2e tests/simulation tests/ledger tests/schedule tests/incidents tests/dashboards tests/packaging tests/fuzz tests/replicas \
		tests/test_contributing.py tests/collect/test_history_simulated.py tests/collect/test_errors_ageing_simulated.py tests/collect/test_errors_resolved_simulated.py $(ARGS)

# What audits has a virtual environment of its own: it is no dependency of anything.
AUDIT := .venv-audit

$(AUDIT)/.installed: constraints-audit.txt
	@$(PYTHON) -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip --disable-pip-version-check -q install --require-hashes --only-binary :all: -r constraints-audit.txt
	@touch $@

audit: $(AUDIT)/.installed ## known holes in what is pinned (asks PyPI), mistakes in workflows and other files for machines
	@for pins in constraints*.txt; do \
		$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner=off -r $$pins || exit 1; \
	done
	@$(AUDIT)/bin/zizmor --offline --no-progress --quiet .github
	@$(AUDIT)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(AUDIT)/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(AUDIT)/bin/check-jsonschema --builtin-schema vendor.renovate renovate.json
	@$(AUDIT)/bin/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[a-b]*.yml
	@$(AUDIT)/bin/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	@$(AUDIT)/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose/compose.yml

fuzz: $(VENV)/.test-installed ## look for inputs that break what reads them (ARGS="bodies --minutes 1" chooses)
	@$(BIN)/python -m tests.fuzz $(ARGS)

docs: $(VENV)/.test-installed ## regenerate the reference pages from the code
	@$(BIN)/python -m exporter.reference docs
	@$(BIN)/python -m exporter.manual docs/man
	@$(BIN)/python -m tests.alerting.alerts_page docs
	@$(BIN)/python -m dashboards.source.page docs

dashboards: $(VENV)/.test-installed ## regenerate the dashboards: in the package from dashboards/source, from there in dashboards/
	@$(BIN)/python -m dashboards.source
	@$(BIN)/python -m exporter dashboards export dashboards

chart: $(VENV)/.test-installed ## regenerate what of the Helm chart is made: rules, dashboards, schema, README
	@$(BIN)/python -m helm.source

LOCK := uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11

constraints: ## pin the newest allowed releases with hashes (needs uv): what runs, builds, tests, audits
	@$(LOCK) pyproject.toml -o constraints.txt
	@printf 'hatchling>=1.27\neditables\n' | $(LOCK) - -c constraints.txt -o constraints-build.txt
	@$(LOCK) --extra test -c constraints.txt -c constraints-build.txt pyproject.toml -o constraints-test.txt
	@printf 'check-jsonschema\ncyclonedx-bom\npip-audit\nzizmor\n' | $(LOCK) - -o constraints-audit.txt

clean: ## remove everything that was made
	rm -rf $(VENV) $(AUDIT) .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
