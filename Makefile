# `make demo` shows what it does, `make test` runs all tests. Both install what they need (Debian, Ubuntu).

CARGO ?= cargo
BIN := target/release/package-import
# Where `make install` puts things. DESTDIR is put before all of them, for packages.
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
# Where monitoring systems look for plugins, whatever the prefix is.
PLUGINS ?= /usr/lib/nagios/plugins
BINDIR = $(PREFIX)/bin
SHARE = $(DESTDIR)$(PREFIX)/share
DOC = $(SHARE)/doc/package-import
UNITS = $(DESTDIR)$(PREFIX)/lib/systemd/system
# Crash points, and the checks with PostgreSQL.
FEATURES := cli/failpoints,plugin/postgres
# Tests at a time: most of them wait, for a server, a pause, a daemon, the disk.
TEST_THREADS ?= $(shell echo $$((4 * $$(nproc))))

.PHONY: all build install install-plugins demo test check storm fuzz baseline bench clean

all: build

build:
	@scripts/install-tools build
	$(CARGO) build --release --locked --bin package-import
	@scripts/build-checks

# Everything, as docs/operations.md has it. Nothing is built, and nothing is started. What may have been changed on this
# machine (crontab, nrpe.d) is written only where it is not there yet.
install:
	@test -x $(BIN) || { echo "run make build first" >&2; exit 1; }
	@$(MAKE) --no-print-directory install-plugins
	install -d $(DESTDIR)$(BINDIR) $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions \
		$(SHARE)/fish/vendor_completions.d $(UNITS) $(DESTDIR)$(SYSCONFDIR)/cron.d $(DESTDIR)$(SYSCONFDIR)/nagios/nrpe.d \
		$(DOC)/examples
	install -m 0755 $(BIN) $(DESTDIR)$(BINDIR)/package-import
	$(BIN) man $(SHARE)/man/man1
	$(BIN) completions bash > $(SHARE)/bash-completion/completions/package-import
	$(BIN) completions zsh > $(SHARE)/zsh/site-functions/_package-import
	$(BIN) completions fish > $(SHARE)/fish/vendor_completions.d/package-import.fish
	sed 's,/usr/local/bin/,$(BINDIR)/,' docs/examples/package-import.service > $(UNITS)/package-import.service
	test -e $(DESTDIR)$(SYSCONFDIR)/cron.d/package-import || \
		sed 's,/usr/local/bin/,$(BINDIR)/,' docs/examples/crontab > $(DESTDIR)$(SYSCONFDIR)/cron.d/package-import
	test -e $(DESTDIR)$(SYSCONFDIR)/nagios/nrpe.d/package-import.cfg || \
		sed 's,/usr/lib/nagios/plugins/,$(PLUGINS)/,' nrpe.d/package-import.cfg \
		> $(DESTDIR)$(SYSCONFDIR)/nagios/nrpe.d/package-import.cfg
	install -m 0644 docs/*.md README.md CHANGELOG.md LICENSE-* $(DOC)
	install -m 0644 docs/examples/* $(DOC)/examples
	chmod -R u=rwX,go=rX $(SHARE)/man/man1 $(SHARE)/bash-completion/completions/package-import \
		$(SHARE)/zsh/site-functions/_package-import $(SHARE)/fish/vendor_completions.d/package-import.fish \
		$(UNITS)/package-import.service $(DESTDIR)$(SYSCONFDIR)/cron.d/package-import \
		$(DESTDIR)$(SYSCONFDIR)/nagios/nrpe.d/package-import.cfg

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
	TMPDIR=$$(scripts/test-folder) RUST_TEST_THREADS=$(TEST_THREADS) $(CARGO) test --locked --workspace --features $(FEATURES)

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
		--bin pages_bench --bin poll_bench --bin publish_bench --bin turns
	@scripts/bench
	$(CARGO) build --profile plugin --locked -p plugin --example floor
	@scripts/bench-checks
	target/release/queue_bench throughput
	target/release/queue_bench overhead $(BIN) 1000
	target/release/poll_bench $(BIN)
	target/release/pages_bench $(BIN)
	target/release/publish_bench $(BIN) 1000 10

clean:
	$(CARGO) clean
