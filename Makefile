# almanac: `make run`, `make test`; `make help` lists everything.

BUILD   ?= build
VERSION := 0.1.0

ifeq ($(origin CC),default)
CC := gcc
endif

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wformat=2 -Wundef -Wvla -Wcast-qual -Wswitch-enum
LIBRARIES := libmicrohttpd gnutls libpq jansson libcurl uuid libxml-2.0 libcrypto zlib

OPTIMISE ?= -O2
SANITIZE ?=
WERROR   ?=

CPPFLAGS += -D_GNU_SOURCE -DALMANAC_VERSION='"$(VERSION)"' -Iinclude -I$(BUILD)/sql \
            $(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null)
CFLAGS   += -std=c11 -g $(OPTIMISE) -pthread -fstack-protector-strong -fno-strict-aliasing \
            $(WARNINGS) $(WERROR) $(SANITIZE)
LDFLAGS  += -pthread -Wl,-z,relro,-z,now $(SANITIZE)
LDLIBS   += $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null)

# Where `make install` puts things; DESTDIR goes before all of it.
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
BINDIR     ?= $(PREFIX)/bin
MANDIR     ?= $(PREFIX)/share/man
DOCDIR     ?= $(PREFIX)/share/doc/almanac
UNITDIR    ?= $(PREFIX)/lib/systemd/system
DESTDIR    ?=

