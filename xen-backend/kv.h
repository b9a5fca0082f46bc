/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kv.h - lists "key=value,key=value": the one parser for all of them.
 *
 * Stanzas are such lists, and so are the answers on the control socket.  In the
 * latter a value may hold any byte, written as %XX (KV_ENCODED); a stanza is
 * taken as it stands.
 */
#ifndef VSYS_KV_H
#define VSYS_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "fault.h"

#define KV_MAX		64	/* entries of a list */
#define KV_TEXT		4096	/* bytes of a list, with the terminator */

#define KV_ENCODED	1u	/* values are percent encoded */

struct kv {
	char *key;
	char *value;
};

struct kv_list {
	unsigned int nr;
	struct kv item[KV_MAX];
	char text[KV_TEXT];	/* what the items point into */
};

/*
 * Spaces around entries, keys and values do not count.  An entry without '=',
 * an empty key or value, and a key that occurs twice are errors.
 */
int kv_parse(struct kv_list *list, const char *text, unsigned int flags, struct fault *f);

/* The value of key, or NULL. */
const char *kv_get(const struct kv_list *list, const char *key);

/* Percent encoding of what is special in a list, a line or a word. */
void kv_encode(FILE *out, const char *text);
/* In place; false if a % is not followed by two hexadecimal digits, or is %00. */
bool kv_decode(char *text);

/* Writes "key=value", with a comma before it unless it is the first. */
void kv_write(FILE *out, bool *first, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif /* VSYS_KV_H */
