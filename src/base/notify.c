/* notify.c - tells the service manager how we are, by datagrams (sd_notify(3)); called by main. */
#include "almanac/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "almanac/str.h"

#define WATCHDOG_MAX_US INT64_C(86400000000)
#define LINES_MAX 1024

/* The longest wait for a manager that does not listen, in seconds. */
#define PATIENCE_S 1

/* A path, or "@" and a name without a file. */
static bool read_address(struct notifier *notifier)
{
	struct span path = span_of(getenv("NOTIFY_SOCKET"));

	if (path.length < 2 || path.length >= sizeof(notifier->address.sun_path) ||
	    (*path.bytes != '/' && *path.bytes != '@'))
		return false;
	notifier->address.sun_family = AF_UNIX;
	memcpy(notifier->address.sun_path, path.bytes, path.length);
	if (*path.bytes == '@')
		*notifier->address.sun_path = '\0';
	notifier->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.length +
				       (*path.bytes == '/'));
	return true;
}

static int64_t read_number(const char *name, int64_t most)
{
	const char *text = getenv(name);
	char *end;
	long long number;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	number = strtoll(text, &end, 10);
	return errno || *end || number > most ? 0 : number;
}

/* WATCHDOG_PID says for whom it is meant. */
static int64_t read_watchdog(void)
{
	if (getenv("WATCHDOG_PID") && read_number("WATCHDOG_PID", INT64_MAX) != getpid())
		return 0;
	return read_number("WATCHDOG_USEC", WATCHDOG_MAX_US);
}

void notify_open(struct notifier *notifier)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};

	*notifier = (struct notifier){.fd = -1};
	if (!read_address(notifier))
		return;
	notifier->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notifier->fd < 0)
		return;
	setsockopt(notifier->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	notifier->watchdog_us = read_watchdog();
}

void notify_close(struct notifier *notifier)
{
	if (notifier->fd >= 0)
		close(notifier->fd);
	notifier->fd = -1;
}

/* What cannot be told is not told: the manager judges our silence by itself. */
void notify_tell(const struct notifier *notifier, const char *lines)
{
	ssize_t sent;

	if (notifier->fd < 0)
		return;
	sent = sendto(notifier->fd, lines, strlen(lines), MSG_NOSIGNAL,
		      (const struct sockaddr *)(const void *)&notifier->address, notifier->length);
	(void)sent;
}

void notify_status(const struct notifier *notifier, const char *sentence)
{
	struct str lines;

	str_init(&lines, LINES_MAX);
	str_append_text(&lines, "STATUS=");
	for (; *sentence && lines.length < LINES_MAX; sentence++)
		str_append_char(&lines, (unsigned char)*sentence < ' ' ? ' ' : *sentence);
	notify_tell(notifier, str_text(&lines));
	str_finish(&lines);
}
