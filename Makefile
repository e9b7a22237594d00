# Two commands do the whole job from nothing but git, make and Python >= 3.11: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= out
# One torch thread for each of two test processes: more threads than cores wait for each other. And compiled code is kept,
# whatever the machine is set to: else each of the many processes that tests start compiles the program anew.
QUICK := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=
PYTEST := $(QUICK) $(BIN)/python -m pytest
# A file stays with one process, so that what its tests share is made once.
TWO := -n 2 --dist loadfile

# The viewer's page and what it is built from.
PAGE := src/fibrolens/serve/viewer/index.html
WEB := scripts/build_web.py $(wildcard web/.npmrc web/*.json web/*.html web/*.ts web/src/*)

.PHONY: demo test test-slow coverage check docs bench bench-scale web clean help
help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "fibrolens needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.ready: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --editable '.[dicom-codecs]'
	@touch $@

.venv/.ready-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --editable '.[dicom-codecs,dev]'
	@touch $@ .venv/.ready

demo: .venv/.ready  ## install, then stage a simulated patient and run a small five-fold study
	$(BIN)/fibrolens demo --out $(OUT)/demo

$(PAGE): $(WEB) | $(BIN)/python
	$(BIN)/python scripts/build_web.py
	@touch $@

web: $(PAGE)  ## build the viewer's page; where there is no Node.js, one comes from PyPI

test: .venv/.ready-dev $(PAGE)  ## install, build the page, then run all tests but the slow ones
	$(PYTEST) $(TWO) -m 'not slow'

test-slow: .venv/.ready-dev $(PAGE)  ## the tests that `make test` leaves out
	$(PYTEST) $(TWO) -m slow

coverage: .venv/.ready-dev $(PAGE)  ## which lines all tests run, also those in processes that tests start
	$(QUICK) $(BIN)/coverage run -m pytest $(TWO)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered

check: .venv/.ready-dev  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/.ready-dev  ## build the manual under out/docs; a broken link ends it
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: .venv/.ready-dev  ## benchmarks; results under out/bench and in docs/performance.md
	$(BIN)/python benchmarks/one_ct.py --out $(OUT)/bench
	$(BIN)/python benchmarks/location_maps.py --out $(OUT)/bench
	$(BIN)/python benchmarks/reading.py --out $(OUT)/bench
	$(BIN)/python benchmarks/bootstraps.py --out $(OUT)/bench
	$(BIN)/python benchmarks/phantom_speed.py --out $(OUT)/bench
	$(BIN)/python benchmarks/training.py --out $(OUT)/bench
	$(BIN)/python benchmarks/gpu.py --out $(OUT)/bench
	$(BIN)/python benchmarks/performance_table.py --out $(OUT)/bench

bench-scale: .venv/.ready-dev  ## what many CTs cost: half an hour on a quiet machine
	$(BIN)/python benchmarks/scale.py --out $(OUT)/bench

clean:  ## remove what the targets made
	rm -rf .venv $(OUT) $(dir $(PAGE)) web/node_modules
