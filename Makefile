# `make demo` shows what it does, `make test` runs all tests. Both install what they need (Debian, Ubuntu).

CARGO ?= cargo
BIN := target/release/package-import
# Where monitoring systems look for plugins.
PLUGINS ?= /usr/lib/nagios/plugins
# Crash points, and the checks with PostgreSQL.
FEATURES := cli/failpoints,plugin/postgres

.PHONY: all build install-plugins demo test check storm fuzz baseline bench clean

all: build

build:
	@scripts/install-tools build
	$(CARGO) build --release --locked --bin package-import
	@scripts/build-checks

# The checks, for the monitoring system: see docs/monitoring.md.
install-plugins:
	@test -x target/checks/check_import_runs || { echo "run make build first" >&2; exit 1; }
	install -d $(DESTDIR)$(PLUGINS)
	install -m 0755 target/checks/check_import_* $(DESTDIR)$(PLUGINS)

demo: build
	@scripts/demo $(BIN)

test: check
	@scripts/install-tools test
	$(CARGO) build --locked --workspace --bins --examples --features $(FEATURES)
	$(CARGO) test --locked --workspace --features $(FEATURES)

check:
	@scripts/install-tools check
	@scripts/install-cargo-tools
	$(CARGO) fmt --check
	CARGO=$(CARGO) scripts/check-claims
	CARGO=$(CARGO) scripts/lint --features $(FEATURES)
	$(CARGO) deny --all-features check licenses bans sources

# The long versions of tests that `make test` runs in short.
storm:
	@scripts/install-tools test
	STORM=long $(CARGO) test --locked --workspace --features $(FEATURES) --test end_to_end --test conformance -- \
		storm:: hosts:: archives:: backup:: outage:: load:: interference:: story:: --nocapture

# Fifty years of every kind of series, beside others' rules and the best possible test: the table of docs/baselines.md.
baseline:
	BASELINE=long PEERS=1 $(CARGO) test --release --locked -p baseline --test integration -- years:: --nocapture
	BASELINE=long $(CARGO) test --release --locked -p baseline --test integration -- family:: --nocapture
	BASELINE=long $(CARGO) test --release --locked -p baseline --test integration -- lives:: unseen:: --nocapture

fuzz:
	@scripts/fuzz

bench: build
	@scripts/install-tools bench
	$(CARGO) build --release --locked -p package-import-tests --bin floor --bin engine --bin queue_bench \
		--bin poll_bench --bin turns
	@scripts/bench
	$(CARGO) build --profile plugin --locked -p plugin --example floor
	@scripts/bench-checks
	target/release/queue_bench throughput
	target/release/queue_bench overhead $(BIN) 1000
	target/release/poll_bench $(BIN)

clean:
	$(CARGO) clean
