# Two commands do everything: `make demo` and `make test`. Needed: Python 3.11+, make, a package index.
# Nothing here may ever spend money: every target runs on the emulator, in a home of its own, without any key.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILD := $(CURDIR)/build
# One more than there are cores: many tests wait for processes of their own.
WORKERS = $(shell $(BIN)/python -c 'import os; print(min(5, os.cpu_count() + 1))')
NOTEBOOK ?= notebooks/01_first_video.ipynb

# Installing keeps the user's own HOME (pip's settings lie there); everything else runs in this environment.
SAFE := env -u DASHSCOPE_API_KEY -u DASHSCOPE_API_KEY_FILE_PATH -u DASHSCOPE_HTTP_BASE_URL -u DASHSCOPE_BASE_URL \
	-u DASHSCOPE_API_REGION -u DASHSCOPE_REGION -u DASHSCOPE_WORKSPACE -u DASHSCOPE_WORKSPACE_ID -u DASHSCOPE_CONFIG \
	-u WAN_API_KEY -u WAN_BASE_URL -u WAN_MODEL -u WAN_LANG \
	WAN_PROVIDER=emulator HOME=$(BUILD)/home PYTHONUTF8=1
DEMO_HOME = WAN_HOME=$(BUILD)/$@-wan JUPYTER_PLATFORM_DIRS=1 IPYTHONDIR=$(BUILD)/home/ipython

.PHONY: demo test stress docs lab bench lock clean

demo: $(VENV)/.demo | fresh
	@$(SAFE) $(DEMO_HOME) $(BIN)/python notebooks/demo.py $(NOTEBOOK) $(BUILD)

test: $(VENV)/.test | fresh
	$(SAFE) $(DEMO_HOME) $(BIN)/ruff check .
	$(SAFE) $(DEMO_HOME) $(BIN)/ruff format --check .
	$(SAFE) $(DEMO_HOME) $(BIN)/codespell
	$(SAFE) $(DEMO_HOME) $(BIN)/mypy
	$(SAFE) $(DEMO_HOME) $(BIN)/python -m pytest -m "not browser and not stress" -n $(WORKERS) --dist worksteal
	$(SAFE) $(DEMO_HOME) $(BIN)/python -m pytest -m "browser and not stress" tests/browser

# Minutes of faults, kills, races and looks; WAN_STRESS_JOBS=200 is what `.ci/run` asks for. Then the lowest and the
# newest versions, in environments that are kept; `make clean` has the newest fetched anew.
stress: $(VENV)/.test | fresh
	$(SAFE) HOME="$(HOME)" $(BIN)/python tests/stress/versions.py $(BUILD)/versions
	$(SAFE) $(DEMO_HOME) $(BIN)/python -m pytest -m "stress and not browser" -s tests
	$(SAFE) $(DEMO_HOME) $(BIN)/python -m pytest -m "browser and stress" -n 2 --dist loadgroup tests/browser

# The site, in build/docs. Warnings, such as a broken link, are errors.
docs: $(VENV)/.docs | fresh
	$(SAFE) NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean --quiet --site-dir $(BUILD)/docs
	@$(SAFE) $(BIN)/python tools/check_site.py $(BUILD)/docs

lab: $(VENV)/.test | fresh
	$(SAFE) $(DEMO_HOME) $(BIN)/jupyter lab $(NOTEBOOK)

# Frame rates are taken in JupyterLab and a Chromium, hence the tests' environment.
bench: $(VENV)/.test | fresh
	@$(SAFE) $(DEMO_HOME) $(BIN)/python benchmarks/run.py

# One folder for what a run leaves behind; a fresh home for the journal each time.
.PHONY: fresh
fresh:
	@rm -rf $(BUILD)/*-wan $(BUILD)/home
	@mkdir -p $(BUILD)/home

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("wan_jupyter needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]'
	touch $@

$(VENV)/.test: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@ $(VENV)/.demo

$(VENV)/.docs: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

# The pinned versions, for every Python and system at once; run it to move them.
lock: $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --all-extras pyproject.toml -o constraints.txt

clean:
	rm -rf $(BUILD) $(VENV)
