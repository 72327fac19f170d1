# qemu-kvm-shim. GNU make; libraries by pkg-config.
#
#   make                 build/qemu-kvm-shim (and -full), build/guest-pinningd,
#                        build/guest-pinning
#   make install         DESTDIR= PREFIX= LIBEXECDIR= SYSCONFDIR= RUNSTATEDIR= UNITDIR=
#                        APPARMORDIR= MANDIR= BASHCOMPDIR= ZSHCOMPDIR=
#   make test            any Linux machine, root or not; touches nothing outside build/
#   make bench           what the shim costs, in relation to one execve and to a script (ROUNDS=,
#                        JSON=1: the last line is JSON)
#   make coverage        the lines and branches that these tests reach, file by file
#   make analyse         gcc's and clang's analysers over the sources, valgrind over the programs
#   make e2e             a throw-away host, as root: real libvirt, real emulator
#   make lab             a host with eight NUMA nodes, in software: real libvirt, systemd,
#                        cgroup v2, AppArmor (LAB_NODES= LAB_CPUS_PER_NODE= LAB_TESTS=)
#   make lab-quick       its fast part: what needs nodes and no libvirt
#   make lab-shell       a root shell in it
#   make lab-pictures    maps of the guests in it, into packaging/pictures
#   make lab-selftest    that a lab in which something goes wrong says so
#   make lab-selinux     the same, with SELinux enforcing (root; Debian's policy tools)
#   make selinux         build/selinux/guest_pinning.pp, a module of SELinux's policy
#   make bench-many      4096 guests at once (GUESTS=): what they cost the agent; as root
#   make faults          whatever can fail does, one thing after the other (root; FAULTS=all)
#   make lint            formatting, static analysis, shell scripts
#   make dist            build/qemu-kvm-shim-VERSION.tar.gz, the same bytes each time
#   make deb, make rpm   packages for Debian and for Fedora and RHEL, in build/
#   make test-packages   them, and what is in packaging/, tried in throw-away systems

# The version and its date: the first heading of the list of changes.
RELEASE := $(shell sed -n 's/^\#\# \([0-9][0-9.]*\) (\([0-9-]*\))$$/\1 \2/p' CHANGELOG.md)
VERSION := $(word 1,$(RELEASE))
RELEASE_DATE := $(word 2,$(RELEASE))

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec
SYSCONFDIR ?= /etc
RUNSTATEDIR ?= /run
UNITDIR ?= $(PREFIX)/lib/systemd/system
APPARMORDIR ?= $(SYSCONFDIR)/apparmor.d
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
# What libvirt includes in each guest's profile, for the administrator to add to.
APPARMOR_LOCAL := $(APPARMORDIR)/local/abstractions/libvirt-qemu
BUILD ?= build
SHIMDIR := $(LIBEXECDIR)/qemu-kvm-shim

CC ?= cc
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
OUR_CPPFLAGS := -D_GNU_SOURCE -iquote policy -iquote shim \
	-DVERSION='"$(VERSION)"' -DSYSCONFDIR='"$(SYSCONFDIR)"' \
	-DRUNSTATEDIR='"$(RUNSTATEDIR)"' -DSHIM_PATH='"$(SHIMDIR)/qemu-kvm-shim"' \
	-DFULL_PATH='"$(SHIMDIR)/qemu-kvm-shim-full"' \
	-DAPPARMORDIR='"$(APPARMORDIR)"'
