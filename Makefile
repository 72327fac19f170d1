# qemu-kvm-shim. GNU make; libraries by pkg-config.
#
#   make                 build/qemu-kvm-shim, build/guest-pinningd, build/guest-pinning
#   make install         DESTDIR= PREFIX= LIBEXECDIR= SYSCONFDIR= RUNSTATEDIR= UNITDIR=
#                        APPARMORDIR=
#   make test            any Linux machine, root or not; touches nothing outside build/
#   make e2e             a throw-away host, as root: real libvirt, real emulator
#   make lab             a host with eight NUMA nodes, in software: real libvirt, systemd,
#                        cgroup v2, AppArmor (LAB_NODES= LAB_CPUS_PER_NODE= LAB_TESTS=)
#   make lab-quick       its fast part: what needs nodes and no libvirt
#   make lab-shell       a root shell in it
#   make lab-selftest    that a lab in which something goes wrong says so
#   make lint            formatting, static analysis, shell scripts
VERSION := 0.1.0

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec
SYSCONFDIR ?= /etc
RUNSTATEDIR ?= /run
UNITDIR ?= $(PREFIX)/lib/systemd/system
APPARMORDIR ?= $(SYSCONFDIR)/apparmor.d
# What libvirt includes in each guest's profile, for the administrator to add to.
APPARMOR_LOCAL := $(APPARMORDIR)/local/abstractions/libvirt-qemu
APPARMOR_LINE := include if exists <abstractions/guest-pinning>
BUILD ?= build
SHIMDIR := $(LIBEXECDIR)/qemu-kvm-shim

CC ?= cc
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
OUR_CPPFLAGS := -D_GNU_SOURCE -iquote policy -iquote shim \
	-DVERSION='"$(VERSION)"' -DSYSCONFDIR='"$(SYSCONFDIR)"' \
	-DRUNSTATEDIR='"$(RUNSTATEDIR)"' -DSHIM_PATH='"$(SHIMDIR)/qemu-kvm-shim"'
WARNINGS := -std=gnu17 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wformat=2 -Wno-format-nonliteral
# A distribution's flags may set the level of _FORTIFY_SOURCE; the sanitizers have
# checks of their own, which it would hide.
FORTIFY = $(if $(findstring _FORTIFY_SOURCE,$(CFLAGS) $(CPPFLAGS)),,\
	$(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
HARDENING = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer,$(FORTIFY) -fstack-protector-strong)
ALL_CPPFLAGS = $(OUR_CPPFLAGS) $(CPPFLAGS)
ALL_CFLAGS = $(WARNINGS) -fPIE $(HARDENING) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)
# libnuma is opened when a rule needs it, and then finds these two here (numa(3)).
NUMA_LDFLAGS := -Wl,--export-dynamic-symbol=numa_warn -Wl,--export-dynamic-symbol=numa_error

# The policy language, which knows nothing of processes, NUMA or QEMU.
POLICY := $(BUILD)/libpolicy.a
# What the drop-in is made of; the agent and the tool are these and their own parts.
objects = $(patsubst %,$(BUILD)/shim/%.o,$(1))
SHARED_OBJECTS := $(call objects,agent assigned cgroup device device_option emulator file \
	guest_memory huge_pages id_set interrupt_plan interrupts json_library library log marker \
	memory_object numa_library option_string page_demand placement plan plan_print priority \
	qemu_args qemu_memory ranges roots unix_socket)
AGENT_PARTS := $(call objects,clients cpuset guest_cgroup irqbalance libvirt_state listener \
	peer pins privileges request server watch watch_guest watch_note watch_settle watch_state watcher)
