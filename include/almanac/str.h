/*
 * Text and bytes: `struct span` borrows, `struct str` owns, grows, and has a maximum from birth.
 */
#ifndef ALMANAC_STR_H
#define ALMANAC_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes, not NUL-terminated. `bytes` may be NULL when `length` is 0. */
struct span {
	const char *bytes;
	size_t length;
};

/* A span over a string literal. */
#define SPAN(literal) ((struct span){"" literal, sizeof(literal) - 1})

struct span span_of(const char *text); /* of a C string; NULL gives the empty span */
bool span_is(struct span span, const char *text);
bool span_equals(struct span one, struct span other);
bool span_equals_nocase(struct span one, struct span other); /* ASCII letters only */
bool span_starts_with(struct span span, struct span prefix);
struct span span_trim(struct span span); /* without ASCII white space at both ends */

/* Cuts the part before `separator` off `*rest`; false when `*rest` was used up. The empty span
 * with bytes == NULL is "used up", so a trailing separator yields one last empty part. */
bool span_split(struct span *rest, char separator, struct span *part);

/* True for valid UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL. */
bool span_is_text(struct span span);

/*
 * Owned, growing bytes, always NUL-terminated once something was appended. Growing past
 * `max_length` appends nothing, sets `has_overflowed` for good and is otherwise harmless:
 * check it once, where the text is used.
 */
struct str {
	char *bytes;
	size_t length;
	size_t size;
	size_t max_length;
	bool has_overflowed;
};

void str_init(struct str *str, size_t max_length);
void str_finish(struct str *str); /* frees; NULL and a zeroed struct are fine */
void str_clear(struct str *str);  /* empty again, keeps the memory */
void str_reserve(struct str *str, size_t extra);
void str_shrink(struct str *str); /* gives back what it does not use */
void str_append(struct str *str, struct span bytes);
void str_append_text(struct str *str, const char *text);
void str_append_char(struct str *str, char character);
void str_append_number(struct str *str, int64_t number); /* decimal */
void str_append_hex(struct str *str, const void *bytes, size_t length);
void str_format(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct span str_span(const struct str *str);
const char *str_text(const struct str *str); /* C string, "" when empty */

/* Gives the bytes away (free() them) and leaves the str empty. NULL when nothing was appended. */
char *str_release(struct str *str);

#endif
