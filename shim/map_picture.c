#include "map_picture.h"
#include "map_xml.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 48, LEGEND_COLUMNS = 200, LINE_SIZE = 512, FILE_MODE = 0666 };

/* Those of lstopo that are pictures; "xml" is what it draws them from, for it to draw elsewhere. */
static const char *const formats[] = {"svg", "png", "pdf", "ps", "fig", "xml"};

static const char *format_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	const char *end = strrchr(name, '.');

	for (size_t i = 0; end != NULL && end != name && i < sizeof(formats) / sizeof(formats[0]);
	     i++) {
		if (strcmp(end + 1, formats[i]) == 0)
			return formats[i];
	}
	return NULL;
}

int map_picture_check(const char *path, struct error *error)
{
	if (format_of(path) != NULL)
		return 0;
	return error_set(error, -EINVAL,
			 "%.500s: its name must say which format it is to have: .svg, .png, .pdf, "
			 ".ps, .fig, or .xml for lstopo to draw elsewhere",
			 path);
}

/* --- lstopo --- */

/* A run of lstopo: what it reads and writes, in memory. */
struct drawing {
	const char *format;
	char legend[LINE_SIZE];
	char across[LINE_SIZE];
	char down[LINE_SIZE];
	struct map_arrangement arrangement;
	int xml;
	int picture;
	int complaints;
};

static void legend_make(const struct host_map *map, char legend[LINE_SIZE])
{
	char text[LINE_SIZE];
	char date[32] = "";
	struct utsname host;
	struct tm local;
	time_t now = time(NULL);

	if (localtime_r(&now, &local) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &local);
	if (uname(&host) < 0)
		strcpy(host.nodename, "this host");
	snprintf(text, sizeof(text),
		 "%.64s, %s: %zu node%s, %zu CPU%s, %zu guest%s; + placed as its rule says, ~ "
		 "drifted: some of it, ! unplaced: nothing of it",
		 host.nodename, date, map->node_count, map->node_count == 1 ? "" : "s",
		 map->cpu_count, map->cpu_count == 1 ? "" : "s", map->guest_count,
		 map->guest_count == 1 ? "" : "s");
	(void)map_label(legend, text, LEGEND_COLUMNS);
}

/* Writes "--horiz=TYPES" and "--vert=TYPES": whose boxes stand side by side, and whose do not. */
static void directions_make(struct drawing *drawing)
{
	const struct map_arrangement *arrangement = &drawing->arrangement;
	const char *rows_in = arrangement->rows_in;
	bool package = rows_in != NULL && strcmp(rows_in, "package") == 0;

	strcpy(drawing->across, "--horiz=");
	if (arrangement->cpus_in_rows)
		text_add(drawing->across, LINE_SIZE, "die,group%s,", package ? "" : ",package");
	if (arrangement->spans_in_rows)
		text_add(drawing->across, LINE_SIZE, "misc,");
	if (rows_in == NULL && arrangement->in_one_row)
		text_add(drawing->across, LINE_SIZE, "machine,");
	drawing->across[strlen(drawing->across) - 1] = '\0';
	if (rows_in != NULL)
		snprintf(drawing->down, LINE_SIZE, "--vert=%s", rows_in);
}

/*
 * Lists the arguments. `plain`: without the options that make a better picture and came with
 * hwloc 2.6 (misc:below) and 2.8 (--os-index-prefix).
 */
static void arguments_list(const struct drawing *drawing, const char *program, bool plain,
			   const char *arguments[ARGUMENTS_MAX])
{
	const char *const common[] = {
	    program,
	    "--if",
	    "xml",
	    "-i",
	    "-",
	    "--of",
	    drawing->format,
	    "--force",
	    "--no-io",
	    "--no-caches",
	    "--physical",
	    "--no-factorize",
	    "--append-legend",
	    drawing->legend,
	};
	static const char *const better[] = {
	    "--children-order",    "memory:above,misc:below:rect",
	    "--os-index-prefix",   " ",
	    "--no-default-legend", "--no-text=group",
	    "--no-attrs=numa",     "--no-index=numa",
	};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		arguments[count++] = common[i];
	for (size_t i = 0; i < sizeof(better) / sizeof(better[0]) && !plain; i++)
		arguments[count++] = better[i];
	if (strchr(drawing->across, '=') != NULL)
		arguments[count++] = drawing->across;
	if (drawing->down[0] != '\0')
		arguments[count++] = drawing->down;
	arguments[count++] = "-";
	arguments[count] = NULL;
}

