# Everything that is done with this repository, by name. `make help` lists it.
# Each phase says its name when it begins and its time when it ends.

.DEFAULT_GOAL := help
SHELL := /bin/sh
# Phases share two cores and one terminal: one at a time reads better and is no slower, unless they work on one core
# (lint, unit tests) or wait more than they work (the tests on the node): those run at once, by tools/together.py.
.NOTPARALLEL:

PHASE := python3 tools/phase.py
BIN := .venv/bin
PYTHON := $(BIN)/python
UV := $(BIN)/uv pip compile --quiet --universal --generate-hashes \
      --no-header --no-emit-index-url --upgrade
# Not --quiet: mkdocs then counts no warning, and strict finds nothing.
SITE := NO_MKDOCS_2_WARNING=1 $(PHASE) site -- $(PYTHON) -m mkdocs build --strict
NPM_LOCK := npm install --package-lock-only --ignore-scripts --no-audit --no-fund \
      --omit-lockfile-registry-resolved

.PHONY: help
help: ## list what can be done
	@awk -F ': .*## ' '/^[a-z0-9-]+:.* ## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup images cluster ## a Kubernetes, the operator, a PostgreSQL and one database, up to Ready
	@$(PYTHON) -m tools.demo

.PHONY: test
test: check lint-delivery engine-test truth-part integration-and-e2e ## everything, with all set-up: what CI runs

.PHONY: check
check: setup ## the fast loop: lint and unit tests, at once
	@python3 tools/together.py "$(MAKE) --no-print-directory lint" "$(MAKE) --no-print-directory unit"

.PHONY: setup
setup: ## Python and Node packages, once and again when a lock changes
	@python3 tools/setup.py

.PHONY: lint
lint: setup ## ruff, pyright in strict mode, import-linter, the engine's types, the links of docs/
	@$(PHASE) ruff check -- $(BIN)/ruff check --quiet
	@$(PHASE) ruff format -- $(BIN)/ruff format --check --quiet
	@$(PHASE) pyright -- $(BIN)/pyright
	@$(PHASE) import-linter -- $(BIN)/lint-imports --no-logo
	@$(PHASE) engine types -- $(BIN)/node engine/node_modules/typescript/bin/tsc --project engine
	@$(SITE) --site-dir build/site-check

.PHONY: docs
docs: setup ## docs/ as a site, into build/site; a link or page that leads nowhere is an error
	@$(SITE)

.PHONY: lint-delivery
lint-delivery: setup binaries ## charts, manifests and Dockerfile under the linters that read them
	@python3 tools/checkov.py
	@$(PYTHON) -m tools.delivery

.PHONY: unit
unit: setup ## unit tests
	@$(PHASE) unit tests -- $(BIN)/pytest tests/unit --quiet

.PHONY: coverage
coverage: setup ## which lines and branches the unit tests reach; takes twice their time
	@$(PHASE) coverage -- $(BIN)/pytest tests/unit --quiet --cov --cov-report=term

.PHONY: engine-test
engine-test: setup ## the judge's own tests, on the image's Node
	@cd engine && python3 ../tools/phase.py engine tests -- ../$(BIN)/node --test

.PHONY: binaries
binaries: ## the programs of a Kubernetes, and those of its users, built once from their Go modules
	@$(PHASE) binaries -- python3 -m cluster build kubernetes coredns pause helm kstatus kube-score

.PHONY: integration
integration: setup binaries litellm-release integration-tests ## tests on real PostgreSQL servers and a local API server

.PHONY: integration-tests
integration-tests:
	@$(PHASE) integration tests -- $(BIN)/pytest tests/integration --quiet --numprocesses 4 --dist loadgroup \
	    -m "not litellm"

.PHONY: test-helm4
test-helm4: setup binaries ## the charts' tests with Helm 4 in place of Helm 3; its first build takes minutes
	@$(PHASE) Helm 4 -- python3 -m cluster build helm4
	@LITELLMDB_TEST_HELM=helm4 $(PHASE) charts with Helm 4 -- $(BIN)/pytest --quiet \
	    tests/integration/charts tests/integration/kube/test_helm_wait.py tests/integration/test_delivery_programs.py

