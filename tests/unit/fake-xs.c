/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake-xs.c - a XenStore in memory; see fake-xs.h.
 *
 * A node is a path with a value in one array; a directory is a path that others
 * begin with.  Nothing here has to be fast.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake-xs.h"

#define MAX_NODES	4096
#define MAX_WATCHES	512
#define MAX_EVENTS	4096
#define MAX_DOMAINS	64

struct node {
	char *path;
	char *value;
	unsigned int len;
	uint32_t owner, reader;
};

struct tree {
	unsigned int nr;
	struct node node[MAX_NODES];
};

struct watch {
	char path[XST_PATH], token[XST_TOKEN];
};

struct xst {
	int fd;
	struct tree tree, saved;
	bool transaction;
	unsigned int nr_watches, nr_events, nr_domains;
	struct watch watch[MAX_WATCHES];
	char event[MAX_EVENTS][XST_TOKEN];
	/* of the transaction */
	unsigned int nr_changes;
	char *change[MAX_EVENTS];
	uint32_t domain[MAX_DOMAINS];
	unsigned int disturb;
	unsigned long calls;
	bool trace;
	unsigned int nr_removed;
	char removed[64][XST_PATH];
	void (*before_commit)(void);
};

/* --- tree ------------------------------------------------------------- */

static struct node *find(struct tree *t, const char *path)
{
	unsigned int i;

	for (i = 0; i < t->nr; i++)
		if (!strcmp(t->node[i].path, path))
			return &t->node[i];
	return NULL;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (path[len] == '/' || path[len] == '\0');
}

static void parent_of(const char *path, char *parent)
{
	snprintf(parent, XST_PATH, "%s", path);
	*strrchr(parent, '/') = '\0';
}

static struct node *make(struct tree *t, const char *path)
{
	struct node *n = find(t, path), *above = NULL;
	char parent[XST_PATH];

	if (n)
		return n;
	parent_of(path, parent);
	if (*parent)
		above = make(t, parent);
	assert(t->nr < MAX_NODES);
	n = &t->node[t->nr++];
	n->path = strdup(path);
	n->value = strdup("");
	n->len = 0;
	n->owner = above ? above->owner : 0;
	n->reader = above ? above->reader : 0;
	return n;
}

static void set(struct node *n, const char *value, unsigned int len)
{
	free(n->value);
	n->value = malloc(len + 1);
	memcpy(n->value, value, len);
	n->value[len] = '\0';
	n->len = len;
}

static void clear(struct tree *t)
{
	while (t->nr--) {
		free(t->node[t->nr].path);
		free(t->node[t->nr].value);
	}
	t->nr = 0;
}

static void copy(struct tree *to, const struct tree *from)
{
	unsigned int i;

	clear(to);
	for (i = 0; i < from->nr; i++) {
		const struct node *n = &from->node[i];

		to->node[i] = *n;
		to->node[i].path = strdup(n->path);
		to->node[i].value = NULL;
		set(&to->node[i], n->value, n->len);
	}
	to->nr = from->nr;
}

/* --- events ----------------------------------------------------------- */

static void push_event(struct xst *x, const char *token)
{
	uint64_t one = 1;

	assert(x->nr_events < MAX_EVENTS);
	strcpy(x->event[x->nr_events++], token);
	assert(write(x->fd, &one, sizeof(one)) == sizeof(one));
}

/* A change of a node fires watches on it and above; of a tree, those below. */
static void fire(struct xst *x, const char *path, bool tree)
{
	unsigned int i;

	for (i = 0; i < x->nr_watches; i++)
		if (is_below(path, x->watch[i].path) ||
		    (tree && is_below(x->watch[i].path, path)))
			push_event(x, x->watch[i].token);
}

static void changed(struct xst *x, const char *path, bool tree)
{
	if (!x->transaction) {
		fire(x, path, tree);
		return;
	}
	assert(x->nr_changes < MAX_EVENTS);
	x->change[x->nr_changes] = malloc(strlen(path) + 2);
	sprintf(x->change[x->nr_changes++], "%c%s", tree ? 't' : 'n', path);
}

static void end_changes(struct xst *x, bool take_effect)
{
	unsigned int i;

	for (i = 0; i < x->nr_changes; i++) {
		if (take_effect)
			fire(x, x->change[i] + 1, x->change[i][0] == 't');
		free(x->change[i]);
	}
	x->nr_changes = 0;
}

