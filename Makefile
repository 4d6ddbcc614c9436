# make servo [SEED=0] [CAMERA=webcam] [TOOL=true] [RECORD=episode.mcap]
#                       bring the whole graph up against the simulated arm and run one episode;
#                       CAMERA is ideal, machine-vision or webcam; with TOOL a gripper reaches into
#                       the camera's images
# make test             the tests
# make test-slow        the long tests
# make lint             ruff and mypy
# make docs             the site of docs/, in out/site
# make interfaces       build the wheel of cns_interfaces anew (needs a C and a C++ compiler)
# make clean            remove what building and testing left behind (not .venv)
# Each sets .venv up first; `make PYTHON=python3.12 ...` chooses the interpreter for that.

PYTHON ?= python3
SEED ?= 0
TOOL ?= false
VENV := .venv
WHEELS := cns_interfaces/wheels
REQUIREMENTS := constraints.txt setup.py pyproject.toml $(wildcard $(WHEELS)/*.whl)
INSTALLED := $(VENV)/installed
PYTEST := ROS_PYTHON_CHECK_FIELDS=1 $(VENV)/bin/python -m pytest
DOCS := $(VENV)/installed-docs

.PHONY: servo test test-slow lint docs interfaces clean

servo: $(INSTALLED)
	@$(VENV)/bin/python -m cns_ros.bringup --sim --seed $(SEED) $(if $(filter true,$(TOOL)),--tool) \
	    $(if $(CAMERA),--camera $(CAMERA)) $(if $(RECORD),--record $(RECORD))

# What runs against the clock mostly waits; all else is computed beside it, at a lower priority.
test: $(INSTALLED)
	@mkdir -p out
	@echo "beside these, to out/test.log: the tests without nodes or robot"
	@nice -n 19 env $(PYTEST) -m "not slow and not real_time" >out/test.log 2>&1 & other=$$!; \
	$(PYTEST) -m "not slow and real_time"; status=$$?; \
	wait $$other || status=1; cat out/test.log; exit $$status

test-slow: $(INSTALLED)
	$(PYTEST) -m slow

lint: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

docs: $(DOCS)
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m sphinx -W --keep-going -b html docs out/site

interfaces: $(INSTALLED)
	$(VENV)/bin/pip wheel --disable-pip-version-check --no-deps --no-build-isolation \
	    --wheel-dir $(WHEELS) ./cns_interfaces

clean:
	rm -rf build cns_interfaces/build cns_interfaces/*.egg-info install log *.egg-info .pytest_cache .hypothesis .ruff_cache .mypy_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

$(INSTALLED): $(REQUIREMENTS) | $(VENV)/bin/pip
	$(VENV)/bin/pip install --disable-pip-version-check \
	    --constraint constraints.txt --editable '.[arm,learned,record,ros,sim,train,dev]'
	$(VENV)/bin/pip install --disable-pip-version-check --no-deps --no-index --force-reinstall \
	    --find-links $(WHEELS) cns_interfaces || \
	$(VENV)/bin/pip install --disable-pip-version-check --no-deps --no-build-isolation \
	    ./cns_interfaces
	@touch $@

$(DOCS): $(INSTALLED)
	$(VENV)/bin/pip install --disable-pip-version-check \
	    --constraint constraints.txt --editable '.[docs]'
	@touch $@

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || { \
	    echo "cns_ros needs Python 3.10, 3.11 or 3.12, but $(PYTHON) is" \
	        "'$$($(PYTHON) --version 2>&1)'; choose another: make PYTHON=python3.12 ..." >&2; \
	    exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) cannot create virtual environments: apt install python3-venv" >&2; \
	    exit 1; }
	$(PYTHON) -m venv $(VENV)
