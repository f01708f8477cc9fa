# make lab: open the first notebook.   make test: run every test.   make help: the rest.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
DATA ?=
ROOT ?=
TRANSLATED ?=
REPOSITORY ?=
BENCHMARK ?= grabcut

ifeq ($(OS),Windows_NT)  # untried
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PY := $(BIN)/python
NETWORKS := $(addprefix --method ,dos dos-no-graph-cut latent-diversity latent-diversity-rdl)
PAPER := --weights latent-diversity-can --other "g of the paper=latent-diversity-dense"
# One process for each core, and one thread in each: threads of several would fight. A process that
# is done takes over half of what another has left, so that none waits at the end.
WORKERS := -n auto --maxprocesses 4
PARALLEL := $(WORKERS) --dist worksteal
# Outputs are compared as a reader would; tests/notebook_outputs.py says how. The cells of a
# notebook stay together, and the notebooks in the order in which they are collected.
NBVAL := -p tests.notebook_outputs --nbval --nbval-current-env --nbval-cell-timeout 300 \
	-p no:cacheprovider $(WORKERS) --dist loadfile --no-loadscope-reorder
unit lesson-tests solution-tests: export OMP_NUM_THREADS = 1
TEST_HOME := TUTORIAL_LIB_HOME=$(abspath $(VENV))/home
# pytest as on a processor with fewer instructions: $(call plain,instructions,threads). With two
# threads in each of two files there are more threads than cores: who waits gives its core away.
plain = ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=$(1) OMP_NUM_THREADS=$(2) \
	OMP_WAIT_POLICY=PASSIVE $(TEST_HOME) $(NICE) $(PY) -m pytest -p tests.only_networks
# Exit code 0 on processors that have no more: there all notebooks ran as the last command would.
AVX2_ALREADY := $(PY) -c "import sys, torch; \
	sys.exit(torch.backends.cpu.get_cpu_capability() not in ('AVX2', 'DEFAULT'))"
# The notebooks in which shipped networks answer clicks; the others train small ones.
ANSWERING := $(addprefix notebooks/,07_deep_object_selection.ipynb 09_latent_diversity.ipynb \
	09b_hypercolumns_and_dilation.ipynb)
QUICK := tests --ignore tests/browser -m "not slow"
SPEED := tests/browser/test_speed.py

.DEFAULT_GOAL := help
.PHONY: help install install-tests lab test lint format unit notebook-tests lesson-tests \
	solution-tests plain-tests beside-browser browser-tests speed-tests browser notebooks book \
	slides figures measure evaluate one-click selection ablations ablations-toy fair sizes \
	tables constants student colab translation wheel clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# $(call set-up,what): install it into the virtual environment. Of the packages' modules, only those
# that somebody imports are compiled, then: that takes half the time.
define set-up
$(PYTHON) -c "import sys; sys.exit('Python 3.11 or newer is needed; try make PYTHON=python3.12') if sys.version_info < (3, 11) else None"
$(PYTHON) -m venv $(VENV)
$(PY) -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e "$(1)"
endef

$(VENV)/.installed: pyproject.toml constraints.txt
	$(call set-up,.)
	touch $@

# What tests need includes everything else: one installation, and no second look at .installed.
$(VENV)/.installed-test: pyproject.toml constraints.txt
	$(call set-up,.[test])
	touch $(VENV)/.installed $@

install: $(VENV)/.installed ## Set up the virtual environment .venv

install-tests: $(VENV)/.installed-test

lab: $(VENV)/.installed ## Open the first notebook in JupyterLab (ARGS="--no-browser --port 8899")
	$(PY) -m tutorial_lib lab $(ARGS)

# The browser mostly waits, so others run beside it, one after the other. What is timed runs alone.
test: lint unit lesson-tests browser ## Run every test
	$(MAKE) -j 2 browser-tests beside-browser NICE="nice -n 19" ALONE="-n 1"
	$(MAKE) speed-tests

beside-browser:
	$(MAKE) solution-tests
	$(MAKE) plain-tests

lint: $(VENV)/.installed-test ## Check style with ruff
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(VENV)/.installed-test ## Let ruff format the code
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

unit: $(VENV)/.installed-test ## Tests of the library, the command line and the wheel
	$(PY) -m pytest tests --ignore tests/browser $(PARALLEL) $(ARGS)

notebook-tests: lesson-tests solution-tests ## Run all notebooks and compare with their stored outputs

lesson-tests: $(VENV)/.installed-test
	$(TEST_HOME) $(PY) -m pytest $(NBVAL) notebooks --ignore notebooks/solutions

solution-tests: $(VENV)/.installed-test
	$(TEST_HOME) $(NICE) $(PY) -m pytest $(NBVAL) $(ALONE) notebooks/solutions

