/*
 * Words for the service manager that started us: the protocol of sd_notify(3), one datagram of
 * NAME=value lines to the socket that NOTIFY_SOCKET names. Without one nothing is said.
 */
#ifndef ALMANAC_NOTIFY_H
#define ALMANAC_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notifier {
	int fd; /* -1: nobody listens */
	struct sockaddr_un address;
	socklen_t length;
	int64_t watchdog_us; /* he wants to hear from us within this; 0: he does not */
};

/* As the environment says: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID. */
void notify_open(struct notifier *notifier);
void notify_close(struct notifier *notifier);

/* "READY=1", perhaps more lines. Waits at most a second. */
void notify_tell(const struct notifier *notifier, const char *lines);

/* STATUS=, a sentence for people; control characters become blanks. */
void notify_status(const struct notifier *notifier, const char *sentence);

#endif
