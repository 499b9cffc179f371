# The verbs of this repository; `make help` prints the comments behind ##.
NODE := local/node
JEST := $(NODE) node_modules/jest/bin/jest.js
BIOME := $(NODE) node_modules/@biomejs/biome/bin/biome
IMAGE ?= slipway:dev
NODE_IMAGE ?= node:24-bookworm-slim
.DEFAULT_GOAL := help
ENV ?=
# As they were given, so that neither make nor the shell takes them for a command; the same below.
override ENV := $(value ENV)
quoted_env := $(if $(ENV),'$(subst ','\'',$(ENV))')
ifneq ($(word 2,$(ENV)),)
$(error There is no environment "$(ENV)"; one of: local, staging, production)
endif
ONLY ?=
override ONLY := $(value ONLY)
ifneq ($(filter-out service,$(ONLY)),)
$(error There is no part "$(ONLY)" to deploy alone; ONLY knows: service)
endif
DRY_RUN ?=
override DRY_RUN := $(value DRY_RUN)
ifneq ($(and $(ONLY),$(filter destroy,$(MAKECMDGOALS))),)
$(error ONLY is for make deploy: make destroy takes the whole environment down)
endif
# Says so when there is no such environment, before the CDK is installed for it.
KNOWN = $(NODE) config/main.ts $(quoted_env) >/dev/null
.PHONY: help settings synth synth-check cluster dev deploy undeploy scale-test test-cluster load-balancer-controller infra-install infra-synth infra-diff infra-docs infra-types test-infra destroy run observe test test-observe install build lint types fmt docs docs-check features bench image test-image admin-key reset clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: ## the whole service on this machine until Ctrl-C; PORT=3000 REPLICAS=2
	@local/install run
	@exec $(NODE) local/run.ts

observe: ## draw the dashboards of the running service in a browser, from a real Prometheus; ARGS="--help" lists the flags
	@local/install run
	@exec $(NODE) --disable-warning=ExperimentalWarning local/observe.ts $(ARGS)

test: install build ## all tests against real servers; FILES=path for some of them
	@$(JEST) $(FILES)
	@$(if $(FILES),,$(NODE) test/check-features.mjs --ran-only)

test-observe: install ## test dashboards, rules, alerts, logs and traces on a real Prometheus; FILES=path for some of them
	@TEST_RUN=observe $(JEST) --config jest.observe.config.mjs $(FILES)

install:
	@local/install all

build: install
	@$(NODE) service/build.mjs

lint: install ## style and faults
	@$(BIOME) check --error-on-warnings

types: install ## type check
	@$(NODE) node_modules/typescript/bin/tsc --noEmit -p .
	@$(NODE) node_modules/typescript/bin/tsc --noEmit -p tsconfig.browser.json

fmt: install ## format the code and apply safe fixes
	@$(BIOME) check --write

docs: install ## write the pages that are made from code
	@$(NODE) docs/generate.ts

docs-check: install ## fail when a page is not what the code makes
	@$(NODE) docs/generate.ts --check

features: install ## hold docs/features.md against the tests that ran
	@$(NODE) test/check-features.mjs

bench: install build ## benchmarks, written to docs/performance.md
	@$(NODE) test/bench/main.ts

image: ## build the container image; IMAGE=slipway:dev
	docker build --build-arg NODE_IMAGE=$(NODE_IMAGE) -t $(IMAGE) .

test-image: install image ## test the container image
	@TEST_RUN=image IMAGE=$(IMAGE) NODE_IMAGE=$(NODE_IMAGE) $(JEST) --config jest.image.config.mjs

settings: install ## every number of an environment and where it came from; ENV=production
	@$(NODE) config/main.ts $(quoted_env)

synth: install ## write the manifests to charts-out/, only what changed
	@$(NODE) k8s/main.ts

synth-check: install ## fail when charts-out/ is not what the code makes
	@$(NODE) k8s/main.ts --check

cluster: install ## a local cluster (kind) with what the manifests need; repeated, it only looks
	@$(NODE) k8s/deploy/cluster.ts

dev: install ## the manifests on the local cluster, following every edit (Skaffold); PROFILE=redis-ui
	@$(NODE) k8s/deploy/dev.ts

