#include "marker.h"
#include "marker_note.h"
#include "unit.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEGMENTS_MAX = 4, NOTES_AT = sizeof(ElfW(Ehdr)) + SEGMENTS_MAX * sizeof(ElfW(Phdr)) };

/* A small ELF file: header, segments, and from NOTES_AT on the notes. */
struct elf_file {
	ElfW(Ehdr) header;
	ElfW(Phdr) segment[SEGMENTS_MAX];
	char notes[16384];
};

static char shim[PATH_MAX]; /* the one of this build */

/* Puts a note at `at` of the file's notes; returns where the next one goes. */
static size_t note_add(struct elf_file *file, size_t at, unsigned int type, const char *name,
		       unsigned int name_size, unsigned int descriptor_size)
{
	ElfW(Nhdr) note = {.n_namesz = name_size, .n_descsz = descriptor_size, .n_type = type};

	memcpy(file->notes + at, &note, sizeof(note));
	at += sizeof(note);
	memcpy(file->notes + at, name, strlen(name) + 1);
	return at + ((name_size + 3) & ~3U) + ((descriptor_size + 3) & ~3U);
}

/* A file with one segment, of notes, which holds the mark. */
static void make_shim(struct elf_file *file)
{
	size_t size;

	memset(file, 0, sizeof(*file));
	memcpy(file->header.e_ident, ELFMAG, SELFMAG);
	file->header.e_ident[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	file->header.e_phoff = sizeof(file->header);
	file->header.e_phentsize = sizeof(file->segment[0]);
	file->header.e_phnum = 1;
	size = note_add(file, 0, MARKER_TYPE, MARKER_NAME, sizeof(MARKER_NAME), 4);
	file->segment[0] = (ElfW(Phdr)){.p_type = PT_NOTE, .p_offset = NOTES_AT, .p_filesz = size};
}

/* What marker_is_shim() says of the file, cut at `size` bytes. In memory: it is asked often. */
static int is_shim(const struct elf_file *file, size_t size)
{
	char name[64];
	int fd = memfd_create("file", MFD_CLOEXEC);
	int result;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, file, size), size);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	result = marker_is_shim(name);
	close(fd);
	return result;
}

static void the_shim_of_this_build_is_one(void **state)
{
	(void)state;
	if (marker_is_shim(shim) != 1)
		fail_msg("%s is none", shim);
}

static void other_files_are_none(void **state)
{
	char self[PATH_MAX];

	(void)state;
	assert_int_equal(marker_is_shim("/bin/true"), 0);
	assert_int_equal(marker_is_shim("/bin/sh"), 0);
	assert_int_equal(marker_is_shim("/dev/null"), 0);
	/* It knows the mark, but does not carry it. */
	snprintf(self, sizeof(self), "/proc/%d/exe", (int)getpid());
	assert_int_equal(marker_is_shim(self), 0);
}

static void what_cannot_be_read_is_told_from_what_is_none(void **state)
{
	(void)state;
	assert_int_equal(marker_is_shim("/nonexistent"), -ENOENT);
	assert_int_equal(marker_is_shim(""), -ENOENT);
	assert_int_equal(marker_is_shim("/"), -EISDIR);
	assert_int_equal(marker_is_shim("/dev/null/x"), -ENOTDIR);
}

