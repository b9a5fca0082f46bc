// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fake-store.c - a XenStore in memory.  A list: tests are small.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake-store.h"

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

struct fake_node *fake_find(struct fake_store *fake, const char *path)
{
	size_t i;

	for (i = 0; i < fake->count; i++)
		if (!strcmp(fake->node[i].path, path))
			return &fake->node[i];
	return NULL;
}

static struct fake_node *look_up(struct fake_store *fake, const char *path, bool perms)
{
	struct fake_node *node = fake_find(fake, path);

	fake->reads++;
	fake->after_failure += fake->failed;
	if (fake->failing && !strcmp(path, fake->failing) && perms >= fake->failing_perms) {
		fake->failed = true;
		errno = fake->error;
		return NULL;
	}
	if (!node)
		errno = ENOENT;
	return node;
}

static char *fake_read(void *ctx, const char *path, size_t *len)
{
	struct fake_node *node = look_up(ctx, path, false);
	char *copy;

	if (!node)
		return NULL;
	copy = must(malloc(node->len + 1));
	memcpy(copy, node->value, node->len + 1);
	*len = node->len;
	return copy;
}

/* The name of the child of directory that path is; NULL: it is none. */
static const char *child_name(const char *directory, const char *path)
{
	size_t length = strlen(directory);

	if (strncmp(path, directory, length) || path[length] != '/' || strchr(path + length + 1, '/'))
		return NULL;
	return path + length + 1;
}

static char **fake_list(void *ctx, const char *path, size_t *count)
{
	struct fake_store *fake = ctx;
	size_t i, number = 0, bytes = 0;
	const char *name;
	char **names, *text;

	if (!look_up(fake, path, false))
		return NULL;
	for (i = 0; i < fake->count; i++) {
		name = child_name(path, fake->node[i].path);
		if (name) {
			number++;
			bytes += strlen(name) + 1;
		}
	}
	names = must(malloc(number * sizeof(*names) + bytes + 1));
	text = (char *)(names + number);
	for (*count = 0, i = 0; i < fake->count; i++) {
		name = child_name(path, fake->node[i].path);
		if (name) {
			names[(*count)++] = text;
			text = stpcpy(text, name) + 1;
		}
	}
	return names;
}

static struct vsys_perm *fake_perms(void *ctx, const char *path, size_t *count)
{
	struct fake_node *node = look_up(ctx, path, true);
	struct vsys_perm *perms;

	if (!node)
		return NULL;
	perms = must(calloc(3, sizeof(*perms)));
	memcpy(perms, node->perms, sizeof(node->perms));
	*count = node->nr_perms;
	return perms;
}

void fake_store_init(struct fake_store *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->store.ctx = fake;
	fake->store.read = fake_read;
	fake->store.list = fake_list;
	fake->store.perms = fake_perms;
}

static void clear(struct fake_node *node)
{
	free(node->path);
	free(node->value);
}

void fake_store_free(struct fake_store *fake)
{
	while (fake->count)
		clear(&fake->node[--fake->count]);
	free(fake->node);
	fake->node = NULL;
}

static struct fake_node *add(struct fake_store *fake, const char *path, uint32_t owner, uint32_t reader)
{
	struct fake_node *node;

	fake->node = must(realloc(fake->node, (fake->count + 1) * sizeof(*fake->node)));
	node = &fake->node[fake->count++];
	memset(node, 0, sizeof(*node));
	node->path = must(strdup(path));
	node->value = must(strdup(""));
	node->perms[0].id = owner;
	node->perms[1].id = reader;
	node->perms[1].read = true;
	node->nr_perms = 2;
	return node;
}

void fake_put_bytes(struct fake_store *fake, const char *path, const char *bytes, size_t len)
{
	struct fake_node *node = fake_find(fake, path);

	if (!node)
		abort();
	free(node->value);
	node->value = must(calloc(1, len + 1));
	memcpy(node->value, bytes, len);
	node->len = len;
}

void fake_put(struct fake_store *fake, uint32_t owner, uint32_t reader,
	      const char *path, const char *value)
{
	char *parent = must(strdup(path));
	char *slash;

	for (slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!fake_find(fake, parent))
			add(fake, parent, owner, reader);
		*slash = '/';
	}
	free(parent);
	if (!fake_find(fake, path))
		add(fake, path, owner, reader);
	fake_put_bytes(fake, path, value, strlen(value));
}

void fake_remove(struct fake_store *fake, const char *path)
{
	size_t length = strlen(path), i, kept = 0;
	char *copy = must(strdup(path));	/* path may be a node's own */

	for (i = 0; i < fake->count; i++) {
		const char *other = fake->node[i].path;

		if (!strncmp(other, copy, length) && (other[length] == '\0' || other[length] == '/'))
			clear(&fake->node[i]);
		else
			fake->node[kept++] = fake->node[i];
	}
	fake->count = kept;
	free(copy);
}
