# Every target sets up what it needs. `make demo` and `make test` are the two to know.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready

.PHONY: setup demo test lint bench clean

setup: $(STAMP)

# torch comes first and alone: this exact spelling selects a CPU build where one is offered.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[tune,dev]'
	$(BIN)/groundtone models fetch
	touch $(STAMP)

demo: setup
	$(BIN)/groundtone demo $(DEMO)

# PYTEST= adds arguments: `make test PYTEST="-n 0 -x"` runs one test after the other.
test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python bench/embedding.py
	$(BIN)/python bench/tuning.py
	$(BIN)/python bench/search.py --work build/bench --source examples/manual \
	  --questions examples/questions.jsonl

clean:
	rm -rf $(VENV) demo build
