/* calendar_users.c - the setting CALENDAR_USERS: user ids by commas. Called by calendar.c and
 * calendar_office.c. */
#include "users.h"

static bool next_user(struct span *rest, struct span *user)
{
	while (span_split(rest, ',', user)) {
		*user = span_trim(*user);
		if (user->length > 0)
			return true;
	}
	return false;
}

bool users_judge(const char *text, struct str *complaint)
{
	struct span rest = span_of(text), user;

	while (next_user(&rest, &user)) {
		if (user.length <= USER_MAX_BYTES && span_is_text(user))
			continue;
		str_format(
			complaint,
			"CALENDAR_USERS: must be user ids of 1 to %d bytes of UTF-8, by commas\n",
			USER_MAX_BYTES);
		return false;
	}
	return true;
}

/* Whether it stands in the text before `end` already. */
static bool is_known(const char *text, const char *end, struct span user)
{
	struct span rest = {text, (size_t)(end - text)}, other;

	while (next_user(&rest, &other))
		if (span_equals(other, user))
			return true;
	return false;
}

void users_list(const char *text, struct db_array *users)
{
	struct span rest = span_of(text), user;

	while (next_user(&rest, &user))
		if (!is_known(text, user.bytes, user))
			db_array_add(users, user);
}
