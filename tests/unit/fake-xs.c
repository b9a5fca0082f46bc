/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake-xs.c - a XenStore in memory; see fake-xs.h.
 *
 * Nodes and watches are found by their path's hash, and a transaction costs what it
 * changes: tests/bench/growth has a thousand guests in here.  The root is a node
 * with an empty path.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "fake-xs.h"

#define BUCKETS		65536
#define MAX_DOMID	0x7ff0

TAILQ_HEAD(node_list, node);

struct node {
	LIST_ENTRY(node) of_bucket;
	TAILQ_ENTRY(node) of_parent;
	struct node *parent;
	struct node_list children;	/* in the order in which they were made */
	char *path;
	char *value;
	unsigned int len;
	uint32_t owner, reader;
};

struct watch {
	LIST_ENTRY(watch) of_bucket;
	char path[XST_PATH], token[XST_TOKEN];
};

struct event {
	STAILQ_ENTRY(event) next;
	char path[XST_PATH], token[XST_TOKEN];
};

/* Of a transaction, the latest first: how a node was before. */
struct undo {
	SLIST_ENTRY(undo) next;
	bool existed;
	char *path, *value;
	unsigned int len;
	uint32_t owner, reader;
};

/* ... and the first first: what watches are told when it takes effect. */
struct change {
	STAILQ_ENTRY(change) next;
	bool exact;			/* removed with what is above: no watches there */
	char *path;
};

struct xst {
	int fd;
	struct node *root;
	LIST_HEAD(, node) nodes[BUCKETS];
	unsigned int nr_nodes;
	LIST_HEAD(, watch) watches[BUCKETS];
	unsigned int nr_watches;
	STAILQ_HEAD(, event) events;
	bool transaction;
	SLIST_HEAD(, undo) undos;
	STAILQ_HEAD(, change) changes;
	bool lives[MAX_DOMID];
	unsigned int disturb;
	unsigned long calls;
	bool trace;
	unsigned int nr_removed;
	char removed[64][XST_PATH];
	void (*before_commit)(void);
};

static unsigned int hash(const char *path, size_t len)
{
	unsigned int h = 5381;

	while (len--)
		h = h * 33 ^ (unsigned char)*path++;
	return h % BUCKETS;
}

/* --- tree ------------------------------------------------------------- */

static struct node *find(struct xst *x, const char *path)
{
	struct node *n;

	LIST_FOREACH(n, &x->nodes[hash(path, strlen(path))], of_bucket)
		if (!strcmp(n->path, path))
			return n;
	return NULL;
}

static void parent_of(const char *path, char *parent)
{
	assert(snprintf(parent, XST_PATH, "%s", path) < XST_PATH && strchr(path, '/'));
	*strrchr(parent, '/') = '\0';
}

static void set(struct node *n, const char *value, unsigned int len)
{
	free(n->value);
	n->value = malloc(len + 1);
	memcpy(n->value, value, len);
	n->value[len] = '\0';
	n->len = len;
}

/* Before a change of the node, or before it is made. */
static void remember(struct xst *x, const char *path, const struct node *n)
{
	struct undo *u;

	if (!x->transaction)
		return;
	u = calloc(1, sizeof(*u));
	u->path = strdup(path);
	u->existed = n;
	if (n) {
		u->value = malloc(n->len + 1);
		memcpy(u->value, n->value, n->len + 1);
		u->len = n->len;
		u->owner = n->owner;
		u->reader = n->reader;
	}
	SLIST_INSERT_HEAD(&x->undos, u, next);
}

static struct node *add(struct xst *x, const char *path, struct node *above)
{
	struct node *n = calloc(1, sizeof(*n));

	TAILQ_INIT(&n->children);
	n->path = strdup(path);
	set(n, "", 0);
	LIST_INSERT_HEAD(&x->nodes[hash(path, strlen(path))], n, of_bucket);
	if (!above)
		return n;
	n->parent = above;
	n->owner = above->owner;
	n->reader = above->reader;
	TAILQ_INSERT_TAIL(&above->children, n, of_parent);
	x->nr_nodes++;
	return n;
}

static struct node *make(struct xst *x, const char *path)
{
	struct node *n = find(x, path);
	char parent[XST_PATH];

	if (n)
		return n;
	parent_of(path, parent);
	n = make(x, parent);
	remember(x, path, NULL);
	return add(x, path, n);
}

static void drop(struct xst *x, struct node *n)
{
	LIST_REMOVE(n, of_bucket);
	if (n->parent) {
		TAILQ_REMOVE(&n->parent->children, n, of_parent);
		x->nr_nodes--;
	}
	free(n->path);
	free(n->value);
	free(n);
}

/* --- events ----------------------------------------------------------- */

