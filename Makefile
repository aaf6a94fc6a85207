# The verbs. Each sets up .venv by itself; the second time that costs nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROOMS := orchestration sources expectations disclosure publication
READY := $(VENV)/.ready

.PHONY: run test ui serve bench check format lock clean

run: $(READY)
	$(BIN)/sozialraum run

test: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --durations 25

ui: $(READY)
	$(BIN)/sozialraum ui

serve: $(READY)
	$(BIN)/sozialraum serve

bench: $(READY)
	$(BIN)/sozialraum bench

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Everything comes from the lock, with hashes; bytecode is compiled now, since Python may be told
# not to write it later.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q $(ROOMS)
	touch $(READY)

# After a change of pyproject.toml; needs uv.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-strip-extras --no-header --quiet --output-file requirements.lock

# What can be made again. The warehouse's own files (SOZIALRAUM_HOME) stay.
clean:
	rm -rf $(VENV) *.egg-info .pytest_cache .ruff_cache .hypothesis
	find $(ROOMS) tests -name __pycache__ -type d -prune -exec rm -rf {} +
