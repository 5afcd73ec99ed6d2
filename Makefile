# almanac: make run, make test. `make help` lists everything.

BUILD   ?= build
CC      ?= gcc
VERSION := 0.1.0

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wformat=2 -Wundef -Wvla -Wcast-qual -Wswitch-enum
LIBRARIES := libmicrohttpd libpq jansson libcurl uuid libxml-2.0 libcrypto zlib

OPTIMISE ?= -O2
SANITIZE ?=
WERROR   ?=

CPPFLAGS += -D_GNU_SOURCE -DALMANAC_VERSION='"$(VERSION)"' -Iinclude -I$(BUILD)/sql \
            $(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null)
CFLAGS   += -std=c11 -g $(OPTIMISE) -pthread -fstack-protector-strong -fno-strict-aliasing \
            $(WARNINGS) $(WERROR) $(SANITIZE)
LDFLAGS  += -pthread -Wl,-z,relro,-z,now $(SANITIZE)
LDLIBS   += $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null)

STATEMENTS := $(sort $(wildcard sql/*/*.sql))
SOURCES    := $(sort $(wildcard src/*.c src/*/*.c))
OBJECTS    := $(SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/sql/sql_texts.o
HOUSE      := $(filter-out $(BUILD)/src/main.o,$(OBJECTS))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(sort $(wildcard tests/unit/test_*.c)))

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: build unit-binaries clean

build: $(BUILD)/almanac

$(BUILD)/almanac: $(OBJECTS)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/sql/sql_names.h: sql/embed.awk $(STATEMENTS)
	@mkdir -p $(@D)
	awk -v out=$(BUILD)/sql -f sql/embed.awk $(STATEMENTS)

$(BUILD)/sql/sql_texts.c: $(BUILD)/sql/sql_names.h ;

$(BUILD)/sql/sql_texts.o: $(BUILD)/sql/sql_texts.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/src/%.o: src/%.c | $(BUILD)/sql/sql_names.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

unit-binaries: $(UNIT_TESTS)

$(BUILD)/tests/unit/%: tests/unit/%.c $(HOUSE)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Isrc $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(HOUSE) -lcmocka -ldl $(LDLIBS)

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
