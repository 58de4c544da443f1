# `make` lists the targets. Each one creates what it needs: the first `make book` on a machine with
# Python 3.11 or later creates .venv, installs the pinned requirements, executes and builds.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := $(BIN)/python
INSTALLED := $(VENV)/.installed
BROWSER := tools/browser
AUDITOR := _build/auditor
STAGES := lint types pairs-check unit notebooks site pages
# An environment with pip, in a folder and with the Python there: $(call environment,folder,python).
# One that was left half-made (no pip, because ensurepip was missing) is completed, and never deleted.
environment = $(2) -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv $(1); \
	$(2) -m pip --version > /dev/null || { echo "$(1) is half-made: it has no pip. Install what makes environments (Debian, Ubuntu: apt install python3-venv) and try again; if that does not help, remove the folder $(1) first"; exit 1; }
# What `make unit` runs: everything, or some folders of tests.
UNIT ?= --ignore=tests/site --durations=10

# What a target has to be told, with an example; asked for before anything is installed.
NEEDS_chapter := CHAPTER
NEEDS_page := CHAPTER
NEEDS_inventory := OUT
NEEDS_assignments := OUT
NEEDS_grade := HOMEWORK SUBMISSIONS OUT
NEEDS_similarity := HOMEWORK SUBMISSIONS OUT
NEEDS_bench-against := BASE
EXAMPLE_CHAPTER := book/dynamics/rate_networks
EXAMPLE_OUT := ../class
EXAMPLE_HOMEWORK := ../homework/rates.json
EXAMPLE_SUBMISSIONS := ../submissions
EXAMPLE_BASE := v0.1.0
lacks = $(error make $(1) has to be told $(2), for example: make $(1) $(foreach name,$(NEEDS_$(1)),$(name)=$(EXAMPLE_$(name))))
$(foreach goal,$(MAKECMDGOALS),$(foreach name,$(NEEDS_$(goal)),$(if $($(name)),,$(call lacks,$(goal),$(name)))))

# One thread per process: small recurrent networks gain nothing from a second one.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help install book test $(STAGES) format pairs addresses chapter page pdf slides inventory serve bench bench-against \
	assignments grade similarity simulate-class nbgrader-check gpu-notebooks lock colab-check colab-newest bundle \
	links audit browser clean distclean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  %-14s %s\n", $$1, $$2}'

install: $(INSTALLED) ## create .venv and install the pinned requirements
$(INSTALLED): requirements.txt requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(call environment,$(VENV),$(PY))
	$(PY) -m pip install --quiet --requirement requirements.txt --constraint requirements.lock
	$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

book: notebooks site ## execute the chapters that changed and build the web book

test: $(INSTALLED) ## everything: lint, types, pairs, unit tests, notebooks, site, pages
	@done=""; for stage in $(STAGES); do \
	  echo; echo "=== $$stage$${done:+  (so far:$$done)}"; start=$$(date +%s); \
	  $(MAKE) --no-print-directory $$stage || exit 1; \
	  done="$$done $$stage $$(( $$(date +%s) - start )) s,"; \
	done

lint: $(INSTALLED) ## ruff: rules and format, package, tools, tests and code cells; the workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PY) -m tools.workflows

types: $(INSTALLED) ## mypy
	$(BIN)/mypy

pairs-check: $(INSTALLED) ## every notebook equals its MyST source; addresses agree
	$(PY) -m tools.pairs check
	$(PY) -m tools.addresses check
	$(PY) -m tools.lock check

unit: $(INSTALLED) ## unit tests
	$(BIN)/pytest -n 2 $(UNIT)

notebooks: $(INSTALLED) ## execute the chapters that changed (nbmake), report their times
	$(PY) -m tools.notebooks

gpu-notebooks: $(INSTALLED) ## every notebook on a GPU, measured; NMCOURSE_REQUIRE_CUDA=0 goes without
	$(PY) -m tools.gpu_notebooks

site: $(INSTALLED) ## build the site from these executions, warnings are errors
	$(PY) -m tools.build_book

pages: $(INSTALLED) ## check the built pages, in a browser if there is one
	NMCOURSE_SITE=built $(BIN)/pytest tests/site --tb=short --durations=5

format: $(INSTALLED) ## apply ruff's fixes and format, also to the code cells of the chapters
	$(BIN)/ruff check --fix-only --exclude '*.ipynb' .
	$(BIN)/ruff format --exclude '*.ipynb' .
	$(PY) -m tools.pairs format
	$(PY) -m tools.pairs write

pairs: $(INSTALLED) ## regenerate the notebooks from the MyST sources
	$(PY) -m tools.pairs write

addresses: $(INSTALLED) ## copy repository address and version from pyproject.toml to where they are used
	$(PY) -m tools.addresses write
	$(PY) -m tools.pairs write

lock: $(INSTALLED) ## write requirements.lock from .venv, after a change of requirements.txt
	$(PY) -m tools.lock write

colab-check: $(INSTALLED) ## every chapter against an installed wheel, from an empty folder, offline
	$(PY) -m tools.colab --all

colab-newest: $(INSTALLED) ## the same beside the newest torch and numpy, as in Colab; downloads them
	$(PY) -m tools.colab --all --newest

