# make run     open the window on the demo (without a display: draw its pages as pictures)
# make test    run all tests
# make check   format, lint, import contracts, types
#
# make gpu-check   on a machine with an NVIDIA GPU: check the CUDA backends, then time them
#
# Each sets up what is missing first. PYTHON=... picks the Python, TORCH_INDEX=... the package
# index that torch comes from, PYTEST_ARGS=... goes to pytest.

PYTHON ?=
TORCH_INDEX ?=
PYTEST_ARGS ?=
export PYTHON TORCH_INDEX

# Nothing of the caller's environment may shadow the project's own packages.
unexport PYTHONPATH PYTHONHOME

python := .venv/bin/python

.PHONY: run test check gpu-check demo lock clean

run:
	@sh tools/system.sh run
	@sh tools/environment.sh
	@sh tools/run.sh

test:
	@sh tools/system.sh test
	@sh tools/environment.sh
	@sh tools/real_inputs.sh
	$(python) -m pytest $(PYTEST_ARGS)

check:
	@sh tools/system.sh check
	@sh tools/environment.sh
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(python) -m mypy

# What the tests cannot show without a GPU; without one it says so and fails.
gpu-check:
	@sh tools/system.sh check
	@sh tools/environment.sh
	@$(python) tools/gpu_check.py

# Train the demo's network again (20 s); the result differs a little between processors.
demo:
	@sh tools/system.sh check
	@sh tools/environment.sh
	@sh tools/real_inputs.sh
	OMP_NUM_THREADS=1 $(python) tools/make_demo.py

# Pin what .venv holds now, after installing newer releases into it.
lock:
	$(python) tools/write_lock.py

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
