/*
 * A report: its tasks in three lists (report_text.c), its file (report_folder.c), and the thread that
 * writes those of a period (reports_writer.c).
 */
#ifndef ALMANAC_TASKS_REPORT_H
#define ALMANAC_TASKS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/str.h"

/* --- the text --------------------------------------------------------------------------------------------- */

enum report_list { REPORT_NEW, REPORT_COMPLETED, REPORT_OLD, REPORT_LIST_COUNT };

struct report_item;

struct report {
	int64_t starts_us, ends_us;
	struct str user;
	struct str texts; /* ids and contents */
	struct report_item *items;
	size_t count, room;
};

void report_init(struct report *report, int64_t starts_us, int64_t ends_us);
void report_finish(struct report *report);

/* Empty again, for another user. */
void report_begin(struct report *report, struct span user);

/* `list` is one of new, completed, old. */
void report_add(struct report *report, struct span list, struct span id, struct span content,
		int64_t at_us, bool is_late);

/* In the order of time, then id; indented by two. */
void report_append_json(struct report *report, struct str *out);

/* RFC 4180, a head line first. What a spreadsheet would take for a formula has an apostrophe in front. */
void report_append_csv(struct report *report, struct str *out);

/* --- the folder: blocking --------------------------------------------------------------------------------- */

#define REPORT_NAME_MAX 255
#define REPORT_BATCH_FILES 128

/* task_report_{user}_{start}_{end}.json; all but letters, digits, '.', '-' and '_' of the user is
 * percent-encoded, and a long rest replaced by a digest. */
void report_name(struct span user, int64_t starts_us, int64_t ends_us,
		 char name[REPORT_NAME_MAX + 1]);

struct report_folder;

/* NULL when it cannot be made or opened; `complaint` says why. */
struct report_folder *report_folder_open(const char *path, const char *run, struct str *complaint);
/* Drops what was not committed. NULL is fine. */
void report_folder_close(struct report_folder *folder);

/* Writes a file under a temporary name; at most REPORT_BATCH_FILES before a commit. */
bool report_folder_write(struct report_folder *folder, const char *name, struct span bytes,
			 struct str *complaint) __attribute__((warn_unused_result));
size_t report_folder_waiting(const struct report_folder *folder);

/* Makes those written durable, then visible under their names. */
bool report_folder_commit(struct report_folder *folder, struct str *complaint)
	__attribute__((warn_unused_result));

/* Removes temporary files that a daemon which died left behind. */
void report_folder_sweep(struct report_folder *folder);
void report_folder_remove(struct report_folder *folder, const char *name);

/* A file of the folder; false when it cannot be read. */
bool report_folder_read(const char *path, const char *name, struct str *out)
	__attribute__((warn_unused_result));

#endif