bundle: $(INSTALLED) ## the files of a release: wheel, site as a zip file, book as a PDF, checksums
	$(PY) -m tools.bundle

links: $(INSTALLED) ## ask every address that the course links to; needs a network
	$(PY) -m tools.links

audit: ## known vulnerabilities of the locked packages; needs a network; AUDIT=--dry-run
	@$(call environment,$(AUDITOR),$(AUDITOR)/bin/python)
	test -x $(AUDITOR)/bin/pip-audit || $(AUDITOR)/bin/python -m pip install --quiet pip-audit==2.10.1
	$(AUDITOR)/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip $(AUDIT)

chapter: $(INSTALLED) ## one chapter: pair, lint, run; CHAPTER=book/dynamics/rate_networks
	$(PY) -m tools.pairs write $(basename $(CHAPTER)).md
	$(BIN)/ruff check $(basename $(CHAPTER)).ipynb
	$(BIN)/ruff format --check $(basename $(CHAPTER)).ipynb
	$(BIN)/pytest --nbmake --nbmake-timeout=600 --durations=1 $(basename $(CHAPTER)).ipynb

page: $(INSTALLED) ## build one page to look at; CHAPTER=book/dynamics/rate_networks
	$(PY) -m tools.build_book --page $(CHAPTER)

pdf: $(INSTALLED) ## the built book as one PDF, where there is a Chromium; after `make book`
	$(PY) -m tools.pdf

slides: $(INSTALLED) ## slides of all chapters, or of CHAPTER=book/dynamics/rate_networks
	$(PY) -m tools.slides $(CHAPTER)

inventory: $(INSTALLED) ## concept inventory into a folder of yours; OUT=../inventory [SEED=...]
	$(PY) -m tools.guide.inventory --out "$(OUT)" $(if $(SEED),--seed "$(SEED)")

serve: $(INSTALLED) ## serve the built site at http://localhost:8000
	@test -f _build/html/index.html || { echo "There is no site yet: run \"make book\" first."; exit 1; }
	$(PY) -m http.server 8000 --bind 127.0.0.1 --directory _build/html

bench: $(INSTALLED) ## measure the speed figures; PEERS=/path/to/python: the JAX peers too
	@for script in benchmarks/*.py; do echo "=== $$script"; set -- ; \
	  case $$script in *loops.py) set -- $(if $(PEERS),--peers "$(PEERS)");; esac; \
	  $(PY) $$script "$$@" || exit 1; \
	done

bench-against: $(INSTALLED) ## fail if training takes more time or memory than at BASE=<tag or commit>
	$(PY) -m tools.bench_against "$(BASE)" $(NAMES)

assignments: $(INSTALLED) ## homework for a class; SEED=2026 OUT=../homework [HOMEWORK=rates SETS=class.toml SETTINGS=class.toml VERSIONS=3]
	$(PY) -m tools.teaching.assignments --out "$(OUT)" $(if $(SEED),--seed "$(SEED)") $(if $(HOMEWORK),--homework $(HOMEWORK)) $(if $(SETS),--sets "$(SETS)") $(if $(SETTINGS),--settings "$(SETTINGS)") $(if $(VERSIONS),--versions $(VERSIONS))

grade: $(INSTALLED) ## mark a folder; HOMEWORK=../homework/rates.json SUBMISSIONS=... OUT=... [SETTINGS= TIMES=]
	$(PY) -m tools.teaching.grade --homework "$(HOMEWORK)" --submissions "$(SUBMISSIONS)" --out "$(OUT)" $(if $(SETTINGS),--settings "$(SETTINGS)") $(if $(TIMES),--times "$(TIMES)") $(if $(UNPROTECTED),--unprotected "$(UNPROTECTED)")

similarity: $(INSTALLED) ## which notebooks share code, never a verdict; HOMEWORK= SUBMISSIONS= OUT= as for grade
	$(PY) -m tools.teaching.similarity --homework "$(HOMEWORK)" --submissions "$(SUBMISSIONS)" --out "$(OUT)"

simulate-class: $(INSTALLED) ## mark a simulated class of 200 and compare every mark; minutes
	$(PY) -m tools.teaching.simulate --size $(or $(SIZE),200) $(if $(HOMEWORK),--homework $(HOMEWORK)) $(if $(REPORT),--report "$(REPORT)")

TEACHING := .venv-teaching
$(TEACHING)/.installed: requirements-teaching.txt
	@$(call environment,$(TEACHING),$(TEACHING)/bin/python)
	$(TEACHING)/bin/python -m pip install --quiet --requirement requirements-teaching.txt
	@touch $@

nbgrader-check: $(INSTALLED) $(TEACHING)/.installed ## put homework through nbgrader, from validation to marks; minutes
	$(PY) -m tools.teaching.nbgrader_check --nbgrader $(TEACHING)/bin/nbgrader $(if $(HOMEWORK),--homework $(HOMEWORK))

browser: ## install what the browser checks need besides Node and Chromium
	npm install --prefix $(BROWSER) --no-package-lock --no-audit --no-fund --loglevel=error

clean: ## remove what was built
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis

distclean: clean ## remove the environment too
	rm -rf $(VENV) $(TEACHING) $(BROWSER)/node_modules *.egg-info