TOOL_PARTS := $(call objects,features install report shadow)
TOOL_OBJECTS := $(TOOL_PARTS) $(call objects,guest-pinning verb_check verb_install verb_match)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
TEST_PROGRAMS := $(patsubst tests/cli/%.c,$(BUILD)/tests/%,$(wildcard tests/cli/*.c))

UNITS := guest-pinningd.socket guest-pinningd.service

TOOL_CFLAGS = $(shell $(PKG_CONFIG) --cflags jansson libattr)
TOOL_LIBS = $(shell $(PKG_CONFIG) --libs jansson libattr)
AGENT_CFLAGS = $(shell $(PKG_CONFIG) --cflags libcap-ng expat jansson)
AGENT_LIBS = $(shell $(PKG_CONFIG) --libs libcap-ng expat jansson)
NUMA_CFLAGS = $(shell $(PKG_CONFIG) --cflags numa)
CMOCKA_CFLAGS = $(shell $(PKG_CONFIG) --cflags cmocka)
CMOCKA_LIBS = $(shell $(PKG_CONFIG) --libs cmocka)

# What is run is told in short; V=1 shows it whole.
SAY = @$(if $(V),true,echo "  $(1) $@")
Q := $(if $(V),,@)

.PHONY: all install uninstall clean test test-programs e2e demo lint \
	lab lab-quick lab-shell lab-selftest lab-programs
.DELETE_ON_ERROR:
.SECONDARY:

PROGRAMS := $(addprefix $(BUILD)/,qemu-kvm-shim guest-pinningd guest-pinning)

all: $(PROGRAMS)

$(BUILD)/qemu-kvm-shim: $(call objects,qemu-kvm-shim monitor)
$(BUILD)/guest-pinningd: $(call objects,guest-pinningd) $(AGENT_PARTS)
$(BUILD)/guest-pinningd: PROGRAM_LIBS = $(AGENT_LIBS)
$(BUILD)/guest-pinning: $(TOOL_OBJECTS)
$(BUILD)/guest-pinning: PROGRAM_LIBS = $(TOOL_LIBS)

$(PROGRAMS): $(SHARED_OBJECTS) $(POLICY)
	$(call SAY,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(NUMA_LDFLAGS) -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) $(PROGRAM_LIBS) -ldl

$(TOOL_OBJECTS): EXTRA_CFLAGS = $(TOOL_CFLAGS)
$(AGENT_PARTS): EXTRA_CFLAGS = $(AGENT_CFLAGS) $(NUMA_CFLAGS)
$(SHARED_OBJECTS): EXTRA_CFLAGS = $(NUMA_CFLAGS)

$(POLICY): $(patsubst %.c,$(BUILD)/%.o,$(wildcard policy/*.c))
	@rm -f $@
	$(call SAY,AR)
	$(Q)$(AR) rcs $@ $^

# The paths are compiled in: other ones than at the last make are a new build.
PATHS := $(SYSCONFDIR) $(RUNSTATEDIR) $(SHIMDIR)
ifneq ($(file <$(BUILD)/paths),$(PATHS))
$(shell mkdir -p $(BUILD))
$(file >$(BUILD)/paths,$(PATHS))
endif

$(BUILD)/%.o: %.c Makefile $(BUILD)/paths
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/tests/*/*.d)

# fill_in,SOURCE,FILE - what packaging/SOURCE.in leaves to the paths.
define fill_in
sed 's,@SBINDIR@,$(SBINDIR),; s,@SYSCONFDIR@,$(SYSCONFDIR),; s,@RUNSTATEDIR@,$(RUNSTATEDIR),' \
		packaging/$(1).in >$(DESTDIR)$(2)
	chmod 644 $(DESTDIR)$(2)

endef

install: all
	install -D -m 755 $(BUILD)/guest-pinning $(DESTDIR)$(SBINDIR)/guest-pinning
	install -D -m 755 $(BUILD)/guest-pinningd $(DESTDIR)$(SBINDIR)/guest-pinningd
	install -D -m 755 $(BUILD)/qemu-kvm-shim $(DESTDIR)$(SHIMDIR)/qemu-kvm-shim
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(APPARMORDIR)/abstractions
	$(foreach unit,$(UNITS),$(call fill_in,systemd/$(unit),$(UNITDIR)/$(unit)))
	$(call fill_in,apparmor/guest-pinning,$(APPARMORDIR)/abstractions/guest-pinning)
	@# An administrator's policy is never overwritten.
	test -e $(DESTDIR)$(SYSCONFDIR)/libvirt/guest-pinning.conf || \
		install -D -m 644 policy/guest-pinning.conf \
			$(DESTDIR)$(SYSCONFDIR)/libvirt/guest-pinning.conf
ifeq ($(DESTDIR),)
	test ! -d $(dir $(APPARMOR_LOCAL)) || grep -qsxF '$(APPARMOR_LINE)' $(APPARMOR_LOCAL) || \
		{ test -z "$$(tail -c 1 $(APPARMOR_LOCAL) 2>/dev/null)" || echo; \
		echo '$(APPARMOR_LINE)'; } >>$(APPARMOR_LOCAL)
endif

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/guest-pinning $(DESTDIR)$(SBINDIR)/guest-pinningd \
		$(DESTDIR)$(SHIMDIR)/qemu-kvm-shim $(UNITS:%=$(DESTDIR)$(UNITDIR)/%) \
		$(DESTDIR)$(APPARMORDIR)/abstractions/guest-pinning
	-rmdir $(DESTDIR)$(SHIMDIR)
ifeq ($(DESTDIR),)
	test ! -e $(APPARMOR_LOCAL) || sed -i '\,^$(APPARMOR_LINE)$$,d' $(APPARMOR_LOCAL)
endif

clean:
	rm -rf $(BUILD)

# Tests: every one runs in the plain build and under the sanitizers.

$(BUILD)/tests/test_%: $(BUILD)/tests/unit/test_%.o $(AGENT_PARTS) $(TOOL_PARTS) \
		$(SHARED_OBJECTS) $(POLICY)
	$(call SAY,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(NUMA_LDFLAGS) -o $@ $^ \
		$(AGENT_LIBS) $(TOOL_LIBS) $(CMOCKA_LIBS) -ldl

$(BUILD)/tests/%: $(BUILD)/tests/cli/%.o $(POLICY)
	$(call SAY,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

test-programs: all $(UNIT_TESTS) $(TEST_PROGRAMS)

test:
	tests/run "$(MAKE)" $(BUILD)

e2e: all
	BUILD=$(abspath $(BUILD)) tests/e2e/run

demo: all
	BUILD=$(abspath $(BUILD)) tests/demo

lab lab-quick lab-shell:
	@BUILD="$(abspath $(BUILD))" tests/lab/run $(lab_kinds)
lab: lab_kinds = quick full
lab-quick: lab_kinds = quick
lab-shell: lab_kinds = shell

lab-selftest:
	BUILD="$(abspath $(BUILD))" bats --tap tests/lab/selftest.bats

# What is made in the lab's own Debian (tests/lab/run).
lab-programs: all $(BUILD)/lab-guest $(BUILD)/lab-probe $(BUILD)/lab-vfio

# Static, for the probe is started more often than anything else there.
$(BUILD)/lab-probe $(BUILD)/lab-vfio: $(BUILD)/lab-%: tests/lab/%.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(Q)$(CC) $(WARNINGS) -O2 -static -o $@ $<

# A kernel: for no system, at the address where multiboot has free memory.
GUEST_CFLAGS := -m32 -march=i686 -O2 -ffreestanding -mgeneral-regs-only -fno-pie \
	-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables
GUEST_LDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none,-z,noseparate-code \
	-Wl,-e,start,-Ttext-segment=0x100000

$(BUILD)/lab-guest: tests/lab/guest.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(Q)$(CC) $(WARNINGS) $(GUEST_CFLAGS) $(GUEST_LDFLAGS) -o $@ $<

C_SOURCES := $(wildcard policy/*.[ch] shim/*.[ch] tests/*/*.[ch])
SCRIPTS := .ci/run packaging/bootstrap.sh tests/run tests/demo tests/e2e/run \
	tests/lab/run tests/lab/image tests/lab/quick/side-by-side \
	$(wildcard tests/lab/inside/*) \
	$(wildcard tests/*/*.bash tests/*/*.bats tests/lab/*/*.bash tests/lab/*/*.bats)

lint:
	clang-format --dry-run --Werror $(C_SOURCES)
	cppcheck --std=c11 --enable=warning,performance,portability --error-exitcode=1 --quiet \
		--inline-suppr $(OUR_CPPFLAGS) policy shim
	clang-tidy --quiet --warnings-as-errors='*' $(wildcard policy/*.c shim/*.c) -- \
		-std=gnu17 $(OUR_CPPFLAGS) $(NUMA_CFLAGS) $(AGENT_CFLAGS) $(TOOL_CFLAGS)
	shellcheck -x $(SCRIPTS)
