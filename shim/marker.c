#include "marker.h"
#include "marker_note.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

enum { NOTES_MAX = 4096 };

/* Looks through the notes of one segment. The file may be anybody's, so all is checked. */
static bool notes_hold_mark(const char *notes, size_t size)
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
		    memcmp(notes + at, MARKER_NAME, sizeof(MARKER_NAME)) == 0)
			return true;
		at += name + descriptor;
	}
	return false;
}

bool marker_is_shim_fd(int fd)
{
	ElfW(Ehdr) header;

	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    header.e_phentsize != sizeof(ElfW(Phdr)))
		return false;
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		char notes[NOTES_MAX];
		ElfW(Phdr) segment;
		off_t at = (off_t)(header.e_phoff + i * sizeof(segment));

		if (pread(fd, &segment, sizeof(segment), at) != (ssize_t)sizeof(segment))
			return false;
		if (segment.p_type != PT_NOTE || segment.p_filesz > sizeof(notes))
			continue;
		if (pread(fd, notes, segment.p_filesz, (off_t)segment.p_offset) ==
			(ssize_t)segment.p_filesz &&
		    notes_hold_mark(notes, segment.p_filesz))
			return true;
	}
	return false;
}

bool marker_is_shim(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool result;

	if (fd < 0)
		return false;
	result = marker_is_shim_fd(fd);
	close(fd);
	return result;
}