deploy: install ## image and manifests onto a cluster, and in AWS what they stand on; ENV=local|staging|production, DRY_RUN=1, ONLY=service
	@$(if $(filter-out local,$(ENV)),$(if $(filter service,$(ONLY)),,$(KNOWN) && local/install infra && $(NODE) infra/deploy/main.ts deploy $(quoted_env) $(if $(filter-out 0,$(DRY_RUN)),--dry-run)),)
	@$(if $(filter-out local,$(ENV)),$(if $(filter service,$(ONLY)),$(NODE) k8s/deploy/deploy.ts $(quoted_env)),$(NODE) k8s/deploy/deploy.ts $(quoted_env))

undeploy: install ## remove what deploy made, data included; ENV=local
	@$(NODE) k8s/deploy/undeploy.ts $(quoted_env)

scale-test: install ## a step of load on the cluster, replicas watched and drawn; ARGS="--help" lists the flags
	@$(NODE) k8s/scale-test/main.ts $(ARGS)

test-cluster: install build ## test on the cluster of the current kubectl context (kind-*); FILES=path for some, FULL=1 for all variants
	@$(if $(FILES),TEST_RUN=cluster $(JEST) --config jest.cluster.config.mjs $(FILES),\
	  failed=0; for part in service apart together; do \
	    TEST_RUN=cluster-$$part $(JEST) --config jest.cluster-$$part.config.mjs || failed=1; \
	  done; exit $$failed)

infra-install:
	@local/install infra

infra-synth: infra-install ## the CloudFormation templates of all environments, in .cache/cdk.out
	@$(NODE) infra/main.ts .cache/cdk.out && echo 'The templates are in .cache/cdk.out.'

infra-diff: install ## what a deployment would change in AWS; ENV=staging
	@$(KNOWN) && local/install infra && $(NODE) infra/deploy/main.ts diff $(quoted_env)

destroy: install ## everything off AWS again; ENV=staging|production, DRY_RUN=1 prints the steps
	@$(KNOWN) && local/install infra && $(NODE) infra/deploy/main.ts destroy $(quoted_env) $(if $(filter-out 0,$(DRY_RUN)),--dry-run)

infra-docs: infra-synth ## write docs/aws-network.md from the templates
	@$(NODE) infra/picture.ts .cache/cdk.out

infra-types: infra-install
	@$(NODE) node_modules/typescript/bin/tsc --noEmit -p tsconfig.infra.json

test-infra: infra-install infra-types .cache/python/installed ## test the infrastructure: templates, flows, policy; FILES=path for some
	@TEST_RUN=infra $(JEST) --config jest.infra.config.mjs $(FILES)

load-balancer-controller: .cache/load-balancer-controller/crds.yaml .cache/python/installed ## for make test-cluster: the AWS Load Balancer Controller, compiled by Go in minutes, once, and an emulator of AWS

# From the registry of Go modules, which knows it by this name only; the hash is that of its source.
CONTROLLER := github.com/kubernetes-sigs/aws-load-balancer-controller@v0.0.0-20260423195125-93ff3b5fdaad
CONTROLLER_HASH := h1:sttxR+rS5X6cS1ldieB5JKVucs61EHq8XO7VKySyU5w=
.cache/load-balancer-controller/crds.yaml: Makefile
	@go version 2>/dev/null | grep -Eq 'go1\.(2[1-9]|[3-9][0-9])' || { echo 'Go 1.21 or later is needed, which fetches the newer one that the controller asks for: brew install go, or https://go.dev/dl' >&2; exit 1; }
	@mkdir -p $(@D)
	@go mod download -json $(CONTROLLER) >$(@D)/module.json || { cat $(@D)/module.json >&2; exit 1; }
	@grep -qF '"Sum": "$(CONTROLLER_HASH)"' $(@D)/module.json || { echo 'The source of the controller is not the one that was pinned.' >&2; exit 1; }
	@echo 'Compiling the AWS Load Balancer Controller; this takes minutes, once …'
	@folder=$$(sed -n 's/.*"Dir": "\(.*\)".*/\1/p' $(@D)/module.json) && \
	  go build -C "$$folder" -o "$(CURDIR)/$(@D)/controller" . && \
	  install -m 0644 "$$folder/helm/aws-load-balancer-controller/crds/crds.yaml" $@

# cfn-lint and the emulator, which npm does not have.
.cache/python/installed: infra/requirements.txt
	@python3 -m venv .cache/python
	@.cache/python/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

admin-key: ## make another admin key on the running service; NAME=admin
	@local/install run
	@$(NODE) local/admin-key.ts

reset: ## forget the data of make run
	@local/install run
	@$(NODE) local/reset.ts

clean: ## remove what was built and installed, not the data
	rm -rf dist node_modules .cache