static void a_fifo_holds_up_nobody(void **state)
{
	char directory[] = "/tmp/marker-test-XXXXXX";
	char path[sizeof(directory) + sizeof("/fifo")];

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/fifo", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(marker_is_shim(path) <= 0);
	assert_int_equal(remove(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void a_script_that_names_the_mark_is_none(void **state)
{
	static struct elf_file file;

	(void)state;
	memset(&file, 0, sizeof(file));
	strcpy((char *)&file, "#!/bin/sh\nexec " MARKER_NAME "\n");
	assert_int_equal(is_shim(&file, 64), 0);
	assert_int_equal(is_shim(&file, 0), 0);
	assert_int_equal(is_shim(&file, sizeof(file)), 0);
}

static void the_mark_may_follow_other_notes_and_segments(void **state)
{
	static struct elf_file file;
	size_t at;

	(void)state;
	make_shim(&file);
	assert_int_equal(is_shim(&file, NOTES_AT + file.segment[0].p_filesz), 1);
	at = note_add(&file, 0, 3, "GNU", 4, 20);
	at = note_add(&file, at, 5, "x", 1, 0);
	at = note_add(&file, at, MARKER_TYPE, MARKER_NAME, sizeof(MARKER_NAME), 0);
	file.segment[0].p_filesz = at;
	assert_int_equal(is_shim(&file, NOTES_AT + at), 1);
	file.header.e_phnum = 3;
	file.segment[2] = file.segment[0];
	file.segment[0] = (ElfW(Phdr)){.p_type = PT_LOAD, .p_filesz = 100};
	file.segment[1] = (ElfW(Phdr)){.p_type = PT_NOTE};
	assert_int_equal(is_shim(&file, NOTES_AT + at), 1);
}

static void another_note_is_not_the_mark(void **state)
{
	static struct elf_file file;

	(void)state;
	make_shim(&file);
	note_add(&file, 0, MARKER_TYPE + 1, MARKER_NAME, sizeof(MARKER_NAME), 4);
	assert_int_equal(is_shim(&file, sizeof(file)), 0);
	make_shim(&file);
	file.segment[0].p_filesz = note_add(&file, 0, MARKER_TYPE, "qemu-kvm-shin", 14, 4);
	assert_int_equal(is_shim(&file, sizeof(file)), 0);
	file.segment[0].p_filesz = note_add(&file, 0, MARKER_TYPE, MARKER_NAME "s", 15, 4);
	assert_int_equal(is_shim(&file, sizeof(file)), 0);
	/* Not ended by the NUL that belongs to it. */
	file.segment[0].p_filesz = note_add(&file, 0, MARKER_TYPE, MARKER_NAME, 13, 4);
	assert_int_equal(is_shim(&file, sizeof(file)), 0);
	make_shim(&file);
	file.segment[0].p_type = PT_LOAD;
	assert_int_equal(is_shim(&file, sizeof(file)), 0);
}

static void a_file_of_another_kind_is_none(void **state)
{
	static struct elf_file file;

	(void)state;
	make_shim(&file);
	file.header.e_ident[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS32 : ELFCLASS64;
	assert_int_equal(is_shim(&file, sizeof(file)), 0);
	make_shim(&file);
	file.header.e_ident[0] = 'E';
	assert_int_equal(is_shim(&file, sizeof(file)), 0);
	make_shim(&file);
	file.header.e_phentsize = 1;
	assert_int_equal(is_shim(&file, sizeof(file)), 0);
	make_shim(&file);
	file.header.e_phnum = 0;
	assert_int_equal(is_shim(&file, sizeof(file)), 0);
}

/* Cut anywhere, and only the whole is a shim. */
static void a_file_cut_off_is_none(void **state)
{
	static struct elf_file file;
	size_t whole;

	(void)state;
	make_shim(&file);
	whole = NOTES_AT + file.segment[0].p_filesz;
	for (size_t size = 0; size < whole; size++)
		assert_int_equal(is_shim(&file, size), 0);
	assert_int_equal(is_shim(&file, whole), 1);
}

static void sizes_and_places_may_be_anything(void **state)
{
	static const uint64_t numbers[] = {1,
					   2,
					   3,
					   11,
					   12,
					   13,
					   4095,
					   4096,
					   4097,
					   0x7fff,
					   0xffff,
					   0x7fffffff,
					   0x80000000,
					   0xfffffff0,
					   0xfffffffc,
					   0xfffffffd,
					   0xffffffff,
					   UINT64_C(0x100000000),
					   UINT64_C(0x7fffffffffffffff),
					   UINT64_C(0x8000000000000000),
					   UINT64_C(0xffffffffffffffc8),
					   UINT64_C(0xfffffffffffffffc),
					   UINT64_C(0xffffffffffffffff)};
	static struct elf_file file;
	ElfW(Nhdr) note;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(numbers); i++) {
		uint64_t number = numbers[i];

		make_shim(&file);
		file.header.e_phoff = (ElfW(Off))number;
		assert_int_equal(is_shim(&file, sizeof(file)), 0);
		make_shim(&file);
		file.segment[0].p_offset = (ElfW(Off))number;
		assert_int_equal(is_shim(&file, sizeof(file)), 0);
		/* More segments than there are, behind the one with the mark. */
		make_shim(&file);
		file.header.e_phnum = (ElfW(Half))number;
		is_shim(&file, sizeof(file));
		memset(&file.segment[0], 0, sizeof(file.segment[0]));
		assert_int_equal(is_shim(&file, sizeof(file)), 0);
		make_shim(&file);
		file.segment[0].p_filesz = (ElfW(Xword))number;
		is_shim(&file, sizeof(file));
		/* A note before the mark, which says it is that large. */
		make_shim(&file);
		memcpy(&note, file.notes, sizeof(note));
		note.n_namesz = (uint32_t)number;
		note.n_type = 9;
		memcpy(file.notes, &note, sizeof(note));
		assert_int_equal(is_shim(&file, sizeof(file)), 0);
		note.n_descsz = (uint32_t)number;
		memcpy(file.notes, &note, sizeof(note));
		assert_int_equal(is_shim(&file, sizeof(file)), 0);
	}
}

/* Random changes of a file that is one: nothing but an answer may come of it. */
static void any_bytes_can_be_looked_at(void **state)
{
	static struct elf_file file;
	uint64_t seed = 5;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		make_shim(&file);
		file.header.e_phnum = SEGMENTS_MAX;
		for (unsigned int i = 1; i < SEGMENTS_MAX; i++)
			file.segment[i] = file.segment[0];
		for (unsigned int n = 1 + random_below(&seed, 8); n > 0; n--)
			((unsigned char *)&file)[EI_NIDENT + random_below(&seed, NOTES_AT + 32)] =
			    (unsigned char)random_below(&seed, 256);
		is_shim(&file, 1 + random_below(&seed, 2) * 600 + NOTES_AT);
	}
}

int main(int argc, char *argv[])
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_shim_of_this_build_is_one),
	    cmocka_unit_test(other_files_are_none),
	    cmocka_unit_test(what_cannot_be_read_is_told_from_what_is_none),
	    cmocka_unit_test(a_fifo_holds_up_nobody),
	    cmocka_unit_test(a_script_that_names_the_mark_is_none),
	    cmocka_unit_test(the_mark_may_follow_other_notes_and_segments),
	    cmocka_unit_test(another_note_is_not_the_mark),
	    cmocka_unit_test(a_file_of_another_kind_is_none),
	    cmocka_unit_test(a_file_cut_off_is_none),
	    cmocka_unit_test(sizes_and_places_may_be_anything),
	    cmocka_unit_test(any_bytes_can_be_looked_at),
	};
	const char *slash = strrchr(argv[0], '/');

	(void)argc;
	snprintf(shim, sizeof(shim), "%.*s/../qemu-kvm-shim",
		 slash == NULL ? 1 : (int)(slash - argv[0]), slash == NULL ? "." : argv[0]);
	return RUN_TESTS(tests);
}
