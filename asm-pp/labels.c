// SPDX-License-Identifier: GPL-2.0-or-later
/* labels.c - labels at targets, and labels of exception entries. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "asm-pp/buf.h"
#include "asm-pp/labels.h"

static uint32_t hash(const char *name, size_t len)
{
	uint32_t h = 2166136261u;

	while (len--)
		h = (h ^ (unsigned char)*name++) * 16777619u;
	return h;
}

static struct label *find(const struct labels *l, const char *name, size_t len)
{
	size_t i = hash(name, len) & (l->slots - 1);

	while (l->slot[i].name &&
	       (strncmp(l->slot[i].name, name, len) || l->slot[i].name[len]))
		i = (i + 1) & (l->slots - 1);
	return &l->slot[i];
}

static void widen(struct labels *l)
{
	struct labels wide = { .slots = l->slots ? 2 * l->slots : 64, .used = l->used };

	wide.slot = grow(NULL, wide.slots, sizeof(*wide.slot));
	memset(wide.slot, 0, wide.slots * sizeof(*wide.slot));
	for (size_t i = 0; i < l->slots; i++) {
		struct label *label = &l->slot[i];

		if (label->name)
			*find(&wide, label->name, strlen(label->name)) = *label;
	}
	free(l->slot);
	*l = wide;
}

static struct label *get(struct labels *l, const char *name, size_t len)
{
	struct label *label;

	if (2 * l->used >= l->slots)
		widen(l);
	label = find(l, name, len);
	if (!label->name) {
		label->name = copy_text(name, len);
		l->used++;
	}
	return label;
}

void labels_define(struct labels *l, const char *name, size_t len)
{
	struct label *label = get(l, name, len);

	label->target = 0;
	label->excepted = label->excepted_next;
	label->excepted_next = false;
}

bool labels_target(struct labels *l, const char *name, size_t len, unsigned long line)
{
	struct label *label = get(l, name, len);

	label->target = line;
	return !label->excepted;
}

unsigned long labels_except(struct labels *l, const char *word, size_t len)
{
	struct label *label;
	char last = word[len - 1];

	if (word[0] < '0' || word[0] > '9') {
		label = get(l, word, len);
	} else if (last == 'b' || last == 'f') {
		label = get(l, word, len - 1);
		if (last == 'f') {
			label->excepted_next = true;
			return 0;
		}
	} else {
		return 0;	/* a number */
	}
	label->excepted = true;
	return label->target;
}

void labels_free(struct labels *l)
{
	for (size_t i = 0; i < l->slots; i++)
		free(l->slot[i].name);
	free(l->slot);
	*l = (struct labels){ 0 };
}