/* Starts a program of that name in PATH, and waits for it. Returns its wait status, or -errno. */
static int run(const struct drawing *drawing, const char *program, bool plain)
{
	const char *arguments[ARGUMENTS_MAX];
	posix_spawn_file_actions_t actions;
	int status = 0;
	pid_t child;
	int result;

	if (ftruncate(drawing->picture, 0) < 0 || ftruncate(drawing->complaints, 0) < 0 ||
	    lseek(drawing->xml, 0, SEEK_SET) < 0 || lseek(drawing->picture, 0, SEEK_SET) < 0 ||
	    lseek(drawing->complaints, 0, SEEK_SET) < 0)
		return -errno;
	arguments_list(drawing, program, plain, arguments);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	result = posix_spawn_file_actions_adddup2(&actions, drawing->xml, STDIN_FILENO);
	if (result == 0)
		result =
		    posix_spawn_file_actions_adddup2(&actions, drawing->picture, STDOUT_FILENO);
	if (result == 0)
		result =
		    posix_spawn_file_actions_adddup2(&actions, drawing->complaints, STDERR_FILENO);
	if (result == 0)
		result = posix_spawnp(&child, program, &actions, NULL, (char *const *)arguments,
				      environ);
	posix_spawn_file_actions_destroy(&actions);
	if (result != 0)
		return -result;
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return status;
}

/* Words what lstopo has said, or how it ended. */
static int complain(const struct drawing *drawing, const char *program, int status,
		    struct error *error)
{
	char said[LINE_SIZE] = "";
	ssize_t length = pread(drawing->complaints, said, sizeof(said) - 1, 0);

	if (length > 0)
		said[strcspn(said, "\n")] = '\0';
	if (strstr(said, "not supported") != NULL)
		return error_set(error, -ENOTSUP,
				 "the %s of this host draws no .%s (that of Debian's package "
				 "hwloc-nox draws no more than .svg and .fig): install the package "
				 "hwloc (Fedora: hwloc-gui), or take .svg",
				 program, drawing->format);
	if (WIFSIGNALED(status))
		return error_set(error, -EIO, "%s was ended by signal %d", program,
				 WTERMSIG(status));
	return error_set(error, -EIO, "%s has failed (exit status %d)%s%s", program,
			 WEXITSTATUS(status), said[0] != '\0' ? ": " : "", said);
}

static bool has_drawn(const struct drawing *drawing, int status)
{
	struct stat picture;

	return WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	       fstat(drawing->picture, &picture) == 0 && picture.st_size > 0;
}

/*
 * lstopo's own SVG (hwloc 2.9 at least) has units in its viewBox, which takes none: many viewers
 * then show nothing. Blanks take their place.
 */
static void svg_repair(const struct drawing *drawing)
{
	char head[LINE_SIZE];
	ssize_t length = pread(drawing->picture, head, sizeof(head) - 1, 0);
	char *box;
	char *end;

	if (length <= 0)
		return;
	head[length] = '\0';
	box = strstr(head, "viewBox='");
	end = box != NULL ? strchr(box + strlen("viewBox='"), '\'') : NULL;
	while (end != NULL && (box = strstr(box, "px")) != NULL && box < end) {
		memset(box, ' ', 2);
		(void)!pwrite(drawing->picture, box, 2, box - head);
	}
}

static int draw(const struct drawing *drawing, struct error *error)
{
	/* The first draws more formats; where that is missing, so are they. */
	static const char *const programs[] = {"lstopo", "lstopo-no-graphics"};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		int status = run(drawing, programs[i], false);

		if (status == -ENOENT)
			continue;
		if (status >= 0 && !has_drawn(drawing, status))
			status = run(drawing, programs[i], true);
		if (status < 0)
			return error_set(error, status, "%s cannot be run: %s", programs[i],
					 strerror(-status));
		if (!has_drawn(drawing, status))
			return complain(drawing, programs[i], status, error);
		if (strcmp(drawing->format, "svg") == 0)
			svg_repair(drawing);
		return 0;
	}
	return error_set(error, -ENOENT,
			 "there is no lstopo in PATH, which draws the picture: install the package "
			 "hwloc, or hwloc-nox on a Debian without a screen (it draws .svg)");
}

