/*
 * A desk is where the workers' half of a room meets the half on the scheduler's thread: main owns
 * it, http hands it through by its name, the room embeds it in what it keeps there (atomics and the
 * way to a mailbox, nothing else).
 */
#ifndef ALMANAC_DESK_H
#define ALMANAC_DESK_H

struct desk {
	const char *name; /* of the room */
};

#endif
