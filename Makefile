# Every target sets up its own .venv first; the only thing needed beforehand is Python 3.11 or newer.
#
#   make demo     build the demo workspace and open the app on it
#   make test     lint, types and the whole test suite
#   make quick    the tests to run after every edit
#   make check    lint and types only
#   make bench    the measured figures, as ratios within one run
#
# TORCH_INDEX=<wheel index> takes torch and torchvision from another index (a smaller CPU build, for example).
# PYTHON=<interpreter> chooses the Python that makes the environment.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
TORCH_INDEX ?=
WORKSPACE ?= workspace
export PIP_DISABLE_PIP_VERSION_CHECK := 1

define FIND_BROWSER
import shutil, sys
sys.exit(not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
endef
export FIND_BROWSER

.PHONY: demo test quick check bench clean

demo: $(VENV)/.installed
	$(BIN)/workbench --workspace $(WORKSPACE) demo

# Small networks run faster on one thread, and much faster where the machine is busy.
test quick: export OMP_NUM_THREADS := 1

test: check
	@$(BIN)/python -c "$$FIND_BROWSER" || $(BIN)/python -m playwright install chromium || \
		echo "no Chromium here, and none could be fetched: the browser tests will be skipped"
	$(BIN)/python -m pytest

quick: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "not browser and not slow" -q

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-dev
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf $(VENV)

# What was tested is in constraints.txt; a chosen torch index may hold other builds of torch, so it is left free there.
define install
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=<interpreter>" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install -q --index-url $(TORCH_INDEX) torch torchvision)
	$(if $(TORCH_INDEX),grep -vE '^(torch|torchvision|triton|nvidia-.*|cuda-.*)==' constraints.txt > $(VENV)/constraints.txt,cp constraints.txt $(VENV)/constraints.txt)
	$(BIN)/python -m pip install -q -e '.$(1)' -c $(VENV)/constraints.txt
endef

$(VENV)/.installed: pyproject.toml constraints.txt
	$(call install,)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt
	$(call install,[dev])
	@touch $(VENV)/.installed $@
