# party: `make help` lists the targets.  GNU make; nothing to configure.
# SPDX-License-Identifier: MIT
CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
WERROR  ?=
PKG     ?= pkg-config

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
        -Wmissing-prototypes -Wvla -Wundef -Wformat=2 -Wswitch-enum -Wcast-qual $(WERROR)
COMPILE = $(CC) -std=c11 -D_GNU_SOURCE -ffp-contract=off -fPIC $(WARN) -I. -MMD -MP $(CFLAGS)

# The folders, lowest first; what each may use is in tools/layers.txt.
PURE    := base secure wire clock overlay share party node
FOLDERS := $(PURE) audio library daemon cli demo sim
needs    = $(shell sed -n 's/^$(1):[^|]*| *//p' tools/layers.txt)
archives = $(patsubst %,$(BUILD)/lib%.a,$(1))
pkgs    := libcbor libsodium libuv flac alsa samplerate sqlite3
LIBS     = $(shell $(PKG) --libs $(pkgs)) -lm -pthread
objects  = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)/*.c))

TESTED  ?= $(FOLDERS)
TESTS   := $(patsubst %.c,$(BUILD)/%,$(wildcard $(TESTED:%=tests/%/test_*.c)))
REPLAYS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCHES := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))
PLUGIN  := $(BUILD)/tests/alsa/libasound_module_pcm_partytest.so
RIG     := $(addprefix $(BUILD)/tests/,system/netswitch system/measure rig/song rig/twins)
TOOLS   := $(RIG) $(BUILD)/tests/bench/bench_city

all: $(BUILD)/party $(BUILD)/party-sim

help: ; @sed -n 's/^\([a-z][a-z-]*\):.*## */  \1\t/p' Makefile | expand -t 14

# Install what the build needs (Debian); does nothing when it is all there.
deps: ## install the packages that the build and the tests need
	@tools/deps.sh build

$(BUILD)/party: $(BUILD)/obj/cli/main/main.o $(call archives,demo cli daemon library audio node \
    party share overlay clock wire secure base)
	$(CC) $(CFLAGS) -rdynamic -o $@ $^ $(LIBS)
$(BUILD)/party-sim: $(BUILD)/obj/sim/main/main.o $(call archives,sim audio node party share \
    overlay clock wire secure base)
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

# One world over MPI ranks; needs libopenmpi-dev, and is no part of "all".
party-sim-mpi: $(BUILD)/party-sim-mpi ## the simulator over MPI ranks
$(BUILD)/obj/sim/mpi/%.o: CC := mpicc
$(BUILD)/party-sim-mpi: $(call objects,sim/mpi) $(call archives,sim audio node party share \
    overlay clock wire secure base)
	mpicc $(CFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -c $< -o $@
define folder
$(BUILD)/lib$(1).a: $(call objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(AR) rcs $$@ $$^
$(BUILD)/tests/$(1)/test_%: $(BUILD)/obj/tests/$(1)/test_%.o $(BUILD)/lib$(1).a \
    $(call archives,$(call needs,$(1)))
	@mkdir -p $$(@D)
	$(CC) $(CFLAGS) -o $$@ $$^ $$(LIBS) -lcmocka
endef
$(foreach f,$(FOLDERS),$(eval $(call folder,$(f))))
# Tests may convert and shadow as they like.
$(BUILD)/obj/tests/%.o: WARN := -Wall -Wextra $(WERROR)

demo: ## show a party of five on this machine
	@tools/deps.sh run
	@$(MAKE) --no-print-directory all
	$(BUILD)/party demo
test: $(TESTS) $(REPLAYS) ## unit tests (fast)
	@tools/run-tests.sh $^
check: ## everything that CI runs
	@tools/deps.sh check
	@tools/check.sh
asan: ## unit tests under ASan and UBSan
	$(MAKE) test BUILD=$(BUILD)/asan \
	    CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'
tsan: ## the tests of what has threads, under TSan
	$(MAKE) test BUILD=$(BUILD)/tsan CFLAGS='-O1 -g -fsanitize=thread' REPLAYS= \
	    TESTED='audio library daemon cli'
fuzz: ## fuzz each parser: FUZZ_RUNS=N executions each (needs clang)
	@tools/fuzz.sh
claims: all ## measure every figure that the docs state; ONLY=name for one
	@tools/claims.sh $(ONLY)
lint: ## format, layers, headers, symbols, clang-tidy
	@tools/lint.sh
format: ; clang-format -i $(wildcard $(FOLDERS:%=%/*.[ch]) */main/*.c tests/*/*.[ch])
bench-ns3: ## the simulator's engine beside ns-3 (installs it)
	@tools/deps.sh ns3
	@tests/bench/flood_compare.sh
bench: $(BENCHES) ; @for b in $^; do $$b || exit 1; done
system: all $(PLUGIN) $(TOOLS) ## tests with real daemons
	@tests/system/run.sh
rig: all $(PLUGIN) $(RIG) ## the bench that measures synchrony: then tests/rig/rig --help
plugin: $(PLUGIN) ## the simulated ALSA card that the tests play through

# The fuzz targets over their corpora, without a fuzzer.
$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/main.o \
    $(call archives,sim audio node party share overlay clock wire secure base)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/tests/bench/bench_%: $(BUILD)/obj/tests/bench/bench_%.o $(call archives,sim audio node party \
    share overlay clock wire secure base)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)
$(PLUGIN): $(BUILD)/obj/tests/alsa/plugin.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -shared -o $@ $^ $(shell $(PKG) --libs alsa) -lm
$(BUILD)/tests/system/%: $(BUILD)/obj/tests/system/%.o $(call archives,audio clock wire base)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/tests/rig/%: $(BUILD)/obj/tests/rig/%.o $(call archives,audio clock wire base)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

install: all ## install under PREFIX (default /usr/local)
	install -D -m 755 $(BUILD)/party $(DESTDIR)$(PREFIX)/bin/party
	install -D -m 755 $(BUILD)/party-sim $(DESTDIR)$(PREFIX)/bin/party-sim
	install -D -m 644 docs/party.1 $(DESTDIR)$(PREFIX)/share/man/man1/party.1
	install -D -m 644 docs/party-sim.1 $(DESTDIR)$(PREFIX)/share/man/man1/party-sim.1
uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/party bin/party-sim \
	    share/man/man1/party.1 share/man/man1/party-sim.1)
clean: ; rm -rf $(BUILD)

.PHONY: all party-sim-mpi help deps demo test check asan tsan fuzz claims lint format bench bench-ns3 \
    system rig plugin install uninstall clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