static void push_event(struct xst *x, const char *path, const char *token)
{
	struct event *e = malloc(sizeof(*e));
	uint64_t one = 1;

	strcpy(e->path, path);
	strcpy(e->token, token);
	STAILQ_INSERT_TAIL(&x->events, e, next);
	assert(write(x->fd, &one, sizeof(one)) == sizeof(one));
}

/* Watches on the first len bytes of the path. */
static void fire_at(struct xst *x, const char *path, size_t len)
{
	struct watch *w;

	LIST_FOREACH(w, &x->watches[hash(path, len)], of_bucket)
		if (strlen(w->path) == len && !strncmp(w->path, path, len))
			push_event(x, path, w->token);
}

/* A change of a node fires watches on it and, unless it is exact, above. */
static void fire(struct xst *x, const char *path, bool exact)
{
	size_t len = strlen(path);

	fire_at(x, path, len);
	while (!exact && len-- > 1)
		if (path[len] == '/')
			fire_at(x, path, len);
}

static void changed(struct xst *x, const char *path, bool exact)
{
	struct change *c;

	if (!x->transaction) {
		fire(x, path, exact);
		return;
	}
	c = malloc(sizeof(*c));
	c->path = strdup(path);
	c->exact = exact;
	STAILQ_INSERT_TAIL(&x->changes, c, next);
}

static void end_changes(struct xst *x, bool take_effect)
{
	struct change *c;

	while ((c = STAILQ_FIRST(&x->changes))) {
		STAILQ_REMOVE_HEAD(&x->changes, next);
		if (take_effect)
			fire(x, c->path, c->exact);
		free(c->path);
		free(c);
	}
}

/* The last of them first, so that taking it back gives the same order. */
static void remove_below(struct xst *x, struct node *n)
{
	struct node *child;

	while ((child = TAILQ_LAST(&n->children, node_list))) {
		remove_below(x, child);
		remember(x, child->path, child);
		changed(x, child->path, true);
		drop(x, child);
	}
}

static int remove_tree(struct xst *x, const char *path)
{
	struct node *n = find(x, path);

	if (!n)
		return -ENOENT;
	if (x->trace && x->nr_removed < 64)
		snprintf(x->removed[x->nr_removed++], XST_PATH, "%s", path);
	remove_below(x, n);
	remember(x, path, n);
	changed(x, path, false);
	drop(x, n);
	return 0;
}

static void take_back(struct xst *x, const struct undo *u)
{
	struct node *n;

	if (!u->existed) {
		n = find(x, u->path);
		if (n)
			drop(x, n);
		return;
	}
	n = make(x, u->path);
	set(n, u->value, u->len);
	n->owner = u->owner;
	n->reader = u->reader;
}

static void end_transaction(struct xst *x, bool take_effect)
{
	struct undo *u;

	assert(x->transaction);
	x->transaction = false;
	while ((u = SLIST_FIRST(&x->undos))) {
		SLIST_REMOVE_HEAD(&x->undos, next);
		if (!take_effect)
			take_back(x, u);
		free(u->path);
		free(u->value);
		free(u);
	}
	end_changes(x, take_effect);
}

/* --- what the supervisor calls ---------------------------------------- */

struct xst *xst_open(void)
{
	struct xst *x = calloc(1, sizeof(*x));

	x->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
	STAILQ_INIT(&x->events);
	STAILQ_INIT(&x->changes);
	x->root = add(x, "", NULL);
	return x;
}

void xst_close(struct xst *x)
{
	char path[XST_PATH], token[XST_TOKEN];
	struct watch *w;

	if (x->transaction)
		end_transaction(x, false);
	remove_below(x, x->root);
	drop(x, x->root);
	while (fake_event(x, path, token))
		;
	for (unsigned int i = 0; i < BUCKETS; i++) {
		while ((w = LIST_FIRST(&x->watches[i]))) {
			LIST_REMOVE(w, of_bucket);
			free(w);
		}
	}
	close(x->fd);
	free(x);
}

int xst_fd(struct xst *x)
{
	return x->fd;
}

bool fake_event(struct xst *x, char path[XST_PATH], char token[XST_TOKEN])
{
	struct event *e = STAILQ_FIRST(&x->events);
	uint64_t one;

	if (!e)
		return false;
	assert(read(x->fd, &one, sizeof(one)) == sizeof(one));
	STAILQ_REMOVE_HEAD(&x->events, next);
	strcpy(path, e->path);
	strcpy(token, e->token);
	free(e);
	return true;
}

int xst_event(struct xst *x, char token[XST_TOKEN])
{
	char path[XST_PATH];

	return fake_event(x, path, token);
}

int xst_watch(struct xst *x, const char *path, const char *token)
{
	struct watch *w = calloc(1, sizeof(*w));

	x->calls++;
	snprintf(w->path, sizeof(w->path), "%s", path);
	snprintf(w->token, sizeof(w->token), "%s", token);
	LIST_INSERT_HEAD(&x->watches[hash(path, strlen(path))], w, of_bucket);
	x->nr_watches++;
	push_event(x, path, token);
	return 0;
}