static int remove_tree(struct xst *x, const char *path)
{
	struct tree *t = &x->tree;
	unsigned int i, kept = 0;
	bool found = false;

	for (i = 0; i < t->nr; i++) {
		if (is_below(t->node[i].path, path)) {
			free(t->node[i].path);
			free(t->node[i].value);
			found = true;
		} else {
			t->node[kept++] = t->node[i];
		}
	}
	t->nr = kept;
	if (!found)
		return -ENOENT;
	if (x->trace && x->nr_removed < 64)
		snprintf(x->removed[x->nr_removed++], XST_PATH, "%s", path);
	changed(x, path, true);
	return 0;
}

/* --- what the supervisor calls ---------------------------------------- */

struct xst *xst_open(void)
{
	struct xst *x = calloc(1, sizeof(*x));

	x->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
	return x;
}

void xst_close(struct xst *x)
{
	clear(&x->tree);
	clear(&x->saved);
	close(x->fd);
	free(x);
}

int xst_fd(struct xst *x)
{
	return x->fd;
}

int xst_event(struct xst *x, char token[XST_TOKEN])
{
	uint64_t one;

	if (!x->nr_events)
		return 0;
	assert(read(x->fd, &one, sizeof(one)) == sizeof(one));
	strcpy(token, x->event[0]);
	memmove(x->event, x->event + 1, --x->nr_events * sizeof(x->event[0]));
	return 1;
}

int xst_watch(struct xst *x, const char *path, const char *token)
{
	struct watch *w = &x->watch[x->nr_watches++];

	x->calls++;
	assert(x->nr_watches <= MAX_WATCHES);
	snprintf(w->path, sizeof(w->path), "%s", path);
	snprintf(w->token, sizeof(w->token), "%s", token);
	push_event(x, token);
	return 0;
}

void xst_unwatch(struct xst *x, const char *path, const char *token)
{
	unsigned int i;

	x->calls++;
	for (i = 0; i < x->nr_watches; i++) {
		if (!strcmp(x->watch[i].path, path) && !strcmp(x->watch[i].token, token)) {
			x->watch[i] = x->watch[--x->nr_watches];
			return;
		}
	}
	assert(!"there is no such watch");
}

int xst_begin(struct xst *x)
{
	x->calls++;
	assert(!x->transaction);
	x->transaction = true;
	copy(&x->saved, &x->tree);
	return 0;
}

int xst_commit(struct xst *x)
{
	void (*fn)(void) = x->before_commit;

	x->calls++;
	assert(x->transaction);
	x->before_commit = NULL;
	if (fn || x->disturb) {
		copy(&x->tree, &x->saved);
		x->transaction = false;
		end_changes(x, false);
		if (x->disturb)
			x->disturb--;
		if (fn)
			fn();
		return -EAGAIN;
	}
	x->transaction = false;
	end_changes(x, true);
	return 0;
}

void xst_abort(struct xst *x)
{
	assert(x->transaction);
	copy(&x->tree, &x->saved);
	x->transaction = false;
	end_changes(x, false);
}

static void join(char *path, const char *dir, const char *key)
{
	assert(snprintf(path, XST_PATH, "%s/%s", dir, key) < XST_PATH);
}

char *xst_read(struct xst *x, const char *dir, const char *key)
{
	char path[XST_PATH];
	struct node *n;

	x->calls++;
	join(path, dir, key);
	n = find(&x->tree, path);
	if (!n) {
		errno = ENOENT;
		return NULL;
	}
	if (strlen(n->value) != n->len) {
		errno = EINVAL;
		return NULL;
	}
	return strdup(n->value);
}

int xst_write(struct xst *x, const char *dir, const char *key, const char *fmt, ...)
{
	char path[XST_PATH], value[1024];
	va_list ap;

	x->calls++;
	join(path, dir, key);
	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	set(make(&x->tree, path), value, strlen(value));
	changed(x, path, false);
	return 0;
}

int xst_mkdir(struct xst *x, const char *path, uint32_t owner, uint32_t reader)
{
	struct node *n = make(&x->tree, path);

	x->calls++;
	n->owner = owner;
	n->reader = reader;
	changed(x, path, false);
	return 0;
}

int xst_set_owner(struct xst *x, const char *dir, const char *key, uint32_t owner,
		  uint32_t reader)
{
	char path[XST_PATH];
	struct node *n;

	x->calls++;
	join(path, dir, key);
	n = find(&x->tree, path);
	if (!n)
		return -ENOENT;
	n->owner = owner;
	n->reader = reader;
	return 0;
}

