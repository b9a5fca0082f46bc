// SPDX-License-Identifier: GPL-2.0-or-later
/* buf.c - bytes that grow. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asm-pp/buf.h"

static _Noreturn void no_memory(void)
{
	fputs("asm-pp: out of memory\n", stderr);
	exit(1);
}

void *grow(void *old, size_t nr, size_t size)
{
	void *new = reallocarray(old, nr, size);

	if (!new)
		no_memory();
	return new;
}

char *copy_text(const char *text, size_t len)
{
	char *copy = grow(NULL, len + 1, 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static void buf_reserve(struct buf *b, size_t more)
{
	if (more < b->room - b->len)
		return;
	if (b->room > SIZE_MAX / 4 || more > SIZE_MAX / 4)
		no_memory();
	b->room = 2 * b->room + more + 256;
	b->bytes = grow(b->bytes, b->room, 1);
}

void buf_add(struct buf *b, const char *bytes, size_t len)
{
	buf_reserve(b, len);
	if (len)
		memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
	b->bytes[b->len] = '\0';
}

void buf_str(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		abort();
	buf_reserve(b, (size_t)len);
	va_start(ap, fmt);
	vsnprintf(b->bytes + b->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)len;
}

void buf_free(struct buf *b)
{
	free(b->bytes);
	*b = (struct buf){ 0 };
}

int buf_read(struct buf *b, int fd)
{
	ssize_t n;

	buf_reserve(b, 0);
	b->bytes[b->len] = '\0';
	for (;;) {
		buf_reserve(b, 1 << 16);
		n = read(fd, b->bytes + b->len, 1 << 16);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		b->len += (size_t)n;
		b->bytes[b->len] = '\0';
	}
}

int buf_write(const struct buf *b, int fd)
{
	size_t done = 0;
	ssize_t n;

	while (done < b->len) {
		n = write(fd, b->bytes + done, b->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}
