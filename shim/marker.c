#include "marker.h"
#include "marker_note.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What is looked at. Linkers put the headers and the notes first, so they are in it. */
enum { HEAD_SIZE = 4096 };

/* What is looked for: where the version begins, and how long it may be. */
struct mark {
	const char *version;
	size_t size;
};

/* Looks through the notes of one segment. The file may be anybody's, so all is checked. */
static bool notes_hold_mark(const char *notes, size_t size, struct mark *mark)
{
	size_t at = 0;

	while (size - at >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) note;
		size_t name;
		size_t descriptor;

		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		if (note.n_namesz > size || note.n_descsz > size)
			return false;
		name = (note.n_namesz + 3) & ~(size_t)3;
		descriptor = (note.n_descsz + 3) & ~(size_t)3;
		if (name > size - at || descriptor > size - at - name)
			return false;
		if (note.n_type == MARKER_TYPE && note.n_namesz == sizeof(MARKER_NAME) &&
		    memcmp(notes + at, MARKER_NAME, sizeof(MARKER_NAME)) == 0) {
			*mark = (struct mark){notes + at + name, note.n_descsz};
			return true;
		}
		at += name + descriptor;
	}
	return false;
}

static bool head_holds_mark(const char *head, size_t size, struct mark *mark)
{
	ElfW(Ehdr) header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, head, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    header.e_phentsize != sizeof(ElfW(Phdr)) || header.e_phoff > size)
		return false;
	for (size_t i = 0; i < header.e_phnum; i++) {
		size_t at = header.e_phoff + i * sizeof(ElfW(Phdr));
		ElfW(Phdr) segment;

		if (at + sizeof(segment) > size)
			return false;
		memcpy(&segment, head + at, sizeof(segment));
		if (segment.p_type == PT_NOTE && segment.p_offset <= size &&
		    segment.p_filesz <= size - segment.p_offset &&
		    notes_hold_mark(head + segment.p_offset, segment.p_filesz, mark))
			return true;
	}
	return false;
}

static int mark_read(int fd, char head[HEAD_SIZE], struct mark *mark)
{
	ssize_t size = pread(fd, head, HEAD_SIZE, 0);

	return size < 0 ? -errno : head_holds_mark(head, (size_t)size, mark);
}

int marker_in(int fd)
{
	char head[HEAD_SIZE];
	struct mark mark = {NULL, 0};

	return mark_read(fd, head, &mark);
}

int marker_version(const char *path, char *version, size_t size)
{
	char head[HEAD_SIZE];
	struct mark mark = {NULL, 0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int result;

	if (fd < 0)
		return -errno;
	result = mark_read(fd, head, &mark);
	close(fd);
	if (result > 0)
		snprintf(version, size, "%.*s", (int)mark.size, mark.version);
	return result;
}

int marker_is_shim(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int result;

	if (fd < 0)
		return -errno;
	result = marker_in(fd);
	close(fd);
	return result;
}
