// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kv.c - lists of key=value; see kv.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "kv.h"

static char *trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

static int kv_add(struct kv_list *list, char *entry, unsigned int flags, struct fault *f)
{
	char *value = strchr(entry, '=');
	struct kv *item = &list->item[list->nr];

	entry = trim(entry);
	if (!*entry)
		return fault(f, -EINVAL, "empty entry (two commas, or one at an end)");
	if (!value)
		return fault(f, -EINVAL, "'%s' is not of the form key=value", entry);
	*value++ = '\0';
	item->key = trim(entry);
	item->value = trim(value);
	if (!*item->key)
		return fault(f, -EINVAL, "'=%s' has no key", item->value);
	if (!*item->value && !(flags & KV_ENCODED))
		return fault(f, -EINVAL, "key '%s' has no value", item->key);
	if ((flags & KV_ENCODED) && !kv_decode(item->value))
		return fault(f, -EINVAL, "key '%s' has a malformed value", item->key);
	if (kv_get(list, item->key))
		return fault(f, -EINVAL, "key '%s' is given twice", item->key);
	if (list->nr == KV_MAX - 1)
		return fault(f, -E2BIG, "more than %d keys", KV_MAX - 1);
	list->nr++;
	return 0;
}

int kv_parse(struct kv_list *list, const char *text, unsigned int flags, struct fault *f)
{
	char *entry, *next;
	int err;

	list->nr = 0;
	if (strlen(text) >= sizeof(list->text))
		return fault(f, -E2BIG, "longer than %zu bytes", sizeof(list->text) - 1);
	strcpy(list->text, text);
	if (!*trim(list->text))
		return fault(f, -EINVAL, "empty, key=value expected");
	for (entry = list->text; entry; entry = next) {
		next = strchr(entry, ',');
		if (next)
			*next++ = '\0';
		err = kv_add(list, entry, flags, f);
		if (err)
			return err;
	}
	return 0;
}

const char *kv_get(const struct kv_list *list, const char *key)
{
	unsigned int i;

	for (i = 0; i < list->nr; i++)
		if (!strcmp(list->item[i].key, key))
			return list->item[i].value;
	return NULL;
}

void kv_encode(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = *text;

		if (c <= ' ' || c > '~' || c == '%' || c == ',')
			fprintf(out, "%%%02x", c);
		else
			fputc(c, out);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool kv_decode(char *text)
{
	char *to = text;

	for (; *text; text++) {
		int high, low;

		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		high = hex_digit(text[1]);
		low = high < 0 ? -1 : hex_digit(text[2]);
		if (low < 0 || (!high && !low))
			return false;
		*to++ = (char)(high << 4 | low);
		text += 2;
	}
	*to = '\0';
	return true;
}

void kv_write(FILE *out, bool *first, const char *key, const char *fmt, ...)
{
	char *value;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	fprintf(out, "%s%s=", *first ? "" : ",", key);
	kv_encode(out, value);
	*first = false;
	free(value);
}
