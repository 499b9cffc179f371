# The verbs of this repository; `make help` prints the comments behind ##.
NODE := local/node
JEST := $(NODE) node_modules/jest/bin/jest.js
BIOME := $(NODE) node_modules/@biomejs/biome/bin/biome
IMAGE ?= slipway:dev
NODE_IMAGE ?= node:24-bookworm-slim
.DEFAULT_GOAL := help
.PHONY: help run test install build lint types fmt docs docs-check features bench image test-image admin-key reset clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: ## the whole service on this machine until Ctrl-C; PORT=3000 REPLICAS=2
	@local/install run
	@exec $(NODE) local/run.ts

test: install build ## all tests against real servers; FILES=path for some of them
	@$(JEST) $(FILES)
	@$(if $(FILES),,$(NODE) test/check-features.mjs --ran-only)

install:
	@local/install all

build: install
	@$(NODE) service/build.mjs

lint: install ## style and faults
	@$(BIOME) check --error-on-warnings

types: install ## type check
	@$(NODE) node_modules/typescript/bin/tsc --noEmit -p .

fmt: install ## format the code and apply safe fixes
	@$(BIOME) check --write

docs: install ## write the pages that are made from code
	@$(NODE) docs/generate.ts

docs-check: install
	@$(NODE) docs/generate.ts --check

features: install ## hold docs/features.md against the tests that ran
	@$(NODE) test/check-features.mjs

bench: install build ## benchmarks, written to docs/performance.md
	@$(NODE) test/bench/main.ts

image: ## build the container image; IMAGE=slipway:dev
	docker build --build-arg NODE_IMAGE=$(NODE_IMAGE) -t $(IMAGE) .

test-image: install image ## test the container image
	@TEST_RUN=image IMAGE=$(IMAGE) NODE_IMAGE=$(NODE_IMAGE) $(JEST) --config jest.image.config.mjs

admin-key: ## make another admin key on the running service; NAME=admin
	@local/install run
	@$(NODE) local/admin-key.ts

reset: ## forget the data of make run
	@local/install run
	@$(NODE) local/reset.ts

clean: ## remove what was built and installed, not the data
	rm -rf dist node_modules .cache
