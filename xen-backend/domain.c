// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * domain.c - guests as the supervisor knows them; see domain.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "jail.h"
#include "nodes.h"
#include "record.h"
#include "share.h"
#include "supervisor.h"

/* A domain that migrates in has this after its name until it is complete. */
#define INCOMING "--incoming"

static void domain_path(char *path, uint32_t domid)
{
	snprintf(path, XST_PATH, "/local/domain/%u", domid);
}

static void name_watch(const struct domain *dom, char *path, char *token)
{
	snprintf(path, XST_PATH, "/local/domain/%u/name", dom->domid);
	snprintf(token, XST_TOKEN, "name %llu", (unsigned long long)dom->serial);
}

const char *domain_label(const struct domain *dom)
{
	static char label[80];

	if (dom->name)
		snprintf(label, sizeof(label), "domain %u (%.48s)", dom->domid, dom->name);
	else
		snprintf(label, sizeof(label), "domain %u", dom->domid);
	return label;
}

static struct worker *get_worker(struct domain *dom, uint64_t caps, struct fault *f);

/* --- configuration ---------------------------------------------------- */

static void add_fault(struct domain *dom, const struct fault *f)
{
	log_err("%s", f->text);
	if (dom->nr_faults == LIMIT_FAULTS)
		return;
	dom->faults[dom->nr_faults] = strdup(f->text);
	if (dom->faults[dom->nr_faults])
		dom->nr_faults++;
}

/* One stanza that is wrong is not in the way of the others. */
static void attach_entry(struct domain *dom, const struct config *c, unsigned int i)
{
	const struct config_entry *e = &c->entry[i];
	char where[FAULT_SIZE];
	struct fault f;

	if (e->line)
		snprintf(where, sizeof(where), "%s:%u: vsys[%u]", c->file, e->line, i);
	else
		snprintf(where, sizeof(where), "%s: vsys[%u]", c->file, i);
	if (!e->text) {
		fault(&f, -EINVAL, "%s: is not a string", where);
		add_fault(dom, &f);
	} else if (!domain_attach(dom, e->text, ORIGIN_CONFIG, where, &f)) {
		add_fault(dom, &f);
	}
}

static void configure(struct domain *dom)
{
	struct config *c;
	unsigned int i;

	dom->configured = true;
	if (config_find(&c, &dom->sup->config, dom->name)) {
		log_debug("%s: no configuration file has this name", domain_label(dom));
		return;
	}
	log_debug("%s: %s has %u devices", domain_label(dom), c->file, c->nr);
	for (i = 0; i < c->nr; i++)
		attach_entry(dom, c, i);
	config_free(c);
}

void domain_name_changed(struct domain *dom)
{
	char path[XST_PATH], *name;
	size_t len;

	domain_path(path, dom->domid);
	name = xst_read(dom->sup->xs, path, "name");
	if (!name || !*name || (dom->name && !strcmp(name, dom->name))) {
		free(name);
		return;
	}
	free(dom->name);
	dom->name = name;
	len = strlen(name);
	if (len > strlen(INCOMING) && !strcmp(name + len - strlen(INCOMING), INCOMING))
		return;
	if (!dom->configured)
		configure(dom);
}

/* --- beginning and end ------------------------------------------------ */

static char *read_vm(struct supervisor *sup, uint32_t domid)
{
	char path[XST_PATH];

	domain_path(path, domid);
	return xst_read(sup->xs, path, "vm");
}

static void raise_devid(struct domain *dom, const char *dir)
{
	unsigned int nr, i;
	char **names = xst_list(dom->sup->xs, dir, &nr);
	uint32_t devid;

	for (i = 0; names && i < nr; i++)
		if (!vsys_schema_u32(names[i], 0, UINT32_MAX - 1, false, &devid) &&
		    devid >= dom->next_devid)
			dom->next_devid = devid + 1;
	free(names);
}

/*
 * What an earlier instance of the daemon, or an earlier domain of this number,
 * left.  A device that is attached afresh must not look to the guest like the
 * old one whose end it has not noticed yet, so it gets another number.
 */
static void clean_up(struct domain *dom)
{
	char path[XST_PATH];

	snprintf(path, sizeof(path), "/local/domain/%u/backend/vsys/%u", BACKEND_DOMID,
		 dom->domid);
	raise_devid(dom, path);
	snprintf(path, sizeof(path), "/local/domain/%u/device/vsys", dom->domid);
	raise_devid(dom, path);
	nodes_remove_domain(dom->sup->xs, dom->domid, true);
}