STATEMENTS := $(sort $(wildcard sql/*/*.sql))
SOURCES    := $(sort $(wildcard src/*.c src/*/*.c))
OBJECTS    := $(SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/sql/sql_texts.o $(BUILD)/documents/documents_files.o
HOUSE      := $(filter-out $(BUILD)/src/main.o,$(OBJECTS))
TESTS      := $(sort $(wildcard tests/unit/test_*.c tests/db/test_*.c tests/rules/*.c))
FUZZERS    := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FORMATTED  := $(sort $(wildcard include/almanac/*.h src/*.[ch] src/*/*.[ch] tests/*/*.[ch]))

# These run programs one after the other; what they build is built by a make of its own, which, as a
# plain `make` does, uses all processors and keeps each compiler's words together.
SCRIPTED := uninstall run test check check-% postman bench fuzz asan tsan format clean help

MAKEFLAGS += --no-print-directory
ifeq (,$(filter $(SCRIPTED),$(MAKECMDGOALS)))
ifeq (,$(filter -j% --jobserver%,$(MAKEFLAGS)))
MAKEFLAGS += -j$(shell nproc) -Otarget
endif
endif

ifneq ($(V),1)
quiet = @printf '  %-4s  %s\n' $(1) '$(2)';
endif

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.PHONY: build install again test-binaries unit-binaries fuzzers $(SCRIPTED)

build: $(BUILD)/almanac ## build build/almanac (the default)
	@:

# --- the binary -------------------------------------------------------------------------------------

# The folders are named so that a file that went away counts as a change.
$(BUILD)/almanac: $(OBJECTS) $(wildcard src/*/)
	$(call quiet,LINK,$@)$(CC) $(LDFLAGS) -o $@ $(OBJECTS) $(LDLIBS)

# Said once and before all else, where every compiler would complain of a header.
$(BUILD)/libraries: Makefile
	@pkg-config --print-errors --exists $(LIBRARIES) || \
		{ echo 'libraries are missing: `.make/install run` installs them on Debian, as `make run` does' >&2; exit 1; }
	@mkdir -p $(@D) && touch $@

$(BUILD)/sql/made: sql/embed.awk $(STATEMENTS) $(wildcard sql/*/) | $(BUILD)/libraries
	@mkdir -p $(@D)/new
	$(call quiet,SQL,sql/*/*.sql)awk -v out=$(@D)/new -f sql/embed.awk $(STATEMENTS)
	@for file in sql_names.h sql_texts.c; do \
		cmp -s $(@D)/new/$$file $(@D)/$$file || cp $(@D)/new/$$file $(@D)/$$file; \
	done
	@touch $@

$(BUILD)/sql/sql_names.h $(BUILD)/sql/sql_texts.c: $(BUILD)/sql/made ;

$(BUILD)/sql/sql_texts.o: $(BUILD)/sql/sql_texts.c $(BUILD)/sql/sql_names.h Makefile
	$(call quiet,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Swagger UI is asked for again as long as it is not there, and somebody could fetch it.
$(BUILD)/documents/made: src/documents/embed $(wildcard src/documents/page/*) \
		$(if $(wildcard $(BUILD)/documents/swagger-ui-dist-*.tgz),,$(if $(shell command -v npm),again))
	$(call quiet,DOCS,src/documents/page)src/documents/embed $(@D)
	@touch $@

$(BUILD)/documents/documents_files.c: $(BUILD)/documents/made ;

$(BUILD)/documents/documents_files.o: $(BUILD)/documents/documents_files.c src/documents/files.h Makefile
	$(call quiet,CC,$<)$(CC) $(CPPFLAGS) -Isrc $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/src/%.o: src/%.c Makefile | $(BUILD)/sql/sql_names.h
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The settings of the manual come from the table that the binary has.
$(BUILD)/almanac.8: docs/almanac.8 $(BUILD)/almanac
	$(call quiet,MAN,$@)$(BUILD)/almanac help --mdoc | fold -s -w 78 | sed 's/ *$$//' | \
		sed -e '/^\.\\" SETTINGS$$/{r /dev/stdin' -e 'd;}' docs/almanac.8 >$@

# --- programs of the tests: each is one file, with the whole house behind it -------------------------

test-binaries: $(TESTS:%.c=$(BUILD)/%)
	@:
unit-binaries: $(patsubst %.c,$(BUILD)/%,$(filter tests/unit/%,$(TESTS)))
fuzzers: $(FUZZERS:%.c=$(BUILD)/%)

$(BUILD)/tests/%.o: tests/%.c Makefile | $(BUILD)/sql/sql_names.h
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(CPPFLAGS) -Isrc $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(HOUSE)
	$(call quiet,LINK,$@)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(HOUSE) $(LDLIBS)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(HOUSE)
	$(call quiet,LINK,$@)$(CC) $(LDFLAGS) -o $@ $< $(HOUSE) -lcmocka -ldl $(LDLIBS)

# --- what people ask for ----------------------------------------------------------------------------

install: $(BUILD)/almanac $(BUILD)/almanac.8 ## install below PREFIX=/usr/local: binary, manual, unit, settings, documents
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(MANDIR)/man8' '$(DESTDIR)$(DOCDIR)' '$(DESTDIR)$(UNITDIR)'
	install -d -m 750 '$(DESTDIR)$(SYSCONFDIR)/almanac'
	install -m 755 $(BUILD)/almanac '$(DESTDIR)$(BINDIR)/almanac'
	install -m 644 $(BUILD)/almanac.8 '$(DESTDIR)$(MANDIR)/man8/almanac.8'
	sed -e 's|/usr/local/bin|$(BINDIR)|' -e 's|/etc/almanac|$(SYSCONFDIR)/almanac|' \
		docs/operations/almanac.service >'$(DESTDIR)$(UNITDIR)/almanac.service'
	chmod 644 '$(DESTDIR)$(UNITDIR)/almanac.service'
	install -m 640 .env.example '$(DESTDIR)$(SYSCONFDIR)/almanac/almanac.env.example'
	install -m 644 README.md CHANGELOG.md LICENSE docs/operations/alerts.yml \
		docs/operations/grafana.json '$(DESTDIR)$(DOCDIR)'
	install -m 644 docs/operations/README.md '$(DESTDIR)$(DOCDIR)/operations.md'

uninstall: ## take away what `make install` put there; almanac.env stays
	rm -f '$(DESTDIR)$(BINDIR)/almanac' '$(DESTDIR)$(MANDIR)/man8/almanac.8' \
		'$(DESTDIR)$(UNITDIR)/almanac.service' \
		'$(DESTDIR)$(SYSCONFDIR)/almanac/almanac.env.example'
	rm -rf '$(DESTDIR)$(DOCDIR)'
	-rmdir '$(DESTDIR)$(SYSCONFDIR)/almanac' 2>/dev/null

run: export ALMANAC_BINARY = $(BUILD)/almanac
run: ## install what is missing, build, start a private PostgreSQL, serve until Ctrl-C
	@.make/install run
	@$(MAKE) build
	@.make/foreground .make/run

test: ## all tests; TESTS_ONLY='unit api' for some groups
	@.make/install test
	@$(MAKE) build test-binaries
	@BUILD='$(BUILD)' tests/run $(TESTS_ONLY)

check: ## layout, warnings as errors, linter, the rules of the house, a short smoke of the load
	@.make/install check
	@$(MAKE) check-format
	@$(MAKE) check-warnings
	@$(MAKE) check-lint
	@$(MAKE) check-rules
	@$(MAKE) check-load
	@$(MAKE) check-openapi
	@$(MAKE) check-docs
	@echo 'check: all is well'

check-format:
	@echo 'check: layout (clang-format)'
	@clang-format --dry-run --Werror $(FORMATTED)

check-warnings:
	@echo 'check: warnings are errors'
	@$(MAKE) build test-binaries BUILD='$(BUILD)/strict' WERROR=-Werror

check-lint:
	@echo 'check: linter'
	@BUILD='$(BUILD)' .make/lint $(SOURCES)

check-rules:
	@echo 'check: rules of the house'
	@$(MAKE) build test-binaries
	@BUILD='$(BUILD)' tests/run rules

check-openapi:
	@echo 'check: the description of the HTTP interface (redocly, spectral)'
	@$(MAKE) build
	@BUILD='$(BUILD)' .make/openapi

check-docs:
	@echo 'check: the Postman collection, and the page at /docs in a browser'
	@$(MAKE) build
	@BUILD='$(BUILD)' tests/run docs

postman: ## write docs/postman.json anew: after a change of the routes
	@$(MAKE) build
	@$(BUILD)/almanac openapi | .make/postman docs/postman.json

check-load:
	@if [ -e tests/load/bench ]; then \
		echo 'check: smoke of the load scripts'; \
		$(MAKE) build && ALMANAC_BINARY='$(BUILD)/almanac' tests/load/bench --smoke; \
	fi

bench: ## the load scripts with their figures (minutes); BENCH='--write' keeps them
	@.make/install check
	@$(MAKE) build
	@ALMANAC_BINARY='$(BUILD)/almanac' tests/load/bench $(BENCH)

fuzz: ## every fuzz harness for FUZZ_SECONDS=60
	@.make/install fuzz
	@$(MAKE) fuzzers BUILD='$(BUILD)/fuzz' CC=clang OPTIMISE=-O1 \
		SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
	@BUILD='$(BUILD)/fuzz' .make/fuzz

SANITIZED := unit db sql world api faults

asan: ## all tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@.make/install test
	@$(MAKE) build test-binaries BUILD='$(BUILD)/asan' OPTIMISE='-O1 -fno-omit-frame-pointer' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all'
	@BUILD='$(BUILD)/asan' ALMANAC_SANITIZER=address \
		ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 \
		UBSAN_OPTIONS=print_stacktrace=1 tests/run $(or $(TESTS_ONLY),$(SANITIZED))

tsan: ## all tests with ThreadSanitizer
	@.make/install test
	@$(MAKE) build test-binaries BUILD='$(BUILD)/tsan' OPTIMISE='-O1 -fno-omit-frame-pointer' \
		SANITIZE=-fsanitize=thread
	@BUILD='$(BUILD)/tsan' ALMANAC_SANITIZER=thread tests/run $(or $(TESTS_ONLY),$(SANITIZED))

format: ## lay out all C files with clang-format
	@.make/install check
	@clang-format -i $(FORMATTED)

clean: ## remove what was built; the database in .postgres stays
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

-include $(shell find $(BUILD)/sql $(BUILD)/src $(BUILD)/tests -name '*.d' 2>/dev/null)