WARNINGS := -std=gnu17 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wformat=2 -Wno-format-nonliteral
# A distribution's flags may set the level of _FORTIFY_SOURCE; the sanitizers have
# checks of their own, which it would hide.
FORTIFY = $(if $(findstring _FORTIFY_SOURCE,$(CFLAGS) $(CPPFLAGS)),,\
	$(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
HARDENING = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer,$(FORTIFY) -fstack-protector-strong)
ALL_CPPFLAGS = $(OUR_CPPFLAGS) $(CPPFLAGS)
ALL_CFLAGS = $(WARNINGS) -ffile-prefix-map=$(CURDIR)=. -fPIE $(HARDENING) $(CFLAGS) \
	$(if $(COVERAGE),--coverage)
# The shim is linked with no library, for the loader takes as long as all else that it does.
# (The sanitizers need one.)
LINKED = -pie
ALL_LDFLAGS = $(LINKED) -Wl,-z,relro,-z,now -Wl,--as-needed \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(if $(COVERAGE),-Wl$(comma)--wrap=_exit) $(LDFLAGS)
comma := ,
# libnuma is opened when a rule needs it, and then finds these two here (numa(3)).
NUMA_LDFLAGS := -Wl,--export-dynamic-symbol=numa_warn -Wl,--export-dynamic-symbol=numa_error

# The policy language, which knows nothing of processes, NUMA or QEMU.
POLICY := $(BUILD)/libpolicy.a
# What the drop-in is made of; the agent and the tool are these and their own parts.
objects = $(patsubst %,$(BUILD)/shim/%.o,$(1))
SHARED_OBJECTS := $(call objects,agent answer_message assigned cgroup device device_option \
	emulator file guest_memory host_spec huge_pages id_set interrupt_plan interrupts json_text \
	log marker memory_object numa_library option_string page_demand placement plain_spec plan \
	plan_print priority qemu_args qemu_memory ranges roots self spec_explain unix_socket)
# What opens the libraries; the shim itself does not, and becomes the program that does.
LIBRARIES := $(call objects,library)
AGENT_PARTS := $(call objects,cgroup_mount clients cpuset guest_cgroup irqbalance libvirt_state \
	listener \
	peer pins privileges request request_message server watch watch_guest watch_note \
	watch_settle watch_state watcher worker)
TOOL_PARTS := $(call objects,bitmap_set check check_files check_guests check_rule doctor \
	doctor_confinement doctor_devices doctor_emulators doctor_inotify doctor_libvirt \
	doctor_limits doctor_memory doctor_pages doctor_placement emulators excerpt features \
	finding guest_irqs guest_move guest_pages guest_sample guest_state guest_verdict \
	host_check host_guests host_map host_memory install install_lock json_memory map_box map_cell map_info \
	map_picture map_text map_xml match_all output policy_needs problem report report_guests report_map \
	screen shadow status_cells status_guest status_text topology topology_check virsh)
TOOL_OBJECTS := $(TOOL_PARTS) $(call objects,guest-pinning verb_apply verb_check verb_doctor \
	verb_install verb_map verb_match verb_status)
# What the agent and the tool have in common.
COMMON_PARTS := $(call objects,guest_threads process watched)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
TEST_PROGRAMS := $(patsubst tests/cli/%.c,$(BUILD)/tests/%,$(wildcard tests/cli/*.c))
MANY_PROGRAMS := $(addprefix $(BUILD)/bench/,many_guests many_standin many_client)

UNITS := guest-pinningd.socket guest-pinningd.service
PAGES := guest-pinning.8 guest-pinning.conf.5 guest-pinningd.8 qemu-kvm-shim.8
# Where a page goes below MANDIR: NAME.8 to man8.
page_path = man$(subst .,,$(suffix $(1)))/$(1)

TOOL_CFLAGS = $(shell $(PKG_CONFIG) --cflags jansson libattr hwloc smartcols)
TOOL_LIBS = $(shell $(PKG_CONFIG) --libs jansson libattr hwloc smartcols)
AGENT_CFLAGS = $(shell $(PKG_CONFIG) --cflags libcap-ng expat jansson)
AGENT_LIBS = $(shell $(PKG_CONFIG) --libs libcap-ng expat jansson)
NUMA_CFLAGS = $(shell $(PKG_CONFIG) --cflags numa)
CMOCKA_CFLAGS = $(shell $(PKG_CONFIG) --cflags cmocka)
CMOCKA_LIBS = $(shell $(PKG_CONFIG) --libs cmocka)

# What is run is told in short; V=1 shows it whole.
SAY = @$(if $(V),true,echo "  $(1) $@")
Q := $(if $(V),,@)

.PHONY: all install uninstall clean test test-programs test-packages fuzz fuzz-programs faults coverage analyse \
	bench bench-many e2e demo lint \
	dist deb rpm FORCE \
	lab lab-image lab-quick lab-shell lab-pictures lab-selftest lab-programs lab-selinux selinux
# tar and gzip would do what these say, and a release be another one.
unexport TAR_OPTIONS GZIP
.DELETE_ON_ERROR:
.SECONDARY:

PROGRAMS := $(addprefix $(BUILD)/,qemu-kvm-shim qemu-kvm-shim-full guest-pinningd guest-pinning)

all: $(PROGRAMS)

SHIM_PARTS := $(call objects,qemu-kvm-shim monitor)
$(BUILD)/qemu-kvm-shim: $(SHIM_PARTS) $(call objects,handover_give)
$(BUILD)/qemu-kvm-shim: LINKED = $(if $(SANITIZE),-pie,-static-pie)
$(BUILD)/qemu-kvm-shim: NUMA_LDFLAGS :=
$(BUILD)/qemu-kvm-shim-full: $(SHIM_PARTS) $(call objects,handover_take) $(LIBRARIES)
$(BUILD)/guest-pinningd: $(call objects,guest-pinningd) $(AGENT_PARTS) $(COMMON_PARTS) $(LIBRARIES)
$(BUILD)/guest-pinningd: PROGRAM_LIBS = $(AGENT_LIBS)
$(BUILD)/guest-pinning: $(TOOL_OBJECTS) $(COMMON_PARTS) $(LIBRARIES)
$(BUILD)/guest-pinning: PROGRAM_LIBS = $(TOOL_LIBS)

$(PROGRAMS): $(SHARED_OBJECTS) $(POLICY)
	$(call SAY,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(NUMA_LDFLAGS) -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) $(PROGRAM_LIBS) -ldl

$(TOOL_OBJECTS): EXTRA_CFLAGS = $(TOOL_CFLAGS)
$(AGENT_PARTS) $(COMMON_PARTS): EXTRA_CFLAGS = $(AGENT_CFLAGS) $(NUMA_CFLAGS)
$(SHARED_OBJECTS): EXTRA_CFLAGS = $(NUMA_CFLAGS)

$(POLICY): $(patsubst %.c,$(BUILD)/%.o,$(wildcard policy/*.c))
	@rm -f $@
	$(call SAY,AR)
	$(Q)$(AR) rcs $@ $^

# The version and the paths are compiled in: other ones than at the last make are a new build.
PATHS := $(VERSION) $(SYSCONFDIR) $(RUNSTATEDIR) $(SHIMDIR) $(APPARMORDIR)
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
sed 's,@SBINDIR@,$(SBINDIR),g; s,@SYSCONFDIR@,$(SYSCONFDIR),g; s,@SHIMDIR@,$(SHIMDIR),g; \
		s,@RUNSTATEDIR@,$(RUNSTATEDIR),g; s,@VERSION@,$(VERSION),g' \
		packaging/$(1).in >$(DESTDIR)$(2)
	chmod 644 $(DESTDIR)$(2)

endef

# put_program,NAME,DIRECTORY - guests may start meanwhile: install(1) alone would take the old one
# away first, and give the new one its mode last.
define put_program
install -D -m 755 $(BUILD)/$(1) $(DESTDIR)$(2)/$(1).new
	mv -f $(DESTDIR)$(2)/$(1).new $(DESTDIR)$(2)/$(1)

endef

install: all
	$(foreach program,guest-pinning guest-pinningd,$(call put_program,$(program),$(SBINDIR)))
	$(foreach program,qemu-kvm-shim qemu-kvm-shim-full,$(call put_program,$(program),$(SHIMDIR)))
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(APPARMORDIR)/abstractions
	$(foreach unit,$(UNITS),$(call fill_in,systemd/$(unit),$(UNITDIR)/$(unit)))
	$(call fill_in,apparmor/guest-pinning,$(APPARMORDIR)/abstractions/guest-pinning)
	install -d $(sort $(dir $(foreach page,$(PAGES),$(DESTDIR)$(MANDIR)/$(call page_path,$(page)))))
	$(foreach page,$(PAGES),$(call fill_in,man/$(page),$(MANDIR)/$(call page_path,$(page))))
	install -D -m 644 packaging/completions/guest-pinning.bash \
		$(DESTDIR)$(BASHCOMPDIR)/guest-pinning
	@# bash looks for the file by the name of the command.
	ln -sf guest-pinning $(DESTDIR)$(BASHCOMPDIR)/guest-pinningd
	install -D -m 644 packaging/completions/_guest-pinning \
		$(DESTDIR)$(ZSHCOMPDIR)/_guest-pinning
	@# An administrator's policy is never overwritten.
	test -e $(DESTDIR)$(SYSCONFDIR)/libvirt/guest-pinning.conf || \
		install -D -m 644 policy/guest-pinning.conf \
			$(DESTDIR)$(SYSCONFDIR)/libvirt/guest-pinning.conf
ifeq ($(DESTDIR),)
	packaging/apparmor/local-include add $(APPARMOR_LOCAL)
endif

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/guest-pinning $(DESTDIR)$(SBINDIR)/guest-pinningd \
		$(addprefix $(DESTDIR)$(SHIMDIR)/,qemu-kvm-shim qemu-kvm-shim-full) $(UNITS:%=$(DESTDIR)$(UNITDIR)/%) \
		$(DESTDIR)$(APPARMORDIR)/abstractions/guest-pinning \
		$(foreach page,$(PAGES),$(DESTDIR)$(MANDIR)/$(call page_path,$(page))) \
		$(DESTDIR)$(BASHCOMPDIR)/guest-pinning $(DESTDIR)$(BASHCOMPDIR)/guest-pinningd \
		$(DESTDIR)$(ZSHCOMPDIR)/_guest-pinning
	-rmdir $(DESTDIR)$(SHIMDIR)
ifeq ($(DESTDIR),)
	packaging/apparmor/local-include remove $(APPARMOR_LOCAL)
endif

clean:
	rm -rf $(BUILD)

# The module of SELinux's policy, by the tools of Debian (selinux-policy-dev) or Fedora
# (selinux-policy-devel), which build in the directory that they are called in.
SELINUX_MAKEFILE ?= /usr/share/selinux/devel/Makefile
SELINUX_SOURCES := $(addprefix packaging/selinux/guest_pinning.,te if fc)
SELINUX_MODULE := $(BUILD)/selinux/guest_pinning.pp

selinux: $(SELINUX_MODULE)

$(SELINUX_MODULE): $(SELINUX_SOURCES) Makefile $(BUILD)/paths
	@mkdir -p $(@D)
	$(Q)for file in $(SELINUX_SOURCES); do \
		sed 's,@VERSION@,$(VERSION),' $$file >$(@D)/$${file##*/}; \
	done
	$(Q)$(MAKE) -C $(@D) -f $(SELINUX_MAKEFILE) guest_pinning.pp

# The release. What is in it depends on its sources alone: not on who makes it, when, where, or
# with what umask.
DIST := qemu-kvm-shim-$(VERSION)
DIST_TIME := $(shell date -u -d '$(RELEASE_DATE)' +%s)

dist: $(BUILD)/$(DIST).tar.gz

# From git what it knows; from an unpacked release, all but what was built.
$(BUILD)/$(DIST).tar.gz: FORCE
	@mkdir -p $(@D)
	$(call SAY,TAR)
	$(Q)if test -e .git; then git ls-files; \
	else find . -path ./build -prune -o -path './$(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))' -prune -o \
		! -type d -printf '%P\n'; \
	fi >$@.files
	$(Q)LC_ALL=C sort $@.files | tar -cf $@.tar --no-recursion -T - --format=ustar \
		--transform='s,^,$(DIST)/,' --mode='u+w,go=u,go-w' --mtime=@$(DIST_TIME) \
		--owner=0 --group=0 --numeric-owner
	$(Q)gzip -9n <$@.tar >$@.new
	$(Q)mv $@.new $@
	@rm $@.files $@.tar

# Who makes the packages, as their lists of changes say.
MAINTAINER ?= the qemu-kvm-shim authors <qemu-kvm-shim@example.org>
# Of the package within the version.
REVISION ?= 1

# The same bytes each time, on one distribution: not of the day, the host, the umask, nor the
# directory, which a source package has in its copy of the spec, and a package that is made with
# it by that one's sum.
RPMBUILD = env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL HOME="$$PWD" SOURCE_DATE_EPOCH=$(DIST_TIME) \
	rpmbuild $(if $(V),,--quiet) --define 'packager $(MAINTAINER)' --define '_buildhost localhost' \
	--define 'use_source_date_epoch_as_buildtime 1' \
	--define 'clamp_mtime_to_source_date_epoch 1' \
	--define 'build_mtime_policy clamp_to_source_date_epoch' \
	--define '_srcdefattr (0644,root,root)'

# On Debian rpm's database, which is in HOME, knows nothing of what there is, not even rpm.
rpm: $(BUILD)/$(DIST).tar.gz
	@rm -rf $(BUILD)/rpm
	@mkdir -p $(BUILD)/rpm
	$(Q)cp $< $(BUILD)/rpm/
	$(Q)sed 's,@VERSION@,$(VERSION),g; s,@REVISION@,$(REVISION),g' \
		packaging/rpm/qemu-kvm-shim.spec.in >$(BUILD)/rpm/qemu-kvm-shim.spec
	$(Q)MAINTAINER='$(MAINTAINER)' REVISION='$(REVISION)' packaging/changelog rpm CHANGELOG.md \
		>>$(BUILD)/rpm/qemu-kvm-shim.spec
	$(call SAY,RPM)
	$(Q)cd $(BUILD)/rpm && $(RPMBUILD) -bs --nodeps --define '_topdir .' --define '_sourcedir .' \
		qemu-kvm-shim.spec
	$(Q)cd $(BUILD)/rpm && $(RPMBUILD) -bb --define "_topdir $$PWD" --define "_sourcedir $$PWD" \
		$$(HOME="$$PWD" rpm -q rpm >/dev/null 2>&1 || echo --nodeps) qemu-kvm-shim.spec

# debian/ is made where the release is unpacked: from packaging/debian and the list of changes.
DPKG_BUILDPACKAGE ?= dpkg-buildpackage
DEB := $(BUILD)/deb/$(DIST)

deb: $(BUILD)/$(DIST).tar.gz
	@rm -rf $(BUILD)/deb
	@mkdir -p $(BUILD)/deb
	$(Q)cp $< $(BUILD)/deb/qemu-kvm-shim_$(VERSION).orig.tar.gz
	$(Q)tar -C $(BUILD)/deb -xf $<
	$(Q)cp -r $(DEB)/packaging/debian $(DEB)/debian
	$(Q)sed 's|@MAINTAINER@|$(MAINTAINER)|' $(DEB)/debian/control.in >$(DEB)/debian/control
	$(Q)MAINTAINER='$(MAINTAINER)' REVISION='$(REVISION)' \
		packaging/changelog deb CHANGELOG.md >$(DEB)/debian/changelog
	$(call SAY,DEB)
	$(Q)chmod -R go=u,go-w $(DEB)
	$(Q)umask 022 && cd $(DEB) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u BUILD \
		-u CFLAGS -u CPPFLAGS -u LDFLAGS $(DPKG_BUILDPACKAGE) --no-sign $(if $(V),,>../log 2>&1 || { cat ../log; exit 1; })
	@rm -rf $(DEB)

# Tests: every one runs in the plain build and under the sanitizers.

$(BUILD)/tests/test_%: $(BUILD)/tests/unit/test_%.o $(AGENT_PARTS) $(TOOL_PARTS) \
		$(COMMON_PARTS) $(SHARED_OBJECTS) $(LIBRARIES) $(POLICY)
	$(call SAY,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(NUMA_LDFLAGS) -o $@ $^ \
		$(AGENT_LIBS) $(TOOL_LIBS) $(CMOCKA_LIBS) -ldl

$(BUILD)/tests/%: $(BUILD)/tests/cli/%.o $(POLICY)
	$(call SAY,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

# The fuzz targets. By libFuzzer, which is clang's, they make their inputs themselves (make fuzz);
# else they run those of tests/fuzz/corpus once, as part of the tests.
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_MAIN := $(if $(findstring fuzzer,$(SANITIZE)),,$(BUILD)/tests/fuzz/seeds.o)
FUZZ_PARTS := $(patsubst %,$(BUILD)/tests/fuzz/%.o,fuzz slow_object) $(AGENT_PARTS) \
	$(TOOL_PARTS) $(COMMON_PARTS) $(SHARED_OBJECTS) $(LIBRARIES) $(POLICY)
FUZZ_SECONDS ?= 60

# What a target has in the place of the program's own function (ld(1), --wrap).
FUZZ_WRAPPED := log_line
# The huge pages of the host are made up.
$(BUILD)/tests/fuzz_command_line: FUZZ_WRAPPED := log_line huge_pages_check huge_supply_read \
	huge_pages_mount

$(FUZZ_PROGRAMS): $(BUILD)/tests/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_MAIN) $(FUZZ_PARTS)
	$(call SAY,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(NUMA_LDFLAGS) \
		$(addprefix -Wl$(comma)--wrap=,$(FUZZ_WRAPPED)) \
		$(if $(FUZZ_MAIN),,-fsanitize=fuzzer) -o $@ $^ $(AGENT_LIBS) $(TOOL_LIBS) -ldl

fuzz-programs: $(FUZZ_PROGRAMS)

fuzz:
	FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run "$(MAKE)" $(BUILD)

test-programs: all $(UNIT_TESTS) $(TEST_PROGRAMS) $(FUZZ_PROGRAMS)

test-packages:
	BUILD=$(abspath $(BUILD)) tests/packages/run

test:
	tests/run "$(MAKE)" $(BUILD) plain sanitized

# What the tests reach. Per cent of the lines that may not become less.
COVERAGE_POLICY := 97
COVERAGE_SHIM := 95

coverage:
	tests/run "$(MAKE)" $(BUILD) coverage
	tests/coverage/report $(BUILD) $(COVERAGE_POLICY) $(COVERAGE_SHIM)

# gcc -fanalyzer, clang's analyser, valgrind.
analyse:
	tests/analyse/run "$(MAKE)" $(BUILD)

ifdef COVERAGE
$(PROGRAMS) $(UNIT_TESTS) $(TEST_PROGRAMS) $(FUZZ_PROGRAMS): $(BUILD)/tests/coverage/exit.o
endif

# What the shim costs (JSON=1: the same as JSON). Static, for so is the least there can be.
BENCH_PROGRAMS := $(addprefix $(BUILD)/bench/,standin floor rounds)

$(BUILD)/bench/standin $(BUILD)/bench/floor: tests/bench/standin.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(Q)$(CC) $(WARNINGS) -D_GNU_SOURCE -O2 -static -o $@ $< \
		$(if $(filter floor,$(@F)),-DREAL='"$(abspath $(BUILD))/bench/host/qemu-kvm.real"')

$(BUILD)/bench/rounds: $(BUILD)/tests/bench/rounds.o $(call objects,file) $(POLICY)
	@mkdir -p $(@D)
	$(call SAY,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

bench: all $(BENCH_PROGRAMS)
	@BUILD=$(abspath $(BUILD)) tests/bench/run $(if $(JSON),--json)

e2e: all $(MANY_PROGRAMS)
	BUILD=$(abspath $(BUILD)) tests/e2e/run

faults: all $(BUILD)/tests/standin
	tests/faults/run "$(MAKE)" $(BUILD)

demo: all
	BUILD=$(abspath $(BUILD)) tests/demo

# What it boots, which the tests of the packages use as well.
lab-image:
	tests/lab/image "$(abspath $(BUILD))/lab/image"

lab lab-quick lab-shell:
	@BUILD="$(abspath $(BUILD))" tests/lab/run $(lab_kinds)
lab: lab_kinds = quick full
lab-quick: lab_kinds = quick
lab-shell: lab_kinds = shell

lab-pictures:
	@BUILD="$(abspath $(BUILD))" LAB_OUT="$(abspath $(BUILD))/lab/out" \
		LAB_TESTS="full/30-eight-guests.bats full/80-many.bats" tests/lab/run full
	tests/schema/check status <$(BUILD)/lab/out/status-256.json
	tests/schema/check map <$(BUILD)/lab/out/map-256.json
	@mkdir -p packaging/pictures
	cp $(BUILD)/lab/out/*.svg packaging/pictures/

lab-selinux: selinux
	tests/lab/image "$(abspath $(BUILD))/lab/image"
	tests/lab/selinux-image "$(abspath $(BUILD))/lab/image" \
		"$(abspath $(BUILD))/lab-selinux/lab/image" $(SELINUX_MODULE)
	@BUILD="$(abspath $(BUILD))/lab-selinux" LAB_TESTS=selinux/10-guest.bats \
		LAB_APPEND="security=selinux enforcing=1 apparmor=0 audit=1" tests/lab/run full

lab-selftest:
	BUILD="$(abspath $(BUILD))" bats --tap tests/lab/selftest.bats

# What is made in the lab's own Debian (tests/lab/run).
LAB_PROGRAMS := $(addprefix $(BUILD)/lab-,fragments probe standin vfio)
lab-programs: all $(BUILD)/lab-guest $(LAB_PROGRAMS) $(MANY_PROGRAMS)

# Static, for the probe is started more often than anything else there, and of the stand-in
# there are hundreds.
$(LAB_PROGRAMS): $(BUILD)/lab-%: tests/lab/%.c Makefile
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

# Very many guests (tests/bench/many), --json: BENCH_ARGS=--json.
bench-many: all $(MANY_PROGRAMS)
	@BUILD="$(abspath $(BUILD))" tests/bench/many $(BENCH_ARGS)

# Static: thousands of them are started.
$(BUILD)/bench/many_standin $(BUILD)/bench/many_client: tests/bench/many_standin.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(Q)$(CC) $(OUR_CPPFLAGS) $(WARNINGS) $(if $(filter %client,$@),-DMANY_CLIENT) -O2 -static -o $@ $<

$(BUILD)/bench/many_guests: $(BUILD)/tests/bench/many_guests.o $(call objects,file) $(POLICY)
	@mkdir -p $(@D)
	$(call SAY,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

C_SOURCES := $(wildcard policy/*.[ch] shim/*.[ch] tests/*/*.[ch])
SCRIPTS := .ci/run packaging/bootstrap.sh packaging/changelog packaging/apparmor/local-include \
	packaging/debian/emulators packaging/rpm/emulators packaging/completions/guest-pinning.bash \
	$(addprefix packaging/debian/qemu-kvm-shim.,preinst postinst prerm postrm) \
	tests/run tests/demo tests/cli/agent_host tests/coverage/report tests/analyse/run \
	tests/bench/run tests/bench/many tests/bench/pinning-2009 tests/fuzz/run tests/faults/run tests/e2e/run tests/packages/run tests/packages/repack \
	tests/lab/run tests/lab/image tests/lab/selinux-image tests/lab/quick/side-by-side \
	$(wildcard tests/lab/inside/*) \
	$(wildcard tests/*.bash tests/*/*.bash tests/*/*.bats tests/lab/*/*.bash tests/lab/*/*.bats)

lint:
	clang-format --dry-run --Werror $(C_SOURCES)
	cppcheck --std=c11 --enable=warning,performance,portability --error-exitcode=1 --quiet \
		--inline-suppr $(OUR_CPPFLAGS) policy shim
	clang-tidy --quiet --warnings-as-errors='*' $(wildcard policy/*.c shim/*.c) -- \
		-std=gnu17 $(OUR_CPPFLAGS) $(NUMA_CFLAGS) $(AGENT_CFLAGS) $(TOOL_CFLAGS)
	shellcheck -x $(SCRIPTS)
	@echo "4 passed, 0 failed"
