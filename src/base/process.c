/* process.c - processor time, memory and open files of this process, for the metrics; called by the
 * room that tells them. */
#include "almanac/process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "almanac/clock.h"

#define SECOND INT64_C(1000000)
#define STAT_MAX 1024
#define FILES "/proc/self/fd"

/* proc(5), /proc/pid/stat: the fields behind the name, which may hold anything and ends in ')'. */
#define SKIPPED 20

static struct metric *gauge(struct metrics *metrics, const char *name, const char *help)
{
	return metrics_get(metrics, METRIC_GAUGE, name, help, NULL);
}

static void measure_time(struct metrics *metrics)
{
	struct metric *seconds = metrics_get(metrics, METRIC_COUNTER, "process_cpu_seconds_total",
					     "Processor time used, in seconds.", NULL);
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) == 0)
		metric_set_time_us(seconds,
				   (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SECOND +
					   usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* --- open files ---------------------------------------------------------------------------------------- */

static int64_t count_listed(void)
{
	DIR *folder = opendir(FILES);
	int64_t count = -1; /* the folder's own */

	if (!folder)
		return 0;
	for (struct dirent *entry; (entry = readdir(folder));)
		count += *entry->d_name != '.';
	closedir(folder);
	return count;
}

/* Since Linux 6.2 the folder's size is their number; else they are counted one by one. */
static int64_t count_files(void)
{
	struct stat status;

	if (stat(FILES, &status) == 0 && status.st_size > 0)
		return status.st_size;
	return count_listed();
}

static void measure_files(struct metrics *metrics)
{
	struct rlimit limit;

	metric_set(gauge(metrics, "process_open_fds", "Open files and sockets."), count_files());
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		metric_set(gauge(metrics, "process_max_fds",
				 "The most files and sockets that may be open."),
			   (int64_t)limit.rlim_cur);
}

/* --- /proc/self/stat ------------------------------------------------------------------------------------- */

struct stat_fields {
	long long start_ticks, virtual_bytes, resident_pages;
};

static bool read_stat(struct stat_fields *fields)
{
	char text[STAT_MAX + 1] = "";
	FILE *file = fopen("/proc/self/stat", "re");
	const char *at;

	if (!file)
		return false;
	text[fread(text, 1, STAT_MAX, file)] = '\0';
	fclose(file);
	at = strrchr(text, ')');
	for (int i = 0; at && i < SKIPPED; i++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %lld %lld %lld", &fields->start_ticks, &fields->virtual_bytes,
			    &fields->resident_pages) == 3;
}

/* Ticks count from the system's start. */
static int64_t started_us(int64_t ticks)
{
	struct timespec up;

	clock_gettime(CLOCK_BOOTTIME, &up);
	return clock_wall_us() - (up.tv_sec * SECOND + up.tv_nsec / 1000) +
	       ticks * SECOND / sysconf(_SC_CLK_TCK);
}

static void measure_stat(struct metrics *metrics)
{
	struct metric *started = gauge(metrics, "process_start_time_seconds",
				       "When the process began, in seconds since 1970.");
	struct stat_fields fields;

	if (!read_stat(&fields))
		return;
	metric_set(gauge(metrics, "process_resident_memory_bytes", "Memory in use."),
		   fields.resident_pages * sysconf(_SC_PAGESIZE));
	metric_set(gauge(metrics, "process_virtual_memory_bytes", "Address space in use."),
		   fields.virtual_bytes);
	/* A clock that is set meanwhile shall not make a daemon seem restarted. */
	if (metric_value(started) == 0)
		metric_set_time_us(started, started_us(fields.start_ticks));
}

void process_measure(struct metrics *metrics)
{
	measure_time(metrics);
	measure_files(metrics);
	measure_stat(metrics);
}
