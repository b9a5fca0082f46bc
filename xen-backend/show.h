/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * show.h - prints lists of devices: for people and for programs.
 */
#ifndef VSYS_SHOW_H
#define VSYS_SHOW_H

#include <stdio.h>

#include "kv.h"

struct show;

enum show_form {
	SHOW_TABLE,	/* some columns */
	SHOW_LINES,	/* key: value, an empty line between devices */
	SHOW_JSON,	/* an array of objects */
};

struct show *show_new(void);
/* Takes a copy of a device; arg is a struct show. */
void show_add(void *arg, const struct kv_list *device);
void show_print(struct show *s, enum show_form form);
void show_free(struct show *s);

#endif /* VSYS_SHOW_H */