# Hundreds of megabytes, once, before the tests that ask it are timed.
.PHONY: litellm-release
litellm-release: setup
	@$(PHASE) LiteLLM 1.108.0 -- $(PYTHON) -m tests.support.litellm_release 1.108.0

.PHONY: litellm
litellm: setup ## LiteLLM's own code, of two releases, on databases of ours; takes minutes
	@$(PHASE) LiteLLM -- $(BIN)/pytest tests/integration/litellm/test_own_code.py --quiet

.PHONY: psql
psql: ## Debian's psql where there is none: what the migrator is compared with
	@python3 tools/psql.py

.PHONY: truth
truth: setup psql ## the migrator's verdicts against a witness, into build/truth.json; takes minutes
	@$(PHASE) truth -- $(PYTHON) -m tests.truth

.PHONY: truth-part
truth-part: setup psql ## a small part of it
	@$(PHASE) part of the truth -- $(PYTHON) -m tests.truth --part

.PHONY: e2e
e2e: setup images binaries ## tests on the local cluster, started for them when it is not up
	@tools/with-cluster $(MAKE) --no-print-directory e2e-tests

# Several at a time, but not beside tests that take the operator away.
.PHONY: e2e-tests
e2e-tests:
	@$(PHASE) end-to-end tests of the operator itself -- $(BIN)/pytest tests/e2e --quiet -m alone
	@$(PHASE) end-to-end tests -- $(BIN)/pytest tests/e2e --quiet -m "not alone" --numprocesses 3 --dist loadfile

.PHONY: integration-and-e2e
integration-and-e2e: setup images binaries litellm-release
	@python3 tools/together.py "$(MAKE) --no-print-directory integration-tests" \
	    "tools/with-cluster $(MAKE) --no-print-directory e2e-tests"

.PHONY: bench
bench: setup psql images ## the figures, into build/bench.json; takes a while
	@tools/with-cluster $(PHASE) bench -- $(PYTHON) -m tests.bench

.PHONY: images
images: setup ## the operator's image and PostgreSQL's, without Docker
	@$(PHASE) images -- $(PYTHON) -m images all

.PHONY: cluster
cluster: ## a Kubernetes of one node on this machine
	@$(PHASE) cluster -- python3 -m cluster up

.PHONY: cluster-down
cluster-down: ## stop it and leave nothing of it
	@$(PHASE) cluster-down -- python3 -m cluster down

.PHONY: lock
lock: setup ## renew the locks of Python and Node packages to the newest that fit
	@$(PHASE) requirements/runtime.txt -- $(UV) pyproject.toml --output-file requirements/runtime.txt
	@$(PHASE) requirements/dev.txt -- $(UV) pyproject.toml \
	    --constraints requirements/runtime.txt --group dev --output-file requirements/dev.txt
	@$(PHASE) requirements/checkov.txt -- $(UV) --python-version 3.11 --group checkov \
	    --output-file requirements/checkov.txt
	@for release in 1.81.12 1.108.0; do $(PHASE) LiteLLM $$release -- $(UV) --python-version 3.11 \
	    tests/support/litellm_releases/$$release.in --output-file tests/support/litellm_releases/$$release.txt || exit 1; done
	@for folder in engine engine/prisma-cli tools/pyright tests/support/postgres tests/support/litellm_prisma \
	    images/postgres; do \
	    (cd $$folder && $(NPM_LOCK)) || exit 1; done

.PHONY: clean
clean: cluster-down ## stop the cluster and remove everything that was made here
	rm -rf .venv build .cluster .coverage .coverage.* .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf engine/node_modules engine/prisma-cli/node_modules tools/pyright/node_modules tests/support/postgres/node_modules
	rm -rf images/postgres/node_modules tests/support/litellm_prisma/node_modules