int xst_remove(struct xst *x, const char *path)
{
	x->calls++;
	remove_tree(x, path);
	return 0;
}

char **xst_list(struct xst *x, const char *path, unsigned int *nr)
{
	size_t len = strlen(path), size = 0;
	char **list, *to;
	unsigned int i;

	x->calls++;
	*nr = 0;
	if (!find(&x->tree, path)) {
		errno = ENOENT;
		return NULL;
	}
	for (i = 0; i < x->tree.nr; i++)
		size += sizeof(char *) + strlen(x->tree.node[i].path) + 1;
	list = malloc(size + 1);
	to = (char *)(list + x->tree.nr);
	for (i = 0; i < x->tree.nr; i++) {
		const char *p = x->tree.node[i].path;

		if (strncmp(p, path, len) || p[len] != '/' || strchr(p + len + 1, '/'))
			continue;
		list[(*nr)++] = strcpy(to, p + len + 1);
		to += strlen(to) + 1;
	}
	return list;
}

bool xst_domain_lives(struct xst *x, uint32_t domid)
{
	unsigned int i;

	x->calls++;
	for (i = 0; i < x->nr_domains; i++)
		if (x->domain[i] == domid)
			return true;
	return false;
}

/* --- what others do --------------------------------------------------- */

void fake_put_bytes(struct xst *x, const char *path, const char *value, unsigned int len)
{
	set(make(&x->tree, path), value, len);
	fire(x, path, false);
}

void fake_put(struct xst *x, const char *path, const char *value)
{
	fake_put_bytes(x, path, value, strlen(value));
}

void fake_remove(struct xst *x, const char *path)
{
	remove_tree(x, path);
}

const char *fake_get(struct xst *x, const char *path)
{
	struct node *n = find(&x->tree, path);

	return n ? n->value : NULL;
}

unsigned int fake_count(struct xst *x)
{
	return x->tree.nr;
}

const char *fake_perms(struct xst *x, const char *path)
{
	struct node *n = find(&x->tree, path);
	static char text[32];

	if (!n)
		return "none";
	snprintf(text, sizeof(text), "n%u,r%u", n->owner, n->reader);
	return text;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->path, ((const struct node *)b)->path);
}

char *fake_dump(struct xst *x)
{
	struct tree sorted = { 0 };
	unsigned int i;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	copy(&sorted, &x->tree);
	qsort(sorted.node, sorted.nr, sizeof(sorted.node[0]), by_path);
	for (i = 0; i < sorted.nr; i++)
		fprintf(out, "%s = \"%s\"\n", sorted.node[i].path, sorted.node[i].value);
	clear(&sorted);
	fclose(out);
	return text;
}

static void fire_special(struct xst *x, const char *name)
{
	unsigned int i;

	for (i = 0; i < x->nr_watches; i++)
		if (!strcmp(x->watch[i].path, name))
			push_event(x, x->watch[i].token);
}

void fake_introduce(struct xst *x, uint32_t domid)
{
	assert(x->nr_domains < MAX_DOMAINS);
	x->domain[x->nr_domains++] = domid;
	fire_special(x, "@introduceDomain");
}

void fake_release(struct xst *x, uint32_t domid)
{
	unsigned int i;

	for (i = 0; i < x->nr_domains; i++)
		if (x->domain[i] == domid)
			x->domain[i--] = x->domain[--x->nr_domains];
	fire_special(x, "@releaseDomain");
}

bool fake_has_events(struct xst *x)
{
	return x->nr_events;
}

unsigned int fake_nr_watches(struct xst *x)
{
	return x->nr_watches;
}

unsigned long fake_nr_calls(struct xst *x)
{
	return x->calls;
}

void fake_disturb(struct xst *x, unsigned int commits)
{
	x->disturb = commits;
}

void fake_before_commit(struct xst *x, void (*fn)(void))
{
	x->before_commit = fn;
}

void fake_trace_removals(struct xst *x)
{
	x->trace = true;
	x->nr_removed = 0;
}

bool fake_was_removed(struct xst *x, const char *path)
{
	unsigned int i;

	for (i = 0; i < x->nr_removed; i++)
		if (!strcmp(x->removed[i], path))
			return true;
	return false;
}
