/* report_folder.c - report files: names that are safe, whole or not there, durable before they are seen.
 * Blocks; called by reports_writer.c on its own thread, and by reports_api.c to read one small file.
 *
 * A batch is written first and synced then: the first fsync commits what the file system has gathered for
 * all, the others find little left to do; one fsync of the folder makes all the renames durable. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "almanac/digest.h"
#include "almanac/moment.h"
#include "report.h"

#define TEMPORARY_MAX (REPORT_NAME_MAX + 1)
#define RUN_MAX 8
#define USER_MAX 120 /* encoded bytes of a user in a name */
#define USER_KEPT 60
#define USER_DIGEST 16
#define STALE_S 3600
#define READ_BYTES 65536

static const char prefix[] = ".task_report_";

struct waiting {
	int fd;
	char name[REPORT_NAME_MAX + 1];
	char temporary[TEMPORARY_MAX];
};

struct report_folder {
	int fd;
	char run[RUN_MAX + 1];
	struct waiting waiting[REPORT_BATCH_FILES];
	size_t count;
};

/* --- names ------------------------------------------------------------------------------------------------ */

static bool is_plain(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
}

static void append_user(struct str *out, struct span user)
{
	uint8_t digest[DIGEST_LENGTH];

	for (size_t i = 0; i < user.length; i++) {
		if (is_plain(user.bytes[i]))
			str_append_char(out, user.bytes[i]);
		else
			str_format(out, "%%%02X", (unsigned char)user.bytes[i]);
	}
	if (out->length <= USER_MAX)
		return;
	/* Behind a percent sign there is a digit else: no other user's name looks like this. */
	out->length = USER_KEPT;
	digest_of(user, digest);
	str_append_text(out, "%-");
	str_append_hex(out, digest, USER_DIGEST);
}

/* 20260101T100000Z: periods begin and end at whole seconds. */
static void write_time(int64_t at_us, char *text, size_t size)
{
	struct moment at = moment_of_unix_us(at_us);

	snprintf(text, size, "%04d%02d%02dT%02d%02d%02dZ", at.year, at.month, at.day, at.hour,
		 at.minute, at.second);
}

void report_name(struct span user, int64_t starts_us, int64_t ends_us,
		 char name[REPORT_NAME_MAX + 1])
{
	char starts[MOMENT_TEXT_MAX], ends[MOMENT_TEXT_MAX];
	struct str safe;

	str_init(&safe, user.length * 3 + 64);
	append_user(&safe, user);
	write_time(starts_us, starts, sizeof(starts));
	write_time(ends_us, ends, sizeof(ends));
	snprintf(name, REPORT_NAME_MAX + 1, "task_report_%.*s_%s_%s.json", (int)safe.length,
		 str_text(&safe), starts, ends);
	str_finish(&safe);
}

/* --- opening ----------------------------------------------------------------------------------------------- */

static void complain(struct str *complaint, const char *what)
{
	str_format(complaint, "%s: %s", what, strerror(errno));
}

struct report_folder *report_folder_open(const char *path, const char *run, struct str *complaint)
{
	struct report_folder *folder;
	int fd;

	if (mkdir(path, 0755) != 0 && errno != EEXIST) {
		complain(complaint, path);
		return NULL;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		complain(complaint, path);
		return NULL;
	}
	folder = calloc(1, sizeof(*folder));
	if (!folder)
		abort();
	folder->fd = fd;
	snprintf(folder->run, sizeof(folder->run), "%.*s", RUN_MAX, run);
	return folder;
}

static void drop_waiting(struct report_folder *folder)
{
	for (size_t i = 0; i < folder->count; i++) {
		if (folder->waiting[i].fd >= 0)
			close(folder->waiting[i].fd);
		unlinkat(folder->fd, folder->waiting[i].temporary, 0);
	}
	folder->count = 0;
}

void report_folder_close(struct report_folder *folder)
{
	if (!folder)
		return;
	drop_waiting(folder);
	close(folder->fd);
	free(folder);
}

/* --- writing ----------------------------------------------------------------------------------------------- */

static bool write_all(int fd, struct span bytes)
{
	while (bytes.length > 0) {
		ssize_t written = write(fd, bytes.bytes, bytes.length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes.bytes += written;
		bytes.length -= (size_t)written;
	}
	return true;
}

size_t report_folder_waiting(const struct report_folder *folder)
{
	return folder->count;
}

bool report_folder_write(struct report_folder *folder, const char *name, struct span bytes,
			 struct str *complaint)
{
	struct waiting *waiting = &folder->waiting[folder->count];

	snprintf(waiting->name, sizeof(waiting->name), "%s", name);
	snprintf(waiting->temporary, sizeof(waiting->temporary), "%s%s-%zu.tmp", prefix,
		 folder->run, folder->count);
	waiting->fd = openat(folder->fd, waiting->temporary,
			     O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (waiting->fd < 0) {
		complain(complaint, name);
		return false;
	}
	folder->count++;
	if (!write_all(waiting->fd, bytes)) {
		complain(complaint, name);
		return false;
	}
	/* Only a hint: it may begin at once. */
	sync_file_range(waiting->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return true;
}

static bool settle(struct waiting *waiting)
{
	bool is_synced = fsync(waiting->fd) == 0;
	bool is_closed = close(waiting->fd) == 0;

	waiting->fd = -1;
	return is_synced && is_closed;
}

bool report_folder_commit(struct report_folder *folder, struct str *complaint)
{
	for (size_t i = 0; i < folder->count; i++) {
		if (settle(&folder->waiting[i]))
			continue;
		complain(complaint, folder->waiting[i].name);
		return false;
	}
	for (size_t i = 0; i < folder->count; i++) {
		if (renameat(folder->fd, folder->waiting[i].temporary, folder->fd,
			     folder->waiting[i].name) == 0)
			continue;
		complain(complaint, folder->waiting[i].name);
		return false;
	}
	folder->count = 0;
	if (fsync(folder->fd) == 0)
		return true;
	complain(complaint, "the folder");
	return false;
}

/* --- removing ---------------------------------------------------------------------------------------------- */

void report_folder_remove(struct report_folder *folder, const char *name)
{
	unlinkat(folder->fd, name, 0);
}

void report_folder_sweep(struct report_folder *folder)
{
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct stat status;

	while (entries && (entry = readdir(entries))) {
		if (strncmp(entry->d_name, prefix, sizeof(prefix) - 1) == 0 &&
		    fstatat(folder->fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    status.st_mtime + STALE_S < time(NULL))
			unlinkat(folder->fd, entry->d_name, 0);
	}
	if (entries)
		closedir(entries);
}

/* --- reading ----------------------------------------------------------------------------------------------- */

bool report_folder_read(const char *path, const char *name, struct str *out)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char bytes[READ_BYTES];
	ssize_t got = fd < 0 ? -1 : 1;

	while (got > 0) {
		got = read(fd, bytes, sizeof(bytes));
		if (got > 0)
			str_append(out, (struct span){bytes, (size_t)got});
	}
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	return got == 0;
}
