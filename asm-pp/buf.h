/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * buf.h - bytes that grow.  A tool that has no memory left says so and ends.
 */
#ifndef ASM_PP_BUF_H
#define ASM_PP_BUF_H

#include <stddef.h>

struct buf {
	char *bytes;		/* NULL while empty; else a NUL follows */
	size_t len;
	size_t room;
};

void buf_add(struct buf *b, const char *bytes, size_t len);
void buf_str(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_free(struct buf *b);

/* Adds all that can be read; 0 or a negative errno. */
int buf_read(struct buf *b, int fd);

/* Writes all; 0 or a negative errno. */
int buf_write(const struct buf *b, int fd);

/* Memory, or the end of the program. */
void *grow(void *old, size_t nr, size_t size);
char *copy_text(const char *text, size_t len);

#endif /* ASM_PP_BUF_H */
