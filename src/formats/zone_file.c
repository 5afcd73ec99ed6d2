/* zone_file.c - the one place among the formats that reads files: the system's tzdata; events call
 * me, I call zone_tzif.c */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zones.h"

#define FOLDER "/usr/share/zoneinfo/"

static bool is_name_char(char character)
{
	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
	       (character >= '0' && character <= '9') || (character && strchr("_+-/", character));
}

/* Without points and without an empty part a path leads nowhere else. */
static bool is_zone_name(struct span name)
{
	struct span rest = name;
	struct span part;

	if (name.length == 0 || name.length > ZONE_NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < name.length; i++)
		if (!is_name_char(name.bytes[i]))
			return false;
	while (span_split(&rest, '/', &part))
		if (part.length == 0)
			return false;
	return true;
}

static bool read_all(int file, struct str *bytes)
{
	char piece[4096];
	ssize_t length;

	while ((length = read(file, piece, sizeof(piece))) > 0)
		str_append(bytes, (struct span){piece, (size_t)length});
	return length == 0 && !bytes->has_overflowed;
}

static const struct zone *read_file(struct arena *arena, struct span name, int file)
{
	const struct zone *zone = NULL;
	struct stat state;
	struct str bytes;

	str_init(&bytes, ZONE_FILE_MAX_BYTES);
	if (fstat(file, &state) == 0 && S_ISREG(state.st_mode) && read_all(file, &bytes))
		zone = zone_read(arena, name, str_span(&bytes));
	str_finish(&bytes);
	return zone;
}

const struct zone *zone_load(struct arena *arena, struct span name)
{
	char path[sizeof(FOLDER) + ZONE_NAME_MAX_BYTES] = FOLDER;
	const struct zone *zone;
	int file;

	if (!is_zone_name(name))
		return NULL;
	memcpy(path + sizeof(FOLDER) - 1, name.bytes, name.length);
	path[sizeof(FOLDER) - 1 + name.length] = '\0';
	file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0)
		return NULL;
	zone = read_file(arena, name, file);
	(void)close(file);
	return zone;
}
