# Thin calls of tasks.py, which also works where there is no make. Another Python: make lab PYTHON=python3.12
PYTHON ?= python3

.PHONY: lab test check

# Sets up on the first run, then opens JupyterLab on labs/. ARGS go to Jupyter: make lab ARGS="--no-browser --port=9000"
lab:
	$(PYTHON) tasks.py lab $(ARGS)

# Sets up on the first run, then runs every check and every test. ARGS go to pytest, which then runs alone.
test:
	$(PYTHON) tasks.py test $(ARGS)

# The checks that take seconds: format, lint, types, imports.
check:
	$(PYTHON) tasks.py check
