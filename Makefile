# Each target installs what it needs, so that any of them is the first command in a fresh clone.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
# Idle threads of torch sleep: spinning ones take ten times the CPU where cores are shared.
export OMP_WAIT_POLICY ?= passive
# Without compiled files each process of the tests would compile the project anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: remask network peers letters install audit test mutants lint verify verify-deep formal formal-record book pdf bench

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[all]' -c constraints.txt
	touch $@

audit: install
	$(BIN)/sharprates audit

test: install
	$(BIN)/python -m pytest -q -n auto

# Changes the product in one place after the other, in a copy, and sees that a test fails. By default
# 40 changes of the files that are settled; `make mutants FILES=samplers/distance.py SAMPLE=` makes all
# of a file, FILES=--every those of all files. Who survives needs its reason in
# tests/mutants/survivors.txt.
SAMPLE ?= 40
mutants: install
	$(BIN)/python -m tests.mutants.run $(FILES) $(if $(SAMPLE),--sample $(SAMPLE))

verify: install
	$(BIN)/sharprates verify --jobs 2

verify-deep: install
	$(MAKE) formal REALS=1
	$(MAKE) -C theory/formal check
	$(MAKE) mutants SAMPLE=
	$(BIN)/sharprates verify --deep --jobs 2
	$(BIN)/sharprates check --mutants 20 --false-alarms 1000 --json build/conformance.json

# The proofs: installs Coq and MathComp where they are absent (1.5 GB, as root on Debian; otherwise the
# claims read "not run"), compiles, writes build/claims-formal.json, and runs the definitions of the
# theorems against ours. REALS=1 adds the forms over the real numbers (74 MB more).
formal: install
	$(BIN)/python -m sharprates.verification.formal
	$(BIN)/python -m pytest -q -m formal -n 2 tests/verification/test_formal.py

# Says that the present statements and definitions have been read and mean what the claims say.
formal-record: install
	$(BIN)/python -m sharprates.verification.formal --record

# Built whole (statuses and cells may have changed where no page did), without network, warnings are
# errors; then every page is opened in a browser.
book: install
	$(BIN)/jupyter-book build --all -W -n --keep-going book
	book/chromium.sh
	$(BIN)/python -m pytest -q -rs -n auto tests/book/check_browser.py

# The book for paper, book/_build/book.pdf, of the pages that were built last.
pdf: install
	test -e book/_build/html/index.html || $(MAKE) book
	book/chromium.sh
	$(BIN)/python book/make_pdf.py

# What deployed rules cost on English letters: the numbers of a page, some minutes on two cores.
RULES := confidence:2,confidence:4,margin:2,entropy:2,threshold:0.9,threshold:0.3,threshold:0.25,threshold:0.2
RULES := $(RULES),factor:2,factor:2.4,entropy-bounded:1,entropy-bounded:2,entropy-bounded:2.5
RULES := $(RULES),left-to-right:2,left-to-right:8:confidence:2,left-to-right:32:threshold:0.9,bisection
letters: install
	$(BIN)/sharprates audit letters:64 --policy $(RULES) --samples 20000 --jobs 2 \
		--json book/results/letters64.json
	$(BIN)/sharprates audit letters:1024 --samples 4000 --jobs 2 --json book/results/letters1024.json \
		--policy threshold:0.9,threshold:0.3,left-to-right:32:threshold:0.9,confidence:2,bisection

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Writes tests/bench/results.md.
bench: install
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[peers]' -c constraints.txt
	$(BIN)/python -m pytest -q tests/bench --benchmark-enable

# Where masking again helps: some minutes; writes book/results/remasking.json.
remask: install
	cd book && ../$(BIN)/python -m studies.remasking

# The network of a page: some minutes on one core; writes book/results/network.pt and network.json.
network: install
	cd book && ../$(BIN)/python -m studies.network

peers: install
	$(BIN)/python tests/peers/run.py
