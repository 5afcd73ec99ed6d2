/* UUIDs (RFC 9562): random ones, ordered ones, and their two spellings. */
#ifndef ALMANAC_UUID_H
#define ALMANAC_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/str.h"

#define UUID_TEXT_LENGTH 36

struct uuid {
	uint8_t bytes[16];
};

struct uuid uuid_make(void); /* version 4 */

/* Version 7 (section 5.7): in the order of their making, to the microsecond, by the wall clock. */
struct uuid uuid_make_ordered(void);

/* Many at once, each behind the one before. */
void uuid_make_many(struct uuid *uuids, size_t count);

/* The canonical 8-4-4-4-12 form in either case; nothing else is accepted. */
bool uuid_read(struct span text, struct uuid *uuid) __attribute__((warn_unused_result));

/* Writes 36 lower-case characters, no NUL. */
void uuid_write(const struct uuid *uuid, char text[UUID_TEXT_LENGTH]);

#endif