/* --- the file --- */

static int copy(int from, int to)
{
	struct stat source;
	off_t offset = 0;

	if (fstat(from, &source) < 0)
		return -errno;
	while (offset < source.st_size) {
		ssize_t count = sendfile(to, from, &offset, (size_t)(source.st_size - offset));

		if (count <= 0)
			return count < 0 ? -errno : -EIO;
	}
	return 0;
}

/* Puts what is in `from` in the place of the file, by a new one beside it. */
static int file_replace(int from, const char *path, struct error *error)
{
	char new_path[PATH_MAX];
	mode_t mask = umask(0);
	int result = 0;
	int fd;

	(void)umask(mask);
	if (snprintf(new_path, sizeof(new_path), "%s.XXXXXX", path) >= (int)sizeof(new_path))
		return error_set(error, -ENAMETOOLONG, "%.500s: the path is too long", path);
	fd = mkostemp(new_path, O_CLOEXEC);
	if (fd < 0)
		return error_set(error, -errno, "%.500s cannot be written: %s", path,
				 strerror(errno));
	result = copy(from, fd);
	if (result == 0 && fchmod(fd, FILE_MODE & ~mask) < 0)
		result = -errno;
	if (close(fd) < 0 && result == 0)
		result = -errno;
	if (result == 0 && rename(new_path, path) < 0)
		result = -errno;
	if (result == 0)
		return 0;
	(void)unlink(new_path);
	return error_set(error, result, "%.500s cannot be written: %s", path, strerror(-result));
}

/* A device or a pipe is not to be replaced. */
static int file_check(const char *path, struct error *error)
{
	struct stat status;

	if (lstat(path, &status) < 0 || S_ISREG(status.st_mode))
		return 0;
	return error_set(error, -EINVAL, "%.500s is there and no regular file: name another", path);
}

static int xml_fill(int fd, const char *xml, size_t length)
{
	while (length > 0) {
		ssize_t count = write(fd, xml, length);

		if (count < 0)
			return -errno;
		xml += count;
		length -= (size_t)count;
	}
	return 0;
}

static int drawing_make(struct drawing *drawing, const char *xml, size_t length,
			struct error *error)
{
	int result;

	drawing->xml = memfd_create("map.xml", MFD_CLOEXEC);
	drawing->picture = memfd_create("picture", MFD_CLOEXEC);
	drawing->complaints = memfd_create("complaints", MFD_CLOEXEC);
	if (drawing->xml < 0 || drawing->picture < 0 || drawing->complaints < 0)
		result = -errno;
	else
		result = xml_fill(drawing->xml, xml, length);
	if (result < 0)
		return error_set(error, result, "no room for the picture: %s", strerror(-result));
	return strcmp(drawing->format, "xml") == 0 ? 0 : draw(drawing, error);
}

int map_picture_write(const struct host_map *map, hwloc_topology_t topology, const char *path,
		      struct error *error)
{
	struct drawing drawing = {.format = format_of(path)};
	bool as_xml = drawing.format != NULL && strcmp(drawing.format, "xml") == 0;
	size_t length;
	char *xml;
	int result = map_picture_check(path, error);

	if (result == 0)
		result = file_check(path, error);
	if (result < 0)
		return result;
	result = map_xml_make(map, topology, &xml, &length, &drawing.arrangement, error);
	if (result < 0)
		return result;
	legend_make(map, drawing.legend);
	directions_make(&drawing);
	result = drawing_make(&drawing, xml, length, error);
	free(xml);
	if (result == 0)
		result = file_replace(as_xml ? drawing.xml : drawing.picture, path, error);
	for (size_t i = 0; i < 3; i++) {
		int fd = i == 0 ? drawing.xml : i == 1 ? drawing.picture : drawing.complaints;

		if (fd >= 0)
			close(fd);
	}
	return result;
}