void xst_unwatch(struct xst *x, const char *path, const char *token)
{
	struct watch *w;

	x->calls++;
	LIST_FOREACH(w, &x->watches[hash(path, strlen(path))], of_bucket)
		if (!strcmp(w->path, path) && !strcmp(w->token, token))
			break;
	assert(w);		/* there is such a watch */
	LIST_REMOVE(w, of_bucket);
	x->nr_watches--;
	free(w);
}

int xst_begin(struct xst *x)
{
	x->calls++;
	assert(!x->transaction);
	x->transaction = true;
	return 0;
}

int xst_commit(struct xst *x)
{
	void (*fn)(void) = x->before_commit;

	x->calls++;
	x->before_commit = NULL;
	if (!fn && !x->disturb) {
		end_transaction(x, true);
		return 0;
	}
	end_transaction(x, false);
	if (x->disturb)
		x->disturb--;
	if (fn)
		fn();
	return -EAGAIN;
}

void xst_abort(struct xst *x)
{
	end_transaction(x, false);
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
	n = find(x, path);
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

static void put(struct xst *x, const char *path, const char *value, unsigned int len)
{
	struct node *n = find(x, path);

	if (n)
		remember(x, path, n);
	else
		n = make(x, path);
	set(n, value, len);
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
	put(x, path, value, strlen(value));
	changed(x, path, false);
	return 0;
}

static void set_owner(struct xst *x, struct node *n, uint32_t owner, uint32_t reader)
{
	remember(x, n->path, n);
	n->owner = owner;
	n->reader = reader;
}

int xst_mkdir(struct xst *x, const char *path, uint32_t owner, uint32_t reader)
{
	x->calls++;
	set_owner(x, make(x, path), owner, reader);
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
	n = find(x, path);
	if (!n)
		return -ENOENT;
	set_owner(x, n, owner, reader);
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
	struct node *n = find(x, path), *child;
	size_t skip = strlen(path) + 1, size = 0;
	char **list, *to;

	x->calls++;
	*nr = 0;
	if (!n) {
		errno = ENOENT;
		return NULL;
	}
	TAILQ_FOREACH(child, &n->children, of_parent) {
		size += strlen(child->path + skip) + 1;
		(*nr)++;
	}
	list = malloc(*nr * sizeof(char *) + size + 1);
	to = (char *)(list + *nr);
	*nr = 0;
	TAILQ_FOREACH(child, &n->children, of_parent) {
		list[(*nr)++] = strcpy(to, child->path + skip);
		to += strlen(to) + 1;
	}
	return list;
}

bool xst_domain_lives(struct xst *x, uint32_t domid)
{
	x->calls++;
	return domid < MAX_DOMID && x->lives[domid];
}

/* --- what others do --------------------------------------------------- */

void fake_put_bytes(struct xst *x, const char *path, const char *value, unsigned int len)
{
	put(x, path, value, len);
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
	struct node *n = find(x, path);

	return n ? n->value : NULL;
}

unsigned int fake_count(struct xst *x)
{
	return x->nr_nodes;
}

const char *fake_perms(struct xst *x, const char *path)
{
	struct node *n = find(x, path);
	static char text[32];

	if (!n)
		return "none";
	snprintf(text, sizeof(text), "n%u,r%u", n->owner, n->reader);
	return text;
}

static int by_path(const void *a, const void *b)
{
	return strcmp((*(struct node *const *)a)->path, (*(struct node *const *)b)->path);
}

static void gather(struct node *n, struct node **list, unsigned int *nr)
{
	struct node *child;

	TAILQ_FOREACH(child, &n->children, of_parent) {
		list[(*nr)++] = child;
		gather(child, list, nr);
	}
}

char *fake_dump(struct xst *x)
{
	struct node **list = calloc(x->nr_nodes + 1, sizeof(*list));
	unsigned int nr = 0, i;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	gather(x->root, list, &nr);
	qsort(list, nr, sizeof(*list), by_path);
	for (i = 0; i < nr; i++)
		fprintf(out, "%s = \"%s\"\n", list[i]->path, list[i]->value);
	free(list);
	fclose(out);
	return text;
}

void fake_introduce(struct xst *x, uint32_t domid)
{
	assert(domid < MAX_DOMID);
	x->lives[domid] = true;
	fire(x, "@introduceDomain", true);
}

void fake_release(struct xst *x, uint32_t domid)
{
	assert(domid < MAX_DOMID);
	x->lives[domid] = false;
	fire(x, "@releaseDomain", true);
}

bool fake_has_events(struct xst *x)
{
	return !STAILQ_EMPTY(&x->events);
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
