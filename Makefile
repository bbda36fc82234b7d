# `make` alone tells what there is. Every target installs what it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test test-unit test-interop test-e2e test-matrix test-deep test-faults fuzz soak image try-nodes check format build bench host-up host-fresh host-down s3-up s3-down \
  dev-backup dev-restore prod-backup prod-restore dev-snapshots prod-snapshots clean

# A further limit on the hosts, and more options for coolify-state:
#   make prod-backup LIMIT=web1 ARGS="--check --diff"
LIMIT ?=
ARGS ?=
# How long the soak goes on.
MINUTES ?= 30
# How many inputs each property of `make fuzz` gets.
RUNS ?= 100000
# The lab's host: its name in the inventory.
HOST ?= coolify.dev.test

# npm writes this file at the end of an installation.
MODULES = node_modules/.package-lock.json
RUN = node dist/cli/main.js
limited = $(if $(LIMIT),'$(1):&$(LIMIT)','$(1)')

help: ## what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## the main job on the Docker test host: back up, destroy, rebuild, prove
	docker/demo.sh

test: build ## all tests: lint, types, unit, interop, and e2e on the Docker hosts
	docker/programs.sh
	@# The lab's images are made beside the tests that do without them.
	$(MAKE) --no-print-directory -j 2 lab test-without-lab
	npx vitest run --project e2e
	@echo 'left out, as they take minutes each: resumed restores, rollback, restores that fail, installed targets in depth, repeated backups, cut connections, PostgreSQL 17 and 18, Ceph faults, the container image, the fleet with faults and in containers (make test-deep), the whole matrix (make test-matrix)'

.PHONY: lab test-without-lab
lab:
	docker/host.sh build
	docker/s3.sh up

test-without-lab:
	$(MAKE) --no-print-directory check
	npx vitest run --project unit --project interop

test-unit: $(MODULES) ## pure logic only, in seconds
	npx vitest run --project unit

test-interop: $(MODULES) ## against age, OpenSSH, PostgreSQL, Ansible
	docker/programs.sh
	npx vitest run --project interop

test-e2e: build ## on the Docker hosts and Ceph's S3
	docker/host.sh build
	docker/s3.sh up
	npx vitest run --project e2e

test-deep: build ## end-to-end tests that take minutes each: resumed restores, rollback, faults of a restore, installed targets, repeated backups, cut connections, PostgreSQL 17 and 18, Ceph's faults, the container image, a fleet, also in containers
	docker/host.sh build
	docker/s3.sh up
	COOLIFY_STATE_E2E=deep npx vitest run --project e2e

test-matrix: build ## every kind of target of a restore, and a rollback of each (half an hour)
	docker/host.sh build
	COOLIFY_STATE_MATRIX=all npx vitest run --project e2e test/e2e/restore-matrix.test.ts
	COOLIFY_STATE_MATRIX=all COOLIFY_STATE_E2E=deep npx vitest run --project e2e test/e2e/rollback.test.ts test/e2e/cut-connection.test.ts

test-faults: build ## every fault of the table with every operation that it can befall (an hour or two)
	docker/host.sh build
	docker/s3.sh up
	rm -rf .lab/faults
	COOLIFY_STATE_FAULTS=all npx vitest run --project e2e test/e2e/faults/; status=$$?; node test/e2e/faults/sum.mjs; exit $$status

fuzz: $(MODULES) ## what reads foreign bytes, for long (RUNS=100000)
	FUZZ_RUNS=$(RUNS) nice -n 19 npx vitest run --project unit --no-file-parallelism fuzz

soak: build ## backups, restores and prunes in random order with random faults (MINUTES=30, ARGS="--seed 1")
	docker/host.sh build
	node test/soak/soak.mjs --minutes $(MINUTES) $(ARGS)

image: $(MODULES) ## the container image (TAG=coolify-state)
	release/image.sh $(or $(TAG),coolify-state)

try-nodes: $(MODULES) ## the package on Node 20, 22 and 24, without a compiler
	release/try-nodes.sh

check: $(MODULES) ## lint, format, types, unused code, package, shell scripts
	npx biome check --error-on-warnings .
	npx tsc --noEmit
	npx knip
	npx publint --strict
	git ls-files '*.sh' .ci/run | xargs shellcheck -x

format: $(MODULES) ## let biome write what it can mend
	npx biome check --write .

build: $(MODULES) ## TypeScript to dist/
	@npx tsc -p tsconfig.build.json && chmod +x dist/cli/main.js

bench: build ## everything in docs/performance.md, measured (an hour or two; BENCH_MIB=64 for less)
	node bench/dump-memory.mjs
	node bench/compare.mjs
	node bench/memory.mjs 256
	node bench/memory.mjs 1024
	node bench/memory.mjs 4096

host-up: ## a test host with Coolify, filled with the fixture (HOST=name)
	docker/host.sh up $(HOST)

host-fresh: ## a bare test host in its place, with new host keys
	docker/host.sh fresh $(HOST)

host-down: ## remove the test host
	docker/host.sh down $(HOST)

s3-up: ## Ceph's S3 in a container, memory only
	docker/s3.sh up

s3-down: ## remove it
	docker/s3.sh down

dev-backup: build ## back up the controllers of the group "development"
	$(RUN) backup --limit $(call limited,development) $(ARGS)

dev-restore: build ## restore them
	$(RUN) restore --limit $(call limited,development) $(ARGS)

prod-backup: build ## back up the controllers of the group "production"
	$(RUN) backup --limit $(call limited,production) $(ARGS)

prod-restore: build ## restore them
	$(RUN) restore --limit $(call limited,production) $(ARGS)

dev-snapshots: build ## what there is of the group "development"
	$(RUN) snapshots --limit $(call limited,development) $(ARGS)

prod-snapshots: build ## what there is of the group "production"
	$(RUN) snapshots --limit $(call limited,production) $(ARGS)

clean: ## what was built here; the lab's images stay (docker/host.sh clean removes them)
	rm -rf dist node_modules

$(MODULES): package-lock.json
	npm ci --no-audit --no-fund
	@touch $@
