# Two commands do it all: `make demo` and `make test`. Both set up .venv from the pinned lock first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test lint lock docs clean

setup: $(READY)

$(READY): envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Python {v[0]}.{v[1]} found, 3.11 to 3.13 needed: run make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement envs/requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(READY)
	$(BIN)/snakemake --cores all --configfile config/demo.yaml
	@cat results/demo/summary.txt

test: $(READY)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder tests/house tests/unit
	$(BIN)/python -m pytest tests/workflow

lint: $(READY)
	$(BIN)/ruff check workflow tests benchmarks
	$(BIN)/ruff format --check workflow tests benchmarks
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint
	$(BIN)/lint-imports
	$(BIN)/mypy

# after code behind numbers has changed: see "What makes a rule run again" in workflow/README.md
lock: $(READY)
	$(BIN)/python -m dlmd.run.algorithm_lock $(if $(WAIVE),--waive "$(WAIVE)")

docs: $(READY)
	$(BIN)/python -m dlmd.config.docs config/README.md
	$(BIN)/python -m dlmd.config.schema config
	$(BIN)/python -m dlmd.cli.docs docs/commands.md

clean:
	rm -rf $(VENV)