plain-tests: $(VENV)/.installed-test ## Tests and notebooks of networks again, as on plain processors
	$(call plain,default,2) $(PARALLEL) $(QUICK)
	if $(AVX2_ALREADY); then echo "This processor has no more than AVX2: the notebooks ran like that."; else \
	$(call plain,avx2,1) $(NBVAL) $(ANSWERING) $(addprefix notebooks/solutions/,$(notdir $(ANSWERING))); fi

browser: $(VENV)/.installed-test ## Find Chromium, or install it where that is possible
	sh tools/ensure_browser.sh $(PY)

browser-tests: browser ## The widget in real JupyterLab and Voila, in a real browser
	$(PY) -m pytest tests/browser --ignore $(SPEED) $(ARGS)

speed-tests: browser ## From a click to the new mask in the browser, on a machine at rest
	$(PY) -m pytest $(SPEED) $(ARGS)

notebooks: $(VENV)/.installed-test ## Run all notebooks and store their outputs
	$(PY) tools/execute_notebooks.py $(ARGS)

book: $(VENV)/.installed-test ## Build a static book from the notebooks into build/book
	$(PY) tools/build_site.py book

slides: $(VENV)/.installed-test ## Build slides from the notebooks into build/slides
	$(PY) tools/build_site.py slides

figures: browser ## Take the README's screenshot again
	$(PY) tools/take_screenshot.py

measure: $(VENV)/.installed ## Measure graph reuse, the random walker's solvers, networks' times, hypercolumns
	$(PY) tools/measure_graph_reuse.py
	$(PY) tools/measure_random_walker.py
	$(PY) -m tutorial_lib bench --json $(NETWORKS) --method semantic-fcn --method semantic-crf-rnn \
		> assets/results/bench_deep.json.new
	mv assets/results/bench_deep.json.new assets/results/bench_deep.json
	$(PY) tools/measure_hypercolumn.py

evaluate: $(VENV)/.installed ## All methods, both robots (BENCHMARK=grabcut, berkeley, davis-val or coco-800, ROOT=its folder)
	$(PY) tools/evaluate_benchmark.py $(BENCHMARK) --root "$(ROOT)" $(ARGS)
	$(if $(filter grabcut,$(BENCHMARK)),$(PY) tools/measure_stages.py --root "$(ROOT)" --dataset grabcut)

one-click: $(VENV)/.installed ## One click on garments and others (ROOT=folder of clothing-co-parsing/, iseg-voc/)
	$(PY) tools/measure_one_click.py --root "$(ROOT)" --limit 200

selection: $(VENV)/.installed ## What selecting and zooming are worth (ROOT=folder of GrabCut/ and iseg-voc/)
	$(PY) tools/measure_selection.py --root "$(ROOT)/iseg-voc" --dataset folder --limit 51 $(PAPER)
	$(PY) tools/measure_selection.py --root "$(ROOT)/GrabCut" --dataset grabcut $(PAPER)
	$(PY) tools/measure_extras.py --root "$(ROOT)/iseg-voc" --limit 16 --weights latent-diversity-can

ablations: $(VENV)/.installed ## Two hours: Latent Diversity without each part (DATA=training, ROOT=photos, ARGS)
	$(PY) tools/measure_ablations.py --data "$(DATA)" --root "$(ROOT)" \
		--workers -1 --limit 34 $(ARGS)

sizes: $(VENV)/.installed ## Accuracy and time at several working sizes (ROOT=folder of images and masks)
	$(PY) tools/measure_sizes.py --root "$(ROOT)" $(ARGS)

fair: $(VENV)/.installed ## Two hours: DOS and Latent Diversity with equal minutes (DATA=training, ROOT=photos)
	$(PY) tools/measure_fair.py --data "$(DATA)" --root "$(ROOT)" $(ARGS)

ablations-toy: $(VENV)/.installed ## The same with drawn scenes, in minutes, without data
	$(PY) tools/measure_ablations.py --toy --workers -1 $(ARGS)

tables: $(VENV)/.installed ## Write the measured figures into README and the model cards
	$(PY) tools/write_figures.py

constants: $(VENV)/.installed ## Choose the methods' constants (ROOT=folder of images and masks)
	$(PY) tools/choose_constants.py --root "$(ROOT)"

student: $(VENV)/.installed ## Write the notebooks for students, with gaps, into build/student
	$(PY) -m tutorial_lib student --out build/student

colab: $(VENV)/.installed-test ## Write notebooks that open in Colab into build/colab (REPOSITORY=owner/name)
	$(PY) tools/write_colab.py "$(REPOSITORY)"

translation: $(VENV)/.installed ## Compare translated notebooks with ours (TRANSLATED=their folder)
	$(PY) tools/check_translation.py "$(TRANSLATED)"

wheel: $(VENV)/.installed-test ## Build the wheel into dist/
	$(PY) -m build --wheel

clean: ## Remove the virtual environment and everything built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
