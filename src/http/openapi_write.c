/* openapi_write.c - JSON, member by member; called by the other files of the description. */
#include "almanac/json.h"
#include "openapi.h"

void write_name(struct str *out, const char *name)
{
	char last = out->length ? out->bytes[out->length - 1] : '{';

	str_append_text(out, last == '{' || last == '[' ? "" : ",");
	if (!name)
		return;
	json_append_text(out, span_of(name));
	str_append_char(out, ':');
}

void write_text(struct str *out, const char *name, const char *text)
{
	write_name(out, name);
	json_append_text(out, span_of(text));
}

void write_raw(struct str *out, const char *name, const char *json)
{
	write_name(out, name);
	str_append_text(out, json);
}

void write_number(struct str *out, const char *name, int64_t number)
{
	write_name(out, name);
	str_append_number(out, number);
}

void write_flag(struct str *out, const char *name, bool flag)
{
	write_raw(out, name, flag ? "true" : "false");
}

void write_open(struct str *out, const char *name, char bracket)
{
	write_name(out, name);
	str_append_char(out, bracket);
}

void write_close(struct str *out, char bracket)
{
	str_append_char(out, bracket);
}

void write_reference(struct str *out, const char *member, const char *kind, const char *name)
{
	write_name(out, member);
	str_format(out, "{\"$ref\":\"#/components/%s/%s\"}", kind, name);
}
