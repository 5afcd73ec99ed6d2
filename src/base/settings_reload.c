/* settings_reload.c - what settings that are read again change, and what only a restart would; called by
 * main and settings.c. */
#include <string.h>

#include "settings_parts.h"

static const enum setting reloadable[] = {
	SETTING_ALLOW_ANONYMOUS,
	SETTING_API_TOKENS,
	SETTING_METRICS_OPEN,
	SETTING_DOCS_OPEN,
	SETTING_TLS_CERT_FILE,
	SETTING_TLS_KEY_FILE,
	SETTING_CORS_ORIGINS,
	SETTING_RATE_LIMIT,
	SETTING_RATE_LIMIT_BURST,
	SETTING_TRUSTED_PROXIES,
	SETTING_LOG_LEVEL,
	SETTING_LOG_FORMAT,
	SETTING_HTTP_CONNECTIONS_PER_ADDRESS,
};

bool settings_is_reloadable(enum setting setting)
{
	for (size_t i = 0; i < sizeof(reloadable) / sizeof(*reloadable); i++)
		if (reloadable[i] == setting)
			return true;
	return false;
}

static void append_name(struct str *names, enum setting setting)
{
	str_append_text(names, names->length ? "," : "");
	str_append_text(names, settings_table[setting].name);
}

static bool is_other(const struct settings *one, const struct settings *other, enum setting setting)
{
	return strcmp(settings_text(one, setting), settings_text(other, setting)) != 0;
}

void settings_compare(const struct settings *started, const struct settings *current,
		      const struct settings *fresh, struct settings_changes *changes)
{
	for (enum setting i = 0; i < SETTING_COUNT; i++) {
		bool can_change = settings_is_reloadable(i);

		if (can_change && is_other(current, fresh, i))
			append_name(&changes->taken, i);
		if (!can_change && is_other(started, fresh, i))
			append_name(&changes->wanting, i);
		if (fresh->values[i].is_hidden)
			append_name(&changes->hidden, i);
	}
}
