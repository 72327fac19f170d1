/*
 * A JSON object in a command line (RFC 8259), as libvirt gives it to QEMU: looked at and changed in
 * the text itself, so that all else stays as it was written. The shim is linked with no library,
 * and to open one for this would take longer than all else that it does; what is taken for JSON,
 * and what is found in it, are as with jansson, which the tests compare it with.
 */
#ifndef SHIM_JSON_TEXT_H
#define SHIM_JSON_TEXT_H

#include <stdbool.h>

enum {
	JSON_TEXT_DEPTH = 32,    /* values within values; libvirt's are some three deep */
	JSON_TEXT_MEMBERS = 128, /* of one object */
};

/* A value, in a text that json_text_check() has found in order. */
struct json_text {
	const char *text;
	const char *end;
};

/*
 * Whether `text` is one object, in which no key stands twice, and fills `object`. Returns 0;
 * -EINVAL where it is not; -EILSEQ where it is not, but QEMU may take it, who reads single quotes,
 * too (qobject/json-lexer.c); or -EMSGSIZE where it goes beyond the above, or has a key with a
 * backslash: QEMU takes that, but it is not looked into here.
 */
int json_text_check(const char *text, struct json_text *object);

/* Finds a member of an object; false: it has none of that key, or `object` is none. */
bool json_text_member(struct json_text object, const char *key, struct json_text *value);

/* Finds the first element of an array, or the one after `value`. false: there is none. */
bool json_text_first(struct json_text array, struct json_text *value);
bool json_text_next(struct json_text array, struct json_text *value);

/* Copies what a string means, to be freed; NULL: the value is no string. Returns 0 or -ENOMEM. */
int json_text_string(struct json_text value, char **copy);

/* An integer; 0 for what is none. */
long long json_text_integer(struct json_text value);

/* Whether it is that word: "true", "false" or "null". */
bool json_text_is(struct json_text value, const char *word);

/*
 * Writes the object anew, *changed allocated, in which the member `key` is `value`, a JSON text of
 * its own: in its place, or the last. Returns 0 or -ENOMEM.
 */
int json_text_set(struct json_text object, const char *key, const char *value, char **changed);

#endif