/* One guest's opens that hang must not keep those of another from a thread. */
static void count(struct supervisor *sup, int change)
{
	sup->nr_domains += change;
	loop_open_limit(sup->loop, (sup->nr_domains + 1) * LIMIT_OPENS);
}

struct domain *domain_new(struct supervisor *sup, uint32_t domid)
{
	struct domain *dom = calloc(1, sizeof(*dom));
	char path[XST_PATH], token[XST_TOKEN];

	if (!dom)
		return NULL;
	dom->sup = sup;
	dom->domid = domid;
	dom->serial = ++sup->serial;
	dom->vm = read_vm(sup, domid);
	TAILQ_INIT(&dom->devices);
	LIST_INIT(&dom->opens);
	/* Without it the domain is not complete, or not alive. */
	if (!dom->vm) {
		free(dom);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&sup->domains, dom, link);
	LIST_INSERT_HEAD(&sup->by_domid[domid % DOMAIN_BUCKETS], dom, by_domid);
	LIST_INSERT_HEAD(&sup->by_serial[dom->serial % DOMAIN_BUCKETS], dom, by_serial);
	count(sup, 1);
	clean_up(dom);
	name_watch(dom, path, token);
	xst_watch(sup->xs, path, token);
	return dom;
}

bool domain_is_current(const struct domain *dom)
{
	char *vm = read_vm(dom->sup, dom->domid);
	bool same = vm && !strcmp(vm, dom->vm);

	free(vm);
	return same && xst_domain_lives(dom->sup->xs, dom->domid);
}

void domain_free(struct domain *dom)
{
	struct device *d;
	unsigned int i;

	while ((d = TAILQ_FIRST(&dom->devices)))
		device_free(d);
	open_forget(dom);
	if (dom->worker)
		worker_release(dom->worker);
	jail_remove(dom->sup->jail_path, dom->domid);
	TAILQ_REMOVE(&dom->sup->domains, dom, link);
	LIST_REMOVE(dom, by_domid);
	LIST_REMOVE(dom, by_serial);
	count(dom->sup, -1);
	for (i = 0; i < dom->nr_faults; i++)
		free(dom->faults[i]);
	free(dom->name);
	free(dom->vm);
	free(dom);
}

void domain_gone(struct domain *dom)
{
	struct supervisor *sup = dom->sup;
	char path[XST_PATH], token[XST_TOKEN];
	struct device *d;

	log_debug("%s is gone", domain_label(dom));
	TAILQ_FOREACH(d, &dom->devices, link)
		xst_unwatch(sup->xs, d->front_watch, d->token);
	name_watch(dom, path, token);
	xst_unwatch(sup->xs, path, token);
	nodes_remove_domain(sup->xs, dom->domid, false);
	record_forget(sup, dom->domid);
	domain_free(dom);
}

/* --- devices ---------------------------------------------------------- */

struct device *domain_device(struct domain *dom, uint32_t devid)
{
	struct device *d;

	TAILQ_FOREACH(d, &dom->devices, link)
		if (d->devid == devid)
			return d;
	return NULL;
}

struct device *domain_device_by_name(struct domain *dom, const char *name)
{
	struct device *d;

	TAILQ_FOREACH(d, &dom->devices, link)
		if (!strcmp(d->stanza.name, name))
			return d;
	return NULL;
}

struct device *domain_find_device(struct domain *dom, const char *text)
{
	struct device *d;
	uint32_t devid;

	if (!vsys_schema_u32(text, 0, UINT32_MAX, false, &devid) &&
	    (d = domain_device(dom, devid)))
		return d;
	d = domain_device_by_name(dom, text);
	if (d)
		return d;
	TAILQ_FOREACH(d, &dom->devices, link)
		if (!strcmp(d->stanza.dev, text) || !strcmp(d->native.path, text))
			return d;
	return NULL;
}

/* "a" and "a/b": one would have to be a node and a directory. */
static bool is_below(const char *name, const char *other)
{
	size_t len = strlen(other);

	return !strncmp(name, other, len) && name[len] == '/';
}

static int check_room(struct domain *dom, const struct stanza *s, struct fault *f)
{
	struct device *other = domain_device_by_name(dom, s->name);

	if (other)
		return fault(f, -EEXIST, "the guest has a device with the name '%s' (%s) already",
			     s->name, other->stanza.dev);
	TAILQ_FOREACH(other, &dom->devices, link)
		if (is_below(s->name, other->stanza.name) || is_below(other->stanza.name, s->name))
			return fault(f, -EEXIST,
				     "the names '%s' and '%s' (%s) cannot be in one guest",
				     s->name, other->stanza.name, other->stanza.dev);
	if (dom->nr_devices >= LIMIT_DEVICES)
		return fault(f, -E2BIG, "the guest has %d devices already", LIMIT_DEVICES);
	return 0;
}

static bool is_in_use(const struct domain *dom)
{
	struct device *d;

	TAILQ_FOREACH(d, &dom->devices, link)
		if (device_is_active(d))
			return true;
	return false;
}

/*
 * A worker cannot get more capabilities than it was started with.  One that holds
 * nothing is replaced; so it is of no account in which order a configuration
 * lists devices, since the guest has not connected to any of them by then.
 */
static int check_caps(struct domain *dom, const struct stanza *s, struct fault *f)
{
	uint64_t missing = dom->worker ? s->caps & ~dom->worker->caps : 0;
	char names[CAPS_TEXT];

	if (!missing)
		return 0;
	if (!is_in_use(dom)) {
		worker_release(dom->worker);
		dom->worker = NULL;
		return 0;
	}
	caps_format(missing, names, sizeof(names));
	return fault(f, -EBUSY,
		     "the guest's worker process runs without capability %.200s, and the guest uses another device: attach this one first, or list it in the guest's configuration",
		     names);
}

/*
 * Numbers go up and are not used again: a guest that sees a device vanish and
 * another of the same number come takes the two for one if it is slow.
 */
static struct device *attach(struct domain *dom, const char *text, enum device_origin origin,
			     struct fault *f)
{
	struct native n;
	struct stanza s;
	struct device *d;

	if (stanza_parse(&s, text, f) || check_room(dom, &s, f) || native_probe(&n, &s, f) ||
	    share_check_attach(dom->sup, &s, &n, f) ||
	    check_caps(dom, &s, f) || !get_worker(dom, s.caps, f))
		return NULL;
	d = device_attach(dom, dom->next_devid, &s, &n, origin, f);
	if (d)
		dom->next_devid++;
	return d;
}

struct device *domain_attach(struct domain *dom, const char *stanza, enum device_origin origin,
			     const char *where, struct fault *f)
{
	struct device *d = attach(dom, stanza, origin, f);

	if (!d)
		fault_at(f, -EINVAL, "%s", where);
	else
		record_add(d);
	domain_device_gone(dom);
	return d;
}

void domain_device_gone(struct domain *dom)
{
	if (dom->nr_devices || !dom->worker)
		return;
	worker_release(dom->worker);
	dom->worker = NULL;
}

/* --- worker ----------------------------------------------------------- */

static struct worker *get_worker(struct domain *dom, uint64_t caps, struct fault *f)
{
	struct device *d;

	if (dom->down) {
		fault(f, -EAGAIN, "the worker process died more than %d times within %d s and stays down",
		      LIMIT_RESPAWNS, LIMIT_RESPAWN_MS / 1000);
		return NULL;
	}
	if (dom->worker)
		return dom->worker;
	TAILQ_FOREACH(d, &dom->devices, link)
		caps |= d->stanza.caps;
	dom->worker = worker_spawn(dom->sup, dom, caps, f);
	return dom->worker;
}

struct worker *domain_worker(struct domain *dom, struct fault *f)
{
	return get_worker(dom, 0, f);
}

/* Whether this death is one too many. */
static bool too_often(struct domain *dom)
{
	int64_t now = loop_now_ms(), first = dom->deaths[0];

	memmove(dom->deaths, dom->deaths + 1, sizeof(dom->deaths) - sizeof(dom->deaths[0]));
	dom->deaths[LIMIT_RESPAWNS - 1] = now;
	return first && now - first < LIMIT_RESPAWN_MS;
}

void domain_worker_died(struct domain *dom, const char *how)
{
	uint32_t lost[LIMIT_DEVICES];
	unsigned int nr = 0, i;
	struct device *d;

	log_err("%s: the worker process %s", domain_label(dom), how);
	dom->down = too_often(dom);
	/* By number, since a device may be freed in each step. */
	TAILQ_FOREACH(d, &dom->devices, link)
		if (device_is_active(d) && nr < LIMIT_DEVICES)
			lost[nr++] = d->devid;
	for (i = 0; i < nr; i++) {
		d = domain_device(dom, lost[i]);
		if (d)
			device_worker_died(d, how);
	}
	if (dom->down) {
		log_err("%s: the worker process died more than %d times within %d s and stays down",
			domain_label(dom), LIMIT_RESPAWNS, LIMIT_RESPAWN_MS / 1000);
		return;
	}
	for (i = 0; i < nr; i++) {
		d = domain_device(dom, lost[i]);
		if (d)
			device_reattach(d);
	}
}
